package sim

import (
	"strings"
	"testing"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/sim/cluster"
)

// Scenario: who has just won loses its process, up to twice. So there are three
// elections at least, each strike is aimed at the winner, and then there is quiet.
func TestLurking(t *testing.T) {
	p, err := Draw(Config{Replicas: 3, Length: 40}, 1)
	if err != nil {
		t.Fatal(err)
	}
	l := lurking{part: winner, times: 2, long: time.Second, strikes: []strike{{aimed: crashing{leaves: cluster.Crash{Keep: 1000}}, text: "crashes"}}}
	p.Actions = []Action{{Number: 1, Fault: Elections, Text: "young offices", do: l}}
	var won, struck []board.ReplicaID
	r := Run(p, func(e cluster.Event) {
		switch {
		case e.Kind == cluster.Role && strings.HasPrefix(e.Text, "coordinator"):
			won = append(won, e.Replica)
		case e.Kind == cluster.Fault && strings.HasSuffix(e.Text, "who has just won: crashes"):
			struck = append(struck, e.Replica)
		}
	})
	if r.Failed() {
		t.Fatal(told(r))
	}
	if len(struck) != 2 || len(won) < 3 || struck[0] != won[0] || struck[1] != won[1] {
		t.Errorf("%v won, and %v were struck", won, struck)
	}
}

// Who takes which part is told from two reports.
func TestTakesPart(t *testing.T) {
	follower := modes.Status{Role: modes.RoleFollower, Term: 4}
	for _, c := range []struct {
		name          string
		before, now   modes.Status
		campaigns     bool
		voted, hasWon bool
	}{
		{"asks who would vote", follower, modes.Status{Role: modes.RoleCandidate, Term: 4}, false, false, false},
		{"campaigns", follower, modes.Status{Role: modes.RoleCandidate, Term: 6}, true, false, false},
		{"votes", follower, modes.Status{Role: modes.RoleFollower, Term: 6}, false, true, false},
		{"hears who has won", follower, modes.Status{Role: modes.RoleFollower, Term: 5}, false, false, false},
		{"wins", modes.Status{Role: modes.RoleCandidate, Term: 6}, modes.Status{Role: modes.RoleCoordinator, Term: 6}, false, false, true},
	} {
		r := &run{won: won{term: 5}}
		got := [...]bool{r.takesPart(candidate, c.before, c.now), r.takesPart(voter, c.before, c.now), r.takesPart(winner, c.before, c.now)}
		if got != [...]bool{c.campaigns, c.voted, c.hasWon} {
			t.Errorf("%s: candidate, voter, winner: %v", c.name, got)
		}
	}
}

// Scenario: r2 alone is cut off from all but one of the others; which one, skips
// says.
func TestIsolatedButOne(t *testing.T) {
	for skips, want := range map[int]board.ReplicaID{0: 3, 1: 1} {
		i := isolating{keeps: 1, skips: skips}
		for _, other := range []board.ReplicaID{1, 3} {
			if got := i.stays(2, other, 3); got != (other == want) {
				t.Errorf("skips %d: the link to %s stays: %t", skips, other, got)
			}
		}
	}
	if (isolating{}).stays(2, 3, 3) {
		t.Error("alone, and a link stays")
	}
}

// Scenario: a plugin dies three times in a row; a session that was busy has asked
// for more, and nothing of it is lost.
func TestFlapping(t *testing.T) {
	p, err := Draw(Config{Replicas: 3, Length: 40}, 1)
	if err != nil {
		t.Fatal(err)
	}
	p.Actions = append(p.Actions, Action{Number: len(p.Actions) + 1, At: 300 * time.Millisecond, Fault: Flaps, Text: "flaps",
		do: flapping{at: 2, times: 3, life: 200 * time.Millisecond}})
	died := 0
	r := Run(p, func(e cluster.Event) {
		if e.Kind == cluster.Crashed && e.Replica == 2 {
			died++
		}
	})
	if r.Failed() || died == 0 || died > 3 {
		t.Errorf("r2 died %d times: %s", died, told(r))
	}
}
