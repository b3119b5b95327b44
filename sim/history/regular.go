package history

import "consequor/board"

// What some answers promise, whoever asked: all posts that were acknowledged
// before it was asked for are in it (Lamport 1986: regular). Fresh reads of
// read-your-write promise that; and so does "there is no such article", where it
// is not the answer of a read that may be behind.

// regularReads holds a fresh read of a read-your-write epoch to have every post
// that had returned before it was called. What others were shown need not be in
// it.
func (c *check) regularReads() *Verdict {
	for _, ops := range c.livesOf(ReadYourWrite) {
		var posted board.Vector
		rest := sortedByReturn(ops)
		for _, op := range ops { // by call
			for ; len(rest) > 0 && rest[0].Return < op.Call; rest = rest[1:] {
				if rest[0].Verb.Writes() {
					posted = posted.Join(rest[0].shows())
				}
			}
			if !c.spend(2 + len(posted)) {
				return nil
			}
			if !op.Fresh || !op.View.current() {
				continue
			}
			lacking, ok := lacks(op.View.UpTo, posted)
			if !ok {
				continue
			}
			early := firstReturned(ops, lacking, op)
			return violated("fresh", []*Op{early, op}, "Article %s, %s, is not in the fresh %s that %s called at %s: %s showed %s.",
				lacking, early.showed(), op.Verb, op.who(), seconds(op.Call), op.answerer(), op.View)
		}
	}
	return nil
}

// deniedSequential and its siblings hold that nobody is told of an acknowledged
// article that there is none, if the answer must not be behind. At a mode change
// all boards become equal, so what an earlier mode has acknowledged counts as
// well; but a later one's is not known to who is still in the old epoch.
func (c *check) deniedSequential() *Verdict { return c.denied(Sequential) }
func (c *check) deniedQuorum() *Verdict     { return c.denied(Quorum) }
func (c *check) deniedSessions() *Verdict   { return c.denied(ReadYourWrite) }

// regular reports whether the answer to op is to be behind no acknowledged post,
// under a promise. A read of a sequential epoch may be behind; but who names an
// article, to open it or to reply to it, is told only behind a barrier that there
// is none.
func (op *Op) regular(promise Promise) bool {
	return op.Fresh || promise == Quorum || promise == Sequential && (op.Verb == Reply || op.Verb == Choose)
}

func (c *check) denied(promise Promise) *Verdict {
	posts := map[board.ArticleID]*Op{}
	for i := range c.h.Ops {
		if op := &c.h.Ops[i]; op.Outcome == OK && op.Verb.Writes() && c.spend(1) {
			posts[op.IDs[0]] = op
		}
	}
	for i := range c.h.Ops {
		op := &c.h.Ops[i]
		if !c.spend(1) {
			return nil
		}
		if op.Outcome != Refused || op.Kind != notFound || c.epochs.promise[op.Epoch] != promise || !op.regular(promise) {
			continue
		}
		post := posts[op.names()]
		if post == nil || post.Return >= op.Call || c.epochs.generation[post.Epoch] > c.epochs.generation[op.Epoch] {
			continue
		}
		return violated("posted, then not found", []*Op{post, op}, "Article %s was %s, and %s, asked for it at %s, told %s at %s that there is none.",
			op.names(), post.showed(), op.answerer(), seconds(op.Call), op.who(), seconds(op.Return))
	}
	return nil
}
