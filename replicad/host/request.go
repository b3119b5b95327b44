package host

import (
	"cmp"
	"container/heap"
	"fmt"
	"slices"
	"time"

	"consequor/board"
	"consequor/modes"
)

// Request is a client's wish, as the driver brings it.
type Request struct {
	Verb     modes.Verb
	Article  board.Article // post, reply: without id and parent
	Target   board.ArticleID
	Token    board.Token
	Fresh    bool
	Deadline time.Duration
}

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

// request is an open one.
type request struct {
	event     modes.Request
	token     board.Token
	delivered bool // the mode that runs now knows it
	exposed   bool // an earlier life of the mode knew it: a write may have been sent on
	cancelled bool // its deadline has passed
	early     bool // it waits for the next epoch: the mode of this one takes no more posts
}

// lost is the answer for a request that no mode will answer.
func (r *request) lost(why string) Answer {
	if r.event.Verb.Writes() && (r.delivered || r.exposed) {
		return Answer{Outcome: Unknown, Why: why}
	}
	return Answer{Outcome: Refused, Kind: modes.Deadline, Why: why}
}

// requestTable keeps the open requests; the heap has their deadlines, those of
// requests that have ended included.
type requestTable struct {
	byID      map[modes.RequestID]*request
	last      modes.RequestID
	deadlines deadlineHeap
}

func newRequestTable() requestTable {
	return requestTable{byID: make(map[modes.RequestID]*request)}
}

// each visits the open requests by rising id.
func (t *requestTable) each(visit func(*request)) {
	open := make([]*request, 0, len(t.byID))
	for _, r := range t.byID {
		open = append(open, r)
	}
	slices.SortFunc(open, func(a, b *request) int { return cmp.Compare(a.event.ID, b.event.ID) })
	for _, r := range open {
		visit(r)
	}
}

func (t *requestTable) nextDeadline() (time.Duration, bool) {
	for len(t.deadlines) > 0 {
		if t.byID[t.deadlines[0].id] != nil {
			return t.deadlines[0].at, true
		}
		heap.Pop(&t.deadlines)
	}
	return 0, false
}

// Request takes a request and returns its id; its one answer comes by
// Clients.Answer, perhaps before Request returns.
func (h *Host) Request(r Request) modes.RequestID {
	key := board.ParseKey(r.Article.Key)
	h.requests.last++
	open := &request{token: r.Token, event: modes.Request{
		ID: h.requests.last, Verb: r.Verb, Article: r.Article, Target: r.Target,
		Mark: key.Mark, Home: key.Home, Seen: r.Token.Seen, Fresh: r.Fresh, Deadline: r.Deadline,
	}}
	id := open.event.ID
	if kind, why := h.turnAway(&r); kind != "" {
		h.Clients.Answer(id, Answer{Outcome: Refused, Kind: kind, Why: why, Epoch: h.state.Epoch, Mode: h.Mode, Board: h.Disk.Vector()})
		return id
	}
	h.requests.byID[id] = open
	heap.Push(&h.requests.deadlines, deadline{r.Deadline, id})
	if h.phase == phaseRunning {
		h.deliver(open)
	}
	return id
}

// turnAway says why a request is refused at the door; no kind: it is not.
func (h *Host) turnAway(r *Request) (modes.RefusalKind, string) {
	switch {
	case h.phase == phaseHalted:
		return modes.Unreachable, "this replica has failed"
	case r.Token.Cluster != "" && r.Token.Cluster != h.Cluster:
		return modes.OtherCluster, fmt.Sprintf("the session's token is of cluster %s, this is %s", r.Token.Cluster, h.Cluster)
	case len(h.requests.byID) >= RequestCountMax || h.pending.full():
		return modes.Overloaded, fmt.Sprintf("%d requests wait already", len(h.requests.byID))
	}
	return "", ""
}

// deliver queues an open request for the mode. One whose token is of a later
// epoch waits for that epoch, and so does a write while this one is sealed.
func (h *Host) deliver(r *request) {
	if r.token.Epoch <= h.state.Epoch && !r.cancelled && !h.keepsBack(r) {
		h.pending.push(r.event)
	}
}

// keepsBack reports whether a request that no mode has now waits for the next
// epoch's. The request table bounds such requests, and their deadlines do.
func (h *Host) keepsBack(r *request) bool { return h.state.Sealed && r.event.Verb.Writes() }

// redeliver prepares the open requests for the next life. A write without a key
// that the dead mode knew can't be given to another: it might be done twice.
func (h *Host) redeliver(why string) {
	h.requests.each(func(r *request) {
		r.early = false
		if !r.delivered {
			return
		}
		r.exposed, r.delivered = true, false
		if r.event.Verb.Writes() && r.event.Article.Key == "" {
			h.finish(r, Answer{Outcome: Unknown, Why: why})
		}
	})
}

// Forget drops a request whose client has gone; it gets no answer.
func (h *Host) Forget(id modes.RequestID) {
	r := h.requests.byID[id]
	if r == nil {
		return
	}
	delete(h.requests.byID, id)
	if r.delivered && !r.cancelled {
		h.pending.push(modes.Cancel{Request: id})
	}
}

// expireRequests asks the mode for its last word on requests whose deadline
// has come, and answers those that have had it.
func (h *Host) expireRequests() {
	for len(h.requests.deadlines) > 0 && h.requests.deadlines[0].at <= h.now {
		due := heap.Pop(&h.requests.deadlines).(deadline)
		r := h.requests.byID[due.id]
		switch {
		case r == nil:
		case r.cancelled:
			h.finish(r, r.lost("no answer by the deadline"))
		case !r.delivered:
			h.finish(r, h.overdue(r))
		default:
			r.cancelled = true
			h.pending.push(modes.Cancel{Request: due.id})
			heap.Push(&h.requests.deadlines, deadline{due.at + LastWord, due.id})
		}
	}
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
	case sealed && r.event.Verb.Writes():
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
	h.finish(r, Answer{Outcome: Unknown, Why: why})
}

// waits reports whether a request that one mode has had can be given to
// another.
func (r *request) waits() bool {
	return !r.cancelled && (!r.event.Verb.Writes() || r.event.Article.Key != "")
}

func (h *Host) onServe(e modes.Serve) {
	if r := h.answered(e.Request); r != nil {
		h.finish(r, Answer{Outcome: OK, Board: e.UpTo, Guarantee: e.Guarantee, Asked: e.Asked, Missed: e.Missed})
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

type deadline struct {
	at time.Duration
	id modes.RequestID
}

type deadlineHeap []deadline

func (d deadlineHeap) Len() int { return len(d) }
func (d deadlineHeap) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(d[i].at, d[j].at), cmp.Compare(d[i].id, d[j].id)) < 0
}
func (d deadlineHeap) Swap(i, j int) { d[i], d[j] = d[j], d[i] }
func (d *deadlineHeap) Push(x any)   { *d = append(*d, x.(deadline)) }
func (d *deadlineHeap) Pop() any {
	old := *d
	last := old[len(old)-1]
	*d = old[:len(old)-1]
	return last
}
