package history

import (
	"math/rand/v2"
	"slices"
	"testing"

	"consequor/board"
)

// The slow and obvious checkers: each looks at all pairs, and follows the words
// of the promise. They answer right or wrong only.

type naive struct {
	h   *History
	all []board.Article
}

func (n *naive) promise(op *Op) Promise {
	for _, e := range n.h.Epochs {
		if e.Number == op.Epoch && op.Outcome == OK {
			return e.Promise
		}
	}
	return ""
}

func (n *naive) strict(op *Op) bool { return slices.Contains(strict, n.promise(op)) }

func (n *naive) life(op *Op) int {
	life := 0
	for i, e := range n.h.Epochs {
		if i == 0 || e.ModeEpoch == 0 && e.Mode != n.h.Epochs[i-1].Mode {
			life++
		}
		if e.Number == op.Epoch && op.Outcome == OK {
			return life
		}
	}
	return 0
}

// owes reports whether a view must show what there was when it was asked for.
func owes(op *Op) bool { return op.View != nil && op.View.After.IsZero() }

// held lists what the answer shows of the final order, one by one: of a view,
// all up to its vector; of a post, its article and its origin's earlier ones.
func (n *naive) held(op *Op) (ids []board.ArticleID) {
	for i := range n.all {
		id := n.all[i].ID
		switch {
		case op.Outcome != OK:
		case op.View != nil && op.View.UpTo.Has(id):
			ids = append(ids, id)
		case len(op.IDs) > 0 && op.IDs[0].Origin == id.Origin && id.Seq <= op.IDs[0].Seq:
			ids = append(ids, id)
		}
	}
	return ids
}

// sessionSaw lists what an operation told its session.
func (n *naive) sessionSaw(op *Op) []board.ArticleID {
	return slices.DeleteFunc(n.held(op), func(id board.ArticleID) bool {
		return op.View != nil && !op.View.Through.IsZero() && id.Compare(op.View.Through) > 0
	})
}

func (n *naive) pairs(broken func(a, b *Op) bool) bool {
	for i := range n.h.Ops {
		for k := range n.h.Ops {
			if broken(&n.h.Ops[i], &n.h.Ops[k]) {
				return true
			}
		}
	}
	return false
}

func within(some []board.ArticleID, v board.Vector) bool {
	return !slices.ContainsFunc(some, func(id board.ArticleID) bool { return !v.Has(id) })
}

func (n *naive) quorumReads() bool {
	return n.pairs(func(a, b *Op) bool {
		return n.promise(a) == Quorum && n.promise(b) == Quorum && n.life(a) == n.life(b) &&
			a.Return < b.Call && owes(b) && !within(n.held(a), b.View.UpTo)
	})
}

func (n *naive) idsRise() bool {
	return n.pairs(func(a, b *Op) bool {
		return n.promise(a) == Quorum && n.promise(b) == Quorum && n.life(a) == n.life(b) &&
			a.Return < b.Call && len(a.IDs) > 0 && len(b.IDs) > 0 && b.IDs[0].Seq <= a.IDs[0].Seq
	})
}

func sameSession(a, b *Op) bool {
	return a.Session > 0 && a.Session == b.Session && (a.Return < b.Call || a.Return == b.Call && a.Number < b.Number)
}

func (n *naive) sessions() bool {
	return n.pairs(func(a, b *Op) bool {
		return n.strict(a) && n.strict(b) && sameSession(a, b) && owes(b) && !within(n.sessionSaw(a), b.View.UpTo)
	})
}

func (n *naive) sessionOrder() bool {
	return n.pairs(func(a, b *Op) bool {
		return n.promise(a) == Sequential && n.promise(b) == Sequential && sameSession(a, b) && owes(b) && !within(n.sessionSaw(a), b.View.UpTo)
	})
}

func (n *naive) seenThenNotFound() bool {
	return n.pairs(func(a, b *Op) bool {
		durable := slices.ContainsFunc(n.h.Epochs, func(e Epoch) bool { return e.Number == b.Epoch && e.Promise == Durable })
		return n.strict(a) && sameSession(a, b) && b.Outcome == Refused && !durable && slices.Contains(n.sessionSaw(a), b.Target)
	})
}

// dependent looks for a view with a post and without what an operation of one
// sort had told its session before.
func (n *naive) dependent(writes bool) bool {
	return n.pairs(func(a, p *Op) bool {
		if a.Verb.Writes() != writes || !n.strict(a) || !p.Verb.Writes() || !sameSession(a, p) {
			return false
		}
		i := slices.IndexFunc(n.all, func(x board.Article) bool { return x.Key == p.Key })
		return i >= 0 && n.pairs(func(view, _ *Op) bool {
			promise := n.promise(view)
			return view.View != nil && (promise == Sequential || promise == ReadYourWrite) &&
				view.View.UpTo.Has(n.all[i].ID) && !within(n.sessionSaw(a), view.View.UpTo)
		})
	})
}

func (n *naive) closedViews() bool {
	return n.pairs(func(view, _ *Op) bool {
		return view.View != nil && slices.ContainsFunc(n.all, func(a board.Article) bool {
			return !a.IsRoot() && view.View.UpTo.Has(a.ID) && !view.View.UpTo.Has(a.Parent)
		})
	})
}

func (n *naive) olderEpochs(promise Promise) bool {
	return n.pairs(func(a, b *Op) bool {
		return n.promise(b) == promise && n.life(a) > 0 && n.life(a) < n.life(b) && owes(b) && !within(n.held(a), b.View.UpTo)
	})
}

func (n *naive) epochOrder() bool {
	return n.pairs(func(a, p *Op) bool {
		if !n.strict(p) || len(p.IDs) == 0 || n.life(a) == 0 {
			return false
		}
		above := !slices.ContainsFunc(n.held(a), func(id board.ArticleID) bool { return id.Seq >= p.IDs[0].Seq })
		return !above && n.pairs(func(b, _ *Op) bool {
			return b.Outcome == OK && b.Return < p.Call && n.life(a) < min(n.life(b), n.life(p))
		})
	})
}

func (n *naive) prefixes() bool {
	return n.pairs(func(view, _ *Op) bool {
		if view.View == nil || n.promise(view) != Sequential {
			return false
		}
		i := slices.IndexFunc(n.all, func(a board.Article) bool { return !view.View.UpTo.Has(a.ID) })
		return i >= 0 && slices.ContainsFunc(n.all[i:], func(a board.Article) bool { return view.View.UpTo.Has(a.ID) })
	})
}

func (n *naive) longForks() (count int) {
	for i := range n.h.Ops {
		for k := range i {
			a, b := &n.h.Ops[k], &n.h.Ops[i]
			if n.promise(a) == Quorum && n.promise(b) == Quorum && n.life(a) == n.life(b) && owes(a) && owes(b) &&
				a.Return >= b.Call && !within(n.held(a), b.View.UpTo) && !within(n.held(b), a.View.UpTo) {
				count++
			}
		}
	}
	return count
}

// listedSum counts and digests what a view lists.
func (n *naive) listedSum(v *View) (count int, sum Sum) {
	for _, a := range n.all {
		id := a.ID
		if v.UpTo.Has(id) && !v.Since.Has(id) && (v.After.IsZero() || v.After.Compare(id) < 0) &&
			(v.Through.IsZero() || v.Through.Compare(id) >= 0) && (a.IsRoot() || !v.Roots) {
			count++
			sum += SumOf(a)
		}
	}
	return count, sum
}

// On generated histories, most of them of a cluster that breaks some rule, each
// part of the checkers finds what the obvious checker of that rule finds.
func TestAgainstTheObvious(t *testing.T) {
	type rule struct {
		name string
		fast func(*check) *Verdict
		slow func(*naive) bool
	}
	rules := []rule{
		{"quorum reads", (*check).quorumReads, (*naive).quorumReads},
		{"ids rise", (*check).idsRise, (*naive).idsRise},
		{"sessions", (*check).sessions, (*naive).sessions},
		{"session order", (*check).sessionOrder, (*naive).sessionOrder},
		{"seen, then not found", (*check).seenThenNotFound, (*naive).seenThenNotFound},
		{"writes follow reads", (*check).writesFollowReads, func(n *naive) bool { return n.dependent(false) }},
		{"monotonic writes", (*check).monotonicWrites, func(n *naive) bool { return n.dependent(true) }},
		{"closed views", (*check).closedViews, (*naive).closedViews},
		{"older epochs, sequential", (*check).olderEpochsSequential, func(n *naive) bool { return n.olderEpochs(Sequential) }},
		{"older epochs, quorum", (*check).olderEpochsQuorum, func(n *naive) bool { return n.olderEpochs(Quorum) }},
		{"older epochs, sessions", (*check).olderEpochsSessions, func(n *naive) bool { return n.olderEpochs(ReadYourWrite) }},
		{"epoch order", (*check).epochOrder, (*naive).epochOrder},
		{"prefixes", (*check).prefixes, (*naive).prefixes},
	}
	broken, forked := map[string]int{}, 0
	for seed := range uint64(oracleCount) {
		h := drawSloppy(rand.New(rand.NewPCG(seed, 2)))
		if err := h.Validate(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		c := &check{h: h, x: newIndex(h), epochs: newEpochs(h), left: StepsDefault}
		n := &naive{h, h.Boards[0].Articles}
		for _, r := range rules {
			v, want := r.fast(c), r.slow(n)
			if (v != nil) != want {
				t.Fatalf("seed %d: %s: the checker finds %+v, the obvious one says broken: %v\n%s", seed, r.name, v, want, inWords(h))
			}
			if want {
				broken[r.name]++
				if len(v.Ops) < 1 || len(v.Ops) > 5 {
					t.Errorf("seed %d: %s: %d operations prove it", seed, r.name, len(v.Ops))
				}
			}
		}
		c.forks = 0
		c.longForks()
		if want := n.longForks(); c.forks != want {
			t.Fatalf("seed %d: %d long forks, want %d\n%s", seed, c.forks, want, inWords(h))
		}
		forked += c.forks
		for i := range h.Ops {
			if v := h.Ops[i].View; v != nil {
				count, sum := c.x.part(v)
				if wantCount, wantSum := n.listedSum(v); count != wantCount || sum != wantSum {
					t.Fatalf("seed %d: operation %d lists %d articles, want %d\n%s", seed, i+1, count, wantCount, inWords(h))
				}
			}
		}
	}
	for _, r := range rules {
		t.Logf("%-26s broken in %d of %d", r.name, broken[r.name], oracleCount)
		if n := broken[r.name]; n < oracleCount/200 || n > oracleCount*9/10 {
			t.Errorf("%s is broken in %d of %d histories: that proves little", r.name, n, oracleCount)
		}
	}
	if forked < oracleCount/100 {
		t.Errorf("%d long forks: that proves little", forked)
	}
}

// inWords is the history in words.
func inWords(h *History) (text string) {
	for i := range h.Ops {
		text += h.Ops[i].String() + "\n"
	}
	return text
}
