package history

import (
	"cmp"
	"time"

	"consequor/board"
)

// C2: sequential epochs have one order. A read shows a beginning of it, within
// a session no shorter one than before, and ids rise as time does.

func compareTimes(a, b time.Duration) int { return cmp.Compare(a, b) }

// prefixes holds every view to be a beginning of the final order: all that
// stands before its last article.
func (c *check) prefixes() *Verdict {
	for _, op := range c.viewsBy([]Promise{Sequential}) {
		if !c.spend(20 * (1 + len(op.View.UpTo))) {
			return nil
		}
		last := highest(op.View.UpTo)
		rank := c.x.rank(last)
		if rank == c.x.held(op.View.UpTo) {
			continue
		}
		for position, a := range c.x.articles[:rank] {
			if !op.View.UpTo.Has(a.ID) {
				return violated("prefix", []*Op{c.addedBy(position), op}, "The %s of %s at %s shows the board up to %s without article %s, which comes before: it is no beginning of the one order.",
					op.Verb, op.who(), op.answerer(), last, a.ID)
			}
		}
	}
	return nil
}

// sessionOrder holds what a session is shown never to get shorter, and to
// contain its own posts.
func (c *check) sessionOrder() *Verdict {
	w := c.sessionWalk(func(op *Op) bool { return c.promised(op, Sequential) })
	if w == nil {
		return nil
	}
	if w.before.Verb.Writes() {
		return violated("session order", []*Op{w.before, w.op}, "Article %s of %s, acknowledged by %s at %s, is not in the beginning of the order that %s showed it at %s: %s.",
			w.lacking, w.op.who(), w.before.answerer(), seconds(w.before.Return), w.op.answerer(), seconds(w.op.Return), w.op.View)
	}
	return violated("session order", []*Op{w.before, w.op}, "%s showed %s less of the order at %s (%s) than %s had at %s (%s).",
		w.op.answerer(), w.op.who(), seconds(w.op.Return), w.op.View, w.before.answerer(), seconds(w.before.Return), w.before.View)
}

// realTimeOrder holds the id of a post to be above those of all posts that had
// returned before it was called.
func (c *check) realTimeOrder() *Verdict {
	for _, life := range c.sequentialPosts() {
		if early, late := c.inversion(life.posts); late != nil {
			return outOfOrder(early, late, c)
		}
	}
	return nil
}

func outOfOrder(early, late *Op, c *check) *Verdict {
	return violated("real-time order", []*Op{early, late}, "Article %s of %s was posted at %s, after article %s had been %s, and its id is lower.",
		c.idOf(late), late.who(), seconds(late.Call), c.idOf(early), early.showed())
}

// idOf is the id of the article that a post has added.
func (c *check) idOf(op *Op) board.ArticleID {
	if len(op.IDs) > 0 {
		return op.IDs[0]
	}
	for position := range c.x.articles {
		if c.addedBy(position) == op {
			return c.x.articles[position].ID
		}
	}
	return board.ArticleID{}
}

// denseIDs holds the ids of sequential epochs to follow one another without a
// gap, from the first above all that there was before.
func (c *check) denseIDs() *Verdict {
	only := !promises(Quorum, ReadYourWrite, Durable)(c.h)
	for position, a := range c.x.articles {
		if !c.spend(1) {
			return nil
		}
		op := c.addedBy(position)
		if a.ID.Origin != board.Cluster || c.h.Before.Has(a.ID) || !only && (op == nil || !c.promised(op, Sequential)) {
			continue
		}
		var before board.ArticleID
		if position > 0 {
			before = c.x.articles[position-1].ID
		}
		if before.Seq+1 < a.ID.Seq {
			return violated("dense ids", []*Op{op}, "Article %s comes next after %s on the board: an id was left out.", a.ID, orNothing(before))
		}
	}
	return nil
}
