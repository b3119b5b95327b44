package cli

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"consequor/board"
	"consequor/topologies"
)

// way is how a request went.
type way struct {
	record  *traceRecord
	names   traceNames
	try     *traceTry // the last
	since   time.Duration
	until   time.Duration // the answer was there
	last    time.Duration // of what is shown
	events  []tracedEvent
	request tracedAsked
	asked   int        // the event; -1: the replica did not tell
	reply   int        // the event of its answer; -1: as above
	legs    []traceLeg // from the call to the return; nil: it is not known
	others  int
	unseen  int
}

// traceLeg is a part of the way: what was waited for between two events.
type traceLeg struct {
	what string
	ms   float64
}

// findWay reads the way of a request from what replicas have written down.
func findWay(r *traceRecord, linger time.Duration) *way {
	try := r.tries[len(r.tries)-1]
	w := &way{
		record: r, names: newTraceNames(r.status), try: try, asked: -1, reply: -1,
		since: r.tries[0].called, until: try.endedAt, last: try.endedAt + linger,
	}
	for _, t := range r.events {
		if t.What == topologies.TracedMissed {
			w.unseen += t.Count
		}
	}
	w.events = w.names.events(r.events, w.since)
	w.findRequest()
	linker := traceLinker{events: w.events, request: &w.request}
	linker.link()
	w.follow()
	return w
}

// findRequest finds the request among those that were asked: by its key, or, as
// a read has none, as the first of its kind while the try was under way.
func (w *way) findRequest() {
	w.request.key = w.try.key
	for i := range w.events {
		e := &w.events[i]
		switch {
		case e.What != topologies.TracedAsked || e.At < w.since || e.At > w.until:
		case w.asked < 0 && w.isOurs(e):
			w.asked = i
			w.request.at, w.request.number = e.Traced.Replica, e.Request
		case w.request.key == "" || e.Key != w.request.key:
			w.others++
		}
	}
	if w.asked < 0 {
		return
	}
	for i := w.asked + 1; i < len(w.events); i++ {
		e := &w.events[i]
		if e.What == topologies.TracedAnswered && e.Traced.Replica == w.request.at && e.Request == w.request.number {
			w.reply = i
			if w.record.verb.Writes() && len(e.Articles) > 0 {
				w.request.article = e.Articles[0]
			}
			return
		}
	}
}

// isOurs: a replica may have been tried before.
func (w *way) isOurs(e *tracedEvent) bool {
	if e.Replica != w.try.replica || e.At < w.try.called {
		return false
	}
	if w.request.key != "" {
		return e.Key == w.request.key
	}
	words := strings.FieldsFunc(e.Traced.Text, func(r rune) bool { return strings.ContainsRune(" ,;", r) })
	return len(words) > 0 && words[0] == string(w.record.verb)
}

// follow goes back from the answer, from each event to the one that it waited
// for, until the question. What began before the question was not of its making:
// then the question waited for that.
func (w *way) follow() {
	if w.reply < 0 {
		return
	}
	path := []int{w.reply}
	for at := w.events[w.reply].cause; at > w.asked; at = w.events[at].cause {
		path = append(path, at)
	}
	path = append(path, w.asked)
	slices.Reverse(path)
	w.legs = append(w.legs, traceLeg{"the way to " + w.try.replica, w.events[w.asked].MS - msOf(w.try.called-w.since)})
	for k, i := range path {
		w.events[i].OnWay = true
		if k > 0 {
			w.addLeg(path[k-1], i)
		}
	}
	w.legs = append(w.legs, traceLeg{"the way back from " + w.try.replica, msOf(w.until-w.since) - w.events[w.reply].MS})
}

// addLeg adds what was waited for between two events on the way.
func (w *way) addLeg(from, to int) {
	a, b := &w.events[from], &w.events[to]
	what := ""
	switch {
	case b.cause != from: // it came by itself
		what = b.Replica + ", until " + b.happening()
	case b.What == topologies.TracedStepped:
		what = "the mode of " + b.Replica
	case b.What == topologies.TracedSynced:
		what = "the disk of " + b.Replica
	case b.What == topologies.TracedArrived:
		what = "the link from " + b.Peer + " to " + b.Replica
	case b.What == topologies.TracedGiven:
		what = "its turn at " + b.Replica
	case b.What == topologies.TracedAnswered && b.Traced.Text == topologies.TracedAbandoned:
		what = "an answer of " + b.Replica + " in vain"
	default: // the host's own work: a moment
		what = b.Replica
	}
	w.legs = append(w.legs, traceLeg{what, b.MS - a.MS})
}

// happening is an event in the middle of a sentence.
func (e *tracedEvent) happening() string {
	switch e.What {
	case topologies.TracedArrived:
		return "it heard from " + e.Peer
	case topologies.TracedSynced:
		return "its disk had what was written before"
	case topologies.TracedGiven:
		if strings.Contains(e.Traced.Text, "timer") {
			return "a timer of its mode ran out"
		}
		return "its mode had a turn"
	case topologies.TracedAnswered:
		return "it answered"
	}
	return "something happened (" + string(e.What) + ")"
}

// longest lists what was waited for longest, in all.
func (w *way) longest() []traceLeg {
	var sums []traceLeg
	for _, l := range w.legs {
		i := slices.IndexFunc(sums, func(s traceLeg) bool { return s.what == l.what })
		if i < 0 {
			sums = append(sums, l)
			continue
		}
		sums[i].ms += l.ms
	}
	slices.SortStableFunc(sums, func(a, b traceLeg) int { return cmp.Compare(b.ms, a.ms) })
	return sums
}

// route is where the way went: a replica, the next one, and so on.
func (w *way) route() []string {
	var route []string
	for i := range w.events {
		if e := &w.events[i]; e.OnWay && (len(route) == 0 || route[len(route)-1] != e.Replica) {
			route = append(route, e.Replica)
		}
	}
	return route
}

// traceDisk is when the article itself was on a disk first.
type traceDisk struct {
	replica string
	ms      float64
}

// disks tells where the article got to the disk, in that order.
func (w *way) disks() []traceDisk {
	var disks []traceDisk
	seen := make(map[board.ReplicaID]bool)
	for i := range w.events {
		e := &w.events[i]
		if e.What != topologies.TracedSaved || !e.carries || e.mate < 0 || seen[e.Traced.Replica] {
			continue
		}
		seen[e.Traced.Replica] = true
		disks = append(disks, traceDisk{e.Replica, w.events[e.mate].MS})
	}
	slices.SortStableFunc(disks, func(a, b traceDisk) int { return cmp.Compare(a.ms, b.ms) })
	return disks
}
