package originlog

import (
	"slices"
	"time"

	"consequor/board"
)

// The pace of rounds.
const (
	roundAgain    = 200 * time.Millisecond // until who has not answered is asked again; doubles ...
	roundAgainMax = 2 * time.Second        // ... up to this
)

// Kind says what a round asks for.
type Kind int

// The kinds of rounds.
const (
	Heads Kind = iota // what the boards hold
	Spans             // that, and what this board lacks of it
	kinds
)

// Round asks all connected replicas for what their boards hold. It serves only
// requests that waited when it was sent: an answer then shows everything that
// was on that replica's disk when they came.
type Round struct {
	kind    Kind
	number  uint64
	sent    bool
	sentAt  time.Duration
	again   time.Duration // when those that have not answered are asked again
	pause   time.Duration
	own     board.Vector // this board as it was when the round was sent
	asked   []board.ReplicaID
	answers []answer // in the order they came
	owed    []answer // that count when this board has what they speak of; spans only
	users   int      // requests that take part
}

type answer struct {
	from  board.ReplicaID
	board board.Vector
}

// rounds are those under way, and those that the next requests wait for.
type rounds struct {
	next   [kinds]*Round // not sent yet
	flight []*Round      // by rising number
}

// Ask has q take part in a round: in the one it is in, else in the next.
func (l *Log) Ask(q *Request, kind Kind) *Round {
	if q.round == nil {
		if l.rounds.next[kind] == nil {
			l.rounds.next[kind] = &Round{kind: kind}
		}
		q.round = l.rounds.next[kind]
		q.round.users++
	}
	return q.round
}

// sendRounds sends the next rounds, if requests wait for them and not too many
// are under way.
func (l *Log) sendRounds() {
	flight := l.rounds.flight[:0]
	var under [kinds]int
	for _, r := range l.rounds.flight {
		if r.users > 0 {
			flight = append(flight, r)
			under[r.kind]++
			l.settle(r)
			l.repeat(r)
		}
	}
	l.rounds.flight = flight
	for kind, r := range l.rounds.next {
		if r == nil || under[kind] >= l.limits.rounds {
			continue
		}
		l.rounds.next[kind] = nil
		if r.users > 0 {
			l.send(r)
		}
	}
}

func (l *Log) send(r *Round) {
	l.number++
	r.number, r.sent, r.sentAt, r.own = l.number, true, l.now, l.board
	r.pause, r.again = roundAgain, l.now+roundAgain
	for _, p := range l.peers {
		if p.connected {
			r.asked = append(r.asked, p.id)
			l.askRound(p, r)
		}
	}
	l.rounds.flight = append(l.rounds.flight, r)
	l.further = true
	l.wake(r.again)
}

// askRound asks a peer. Of one that is known to have much that is not here only
// the vector is asked: were each round to bring the same large span, those would
// queue up before everything else for long.
func (l *Log) askRound(p *peer, r *Round) {
	span := r.kind == Spans && lacking(l.board, p.known) < l.limits.farBehind
	l.out.SendNow(p.id, appendAsk(nil, ask{l.incarnation, r.number, span, l.board}))
}

// repeat asks those again that have not answered: message or answer may be lost.
func (l *Log) repeat(r *Round) {
	if !l.waits(r, true) {
		return
	}
	if r.again <= l.now {
		for _, p := range l.peers {
			if p.connected && contains(r.asked, p.id) && !r.has(p.id) && !r.owes(p.id) {
				l.askRound(p, r)
			}
		}
		r.pause = min(2*r.pause, roundAgainMax)
		r.again = l.now + r.pause
	}
	l.wake(r.again)
}

// waits reports whether somebody connected has yet to answer. The silent count
// only if silentToo.
func (l *Log) waits(r *Round, silentToo bool) bool {
	for _, p := range l.peers {
		if p.connected && (silentToo || !p.silent) && contains(r.asked, p.id) && !r.has(p.id) {
			return true
		}
	}
	return false
}

// askToo asks a peer that has come up what the others were asked.
func (l *Log) askToo(p *peer) {
	for _, r := range l.rounds.flight {
		if r.users == 0 || r.has(p.id) || r.owes(p.id) {
			continue
		}
		if !contains(r.asked, p.id) {
			r.asked = append(r.asked, p.id)
		}
		l.askRound(p, r)
	}
}

// onAnswer notes a peer's answer. In a round for spans it counts only when this
// board has what it speaks of. One whose span left a gap is to come again.
func (l *Log) onAnswer(from board.ReplicaID, h have, gap bool) {
	for _, r := range l.rounds.flight {
		switch {
		case r.number != h.number || r.has(from) || r.owes(from) || r.kind == Spans && gap:
		case r.kind == Heads || l.board.Covers(h.board):
			r.answers = append(r.answers, answer{from, h.board})
		default:
			r.owed = append(r.owed, answer{from, h.board})
		}
	}
}

// settle has those answers count that this board has come up to, and brings the
// others' here.
func (l *Log) settle(r *Round) {
	owed := r.owed[:0]
	for _, a := range r.owed {
		if l.board.Covers(a.board) {
			r.answers = append(r.answers, a)
			l.further = true
			continue
		}
		owed = append(owed, a)
		if p := l.peer(a.from); p.connected {
			l.pull(p)
		}
	}
	r.owed = owed
}

func (r *Round) owes(id board.ReplicaID) bool {
	return slices.ContainsFunc(r.owed, func(a answer) bool { return a.from == id })
}

func (r *Round) has(id board.ReplicaID) bool {
	for _, a := range r.answers {
		if a.from == id {
			return true
		}
	}
	return false
}

// Count is how many replicas have told, this one included; 0: it was not sent.
func (r *Round) Count() int {
	if !r.sent {
		return 0
	}
	return 1 + len(r.answers)
}

// Join is what the boards of count replicas held, this one's included: those
// that answered first.
func (r *Round) Join(count int) board.Vector {
	v := r.own
	for _, a := range r.answers[:min(len(r.answers), count-1)] {
		v = v.Join(a.board)
	}
	return v
}

// Highest is, of the boards that Join joins, the one with the highest id: the
// predecessor's rule. What only the others held is not in it; a mutant reads so.
func (r *Round) Highest(count int) board.Vector {
	v := r.own
	for _, a := range r.answers[:min(len(r.answers), count-1)] {
		if a.board.SeqMax() > v.SeqMax() {
			v = a.board
		}
	}
	return v
}

// SeqMax is the highest seq that any of them told.
func (r *Round) SeqMax() uint64 { return r.Join(len(r.answers) + 1).SeqMax() }

// Over reports whether all that were asked and can still be reached have
// answered, or have had patience long to do so.
func (l *Log) Over(r *Round, patience time.Duration) bool {
	return r.sent && (!l.waits(r, true) || l.outOfPatience(r, patience))
}

// OverForNow is Over, but does not wait for the silent: one that stands still
// holds up the first to ask it, and not everybody until its connection breaks.
func (l *Log) OverForNow(r *Round, patience time.Duration) bool {
	return r.sent && (!l.waits(r, false) || l.outOfPatience(r, patience))
}

// outOfPatience reports whether those that were asked have had patience long to
// answer; then they are silent.
func (l *Log) outOfPatience(r *Round, patience time.Duration) bool {
	over := r.sentAt + patience
	if l.now < over {
		l.wake(over)
		return false
	}
	for _, p := range l.peers {
		if p.connected && contains(r.asked, p.id) && !r.has(p.id) && !r.owes(p.id) {
			p.silent = true
		}
	}
	return true
}
