package history

import (
	"cmp"
	"slices"

	"consequor/board"
)

// C4: what a session may count on, at whichever replica it asks.

// backwards is a view that lacks what its session had seen.
type backwards struct {
	before, op *Op
	lacking    board.ArticleID
}

// sessions holds every view to contain what its session has posted and seen
// before. It holds in every mode that promises more than durability, and
// across mode changes.
func (c *check) sessions() *Verdict {
	w := c.sessionWalk(func(op *Op) bool { return c.promised(op, strict...) })
	if w == nil {
		return nil
	}
	if w.before.Verb.Writes() {
		return violated("read your writes", []*Op{w.before, w.op}, "%s posted article %s at %s, acknowledged at %s, and did not find it in what %s showed it at %s: %s.",
			capital(w.op.who()), w.lacking, w.before.answerer(), seconds(w.before.Return), w.op.answerer(), seconds(w.op.Return), w.op.View)
	}
	return violated("monotonic reads", []*Op{w.before, w.op}, "%s had seen the board up to %s at %s at %s, and %s showed it less at %s: %s.",
		capital(w.op.who()), w.lacking, w.before.answerer(), seconds(w.before.Return), w.op.answerer(), seconds(w.op.Return), w.op.View)
}

func capital(text string) string { return string(text[0]-'a'+'A') + text[1:] }

// sessionWalk looks for a view that lacks what operations of the same session
// had shown before it was called; only operations that are wanted count.
func (c *check) sessionWalk(wanted func(*Op) bool) *backwards {
	for _, s := range c.bySession() {
		seen := sessionSeen{x: c.x, wanted: wanted, rest: s.byReturn}
		for _, op := range s.byCall {
			if !c.spend(2 + len(seen.all)) {
				return nil
			}
			if !op.View.current() || !wanted(op) {
				continue
			}
			seen.until(op)
			lacking, ok := lacks(op.View.UpTo, seen.all)
			if !ok {
				continue
			}
			before := s.firstSeen(c.x, op, lacking, wanted)
			return &backwards{before, op, lacking}
		}
	}
	return nil
}

// session is the operations of one session. They overlap only where a key was
// sent again long after.
type session struct {
	byCall   []*Op
	byReturn []*Op // ok only
}

func (c *check) bySession() []session {
	var all []session
	at := map[int]int{}
	for i := range c.h.Ops {
		op := &c.h.Ops[i]
		if op.Session == 0 {
			continue
		}
		k, ok := at[op.Session]
		if !ok {
			k = len(all)
			at[op.Session] = k
			all = append(all, session{})
		}
		all[k].byCall = append(all[k].byCall, op)
		if op.Outcome == OK {
			all[k].byReturn = append(all[k].byReturn, op)
		}
	}
	for i := range all {
		slices.SortStableFunc(all[i].byReturn, func(a, b *Op) int {
			return cmp.Or(cmp.Compare(a.Return, b.Return), cmp.Compare(a.Number, b.Number))
		})
	}
	return all
}

// precedes reports whether a session had the answer to one operation before it
// asked for the other. A client asks as soon as it is answered, so the two
// times may be equal.
func precedes(a, b *Op) bool {
	return a.Return < b.Call || a.Return == b.Call && a.Number < b.Number
}

// sessionSeen is what a session had seen when it asked for something.
type sessionSeen struct {
	x      *index
	wanted func(*Op) bool
	rest   []*Op // not seen yet, by return
	all    board.Vector
	posts  board.Vector // of that, its own posts
	reads  board.Vector // and what it has read
}

// until takes in everything that had returned before op was called.
func (s *sessionSeen) until(op *Op) {
	for len(s.rest) > 0 && precedes(s.rest[0], op) {
		if before := s.rest[0]; s.wanted(before) {
			if before.Verb.Writes() {
				for _, id := range before.IDs {
					s.posts = s.posts.With(id)
				}
			} else if before.View != nil {
				s.reads = s.reads.Join(s.x.seen(before.View))
			}
			s.all = s.all.Join(s.posts).Join(s.reads)
		}
		s.rest = s.rest[1:]
	}
}

// firstSeen is the operation by which the session first saw what op lacks.
func (s *session) firstSeen(x *index, op *Op, lacking board.ArticleID, wanted func(*Op) bool) *Op {
	for _, before := range s.byReturn {
		switch {
		case !precedes(before, op) || !wanted(before):
		case before.Verb.Writes() && slices.Contains(before.IDs, lacking):
			return before
		case before.View != nil && x.seen(before.View).Has(lacking):
			return before
		}
	}
	return op
}

// seenThenNotFound holds that no replica denies an article that the session
// has seen.
func (c *check) seenThenNotFound() *Verdict {
	wanted := func(op *Op) bool { return c.promised(op, strict...) }
	for _, s := range c.bySession() {
		seen := sessionSeen{x: c.x, wanted: wanted, rest: s.byReturn}
		for _, op := range s.byCall {
			if !c.spend(2) {
				return nil
			}
			if op.Outcome != Refused || op.Kind != notFound || c.epochs.promise[op.Epoch] == Durable {
				continue
			}
			seen.until(op)
			id := op.names()
			if _, ok := c.x.exists(id); !ok || !seen.all.Has(id) {
				continue
			}
			before := s.firstSeen(c.x, op, id, wanted)
			return violated("seen, then not found", []*Op{before, op}, "%s had seen article %s at %s at %s, and %s said at %s that there is none.",
				capital(op.who()), id, before.answerer(), seconds(before.Return), op.answerer(), seconds(op.Return))
		}
	}
	return nil
}

const notFound = "not_found"

// names is the article that a choose or reply is about.
func (op *Op) names() board.ArticleID {
	if op.Verb == Choose {
		return op.Target
	}
	return op.Parent
}

// writesFollowReads holds what a session had read when it posted to be in
// every view that has the post.
func (c *check) writesFollowReads() *Verdict {
	found := c.sweepDependencies(func(s *sessionSeen) board.Vector { return s.reads })
	if found == nil {
		return nil
	}
	post := c.addedBy(found.position)
	return violated("writes follow reads", []*Op{post, found.view}, "%s had read the board up to %s when it posted article %s; %s showed %s that article at %s without: %s.",
		capital(post.who()), found.lacking, found.article, found.view.answerer(), found.view.who(), seconds(found.view.Return), found.view.View)
}

// monotonicWrites holds the posts of a session to appear in order.
func (c *check) monotonicWrites() *Verdict {
	found := c.sweepDependencies(func(s *sessionSeen) board.Vector { return s.posts })
	if found == nil {
		return nil
	}
	post := c.addedBy(found.position)
	return violated("monotonic writes", []*Op{c.firstToShow(found.lacking, func(op *Op) bool { return op.Session == post.Session && op.Verb.Writes() }), post, found.view},
		"%s posted article %s after %s; %s showed %s the later one at %s without the earlier: %s.",
		capital(post.who()), found.article, found.lacking, found.view.answerer(), found.view.who(), seconds(found.view.Return), found.view.View)
}

// sweepDependencies looks for a view with an article and without what its
// session had seen when it posted it. Quorum reads promise no such thing: one
// that began early may meet a late post at one replica, and not what came
// between at another.
func (c *check) sweepDependencies(which func(*sessionSeen) board.Vector) *broken {
	wanted := func(op *Op) bool { return c.promised(op, strict...) }
	dependsOn := make([]board.Vector, len(c.x.articles))
	for _, s := range c.bySession() {
		seen := sessionSeen{x: c.x, wanted: wanted, rest: s.byReturn}
		for _, op := range s.byCall {
			if !op.Verb.Writes() || !c.spend(1) {
				continue
			}
			if position := c.x.articleOf[op.Number-1]; position >= 0 {
				seen.until(op)
				dependsOn[position] = which(&seen)
			}
		}
	}
	return c.sweepOrigins(c.viewsBy([]Promise{Sequential, ReadYourWrite}), func(position int) board.Vector { return dependsOn[position] })
}
