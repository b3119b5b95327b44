package sim

import (
	"testing"

	"consequor/mutants"
)

// Scenario: the exhibit, which counts on hearing nothing of a peer's older lives.
// It keeps its promise, and breaks it within few runs when the host lets such
// messages through.
func TestTurns(t *testing.T) {
	const seeds = 40
	c := Lair(mutants.M36)
	c.Mutant = mutants.None
	for seed := uint64(1); seed <= seeds; seed++ {
		r := runSeed(t, c, seed, nil)
		if r.Failed() {
			t.Fatalf("seed %d, with the rule: %s", seed, told(r))
		}
		if r.Coverage.Posts == 0 {
			t.Errorf("seed %d: nothing was posted", seed)
		}
	}
	c.Mutant = mutants.M36
	for seed := uint64(1); seed <= seeds; seed++ {
		if runSeed(t, c, seed, nil).Failed() {
			return
		}
	}
	t.Errorf("M36 was not found in %d seeds", seeds)
}
