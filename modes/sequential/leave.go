package sequential

import (
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/tracker"

	"consequor/board"
)

// handoverTimeout is how long a leaving coordinator waits for a successor.
const handoverTimeout = time.Second

// leaving is how an epoch ends, and how a replica does.
//
// The seal is an entry of the log. What the log has before it is in this epoch;
// posts of this epoch behind it are void, and who waits for one is surely
// refused. See state for how the log goes on when the change is called off.
type leaving struct {
	sealWanted bool   // the host wants this epoch sealed
	sealAsked  bool   // another replica's host does
	sealTerm   uint64 // in which this coordinator proposed the seal
	sealed     bool   // the host was told
	stopping   bool
	over       bool // nothing is left to do but to say what this step has to say
}

// sealed reports whether this epoch's seal is applied here.
func (m *Mode) sealed() bool { return m.state.sealed >= m.epoch }

// sealOpen reports whether the seal is still to be brought about from here.
func (m *Mode) sealOpen() bool { return m.leaving.sealWanted && !m.sealed() }

func (m *Mode) onSeal() {
	m.leaving.sealWanted = true
	if m.sealed() {
		m.saySealed()
		return
	}
	m.sealAgain()
	m.lookAgain(m.now + waitingInterval)
}

// sealAgain asks the coordinator to propose the seal, as often as it takes.
func (m *Mode) sealAgain() {
	to := m.coordinator()
	if !m.sealOpen() || to == 0 || to == m.self {
		return
	}
	m.out.SendNow(m.route(to), []byte{messageSeal})
}

// proposeSeal proposes the seal once per term.
func (m *Mode) proposeSeal(batch *proposal) {
	wanted := m.leaving.sealWanted || m.leaving.sealAsked
	if !wanted || m.sealed() || m.coordinator() != m.self || m.leaving.sealTerm == m.term {
		return
	}
	batch.seal = true
	batch.add(appendSeal(nil, m.epoch))
}

func (m *Mode) sealApplied() {
	m.voidWaiting()
	m.saySealed()
}

func (m *Mode) saySealed() {
	if m.leaving.sealWanted && !m.leaving.sealed {
		m.leaving.sealed = true
		m.out.Sealed(m.boardVector())
	}
}

// onStop hands the office over, if this replica has it.
func (m *Mode) onStop() {
	m.drain()
	m.leaving.stopping = true
	successor := m.successor()
	if !m.leads() || successor == 0 {
		m.stopped("")
		return
	}
	m.note("leaving: %s is to take over", successor)
	m.out.SetTimer(timerHandover, handoverTimeout)
	m.node.TransferLeader(uint64(successor))
}

// leaveAlone lets a leaving coordinator go when nobody is left to take over: at
// the end of the whole cluster the others are gone before it.
func (m *Mode) leaveAlone() {
	if m.leaving.stopping && m.leads() && m.successor() == 0 {
		m.stopped("nobody is left to take over")
	}
}

func (m *Mode) stopped(why string) {
	if why != "" {
		m.note("leaving: %s", why)
	}
	m.leaving.over = true
}

// successor is the connected voter with the longest log; among equals the next
// in ring order. 0: there is none.
func (m *Mode) successor() board.ReplicaID {
	var best board.ReplicaID
	var bestMatch uint64
	matches := m.matches()
	for _, v := range m.ring(m.self) {
		if match := matches[v]; m.connected[v] && (best == 0 || match > bestMatch) {
			best, bestMatch = v, match
		}
	}
	return best
}

// matches tells how far each voter's log is known to agree with this one's. It
// is for looking things up only.
func (m *Mode) matches() map[board.ReplicaID]uint64 {
	matches := make(map[board.ReplicaID]uint64, len(m.voters))
	m.node.WithProgress(func(id uint64, _ raft.ProgressType, p tracker.Progress) {
		matches[board.ReplicaID(id)] = p.Match
	})
	return matches
}
