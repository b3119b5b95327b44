package history

import (
	"slices"

	"consequor/board"
)

// C0 on what clients were shown: nothing but what the final order has, all of
// it up to the view's vector, and never a reply without its parent.

// views holds every view to be that part of the final order that it claims.
func (c *check) views() *Verdict {
	for i := range c.h.Ops {
		op := &c.h.Ops[i]
		if op.Outcome != OK || op.View == nil {
			continue
		}
		if !c.spend(1 + 20*len(op.View.UpTo) + len(op.View.Articles)) {
			return nil
		}
		if v := c.view(op); v != nil {
			return v
		}
	}
	return nil
}

func (c *check) view(op *Op) *Verdict {
	v := op.View
	if id, ok := lacks(c.x.vector, v.UpTo); ok {
		if len(c.x.articles) == 0 {
			return violated("no phantom", []*Op{op}, "%s, and the boards are empty at the end.", c.claims(op, id))
		}
		return violated("no phantom", []*Op{op}, "%s, and no board holds that at the end: they hold %s up to %s.", c.claims(op, id), articles(len(c.x.articles)), c.x.vector)
	}
	if v.Articles != nil {
		if found := c.listed(op); found != nil {
			return found
		}
	}
	if v.Thread != nil {
		return c.thread(op)
	}
	count, sum := c.x.part(v)
	switch {
	case v.Count != count:
		return violated("whole views", []*Op{op}, "The %s of %s at %s listed %s, where the board has %d: %s.", op.Verb, op.who(), op.answerer(), articles(v.Count), count, v)
	case v.Sum != sum:
		return violated("equal content", []*Op{op}, "The %s of %s at %s listed %s with other contents than the board has: %s.", op.Verb, op.who(), op.answerer(), articles(v.Count), v)
	}
	return nil
}

// claims is "r3 showed session 2 a board up to 17 at 1.311 s".
func (c *check) claims(op *Op, id board.ArticleID) string {
	return op.answerer() + " showed " + op.who() + " a board up to " + id.String() + " at " + seconds(op.Return)
}

// limits are, for one origin, the range of its articles that a view lists:
// those after the first from, up to the first to.
func (v *View) limits(o *origin, last board.ArticleID) (from, to int) {
	low, high := v.Since.Seq(last.Origin), last.Seq
	if !v.After.IsZero() {
		after := v.After.Seq
		if last.Origin > v.After.Origin {
			after-- // of equal seqs, the higher origin's comes later
		}
		low = max(low, after)
	}
	if !v.Through.IsZero() {
		through := v.Through.Seq
		if last.Origin > v.Through.Origin {
			through--
		}
		high = min(high, through)
	}
	from, to = o.upTo(low), o.upTo(high)
	return min(from, to), to
}

// part counts and digests what a view of the final order lists.
func (x *index) part(v *View) (count int, sum Sum) {
	for _, last := range v.UpTo {
		o := x.origins[last.Origin]
		from, to := v.limits(o, last)
		if v.Roots {
			count += o.roots[to] - o.roots[from]
			sum += o.rootSums[to] - o.rootSums[from]
			continue
		}
		count += to - from
		sum += o.sums[to] - o.sums[from]
	}
	return count, sum
}

// lists reports whether the article is in the part of the board that the view
// lists.
func (v *View) lists(a *board.Article) bool {
	return v.UpTo.Has(a.ID) && !v.Since.Has(a.ID) && a.ID.Compare(v.After) > 0 &&
		(v.Through.IsZero() || a.ID.Compare(v.Through) <= 0) && (!v.Roots || a.IsRoot())
}

// listed compares the articles that a sample kept, one by one.
func (c *check) listed(op *Op) *Verdict {
	v := op.View
	for i, id := range v.Articles {
		switch a, ok := c.x.exists(id); {
		case !ok:
			return violated("no phantom", []*Op{op}, "%s showed %s article %s at %s, and no board holds it at the end.", op.answerer(), op.who(), id, seconds(op.Return))
		case i > 0 && v.Articles[i-1].Compare(id) >= 0 && v.Thread == nil:
			return violated("order of lists", []*Op{op}, "%s showed %s article %s behind %s.", op.answerer(), op.who(), id, v.Articles[i-1])
		case v.Thread == nil && !v.lists(a):
			return violated("whole views", []*Op{op}, "%s showed %s article %s, which is not in what was asked for: %s.", op.answerer(), op.who(), id, v)
		}
	}
	if v.Thread != nil {
		return nil
	}
	return c.unlisted(op)
}

// unlisted finds the first article that a listed view has left out.
func (c *check) unlisted(op *Op) *Verdict {
	v := op.View
	count, _ := c.x.part(v)
	if len(v.Articles) == count {
		return nil
	}
	for _, a := range c.x.articles[:c.x.rank(highest(v.UpTo))] {
		if !c.spend(1 + len(v.UpTo)) {
			return nil
		}
		if v.lists(a) && !slices.Contains(v.Articles, a.ID) {
			return violated("whole views", []*Op{op, c.addedBy(c.x.at[a.ID])}, "Article %s is missing from the %s that %s showed %s at %s: %s.",
				a.ID, op.Verb, op.answerer(), op.who(), seconds(op.Return), v)
		}
	}
	return nil
}

// thread holds what a choose has shown to be the article, its parent and all
// its replies up to the vector.
func (c *check) thread(op *Op) *Verdict {
	v, t := op.View, op.View.Thread
	a, ok := c.x.exists(t.Article)
	switch {
	case !ok || !v.UpTo.Has(t.Article):
		return violated("no phantom", []*Op{op}, "%s showed %s article %s at %s, which is not on the board up to %s.", op.answerer(), op.who(), t.Article, seconds(op.Return), v.UpTo)
	case t.Article != op.Target:
		return violated("whole views", []*Op{op}, "%s asked %s for article %s and was shown %s.", capital(op.who()), op.answerer(), op.Target, t.Article)
	case t.Parent != a.Parent:
		return violated("thread order", []*Op{op}, "%s showed %s reply %s without its parent %s at %s.", op.answerer(), op.who(), t.Article, a.Parent, seconds(op.Return))
	}
	want, sum := c.repliesOf(v, t.Article)
	if !c.spend(len(want)) {
		return nil
	}
	for i, id := range t.Replies {
		if i >= len(want) || want[i] != id {
			return violated("whole views", []*Op{op}, "%s showed %s, under article %s, reply %s at %s, where the board up to %s has %s.",
				op.answerer(), op.who(), t.Article, id, seconds(op.Return), v.UpTo, replyAt(want, i))
		}
	}
	if len(t.Replies) < len(want) {
		return violated("whole views", []*Op{op}, "Reply %s is missing from the thread of article %s that %s showed %s at %s, which held the board up to %s.",
			want[len(t.Replies)], t.Article, op.answerer(), op.who(), seconds(op.Return), v.UpTo)
	}
	sum += c.x.sums[c.x.at[t.Article]]
	count := 1 + len(want)
	if at, ok := c.x.at[t.Parent]; ok {
		sum += c.x.sums[at]
		count++
	}
	if v.Sum != sum || v.Count != count {
		return violated("equal content", []*Op{op}, "The thread of article %s that %s showed %s at %s has other contents than the board.", t.Article, op.answerer(), op.who(), seconds(op.Return))
	}
	return nil
}

func replyAt(ids []board.ArticleID, i int) string {
	if i < len(ids) {
		return ids[i].String() + " next"
	}
	return "no more"
}

// repliesOf lists and digests the replies that a view of a thread shows.
func (c *check) repliesOf(v *View, id board.ArticleID) (ids []board.ArticleID, sum Sum) {
	for _, position := range c.x.replies[id] {
		if a := c.x.articles[position]; v.lists(a) {
			ids = append(ids, a.ID)
			sum += c.x.sums[position]
		}
	}
	return ids, sum
}

// fromTheFuture holds views to show nothing before it was first asked for.
func (c *check) fromTheFuture() *Verdict {
	for _, op := range c.viewsBy(nil) {
		if !c.spend(1 + len(op.View.UpTo)) {
			return nil
		}
		for _, last := range op.View.UpTo {
			o := c.x.origins[last.Origin]
			if o == nil {
				continue
			}
			n := o.upTo(last.Seq)
			if o.latestCall[n] <= op.Return || o.latestCallOp[n] < 0 {
				continue
			}
			by := &c.h.Ops[o.latestCallOp[n]]
			return violated("no phantom", []*Op{op, by}, "At %s, %s showed %s article %s, which was not posted before %s.",
				seconds(op.Return), op.answerer(), op.who(), c.x.articles[c.x.articleOf[o.latestCallOp[n]]].ID, seconds(by.Call))
		}
	}
	return nil
}

// closedViews holds every vector that was shown to hold, with each reply, its
// parent.
func (c *check) closedViews() *Verdict {
	found := c.sweepOrigins(c.viewsBy(nil), func(position int) board.Vector {
		if parent := c.x.articles[position].Parent; !parent.IsZero() {
			return board.Vector{parent}
		}
		return nil
	})
	if found == nil {
		return nil
	}
	return violated("thread order", []*Op{found.view}, "At %s, %s showed %s reply %s and not its parent %s: %s.",
		seconds(found.view.Return), found.view.answerer(), found.view.who(), found.article, found.lacking, found.view.View)
}
