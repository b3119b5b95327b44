package primary

import "consequor/board"

// Who leads, and who after that. All of it is guesswork.

// settle chooses a primary when nobody has been heard of: the one with the
// longest board, among equals the one with the lowest number. That is done as
// soon as all are there, or when those that are there have waited.
func (m *Mode) settle(waited bool) {
	if m.leader != 0 || m.leaving.stopping {
		return
	}
	first := true
	for _, p := range m.peers {
		first = first && (waited && !p.greeted || p.greeted && !p.settled && m.before(p))
	}
	if first {
		m.lead()
		return
	}
	if waited {
		m.out.SetTimer(timerSettle, settleWait)
		m.nominate()
		for _, p := range m.peers {
			if p.up {
				m.greet(p)
			}
		}
	}
}

// suspect takes it that the primary is dead, as it cannot be reached from here.
func (m *Mode) suspect() {
	m.note("suspects %s", m.leader)
	m.leader = 0
	m.out.SetTimer(timerSettle, settleWait)
	m.nominate()
}

// nominate makes the backup the primary, and takes it for that from now on.
func (m *Mode) nominate() {
	switch {
	case m.backup == m.self:
		m.lead()
	case m.backup != 0 && m.peer(m.backup).up:
		m.note("nominates %s", m.backup)
		m.out.SendNow(m.backup, appendMessage(message{kind: kindNominate}))
		m.leader, m.backup = m.backup, 0
		m.askAll()
	}
}

// onNominate leads, because someone says so.
func (m *Mode) onNominate(from *peer) {
	switch {
	case m.leaving.stopping:
	case m.leads():
		m.proclaim(from)
	default:
		m.note("leads, as %s wants", from.id)
		m.lead()
	}
}

// lead makes this replica the primary. It takes it that all have what it has;
// one that lacks some of it will say so.
func (m *Mode) lead() {
	m.leader, m.backup, m.caughtUp = m.self, m.next(), true
	for _, p := range m.peers {
		p.sent = m.board
	}
	m.announce()
	m.out.ClearTimer(timerSettle)
	m.askAll()
}

// appoint finds a primary without a backup one.
func (m *Mode) appoint() {
	if m.leads() && m.backup == 0 && m.next() != 0 {
		m.backup = m.next()
		m.announce()
	}
}

// next is the next replica, by number and around, of which is known what it
// has. 0: nobody is there.
func (m *Mode) next() board.ReplicaID {
	var next board.ReplicaID
	for _, p := range m.peers {
		if p.up && p.heard && (next == 0 || next < m.self && p.id > m.self) {
			next = p.id
		}
	}
	return next
}

// announce tells everyone who leads, and who would be next.
func (m *Mode) announce() {
	for _, p := range m.peers {
		if p.up {
			m.proclaim(p)
		}
	}
}

func (m *Mode) proclaim(p *peer) {
	m.out.Send(p.id, appendMessage(message{kind: kindNewLeader, leader: m.leader, backup: m.backup, board: m.board}))
}

// onNewLeader obeys the word that came last. Which one was said last, nobody
// can tell.
func (m *Mode) onNewLeader(from *peer, w message) {
	from.hear(w.board)
	if m.leads() {
		m.note("leads no more: %s does", from.id)
	}
	m.follow(w)
	if m.leaving.stopping {
		m.stopped()
	}
}

// follow takes another replica for the primary, tells it what is here, and asks
// it for what waits.
func (m *Mode) follow(w message) {
	changed := m.leader != w.leader
	m.leader, m.backup = w.leader, w.backup
	if m.caughtUpAt == nil {
		m.caughtUpAt = w.board
	}
	m.out.ClearTimer(timerSettle)
	lacks := !m.board.Covers(w.board)
	m.out.Send(m.leader, appendMessage(message{kind: kindHave, board: m.board, gap: lacks}))
	if changed {
		m.askAll()
	}
}
