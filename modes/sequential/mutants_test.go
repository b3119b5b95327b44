package sequential

import (
	"fmt"
	"testing"

	"consequor/board"
	"consequor/modes"
	"consequor/mutants"
)

// Each rule that is broken on purpose is missed by random runs, within so many
// seeds; those that are not here have a run of their own in aimed_test.go.
func TestMutants(t *testing.T) {
	const seedsMax = 150
	for _, mutant := range []mutants.Mutant{
		mutants.M1, mutants.M2, mutants.M4, mutants.M5, mutants.M7, mutants.M8, mutants.M10, mutants.M11, mutants.M29,
	} {
		if seed, err := caught(mutant, seedsMax); err != nil {
			t.Logf("%s is caught by seed %d: %v", mutant, seed, err)
		} else {
			t.Errorf("%s, which %s, is not caught within %d seeds", mutant, mutant.Words(), seedsMax)
		}
	}
}

// caught finds the first seed of so many whose run does not pass.
func caught(mutant mutants.Mutant, seeds uint64) (seed uint64, err error) {
	for seed = 1; seed <= seeds; seed++ {
		if err = runOne(newBrokenRun(mutant, seed, nil)); err != nil {
			return seed, err
		}
	}
	return 0, nil
}

// runOne runs it; an assertion that fails is as good as a broken promise.
func runOne(r *run) (err error) {
	defer func() {
		if why := recover(); why != nil {
			err = fmt.Errorf("panic: %v", why)
		}
	}()
	return r.all()
}

// A key of an article from before a mode change finds it, unless the table was
// emptied.
func TestKeysAcrossAModeChange(t *testing.T) {
	old := board.KeyedID{ID: board.ArticleID{Seq: 7, Origin: 2}, Key: "old"}
	for mutant, want := range map[mutants.Mutant]keyFound{mutants.None: keyKnown, mutants.M28: keyNew} {
		m := newBroken(defaultLimits, mutant)
		m.Step(modes.Batch{Events: []modes.Event{
			modes.Keys{Keys: []board.KeyedID{old}},
			modes.Start{Epoch: 2, Incarnation: 1, Self: 1, Replicas: []board.ReplicaID{1, 2, 3}, Board: board.Vector{}.With(old.ID)},
		}}, &modes.Effects{})
		if _, found := m.state.lookUp(&m.keys, old.Key, 0); found != want {
			t.Errorf("with mutant %s the key is %d, want %d", mutant, found, want)
		}
	}
}
