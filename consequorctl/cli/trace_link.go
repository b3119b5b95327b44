package cli

import (
	"bytes"
	"slices"

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
