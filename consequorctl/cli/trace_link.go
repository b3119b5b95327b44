package cli

import (
	"bytes"
	"slices"
	"strings"

	"consequor/board"
	"consequor/topologies"
)

// traceLinker finds what came of what. All of it is read from the events: which
// message arrived is that which was sent with the same content, which step
// answered a batch is that with its number, what got to the disk is what was
// written before it. What a batch or a disk has for several requests, all of
// them get: with others under way, more seems to be ours than is.
type traceLinker struct {
	events  []tracedEvent
	request *tracedAsked
	lanes   map[board.ReplicaID]*traceLane
}

// traceLane is where one replica is in its events.
type traceLane struct {
	given, before int // the batch given last, and the one before that
	stepped       int
	synced        int
	arrived       map[board.ReplicaID]int // the last from each
}

// tracedAsked is how the request is known again.
type tracedAsked struct {
	at      board.ReplicaID
	number  uint64 // 0: the replica did not tell
	key     string
	article board.ArticleID // its own, once there is one
}

func (l *traceLinker) lane(id board.ReplicaID) *traceLane {
	if l.lanes[id] == nil {
		l.lanes[id] = &traceLane{-1, -1, -1, -1, make(map[board.ReplicaID]int)}
	}
	return l.lanes[id]
}

// link fills in mates, causes, and what is ours.
func (l *traceLinker) link() {
	l.lanes = make(map[board.ReplicaID]*traceLane)
	l.pairFrames()
	l.pairSyncs()
	for i := range l.events {
		e := &l.events[i]
		lane := l.lane(e.Traced.Replica)
		e.carries = l.request.isIn(e.Traced)
		e.cause = l.causeOf(i, lane)
		e.Ours = e.carries || e.What != topologies.TracedAnswered && e.cause >= 0 && l.events[e.cause].Ours && !e.routine
		lane.passed(i, e)
	}
}

func (lane *traceLane) passed(i int, e *tracedEvent) {
	switch e.What {
	case topologies.TracedGiven:
		lane.before, lane.given = lane.given, i
	case topologies.TracedStepped:
		lane.stepped = i
	case topologies.TracedSynced:
		lane.synced = i
	case topologies.TracedArrived:
		lane.arrived[e.Traced.Peer] = i
	}
}

// isIn reports whether an event has the request itself with it.
func (r *tracedAsked) isIn(t *topologies.Traced) bool {
	if t.Replica == r.at && r.number != 0 && (t.Request == r.number || slices.Contains(t.Requests, r.number)) {
		return true
	}
	if t.What == topologies.TracedAsked || t.What == topologies.TracedAnswered {
		return r.key != "" && t.Key == r.key // another try of it
	}
	return r.key != "" && bytes.Contains(t.Body, []byte(r.key)) || !r.article.IsZero() && slices.Contains(t.Articles, r.article)
}

// frameKey is what the two ends of a frame's way have in common.
type frameKey struct {
	from, to board.ReplicaID
	kind     string
	epoch    uint64
	size     int
	text     string
	body     string
}

func keyOfFrame(t *topologies.Traced) frameKey {
	k := frameKey{t.Replica, t.Peer, t.Kind, t.Epoch, t.Size, t.Text, string(t.Body)}
	if t.What == topologies.TracedArrived {
		k.from, k.to = k.to, k.from
	}
	return k
}

// pairFrames finds the two ends of each frame's way. Links keep the order.
func (l *traceLinker) pairFrames() {
	onTheWay := make(map[frameKey][]int)
	for i := range l.events {
		e := &l.events[i]
		switch key := keyOfFrame(e.Traced); e.What {
		case topologies.TracedSent:
			onTheWay[key] = append(onTheWay[key], i)
		case topologies.TracedArrived:
			if sent := onTheWay[key]; len(sent) > 0 {
				e.mate, l.events[sent[0]].mate = sent[0], i
				onTheWay[key] = sent[1:]
			}
		}
	}
}

// pairSyncs finds which sync had what was written. A sync's mate is the last
// that it had.
func (l *traceLinker) pairSyncs() {
	written := make(map[board.ReplicaID][]int)
	for i := range l.events {
		e := &l.events[i]
		switch id := e.Traced.Replica; e.What {
		case topologies.TracedSaved:
			written[id] = append(written[id], i)
		case topologies.TracedSynced:
			waiting := written[id]
			for len(waiting) > 0 && l.events[waiting[0]].Position <= e.Position {
				l.events[waiting[0]].mate, e.mate = i, waiting[0]
				waiting = waiting[1:]
			}
			written[id] = waiting
		}
	}
}

// causeOf is the event that an event followed from, at the same replica or, for
// what arrived, at its sender.
func (l *traceLinker) causeOf(i int, lane *traceLane) int {
	e := &l.events[i]
	switch e.What {
	case topologies.TracedArrived:
		return e.mate
	case topologies.TracedGiven:
		return l.causeOfBatch(i, lane)
	case topologies.TracedStepped:
		if lane.given >= 0 && l.events[lane.given].Batch == e.Batch {
			e.mate, l.events[lane.given].mate = lane.given, i
			return lane.given
		}
	case topologies.TracedSaved:
		if from := l.bringer(e, lane); from >= 0 {
			return from
		}
		return lane.stepped
	case topologies.TracedSynced:
		return l.causeOfSync(i)
	case topologies.TracedSent, topologies.TracedStored:
		return max(lane.stepped, lane.synced)
	case topologies.TracedAnswered:
		return l.causeOfAnswer(i, lane)
	}
	return -1
}

// bringer is the arrival of the span that articles came with.
func (l *traceLinker) bringer(e *tracedEvent, lane *traceLane) int {
	best := -1
	for _, at := range lane.arrived { // order does not matter: the latest is taken
		for _, id := range e.Articles {
			if at > best && slices.Contains(l.events[at].Articles, id) {
				best = at
			}
		}
	}
	return best
}

// causeOfSync prefers ours of what the sync had, else takes the last.
func (l *traceLinker) causeOfSync(i int) int {
	best := l.events[i].mate
	for j := i - 1; j >= 0; j-- {
		if e := &l.events[j]; e.What == topologies.TracedSaved && e.mate == i && e.Ours {
			return j
		}
	}
	return best
}

// causeOfBatch is the last of what the batch has: ours, if any of it is.
func (l *traceLinker) causeOfBatch(i int, lane *traceLane) int {
	e := &l.events[i]
	best := -1
	consider := func(j int) {
		if j >= 0 && (best < 0 || l.better(j, best)) {
			best = j
		}
	}
	for j := i - 1; j > lane.given && j >= 0; j-- {
		if c := &l.events[j]; c.Traced.Replica == e.Traced.Replica && l.leadsTo(c, e) {
			consider(j)
		}
	}
	if best < 0 { // it arrived while the batch before was being handed over
		for _, j := range lane.arrived { // order does not matter: the best is taken
			if j > lane.before && strings.Contains(e.Traced.Text, "from "+l.events[j].Peer) {
				consider(j)
			}
		}
	}
	return best
}

// leadsTo reports whether a batch may have what c is the beginning of.
func (l *traceLinker) leadsTo(c, batch *tracedEvent) bool {
	switch c.What {
	case topologies.TracedAsked:
		return slices.Contains(batch.Requests, c.Request)
	case topologies.TracedArrived:
		return strings.Contains(batch.Traced.Text, "from "+c.Peer)
	case topologies.TracedSynced: // what the mode says to itself, and articles that came
		return strings.Contains(batch.Traced.Text, "from ")
	}
	return false
}

// better prefers what is ours, then what is no routine, then what is later.
func (l *traceLinker) better(a, b int) bool {
	x, y := &l.events[a], &l.events[b]
	switch {
	case x.Ours != y.Ours:
		return x.Ours
	case x.routine != y.routine:
		return y.routine
	}
	return a > b
}

// causeOfAnswer is the step that answered, or the sync that held its answer.
func (l *traceLinker) causeOfAnswer(i int, lane *traceLane) int {
	e := &l.events[i]
	asked := -1
	for j := i - 1; j >= 0; j-- {
		c := &l.events[j]
		switch {
		case c.Traced.Replica != e.Traced.Replica:
		case c.What == topologies.TracedStepped && slices.Contains(c.Requests, e.Request):
			return max(j, lane.synced)
		case c.What == topologies.TracedAsked && c.Request == e.Request:
			asked = j
		}
	}
	return asked // the host answered, or the replica alone
}
