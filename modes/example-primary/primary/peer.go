package primary

import (
	"consequor/board"
	"consequor/modes"
)

// peer is another replica, as this one knows it.
type peer struct {
	id      board.ReplicaID
	up      bool
	greeted bool         // it has said HELLO since it is connected
	settled bool         // and who leads
	heard   bool         // has is known
	has     board.Vector // what is on its disk, at least
	sent    board.Vector // what it has once all that was sent has arrived
	stuck   board.Vector // has, when it was last looked at
	given   []given      // for its clients; leaves with this step

	// The newest GET_ID without a key: a doubled message must not be taken for
	// a new post.
	life    uint64
	request modes.RequestID
}

func (p *peer) hear(v board.Vector) {
	p.heard, p.has = true, p.has.Join(v)
}

// firstTime reports whether a request is newer than all before. One that was
// overtaken on the way is lost by that, and its client hears that nobody knows.
func (p *peer) firstTime(life uint64, request modes.RequestID) bool {
	if life < p.life || life == p.life && request <= p.request {
		return false
	}
	p.life, p.request = life, request
	return true
}

func (m *Mode) onPeerUp(p *peer) {
	p.up = true
	m.greet(p)
}

func (m *Mode) onPeerDown(p *peer) {
	p.up, p.greeted, p.settled, p.heard = false, false, false, false
	switch {
	case p.id == m.leader:
		m.suspect()
	case m.leads() && p.id == m.backup:
		m.backup = m.next()
		m.announce()
	}
}

// greet says what is here and who leads: HELLO.
func (m *Mode) greet(p *peer) {
	m.out.Send(p.id, appendMessage(message{kind: kindHello, leader: m.leader, backup: m.backup, board: m.board}))
}

// onHello hears who leads. Of two that both lead, the one with the longer board
// goes on: what the other one gave out is lost, or has the ids of other
// articles.
func (m *Mode) onHello(from *peer, w message) {
	if !from.heard {
		from.sent = w.board
	}
	from.hear(w.board)
	from.greeted, from.settled = true, w.leader != 0 && w.leader != m.self
	switch {
	case w.leader == 0 && m.leader != 0: // it wants to know
		m.greet(from)
	case w.leader == from.id && m.leads():
		if m.before(from) {
			m.announce()
		}
	case w.leader == from.id && !m.reaches(m.leader):
		m.follow(w)
	case w.leader != 0 && w.leader != m.self && m.leader == 0 && m.reaches(w.leader): // hearsay
		m.follow(w)
	case from.id == m.leader: // it does not lead, or no more
		m.leader, m.backup = 0, w.backup
		m.out.SetTimer(timerSettle, settleWait)
	case m.leader == 0: // who leads cannot be reached
		m.backup = w.backup
	}
	m.appoint()
	m.settle(false)
}

// before reports whether this replica, rather than a peer, should lead.
func (m *Mode) before(p *peer) bool {
	mine, its := m.board.SeqMax(), p.has.SeqMax()
	return mine > its || mine == its && m.self < p.id
}
