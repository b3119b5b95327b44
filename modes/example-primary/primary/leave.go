package primary

import (
	"consequor/modes"
)

// leaving is how an epoch ends, and how a replica does.
type leaving struct {
	sealing  bool // no post is given an id any more
	sealed   bool // the host was told
	stopping bool
	asked    bool // the backup was, to take over
}

// onSeal ends what waits here, but for what has an id already: that is safe
// soon, or its client's deadline passes.
func (m *Mode) onSeal() {
	m.leaving.sealing = true
	for _, q := range m.waits() {
		switch {
		case !q.Verb.Writes() || q.to == m.self:
		case q.asked:
			m.unknown(q, "the mode is being changed")
		default:
			m.refuse(q, modes.EpochChanging, "the mode is being changed")
		}
	}
}

// onStop hands over, if this replica leads and has a backup.
func (m *Mode) onStop() {
	m.leaving.stopping = true
	for _, q := range m.waits() {
		if q.Verb.Writes() && !q.asked {
			m.refuse(q, modes.Stopping, m.self.String()+" is leaving")
		}
	}
	if !m.leads() || m.backup == 0 {
		m.stopped()
		return
	}
	m.out.SetTimer(timerHandover, handoverWait)
}

// leave goes on with both, at the end of each step.
func (m *Mode) leave() {
	l := &m.leaving
	if l.sealing && !l.sealed && !m.owesItself() {
		l.sealed = true
		m.out.Sealed(m.board)
	}
	if l.stopping && !l.asked && m.leads() && m.backup != 0 && m.peer(m.backup).has.Covers(m.board) {
		l.asked = true
		m.out.SendNow(m.backup, appendMessage(message{kind: kindNominate}))
	}
}

// owesItself reports whether a client here waits for an id that is given out.
func (m *Mode) owesItself() bool {
	for _, o := range m.owed {
		if o.asker == m.self && m.waiting[o.given.request] != nil {
			return true
		}
	}
	return false
}

func (m *Mode) stopped() {
	m.ended = true
	m.out.Stopped()
}
