package originlog

import (
	"slices"

	"consequor/board"
)

// Who was asked, and who was missed: whose board a request wanted and did not
// get, because it could not be reached or was waited for in vain. Who was asked
// and turned out not to be needed is not missed.

// Leave ends q's part in a round in which every board was wanted: who has not
// told is missed, asked or not.
func (l *Log) Leave(q *Request) { l.leaveRound(q, func(*peer) bool { return true }) }

// LeaveEnough ends q's part in a round in which as many have told as it needs:
// who could have told as well is not missed, only who cannot be reached.
func (l *Log) LeaveEnough(q *Request) {
	l.leaveRound(q, func(p *peer) bool { return !p.connected })
}

// leaveRound notes in q who was asked, and who of those wanted has not told.
func (l *Log) leaveRound(q *Request, wanted func(*peer) bool) {
	r := q.round
	if r == nil {
		return
	}
	r.users--
	q.round, q.Asked, q.Missed = nil, r.asked, nil
	for _, p := range l.peers {
		if wanted(p) && !r.has(p.id) {
			q.Missed = append(q.Missed, p.id)
		}
	}
}

// notePulls counts those in that were asked since q came for what this board
// lacked, and have sent it: one that a round missed may have come up again.
func (l *Log) notePulls(q *Request) {
	asked := slices.Clone(q.Asked)
	for _, p := range l.peers {
		if p.gave <= q.number {
			continue
		}
		q.Missed = slices.DeleteFunc(q.Missed, func(id board.ReplicaID) bool { return id == p.id })
		if !contains(asked, p.id) {
			asked = append(asked, p.id)
		}
	}
	slices.Sort(asked)
	q.Asked = asked
}
