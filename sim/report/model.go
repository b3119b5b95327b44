package report

import (
	"fmt"
	"slices"
	"sort"
	"time"

	"consequor/board"
	"consequor/sim/cluster"
	"consequor/sim/history"
)

// The most that a page holds. What lies beyond is left out, the earliest
// first, and the page says so; the operations of the verdict always stay.
const (
	eventsMax = 40_000
	opsMax    = 20_000
	lanesMax  = 12 // shown at first
)

// model is what the page is told. Times are microseconds of the run.
type model struct {
	Title    string
	Summary  summary
	Verdicts []verdict
	LeftOut  string `json:",omitempty"`

	Replicas int
	Lanes    []board.ReplicaID // shown at first
	Until    int64             // when the run ends
	Healed   int64             `json:",omitempty"` // from when on nothing was in the way

	Epochs   []epoch
	Ops      []op
	Texts    []string // of events, each once
	Kinds    []cluster.EventKind
	Events   columns
	Messages [][2]int // sent, arrived or lost: indices of events, -1 for one that is not here
	Spans    []span
	Roles    []role
}

// summary is what the page opens with.
type summary struct {
	Outcome  history.VerdictOutcome
	Heading  string // "Violated: C0, durability"
	Sentence string
	Proof    []proof // the operations that prove it
	Failure  string  `json:",omitempty"` // an assertion that broke
	Assert   int     // the event of that, -1: none
}

// proof is one operation of a verdict, in a line.
type proof struct {
	Number int
	Text   string
}

// verdict is a checker's.
type verdict struct {
	Checker  string
	Outcome  history.VerdictOutcome
	Property string `json:",omitempty"`
	Sentence string `json:",omitempty"`
	Ops      []int  `json:",omitempty"`
	LongFork int    `json:",omitempty"`
}

// columns are the events, field by field: ten thousand small objects would
// take the page longer to read than to draw.
type columns struct {
	First   int // number of the first one; more than 0 if earlier ones are left out
	At      []int64
	Replica []board.ReplicaID
	Kind    []int // in Kinds
	Peer    []board.ReplicaID
	Op      []int
	Text    []int // in Texts
}

// epoch is a band of the diagram.
type epoch struct {
	Number uint64
	Mode   string
	From   int64
}

// modelOf works out what a page shows.
func modelOf(r *Report) *model {
	h := r.History
	if h == nil {
		h = &history.History{}
	}
	if len(r.Events) == 0 && len(h.Events) > 0 {
		withEvents := *r
		withEvents.Events = liveEvents(h)
		r = &withEvents
	}
	m := &model{
		Title:    clean(r.Title),
		Replicas: replicas(r, h),
		Healed:   micros(h.Healed),
		Until:    micros(until(r.Events, h)),
		Summary:  summarise(r, h),
		Verdicts: verdictsOf(r.Verdicts),
		Epochs:   epochsOf(h, r.Events),
		Spans:    spansOf(r.Events),
		Roles:    rolesOf(r.Events),
	}
	m.Lanes = lanesOf(m, h)
	from, to := window(r.Events, lastOf(h, m.Summary.Proof))
	m.addEvents(r.Events, from, to)
	left := m.addOps(h)
	m.LeftOut = leftOut(len(r.Events)-(to-from), len(r.Events), left, len(h.Ops))
	return m
}

func micros(d time.Duration) int64 { return d.Microseconds() }

// replicas is how many there are: as told, or as many as the history names.
func replicas(r *Report, h *history.History) int {
	n := max(r.Replicas, h.Replicas)
	for i := range h.Ops {
		n = max(n, int(h.Ops[i].Replica))
	}
	for i := range r.Events {
		n = max(n, int(r.Events[i].Replica))
	}
	return n
}

// until is when the last thing happens.
func until(events []cluster.Event, h *history.History) time.Duration {
	end := h.Healed
	for i := range h.Ops {
		end = max(end, h.Ops[i].Call, h.Ops[i].Return)
		for _, t := range h.Ops[i].Tries {
			end = max(end, t.Call, t.Return)
		}
	}
	if len(events) > 0 {
		end = max(end, events[len(events)-1].At)
	}
	return end
}

func verdictsOf(all history.Verdicts) []verdict {
	out := make([]verdict, len(all))
	for i, v := range all {
		out[i] = verdict{v.Checker, v.Outcome, v.Property, clean(v.Sentence), v.Ops, v.LongFork}
	}
	return out
}

// lastOf is when the last of the operations that prove a verdict ends; 0: none
// does.
func lastOf(h *history.History, ops []proof) (end time.Duration) {
	for _, p := range ops {
		o := opNumbered(h, p.Number)
		end = max(end, o.Call, o.Return)
	}
	return end
}

func opNumbered(h *history.History, number int) *history.Op {
	if number >= 1 && number <= len(h.Ops) && h.Ops[number-1].Number == number {
		return &h.Ops[number-1]
	}
	for i := range h.Ops {
		if h.Ops[i].Number == number {
			return &h.Ops[i]
		}
	}
	return &history.Op{Number: number}
}

// window is the part of the events that a page holds: those up to the end of
// the proof, and as many after it as a quarter.
func window(events []cluster.Event, proofEnd time.Duration) (from, to int) {
	to = len(events)
	if to <= eventsMax {
		return 0, to
	}
	if proofEnd > 0 {
		after := sort.Search(len(events), func(i int) bool { return events[i].At > proofEnd })
		to = max(eventsMax, min(to, after+eventsMax/4))
	}
	return to - eventsMax, to
}

// addEvents takes the events of a window, and joins what belongs to one
// message.
func (m *model) addEvents(events []cluster.Event, from, to int) {
	m.Events.First = from
	texts, kinds := interner[string]{}, interner[cluster.EventKind]{}
	sent := map[uint64]int{}
	for i, e := range events[from:to] {
		m.Events.At = append(m.Events.At, micros(e.At))
		m.Events.Replica = append(m.Events.Replica, e.Replica)
		m.Events.Kind = append(m.Events.Kind, kinds.index(e.Kind))
		m.Events.Peer = append(m.Events.Peer, e.Peer)
		m.Events.Op = append(m.Events.Op, e.Op)
		m.Events.Text = append(m.Events.Text, texts.index(clean(e.Text)))
		m.join(sent, i, &e)
		if m.Summary.Failure != "" && (e.Kind == cluster.Violation || i == to-from-1 && m.Summary.Assert < 0) {
			m.Summary.Assert = i
		}
	}
	m.Texts, m.Kinds = texts.all, kinds.all
	slices.SortStableFunc(m.Messages, func(a, b [2]int) int { return m.begins(a) - m.begins(b) })
}

// join adds the way of a message. One that arrives twice has two; one that is
// still under way at the end has one without an end.
func (m *model) join(sent map[uint64]int, i int, e *cluster.Event) {
	switch at, known := sent[e.Message]; {
	case e.Message == 0:
	case e.Kind == cluster.Sent:
		sent[e.Message] = len(m.Messages)
		m.Messages = append(m.Messages, [2]int{i, -1})
	case e.Kind != cluster.Arrived && e.Kind != cluster.Lost:
	case known && m.Messages[at][1] < 0:
		m.Messages[at][1] = i
	case known:
		m.Messages = append(m.Messages, [2]int{m.Messages[at][0], i})
	default: // sent before the window
		m.Messages = append(m.Messages, [2]int{-1, i})
	}
}

func (m *model) begins(message [2]int) int {
	if message[0] < 0 {
		return message[1]
	}
	return message[0]
}

// interner numbers values, each once.
type interner[T comparable] struct {
	numbers map[T]int
	all     []T
}

func (n *interner[T]) index(v T) int {
	i, ok := n.numbers[v]
	if !ok {
		if n.numbers == nil {
			n.numbers = map[T]int{}
		}
		i = len(n.all)
		n.numbers[v] = i
		n.all = append(n.all, v)
	}
	return i
}

func leftOut(events, eventsAll, ops, opsAll int) string {
	switch {
	case events > 0 && ops > 0:
		return fmt.Sprintf("This page leaves out %d of %d events and %d of %d operations; the verdicts are those of all of them.", events, eventsAll, ops, opsAll)
	case events > 0:
		return fmt.Sprintf("This page leaves out %d of %d events.", events, eventsAll)
	case ops > 0:
		return fmt.Sprintf("This page leaves out %d of %d operations; the verdicts are those of all of them.", ops, opsAll)
	}
	return ""
}
