package sim

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"consequor/board"
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

// Routine is left out, and what is said to several at once takes one line,
// unless all is asked for.
func TestTraceTextInShort(t *testing.T) {
	for all, want := range map[bool]string{
		false: `0 r1 >r3 append 3
0 r2 >> to r1 r3: vote for me
0 r2 >r1 I lead
0 r2 >> to all: I lead
1 r3 : noted
`,
		true: `0 r1 >r3 append 3
0 r2 >r1 vote for me
0 r2 >r3 vote for me
0 r1 >r2 heartbeat
0 r2 >r1 I lead
0 r2 >r1 I lead
0 r2 >r3 I lead
0 r2 >r4 I lead
1 r3 s batch 3
1 r3 : noted
`,
	} {
		var b strings.Builder
		trace := NewTraceText(&b, 4)
		trace.All = all
		for _, e := range []cluster.Event{
			{Replica: 1, Kind: cluster.Sent, Peer: 3, Text: "append 3"},
			{Replica: 2, Kind: cluster.Sent, Peer: 1, Text: "vote for me"},
			{Replica: 2, Kind: cluster.Sent, Peer: 3, Text: "vote for me"},
			{Replica: 1, Kind: cluster.Sent, Peer: 2, Text: "heartbeat", Routine: true},
			{Replica: 2, Kind: cluster.Sent, Peer: 1, Text: "I lead"},
			{Replica: 2, Kind: cluster.Sent, Peer: 1, Text: "I lead"},
			{Replica: 2, Kind: cluster.Sent, Peer: 3, Text: "I lead"},
			{Replica: 2, Kind: cluster.Sent, Peer: 4, Text: "I lead"},
			{At: time.Second, Replica: 3, Kind: cluster.Stepped, Text: "batch 3", Routine: true},
			{At: time.Second, Replica: 3, Kind: cluster.Noted, Text: "noted"},
		} {
			trace.Event(e)
		}
		if err := trace.Flush(); err != nil {
			t.Fatal(err)
		}
		if got := inShort(strings.TrimPrefix(b.String(), traceLegend)); got != want {
			t.Errorf("all %t: got\n%s\nwant\n%s", all, got, want)
		}
	}
}

// inShort gives second, replica, marker and text of each line but the heads.
func inShort(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		at, rest := line[:10], line[12:]
		second := strings.TrimSpace(at)[:1]
		for r := 0; r < 4; r++ {
			if mark := strings.TrimSpace(rest[r*traceColumnLen : (r+1)*traceColumnLen]); mark != "" && second != "s" {
				fmt.Fprintf(&b, "%s r%d %s %s", second, r+1, mark, rest[4*traceColumnLen:])
			}
		}
	}
	return b.String()
}

// On a terminal no line is broken, whatever its width and however many replicas
// there are; a narrow one is filled as if it had 80 columns.
func TestTraceTextOnTerminals(t *testing.T) {
	for _, test := range []struct{ columns, replicas, width int }{
		{80, 3, 80}, {80, 6, 80}, {80, 7, 80}, {60, 5, 80}, {100, 12, 100}, {200, 5, 200}, {200, 12, 200}, {80, 200, 80},
	} {
		var b strings.Builder
		trace := NewTraceText(&b, test.replicas)
		trace.Columns = test.columns
		for _, replica := range []board.ReplicaID{1, board.ReplicaID(test.replicas)} {
			trace.Event(cluster.Event{At: time.Second, Replica: replica, Kind: cluster.Noted, Text: strings.Repeat("text ", 100)})
		}
		if err := trace.Flush(); err != nil {
			t.Fatal(err)
		}
		longest := 0
		for line := range strings.Lines(b.String()) {
			longest = max(longest, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")))
		}
		if longest != test.width {
			t.Errorf("%+v: the longest line has %d characters\n%s", test, longest, b.String())
		}
		for _, sign := range legendParts() {
			if !strings.Contains(b.String(), sign) {
				t.Errorf("%+v: the legend has no %q", test, sign)
			}
		}
	}
}
