package history

import (
	"slices"

	"consequor/board"
)

// C3: a quorum read holds all that had completed before it was called: posts,
// and what reads had shown.

// livesOf gathers, by generation, what epochs with this promise have answered: R
// and W overlap within one life of a mode, and what came before it is on every
// board.
func (c *check) livesOf(promise Promise) [][]*Op {
	lives := make([][]*Op, len(c.h.Epochs)+1)
	for i := range c.h.Ops {
		if op := &c.h.Ops[i]; c.promised(op, promise) && (len(op.shows()) > 0 || op.View != nil) {
			g := c.epochs.generation[op.Epoch]
			lives[g] = append(lives[g], op)
		}
	}
	return slices.DeleteFunc(lives, func(ops []*Op) bool { return len(ops) == 0 })
}

func sortedByReturn(ops []*Op) []*Op {
	sorted := slices.Clone(ops)
	slices.SortStableFunc(sorted, func(a, b *Op) int { return compareTimes(a.Return, b.Return) })
	return sorted
}

func (c *check) quorumReads() *Verdict {
	for _, ops := range c.livesOf(Quorum) {
		var completed board.Vector
		rest := sortedByReturn(ops)
		for _, op := range ops { // by call
			for ; len(rest) > 0 && rest[0].Return < op.Call; rest = rest[1:] {
				completed = completed.Join(rest[0].shows())
				c.spend(1 + len(completed))
			}
			if !c.spend(2+len(completed)) || !op.View.current() {
				continue
			}
			lacking, ok := lacks(op.View.UpTo, completed)
			if !ok {
				continue
			}
			early := firstReturned(ops, lacking, op)
			if early.Verb.Writes() {
				return violated("quorum reads", []*Op{early, op}, "Article %s, %s, is not in the %s that %s called at %s: %s showed %s.",
					lacking, early.showed(), op.Verb, op.who(), seconds(op.Call), op.answerer(), op.View)
			}
			return violated("reads go back", []*Op{early, op}, "Article %s, %s, is not in the %s that %s called later, at %s: %s showed %s.",
				lacking, early.showed(), op.Verb, op.who(), seconds(op.Call), op.answerer(), op.View)
		}
	}
	return nil
}

// firstReturned is the first operation to return of those that show the
// article, and returned before op was called; a post of it before a read.
func firstReturned(ops []*Op, id board.ArticleID, op *Op) (first *Op) {
	for _, early := range ops {
		if early.Return >= op.Call || !early.shows().Has(id) {
			continue
		}
		if early.Verb.Writes() && early.IDs[0] == id {
			return early
		}
		if first == nil || early.Return < first.Return {
			first = early
		}
	}
	return first
}

// idsRise holds the seq of a post to be above those of all posts that had
// returned before it was called.
func (c *check) idsRise() *Verdict {
	for _, ops := range c.livesOf(Quorum) {
		var top *Op
		rest := sortedByReturn(ops)
		for _, op := range ops {
			for ; len(rest) > 0 && rest[0].Return < op.Call; rest = rest[1:] {
				if done := rest[0]; done.Verb.Writes() && (top == nil || done.IDs[0].Seq > top.IDs[0].Seq) {
					top = done
				}
			}
			if !c.spend(2) {
				return nil
			}
			if op.Verb.Writes() && top != nil && op.IDs[0].Seq <= top.IDs[0].Seq {
				return violated("ids rise", []*Op{top, op}, "Article %s of %s was posted at %s, after article %s had been %s, and its id is not above.",
					op.IDs[0], op.who(), seconds(op.Call), top.IDs[0], top.showed())
			}
		}
	}
	return nil
}

// longForkActiveMax bounds the reads in progress that a read is compared with.
// Of more than these the oldest are left out, and long forks with them go
// uncounted.
const longForkActiveMax = 64

// longForks counts the pairs of concurrent reads that each hold an article
// that the other lacks. It finds no violation: quorums promise nothing here.
func (c *check) longForks() *Verdict {
	for _, ops := range c.livesOf(Quorum) {
		var active []*Op
		for _, op := range ops { // by call
			if !op.View.current() {
				continue
			}
			active = slices.DeleteFunc(active, func(other *Op) bool { return other.Return < op.Call })
			for _, other := range active {
				if !c.spend(2 * len(op.View.UpTo)) {
					return nil
				}
				if !op.View.UpTo.Covers(other.View.UpTo) && !other.View.UpTo.Covers(op.View.UpTo) {
					c.forks++
				}
			}
			if active = append(active, op); len(active) > longForkActiveMax {
				active = active[1:]
			}
		}
	}
	return nil
}
