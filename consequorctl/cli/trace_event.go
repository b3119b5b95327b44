package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"consequor/board"
	"consequor/modes/builtin"
	"consequor/supervisor"
	"consequor/topologies"
)

// tracedEvent is one thing that happened, as it is told.
type tracedEvent struct {
	MS      float64               `json:"ms"` // since the request was sent
	Replica string                `json:"replica"`
	What    topologies.TracedKind `json:"what"`
	Peer    string                `json:"peer,omitempty"`
	Text    string                `json:"text"`
	Ours    bool                  `json:"ours"`   // it has the request with it, or came of what has, as far as can be told
	OnWay   bool                  `json:"on_way"` // between question and answer, it was what the next step waited for

	*topologies.Traced `json:"-"`
	routine            bool
	carries            bool // the request itself: its key, its article, its number
	mate               int  // the other half: sent and arrived, given and stepped, saved and synced; -1: none is known
	cause              int  // the event before it on its way; -1: none is known
}

// traceNames puts names to what replicas wrote.
type traceNames struct {
	status   *supervisor.ClusterStatus
	describe func([]byte) string // what messages of the mode say; nil: nobody knows
}

func newTraceNames(status *supervisor.ClusterStatus) traceNames {
	n := traceNames{status: status}
	if e, ok := builtin.Lookup(status.Mode); ok {
		n.describe = e.DescribeMessage
	}
	return n
}

// replica is the name of the replica with this number.
func (n *traceNames) replica(id board.ReplicaID) string {
	if i := int(id) - 1; i >= 0 && i < len(n.status.Replicas) {
		return n.status.Replicas[i].Name
	}
	return id.String()
}

// events puts all that was told in order. What one process told stands in order
// already, and stays so.
func (n *traceNames) events(told []topologies.Traced, since time.Duration) []tracedEvent {
	slices.SortStableFunc(told, func(a, b topologies.Traced) int { return int(a.At - b.At) })
	events := make([]tracedEvent, 0, len(told))
	for i := range told {
		t := &told[i]
		if t.What == topologies.TracedMissed {
			continue
		}
		e := tracedEvent{Traced: t, MS: msOf(t.At - since), Replica: n.replica(t.Replica), What: t.What, mate: -1, cause: -1}
		if t.Peer != 0 {
			e.Peer = n.replica(t.Peer)
		}
		e.Text, e.routine = n.words(t)
		events = append(events, e)
	}
	return events
}

func msOf(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// words are what an event says. A heartbeat and that a mode runs is routine.
func (n *traceNames) words(t *topologies.Traced) (text string, routine bool) {
	switch t.What {
	case topologies.TracedSent, topologies.TracedArrived:
		return n.frameWords(t)
	case topologies.TracedSynced:
		return "on disk", false
	}
	return t.Text, false
}

func (n *traceNames) frameWords(t *topologies.Traced) (text string, routine bool) {
	message := ""
	switch {
	case len(t.Body) == 0:
	case n.describe == nil || t.Epoch != n.status.Epoch:
		message = fmt.Sprintf("%d bytes", len(t.Body))
	default:
		message = n.describe(t.Body)
	}
	switch {
	case t.Text != "" && message != "":
		return t.Text + "; " + message, false
	case t.Text != "":
		return t.Text, t.Kind == "up"
	case message != "":
		return message, false
	case len(t.Body) > 0:
		return "heartbeat", true
	}
	return fmt.Sprintf("a %s of %d bytes", t.Kind, t.Size), false
}

// marker says what happens, in the replica's column.
func (e *tracedEvent) marker() string {
	switch e.What {
	case topologies.TracedAsked:
		return "?"
	case topologies.TracedAnswered:
		return "="
	case topologies.TracedSent:
		return ">" + e.Peer
	case topologies.TracedArrived:
		return "<" + e.Peer
	case topologies.TracedGiven:
		return "b"
	case topologies.TracedStepped:
		return "s"
	case topologies.TracedSaved:
		return "w"
	case topologies.TracedSynced:
		return "d"
	case topologies.TracedStored:
		return "a"
	}
	return ":"
}

// tookWords is " (0.12 ms)".
func tookWords(ms float64) string { return " (" + msWords(ms) + ")" }

func msWords(ms float64) string {
	return strings.TrimSpace(strconv.FormatFloat(ms, 'f', 2, 64)) + " ms"
}
