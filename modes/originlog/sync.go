package originlog

import (
	"time"

	"consequor/board"
	"consequor/modes"
)

// syncPatience is how long a sync waits while none of those that it waits for
// gets further; who has not answered or taken all by then is missed.
const syncPatience = time.Second

// Sync brings here all that connected replicas have, and to them all that is
// here: a total merge, or repair. It names who was missed.
func (l *Log) Sync(q *Request) {
	if !q.Found {
		round := l.Ask(q, Spans)
		if !l.Over(round, syncPatience) {
			return
		}
		l.Leave(q)
		q.Found, q.UpTo, q.foundAt = true, l.board, l.now
	}
	l.want(q.UpTo)
	if further, merging := l.merging(q); merging && l.now < further+syncPatience {
		l.wake(further + syncPatience)
		return
	}
	l.Synced(q)
}

// merging reports whether a replica that answered has yet to take what it lacks,
// and when the last of those got further. All of them get it from here: what
// others brought them they would not tell.
func (l *Log) merging(q *Request) (further time.Duration, merging bool) {
	for _, p := range l.peers {
		if p.connected && contains(q.Asked, p.id) && !contains(q.Missed, p.id) && !p.known.Covers(q.UpTo) {
			p.merges, merging = true, true
			further = max(further, p.grewAt, q.foundAt)
		}
	}
	return further, merging
}

// Synced answers a sync with what has come about.
func (l *Log) Synced(q *Request) {
	l.Leave(q)
	if !q.Found {
		q.UpTo = l.board
	}
	var reached, missed []board.ReplicaID
	for _, p := range l.peers {
		if p.connected && contains(q.Asked, p.id) && !contains(q.Missed, p.id) && p.known.Covers(q.UpTo) {
			reached = append(reached, p.id)
		} else {
			missed = append(missed, p.id)
		}
	}
	l.forget(q)
	l.out.Reply(modes.Reply{Request: q.ID, Outcome: modes.OK, Reached: reached, Missed: missed, Count: l.brought - q.before, Guarantee: l.config.Label(q)})
}
