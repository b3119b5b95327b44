package host

import (
	"fmt"

	"consequor/board"
	"consequor/modes"
	"consequor/mutants"
)

// Answer ends a request.
type Answer struct {
	Outcome Outcome
	Kind    modes.RefusalKind // when refused
	Why     string            // when refused or unknown
	Epoch   uint64
	Mode    string // of that epoch

	ID      board.ArticleID // post, reply
	Copies  int
	Reached []board.ReplicaID // sync
	Count   int

	Board     board.Vector // read, choose: show nothing above it; others: the board now
	Guarantee string
	Asked     []board.ReplicaID
	Missed    []board.ReplicaID
	Behind    uint64
}

// Outcome is how a request ended.
type Outcome uint8

// The three ends.
const (
	OK      Outcome = iota + 1
	Refused         // surely not done
	Unknown         // perhaps done
)

// lost is the answer for a request that no mode will answer.
func (r *request) lost(why string) Answer {
	if r.event.Verb.Writes() && (r.delivered || r.exposed) {
		return Answer{Outcome: Unknown, Why: why}
	}
	return Answer{Outcome: Refused, Kind: modes.Deadline, Why: why}
}

// overdue is the answer for a request that no mode has at its deadline.
func (h *Host) overdue(r *request) Answer {
	if !r.early && !h.keepsBack(r) {
		return r.lost("its turn did not come before the deadline")
	}
	a := r.lost("the mode was still being changed at the deadline")
	if a.Outcome == Refused {
		a.Kind = modes.EpochChanging
	}
	return a
}

// finish ends an open request.
func (h *Host) finish(r *request, a Answer) {
	delete(h.requests.byID, r.event.ID)
	a.Epoch, a.Mode = h.state.Epoch, h.Mode
	a.Behind = h.status.Behind
	if a.Board == nil {
		a.Board = h.Disk.Vector()
	}
	h.Clients.Answer(r.event.ID, a)
}

// answered returns the open request that an answer of the mode is for; nil:
// there is none any more, or the mode had answered it before.
func (h *Host) answered(id modes.RequestID) *request {
	if r := h.requests.byID[id]; r != nil && r.delivered {
		return r
	}
	return nil
}

// onReply takes the mode's word on a write or a sync. sealed: it had said Sealed
// before, and then no post is acknowledged any more, for its article may not be
// among those that the next epoch begins with.
func (h *Host) onReply(e modes.Reply, sealed bool) {
	r := h.answered(e.Request)
	switch {
	case r == nil:
	case e.Outcome == modes.Unknown:
		h.onUnknown(r, e.Why)
	case sealed && r.event.Verb.Writes() && h.Mutant != mutants.M38:
		h.halt(fmt.Sprintf("the mode acknowledges article %s after it has sealed epoch %d", e.ID, h.state.Epoch))
	default:
		h.finish(r, Answer{Outcome: OK, ID: e.ID, Copies: e.Copies, Reached: e.Reached, Missed: e.Missed, Count: e.Count, Guarantee: e.Guarantee})
	}
}

// onUnknown ends a request, unless it waits for the next epoch: a seal cuts off
// what was under way, and with its key a write can be tried again there.
func (h *Host) onUnknown(r *request, why string) {
	if h.state.Sealed && why != modes.KeyTooOld && r.waits() {
		r.delivered, r.exposed, r.early = false, true, true
		return
	}
	if r.exposed && why == modes.KeyTooOld { // now: it was not when an earlier life may have posted it
		why = modes.KeyForgotten
	}
	h.finish(r, Answer{Outcome: Unknown, Why: why})
}

// waits reports whether a request that one mode has had can be given to
// another.
func (r *request) waits() bool {
	return !r.cancelled && (!r.event.Verb.Writes() || r.event.Article.Key != "")
}

func (h *Host) onServe(e modes.Serve) {
	if r := h.answered(e.Request); r != nil {
		upTo := append(board.Vector{}, e.UpTo...) // not nil: nothing may be all that is to be shown
		h.finish(r, Answer{Outcome: OK, Board: upTo, Guarantee: e.Guarantee, Asked: e.Asked, Missed: e.Missed})
	}
}

// onRefuse answers a refusal, unless an earlier life of the mode may have sent
// the post on: then nobody can say that it is surely not done. What is refused
// because the epoch ends waits for the next one.
func (h *Host) onRefuse(e modes.Refuse) {
	r := h.answered(e.Request)
	switch {
	case r == nil:
	case e.Kind == modes.EpochChanging && !r.cancelled && (!r.exposed || r.waits()):
		r.delivered, r.early = false, true
	case r.exposed && r.event.Verb.Writes():
		h.finish(r, Answer{Outcome: Unknown, Why: e.Why})
	default:
		h.finish(r, Answer{Outcome: Refused, Kind: e.Kind, Why: e.Why})
	}
}
