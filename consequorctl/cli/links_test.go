package cli

import (
	"fmt"
	"strings"
	"testing"

	"consequor/supervisor"
)

// A link whose directions are alike is one line, another one two; many links are
// cut short.
func TestLinkLines(t *testing.T) {
	cut := func(from, to string) supervisor.LinkFault { return supervisor.LinkFault{From: from, To: to, Cut: true} }
	slow := supervisor.LinkFault{From: "r2", To: "r3", DelayMS: 50, JitterMS: 0.5, Loss: 0.125}
	var many []supervisor.LinkFault
	for i := range 20 {
		many = append(many, cut("r1", fmt.Sprint("r", i+2)))
	}
	for _, test := range []struct {
		faults []supervisor.LinkFault
		want   string
	}{
		{nil, ""},
		{[]supervisor.LinkFault{cut("r1", "r2"), cut("r2", "r1")}, "r1 <-> r2: cut"},
		{[]supervisor.LinkFault{cut("r1", "r2"), slow}, "r1 -> r2: cut\nr2 -> r3: delay 50ms ± 500µs, loss 12.5%"},
		{[]supervisor.LinkFault{slow, cut("r3", "r2")}, "r2 -> r3: delay 50ms ± 500µs, loss 12.5%\nr3 -> r2: cut"},
		{[]supervisor.LinkFault{{From: "r1", To: "r2"}, {From: "r2", To: "r1"}}, "r1 <-> r2: whole"},
	} {
		if got := strings.Join(linkLines(test.faults), "\n"); got != test.want {
			t.Errorf("want %q, got %q", test.want, got)
		}
	}
	if got := linkLines(many); len(got) != linesMax+1 || got[linesMax] != "and 8 more: see consequorctl faults" {
		t.Errorf("%d lines, the last: %s", len(got), got[len(got)-1])
	}
}

// What is not known of a direction is a question mark, not a zero.
func TestFaultsTable(t *testing.T) {
	n := uint64(7)
	var b strings.Builder
	printLinks(&b, false, []supervisor.Link{
		{LinkFault: supervisor.LinkFault{From: "r1", To: "r2", Cut: true}, Up: true, Sent: &n, Lost: &n, Late: &n},
		{LinkFault: supervisor.LinkFault{From: "r2", To: "r1", Loss: 0.1}},
	})
	const want = `LINK      FAULT     CONNECTED  SENT  RECEIVED  LOST  LATE
r1 -> r2  cut       yes        7     ?         7     7
r2 -> r1  loss 10%  no         ?     ?         ?     ?
`
	if b.String() != want {
		t.Errorf("want\n%sgot\n%s", want, b.String())
	}
}
