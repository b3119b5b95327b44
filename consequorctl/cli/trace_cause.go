package cli

import (
	"slices"
	"strings"

	"consequor/topologies"
)

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
