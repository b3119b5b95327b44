package history

import "slices"

// C1: posts and fresh reads of one sequential epoch are linearizable. Posts
// stand in the final order by their ids, a read right behind the last article
// that it holds; what remains is that nobody comes earlier in that order than
// somebody who had returned before he was called.

// hasFreshReads says when there is something to check.
func hasFreshReads(h *History) bool {
	if !promises(Sequential)(h) {
		return false
	}
	return slices.ContainsFunc(h.Ops, func(op Op) bool { return op.fresh() && op.View.current() })
}

// fresh reports whether an answer is to be behind no acknowledged post.
func (op *Op) fresh() bool { return op.Fresh || op.Verb == Sync }

func (op *Op) freshWords() string {
	if op.Verb == Sync {
		return "sync"
	}
	return "fresh read"
}

// placed is an operation and its place in the final order, with room for reads
// between articles.
type placed struct {
	op    *Op
	place int
	ends  bool // false: it was never answered, and may take effect at any time
}

func (c *check) freshReads() *Verdict {
	for _, generation := range c.sequentialPosts() {
		all := generation.posts
		for _, op := range generation.reads {
			if op.fresh() {
				all = append(all, placed{op, 2*c.x.rank(highest(op.View.UpTo)) + 1, true})
			}
		}
		early, late := c.inversion(all)
		if late == nil {
			continue
		}
		switch {
		case late.Verb.Writes() && early.Verb.Writes():
			return outOfOrder(early, late, c)
		case late.Verb.Writes():
			return violated("fresh", []*Op{early, late}, "Article %s of %s was posted at %s, and a %s that %s had answered at %s already stood behind it: %s.",
				c.idOf(late), late.who(), seconds(late.Call), early.freshWords(), early.answerer(), seconds(early.Return), early.View)
		case early.Verb.Writes():
			return violated("fresh", []*Op{early, late}, "Article %s, %s, is not in the %s that %s called at %s: %s showed %s.",
				c.idOf(early), early.showed(), late.freshWords(), late.who(), seconds(late.Call), late.answerer(), late.View)
		}
		return violated("fresh", []*Op{early, late}, "The %s of %s at %s, called at %s, shows less (%s) than one that %s had answered to %s at %s (%s).",
			late.freshWords(), late.who(), late.answerer(), seconds(late.Call), late.View, early.answerer(), early.who(), seconds(early.Return), early.View)
	}
	return nil
}

// sequentialLife is what one life of a sequential mode has answered.
type sequentialLife struct {
	posts []placed
	reads []*Op // with a view of the board as it was then
}

// sequentialPosts gathers, by generation, the posts and the reads that
// sequential epochs have answered. Posts that were never answered and are on
// the board stand in each: whoever returned before they were called comes
// before them.
func (c *check) sequentialPosts() []sequentialLife {
	lives := make([]sequentialLife, len(c.h.Epochs)+1)
	var unanswered []placed
	durable := promises(Durable)(c.h) // may order posts as it likes
	for i := range c.h.Ops {
		op := &c.h.Ops[i]
		c.spend(1)
		place := 2 * (c.x.articleOf[i] + 1)
		switch g := c.epochs.generation[op.Epoch]; {
		case op.Verb.Writes() && place == 0:
		case op.Verb.Writes() && op.Outcome == Unknown && !durable:
			unanswered = append(unanswered, placed{op, place, false})
		case !c.promised(op, Sequential):
		case op.Verb.Writes():
			lives[g].posts = append(lives[g].posts, placed{op, place, true})
		case op.View.current():
			lives[g].reads = append(lives[g].reads, op)
		}
	}
	used := lives[:0]
	for _, life := range lives {
		if len(life.posts)+len(life.reads) > 0 {
			life.posts = append(life.posts, unanswered...)
			used = append(used, life)
		}
	}
	return used
}

// inversion finds two operations of which the first returned before the second
// was called, and yet stands behind it.
func (c *check) inversion(all []placed) (early, late *Op) {
	byCall, byReturn := slices.Clone(all), slices.DeleteFunc(slices.Clone(all), func(p placed) bool { return !p.ends })
	slices.SortStableFunc(byCall, func(a, b placed) int { return compareTimes(a.op.Call, b.op.Call) })
	slices.SortStableFunc(byReturn, func(a, b placed) int { return compareTimes(a.op.Return, b.op.Return) })
	if !c.spend(40 * len(all)) {
		return nil, nil
	}
	furthest := placed{place: -1}
	for _, p := range byCall {
		for len(byReturn) > 0 && byReturn[0].op.Return < p.op.Call {
			if byReturn[0].place > furthest.place {
				furthest = byReturn[0]
			}
			byReturn = byReturn[1:]
		}
		if p.place < furthest.place {
			return furthest.op, p.op
		}
	}
	return nil, nil
}
