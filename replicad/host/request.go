package host

import (
	"cmp"
	"container/heap"
	"fmt"
	"slices"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/mutants"
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

// request is an open one.
type request struct {
	event     modes.Request
	token     board.Token
	delivered bool // the mode that runs now knows it
	exposed   bool // an earlier life of the mode knew it: a write may have been sent on
	cancelled bool // its deadline has passed
	early     bool // it waits for the next epoch: the mode of this one takes no more posts
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
	for _, r := range t.byID { // order does not matter: sorted below
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
	case r.Verb.Writes() && h.Disk.Full():
		return modes.DiskFull, "the disk of " + h.ReplicaName(h.Self) + " is full"
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
func (h *Host) keepsBack(r *request) bool {
	return h.state.Sealed && r.event.Verb.Writes() && h.Mutant != mutants.M38
}

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
			h.finish(r, r.lost("no answer by the deadline"+h.butFull()))
		case !r.delivered:
			h.finish(r, h.overdue(r))
		default:
			r.cancelled = true
			h.pending.push(modes.Cancel{Request: due.id})
			heap.Push(&h.requests.deadlines, deadline{due.at + LastWord, due.id})
		}
	}
}

// butFull is what may have kept the mode from answering: what it says waits for
// the disk.
func (h *Host) butFull() string {
	if h.Disk.Full() {
		return ": the disk of " + h.ReplicaName(h.Self) + " is full"
	}
	return ""
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
