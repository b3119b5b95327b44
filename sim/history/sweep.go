package history

import (
	"slices"

	"consequor/board"
)

// broken is a view that has an article and lacks what that depends on.
type broken struct {
	view     *Op
	article  board.ArticleID
	position int // of the article
	lacking  board.ArticleID
}

// viewsBy lists the operations that were shown a view by epochs with one of
// these promises; nil: by any.
func (c *check) viewsBy(promised []Promise) (views []*Op) {
	for i := range c.h.Ops {
		op := &c.h.Ops[i]
		if op.Outcome == OK && op.View != nil && (promised == nil || c.promised(op, promised...)) {
			views = append(views, op)
		}
	}
	return views
}

// sweepOrigins finds a view that has an article, and not what that article
// needs. As a board holds all of an origin's articles up to its last one there,
// what a view needs on behalf of an origin is the join of what those need: one
// walk along each origin, past the views in the order of how much they have of
// it, meets all pairs.
func (c *check) sweepOrigins(views []*Op, needs func(position int) board.Vector) *broken {
	for _, last := range c.x.vector {
		o := c.x.origins[last.Origin]
		byExtent := slices.Clone(views)
		slices.SortStableFunc(byExtent, func(a, b *Op) int {
			return board.ArticleID{Seq: a.View.UpTo.Seq(last.Origin)}.Compare(board.ArticleID{Seq: b.View.UpTo.Seq(last.Origin)})
		})
		if !c.spend(10 * len(views)) {
			return nil
		}
		var needed board.Vector
		passed := 0
		for _, op := range byExtent {
			for seq := op.View.UpTo.Seq(last.Origin); passed < len(o.seqs) && o.seqs[passed] <= seq; passed++ {
				needed = needed.Join(needs(o.at[passed]))
				c.spend(1 + len(needed))
			}
			if !c.spend(1 + len(needed)) {
				return nil
			}
			if lacking, ok := lacks(op.View.UpTo, needed); ok {
				return c.culprit(op, o, passed, lacking, needs)
			}
		}
	}
	return nil
}

// culprit names the first of an origin's articles that needs what is lacking.
func (c *check) culprit(op *Op, o *origin, passed int, lacking board.ArticleID, needs func(int) board.Vector) *broken {
	for _, position := range o.at[:passed] {
		if id, ok := lacks(op.View.UpTo, needs(position)); ok {
			return &broken{op, c.x.articles[position].ID, position, id}
		}
	}
	return &broken{op, c.x.articles[o.at[passed-1]].ID, o.at[passed-1], lacking}
}
