package host

import (
	"fmt"
	"time"

	"consequor/board"
	"consequor/mutants"
)

// PullEvery is how long a peer's answer to a pull may take before the next peer
// is asked.
const PullEvery = 100 * time.Millisecond

// merging is how far this board has come on its way to what all sealed boards
// hold together. Hosts do that among themselves, and the modes hear nothing of
// it: they may be down, and their epoch is over.
//
//	r3 (lacks something)            r1
//	   │  pull: "I hold 4.1,7.2"     │
//	   ├────────────────────────────>│ on disk first, then
//	   │     fill: all beyond that   │
//	   │<────────────────────────────┤
//	   │ taken like any span, durable; still short of the target? the next peer
type merging struct {
	target board.Vector
	asked  time.Duration   // when a peer was asked, or answered, last
	last   board.ReplicaID // who was asked last
	vain   int             // answers in a row that brought nothing
	over   bool            // nothing more is asked for: it is there, or can't be reached
}

// Merge brings the board of a sealed epoch up to target from those of the
// peers; Merged tells when it is there. It goes on until Activate: who drives
// the change bounds it.
func (h *Host) Merge(target board.Vector) {
	if !h.state.Sealed || h.phase == phaseHalted {
		return
	}
	h.merging = &merging{target: target}
	if !target.Covers(h.written) && h.Mutant != mutants.M38 {
		h.merging.over = true
		h.Clients.Note(fmt.Sprintf("cannot merge: the board holds %s, and all boards are said to hold %s", h.written, target))
		return
	}
	h.checkMerged()
	h.pull()
}

// checkMerged sees whether the board is where Merge wants it.
func (h *Host) checkMerged() {
	if m := h.merging; m != nil && !m.over && h.written.Covers(m.target) {
		m.over = true
		h.hold(h.end, heldMerged{m.target}) // also what was stored as logged
	}
}

// pull asks the next connected peer for what this board lacks.
func (h *Host) pull() {
	m := h.merging
	if m == nil || m.over {
		return
	}
	m.asked = h.now
	if next := h.nextLinked(m.last); next != 0 {
		m.last = next
		h.Network.Send(h.frame(next, kindPull, board.AppendVector(nil, h.written)))
	}
}

// nextLinked is the connected peer behind id in ring order; 0: there is none.
func (h *Host) nextLinked(id board.ReplicaID) board.ReplicaID {
	var first, next board.ReplicaID
	for _, r := range h.Replicas {
		if p := h.peers[r]; p == nil || !p.linked {
			continue
		}
		if first == 0 {
			first = r
		}
		if next == 0 && r > id {
			next = r
		}
	}
	if next == 0 {
		return first
	}
	return next
}

func (h *Host) nextPull() (time.Duration, bool) {
	if m := h.merging; m != nil && !m.over {
		return m.asked + PullEvery, true
	}
	return 0, false
}

func (h *Host) pullAgain() {
	if at, ok := h.nextPull(); ok && at <= h.now {
		h.merging.vain = 0
		h.pull()
	}
}

// onPull answers a peer that merges, once all that this board holds is durable.
// One pull of a peer at a time; it asks again when an answer is lost.
func (h *Host) onPull(from board.ReplicaID, p *peer, body []byte) {
	since, rest, err := board.CutVector(body)
	if err != nil || len(rest) > 0 {
		h.Clients.Note(fmt.Sprintf("pull from %s: malformed", h.ReplicaName(from)))
		return
	}
	if h.state.Sealed && !p.pulls {
		p.pulls = true
		h.hold(h.end, heldPull{to: from, since: since, board: h.written})
	}
}

// onFill takes what a peer has beyond this board, if it was asked for.
func (h *Host) onFill(f Frame) {
	m := h.merging
	if m == nil || m.over {
		return
	}
	chunk, err := DecodeSpanChunk(f.Body)
	switch {
	case err != nil:
		h.Clients.Note(fmt.Sprintf("fill from %s: %v", h.ReplicaName(f.From), err))
	case !m.target.Covers(chunk.UpTo):
		h.Clients.Note(fmt.Sprintf("fill from %s: its board holds %s, and all boards are said to hold %s", h.ReplicaName(f.From), chunk.UpTo, m.target))
	case h.written.Covers(chunk.Since): // else a chunk before it was lost
		h.takeFill(f.From, &chunk)
	}
}

func (h *Host) takeFill(from board.ReplicaID, chunk *SpanChunk) {
	fresh, ok := h.take(from, chunk)
	if !ok {
		return
	}
	m := h.merging
	m.asked = h.now
	if len(fresh) > 0 {
		m.vain = 0
		h.sync(h.holdAt)
	}
	if !chunk.Last {
		return
	}
	if m.vain++; m.vain < len(h.peers) { // then all have been asked: a pause
		h.pull()
	}
}
