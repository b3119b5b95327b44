package originlog

import (
	"time"

	"consequor/modes"
)

// How long leaving may take.
const (
	sealPatience = 3 * time.Second // for minted posts to get their copies; then they end unknown
	stopPatience = time.Second     // for connected peers to get what was posted here
)

// leaving is how an epoch ends, and how a replica does.
type leaving struct {
	sealWanted bool
	sealEnds   time.Duration
	sealed     bool // the host was told
	stopping   bool
	stopEnds   time.Duration
}

// OnSeal takes no more posts from now on. What has no article yet ends; what has
// one goes on to its acknowledgement.
func (l *Log) OnSeal() {
	l.leaving.sealed = false // who asks again is told again
	if !l.leaving.sealWanted {
		l.leaving.sealWanted, l.leaving.sealEnds = true, l.now+sealPatience
		l.endPosts(l.endSealed)
	}
}

// endSealed ends a post that a seal has overtaken. One of another replica's
// client only is forgotten: that replica is being sealed as well, and its host
// then keeps the post for the next epoch. A word from here, which can be no
// other than unknown, would end it before.
func (l *Log) endSealed(q *Request) {
	if q.from != l.self {
		l.forget(q)
		return
	}
	l.End(q, modes.EpochChanging, "the mode is being changed")
}

// OnStop takes no more posts, and hands over what peers lack.
func (l *Log) OnStop() {
	if !l.leaving.stopping {
		l.leaving.stopping, l.leaving.stopEnds = true, l.now+stopPatience
		l.endPosts(l.endStopping)
	}
}

func (l *Log) endStopping(q *Request) { l.End(q, modes.Stopping, l.self.String()+" is leaving") }

func (l *Log) endPosts(end func(*Request)) {
	for _, q := range l.waiting.list {
		if !q.done && q.Verb.Writes() && q.given.IsZero() {
			end(q)
		}
	}
}

// leave says that the epoch is sealed, or that this replica has stopped, once
// that is so.
func (l *Log) leave() {
	if l.leaving.sealWanted && !l.leaving.sealed && !l.acknowledging(l.leaving.sealEnds) {
		l.leaving.sealed = true
		l.out.Sealed(l.board)
	}
	if l.leaving.stopping && !l.handingOver() {
		l.stopped()
	}
}

// acknowledging reports whether posts wait for their copies. After ends they do
// not any more.
func (l *Log) acknowledging(ends time.Duration) bool {
	for _, q := range l.waiting.list {
		if q.done || q.given.IsZero() {
			continue
		}
		if l.now < ends {
			l.wake(ends)
			return true
		}
		l.ExpirePost(q)
	}
	return false
}

// handingOver reports whether a connected peer lacks articles of this replica.
func (l *Log) handingOver() bool {
	if l.leaving.stopEnds <= l.now {
		return false
	}
	for _, p := range l.peers {
		if p.connected && p.near && !p.known.Covers(part(l.board, l.self)) {
			l.wake(l.leaving.stopEnds)
			return true
		}
	}
	return false
}

func (l *Log) stopped() {
	for _, q := range l.waiting.list {
		if !q.done && !(q.Verb.Writes() && l.ExpirePost(q)) {
			l.endStopping(q)
		}
	}
	l.ended = true
	l.out.Stopped()
}
