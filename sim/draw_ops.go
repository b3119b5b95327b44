package sim

import (
	"fmt"
	"time"

	"consequor/board"
	"consequor/modes"
)

// Timeouts of a try, as clients set them.
const (
	timeoutMin = 20 * time.Millisecond
	timeoutMax = 1500 * time.Millisecond
)

// keyKind says what key a post has.
type keyKind uint8

// Keys: none, one that the client's library makes, one of the user's own.
const (
	keyNone keyKind = iota
	keyMade
	keyOwn
)

// asking is an operation of a session.
type asking struct {
	session int // from 0
	at      board.ReplicaID
	verb    modes.Verb
	fresh   bool
	key     keyKind
	timeout time.Duration // of the first try
	page    pageKind
	tries   int // at most
	hops    bool
	target  board.ArticleID // zero: one that the session knows
}

// reasking is a session's asking for an old key, long after.
type reasking struct {
	session int
	at      board.ReplicaID
	timeout time.Duration
}

// pageKind says which part of the board a read wants.
type pageKind uint8

// Parts: all of it, the roots, the first articles, what comes after the last
// page, what is new since then.
const (
	pageAll pageKind = iota
	pageRoots
	pageFirst
	pageAfter
	pageSince
	pageKinds
)

var pageWords = [pageKinds]string{"reads", "reads the roots", "reads a first page", "reads the next page", "reads what is new"}

// drawOperation draws what one session asks for. With whom it does so, how it
// tries again and where is drawn here; what it replies to and what it opens
// depends on what it has seen by then, and comes from the action's own sequence.
func (d *drawer) drawOperation() {
	s := d.random.IntN(d.sessions)
	a := asking{session: s, at: d.placeOf(s), timeout: d.between(timeoutMin, timeoutMax).Round(time.Millisecond), tries: 1, hops: d.faults.Has(Hops)}
	if d.faults.Has(Retries) {
		a.tries = 1 + d.random.IntN(5)
		if d.random.IntN(12) == 0 {
			d.add(Retries, reasking{s, a.at, a.timeout}, "session %d asks at %s for an old key, within %s", s+1, a.at, a.timeout)
			return
		}
	}
	doing := ""
	switch p, w := d.random.IntN(100), d.writes; {
	case p < w*3/5:
		a.verb, doing = modes.VerbPost, "posts"
	case p < w:
		a.verb, doing = modes.VerbReply, "replies"
	case p < max(w, 88):
		a.verb, a.page = modes.VerbRead, pageKind(max(0, d.random.IntN(int(pageKinds)+6)-6))
		doing = pageWords[a.page]
	case p < 96:
		a.verb, doing = modes.VerbChoose, "opens a thread"
	default:
		a.verb, doing = modes.VerbSync, "syncs"
	}
	if a.verb.Writes() {
		a.key = []keyKind{keyNone, keyOwn, keyMade, keyMade, keyMade, keyMade}[d.random.IntN(6)]
		doing += []string{" without a key", "", " with a key of its own"}[a.key]
	}
	if a.verb == modes.VerbRead || a.verb == modes.VerbChoose {
		a.fresh = d.random.IntN(100) < d.fresh
		doing += pick(a.fresh, " afresh", "")
	}
	d.add(None, a, "%s", fmt.Sprintf("session %d %s at %s, within %s", s+1, doing, a.at, a.timeout))
}

// placeOf is where a session asks first.
func (d *drawer) placeOf(session int) board.ReplicaID {
	if d.faults.Has(Hops) && d.random.IntN(3) > 0 && (d.crowded == 0 || d.random.IntN(3) == 0) {
		return d.anyReplica()
	}
	return d.homeOf(session)
}

// homeOf is the replica that a session keeps to, unless it hops.
func (p *Plan) homeOf(session int) board.ReplicaID {
	if p.crowded != 0 {
		return p.crowded
	}
	return board.ReplicaID(session%p.Replicas + 1)
}
