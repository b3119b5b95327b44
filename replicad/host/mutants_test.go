package host_test

import (
	"fmt"
	"testing"

	"consequor/board"
	"consequor/modes"
	"consequor/mutants"
	"consequor/replicad/host"
)

// A host that leaves out one of its rules is found out by the random runs, within
// so many seeds. M36 is not: no message of the built-in modes says what the next
// incarnation would contradict, and their nonces have the incarnation in them. So
// that one is told in TestOlderIncarnation.
func TestMutants(t *testing.T) {
	for _, c := range []struct {
		mutant mutants.Mutant
		runs   string
		seeds  uint64
	}{
		{mutants.M12, "sequential", 300},
		{mutants.M14, "sequential", 100},
		{mutants.M31, "quorum", 100},
		{mutants.M32, "quorum", 100},
		{mutants.M34, "quorum", 100},
		{mutants.M35, "sequential", 100},
		{mutants.M38, "change", 100},
	} {
		t.Run(fmt.Sprintf("%s %s", c.mutant, c.runs), func(t *testing.T) {
			for seed := uint64(1); seed <= c.seeds; seed++ {
				if err := runMutant(t, c.mutant, c.runs, seed); err != nil {
					t.Logf("seed %d: %v", seed, err)
					return
				}
			}
			t.Errorf("not found in %d runs: it %s", c.seeds, c.mutant.Words())
		})
	}
}

// runMutant is one random run; a panic of what the mutant has led astray counts.
func runMutant(t *testing.T, m mutants.Mutant, runs string, seed uint64) (err error) {
	defer func() {
		if why := recover(); why != nil {
			err = fmt.Errorf("panic: %v", why)
		}
	}()
	switch runs {
	case "sequential":
		h := newHistory(t, seed)
		h.mutant = m
		return h.all()
	case "change":
		c := newChange(t, seed)
		c.mutant = m
		return c.all()
	}
	o := newOrigins(t, seed, runs)
	o.mutant = m
	return o.all()
}

// What an earlier life of r2's mode said is dropped when it comes after a word of
// the present one; M36 takes it.
func TestOlderIncarnation(t *testing.T) {
	for _, c := range []struct {
		mutant mutants.Mutant
		times  int
	}{{mutants.None, 0}, {mutants.M36, 1}} {
		mode := &scripted{}
		cluster := newCluster(t, 2, func() modes.Mode { return mode })
		cluster.settle()
		h := cluster.node(1).h
		h.Mutant = c.mutant
		h.Frame(host.Frame{From: 2, To: 1, Kind: 1, Epoch: 1, Incarnation: 6, Body: []byte("new")})
		h.Frame(host.Frame{From: 2, To: 1, Kind: 1, Epoch: 1, Incarnation: 5, Body: []byte("old")})
		cluster.settle()
		if got := mode.saw(modes.Receive{From: 2, Message: []byte("old")}); got != c.times {
			t.Errorf("mutant %s: the mode heard it %d times, want %d", c.mutant, got, c.times)
		}
	}
}

// Replace drops from board and journal what upTo does not have, for M32.
func (s *site) Replace(upTo board.Vector) {
	kept := func(list []board.Article) (left []board.Article) {
		for _, a := range list {
			if upTo.Has(a.ID) {
				left = append(left, a)
			}
		}
		return left
	}
	articles := kept(s.shown.Span(nil))
	s.shown = board.Board{}
	if err := s.Put(articles); err != nil {
		s.run.fail("%s: replaced: %v", s.id, err)
	}
	for i := range s.log {
		s.log[i].articles = kept(s.log[i].articles)
	}
}
