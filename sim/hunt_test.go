package sim

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"consequor/modes"
	"consequor/mutants"
	"consequor/sim/cluster"
)

func lairOfTest(mutants.Mutant) Config {
	return Config{Mode: "quorum", Replicas: 3, Faults: Crashes | Loss, Options: []modes.Option{{Name: "read", Value: "2"}, {Name: "write", Value: "2"}}}
}

// prey lets a mutant fail at some seeds, and the protocol at others.
func prey(broken map[uint64]error, whole map[uint64]error) Runner {
	return func(p *Plan, _ func(cluster.Event)) *Result {
		errs := whole
		if p.Mutant != mutants.None {
			errs = broken
		}
		err, fails := errs[p.Seed]
		switch {
		case !fails:
			return &Result{Plan: p}
		case err == nil:
			return violated(p, "C3", "quorum reads")
		}
		return &Result{Plan: p, Err: err}
	}
}

// Three hunts, from 1, 1001 and 2001: the median counts, and errors of the
// simulator's own do not.
func TestHunt(t *testing.T) {
	own := fmt.Errorf("at 1s: panic: runtime error: index out of range, in modes/quorum.(*mode).Step:7")
	h := Hunter{Seeds: 40, Lair: lairOfTest, draw: fakeDraw, run: prey(map[uint64]error{
		4:    nil,
		1002: own, 1009: &NotDeterministicError{Seed: 1009}, 1012: errors.New("at 2s: r1: the board has shrunk by 2"),
		2030: nil,
	}, nil)}
	c, err := h.Run(t.Context(), mutants.M16)
	if err != nil {
		t.Fatal(err)
	}
	if c.Median != 12 || !c.Caught() || c.By.String() != "C3, quorum reads" || c.Held != 4+12+30 {
		t.Errorf("%+v", c)
	}
	if s := c.Starts[1]; !s.Caught || s.Own != 2 || s.By.Assertion != "the board has shrunk by #" {
		t.Errorf("second start: %+v", s)
	}
	const want = "| M16 | reads without writing back | quorum, 3 replicas, read 2, write 2 | loss,crash | **12** (4, 12, 30) | C3, quorum reads | holds, 46 seeds |\n"
	if got := MutantTable([]*Catch{c}); !strings.HasSuffix(got, want) {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// Nobody is caught where the protocol itself fails, nor in fewer than half of
// the hunts.
func TestHuntProvesNothing(t *testing.T) {
	for _, test := range []struct {
		name          string
		broken, whole map[uint64]error
		says          string // in the table
	}{
		{"only once", map[uint64]error{1003: nil}, nil, "| not caught (> 40, 3, > 40) | - | holds, 83 seeds |"},
		{"the protocol too", map[uint64]error{9: nil, 1009: nil, 2009: nil}, map[uint64]error{1004: nil}, "| **9** (9, 9, 9) | C3, quorum reads | broke: seed 1004: C3, quorum reads: "},
	} {
		h := Hunter{Seeds: 40, Lair: lairOfTest, draw: fakeDraw, run: prey(test.broken, test.whole)}
		c, err := h.Run(t.Context(), mutants.M16)
		if err != nil {
			t.Fatal(err)
		}
		if got := MutantTable([]*Catch{c}); c.Caught() || !strings.Contains(got, test.says) {
			t.Errorf("%s: caught %t, want %q in\n%s", test.name, c.Caught(), test.says, got)
		}
	}
}

// A simulator that fails by itself again and again is told of, not hunted with.
func TestHuntGivesUp(t *testing.T) {
	h := Hunter{Seeds: 100, Lair: lairOfTest, draw: fakeDraw, run: func(p *Plan, _ func(cluster.Event)) *Result {
		return &Result{Plan: p, Err: errors.New("at 0s: panic: no agenda, in sim/cluster.New:7")}
	}}
	if _, err := h.Run(t.Context(), mutants.M1); err == nil || !strings.Contains(err.Error(), "errors of the simulator's own") {
		t.Errorf("got %v", err)
	}
}

// Each mutant has its lair, with faults.
func TestLairs(t *testing.T) {
	for _, m := range mutants.All() {
		if c := Lair(m); c.Mode == "" || c.Replicas == 0 || c.Faults == None || c.Mutant != m {
			t.Errorf("%s is hunted in %+v", m, c)
		}
	}
}
