package sim

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"consequor/sim/cluster"
)

// A short run, as a person reads it.
func TestTraceText(t *testing.T) {
	var b strings.Builder
	trace := NewTraceText(&b, 3)
	at := time.Duration(0)
	for _, e := range []cluster.Event{
		{Replica: 1, Kind: cluster.Booted, Text: "life 1"},
		{Replica: 2, Kind: cluster.Booted, Text: "life 1"},
		{Replica: 1, Kind: cluster.Called, Op: 7, Text: "post at r1"},
		{Replica: 1, Kind: cluster.Sent, Peer: 2, Message: 5, Text: "append 3"},
		{Replica: 2, Kind: cluster.Arrived, Peer: 1, Message: 5, Text: "append 3"},
		{Replica: 2, Kind: cluster.Lost, Peer: 1, Message: 6},
		{Replica: 2, Kind: cluster.Paused, Text: "for 400 ms"},
		{Kind: cluster.Fault, Text: "r1 is cut off"},
		{Replica: 1, Kind: cluster.Crashed, Text: "half of what was not synced is kept"},
		{Replica: 2, Kind: cluster.Resumed},
		{Replica: 2, Kind: cluster.Returned, Op: 7, Text: "ok 17 \x1b[2J"},
	} {
		at += 1500 * time.Microsecond
		e.At = at
		trace.Event(e)
	}
	if err := trace.Flush(); err != nil {
		t.Fatal(err)
	}
	const want = `   seconds  r1    r2    r3
  0.001500  ^                 life 1
  0.003000  .     ^           life 1
  0.004500  ?7    .           post at r1
  0.006000  >r2   .           append 3
  0.007500  .     <r1         append 3
  0.009000  .     xr1         lost
  0.010500  .     |           for 400 ms
  0.012000  .     |           fault: r1 is cut off
  0.013500  #     |           half of what was not synced is kept
  0.015000        o           resumed
  0.016500        =7          ok 17 ?[2J
`
	if got := strings.TrimPrefix(b.String(), traceLegend); trimmed(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// trimmed has no blanks at the ends of lines.
func trimmed(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return b.String()
}

// Every kind of event has a marker, and each line of a cluster of five fits a
// terminal.
func TestTraceTextFits(t *testing.T) {
	kinds := []cluster.EventKind{cluster.Sent, cluster.Arrived, cluster.Lost, cluster.Stepped, cluster.Synced, cluster.Stored, cluster.Booted,
		cluster.Crashed, cluster.Failed, cluster.Stopped, cluster.Paused, cluster.Resumed, cluster.PluginUp, cluster.PluginDown, cluster.LinkUp,
		cluster.LinkDown, cluster.Cut, cluster.Healed, cluster.Role, cluster.Noted, cluster.Fault, cluster.FaultOver, cluster.Called, cluster.Tried,
		cluster.Returned, cluster.Ordered, cluster.Decided, cluster.Violation}
	var b strings.Builder
	trace := NewTraceText(&b, 5)
	for _, kind := range kinds {
		e := cluster.Event{At: 99 * time.Second, Replica: 5, Peer: 4, Op: 1234, Kind: kind, Text: strings.Repeat("long ", 100)}
		trace.Event(e)
		if marker(e) == "" || len(marker(e)) >= traceColumnLen {
			t.Errorf("%s: marker %q", kind, marker(e))
		}
	}
	_ = trace.Flush() // to a builder
	for line := range strings.Lines(b.String()) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > traceWidth {
			t.Errorf("%d characters: %s", n, line)
		}
	}
}

// Two hundred columns are too many: the replica is told by name.
func TestTraceTextCollapses(t *testing.T) {
	var b strings.Builder
	trace := NewTraceText(&b, 200)
	trace.Event(cluster.Event{At: time.Second, Replica: 187, Kind: cluster.Sent, Peer: 12, Text: "span"})
	trace.Event(cluster.Event{At: time.Second, Kind: cluster.Decided, Text: "activate 3"})
	_ = trace.Flush() // to a builder
	const want = "   seconds  where\n  1.000000  r187  >r12  span\n  1.000000        !!    decided: activate 3\n"
	if got := trimmed(strings.TrimPrefix(b.String(), traceLegend)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
