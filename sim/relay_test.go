package sim

import (
	"strings"
	"testing"
	"time"

	"consequor/mutants"
	"consequor/sim/cluster"
)

// Scenario: figure 3.7 of Ongaro's thesis (see relaying). Two offices that
// nobody hears of, each ended by a crash, and a third one that is heard for a few
// messages. A coordinator that counts entries of older terms replaces what was
// applied in one run or another; with raft's rule none does.
func TestRelay(t *testing.T) {
	const seeds = 40
	caught, passed := 0, 0
	for seed := uint64(1); seed <= seeds; seed++ {
		for _, mutant := range []mutants.Mutant{mutants.None, mutants.M6} {
			r := Run(figure(t, seed, mutant), func(e cluster.Event) {
				if mutant == mutants.None && strings.HasPrefix(e.Text, "office 3 of 4 ends") {
					passed++
				}
			})
			switch {
			case !r.Failed():
			case mutant == mutants.None:
				t.Errorf("seed %d: %s", seed, told(r))
			default:
				caught++
			}
		}
	}
	if caught == 0 || passed < seeds/2 {
		t.Errorf("in %d seeds the third office came to its end %d times, and %d showed the mutant", seeds, passed, caught)
	}
}

// figure is a plan with one relay, and the operations that the seed has anyway.
func figure(t *testing.T, seed uint64, mutant mutants.Mutant) *Plan {
	p, err := Draw(Config{Replicas: 3, Length: 80, Mutant: mutant}, seed)
	if err != nil {
		t.Fatal(err)
	}
	p.small = true
	trip := p.wireMax + 2*p.stepMax + p.syncMax
	alone := office{after: trip, crash: true}
	y := relaying{offices: []office{alone, alone, {heard: true, after: 2 * trip}, {heard: true, after: time.Second}}, long: 3 * time.Second}
	p.Actions = append(p.Actions, Action{Number: len(p.Actions) + 1, At: p.end / 8, Fault: Elections, Text: "a relay of 4 offices", do: y})
	return p
}
