package sequential

import (
	"fmt"
	"time"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"consequor/board"
)

// The clock of elections. Patience is drawn from the seed, between the minimum
// and twice that.
const (
	tickInterval   = 50 * time.Millisecond  // a coordinator's heartbeat
	patienceMin    = 500 * time.Millisecond // electionTicks ticks: no sooner would others vote
	backupSlackLen = 2_000                  // entries that a backup may be behind the best
)

// election is the clock and the takeover.
type election struct {
	ticked       time.Duration // up to when time was told to raft
	ticksDue     int           // of a coordinator, since its last tick
	patienceEnds time.Duration // without a word from a coordinator; then: campaign
	graceEnds    time.Duration // peers may still be on their way
	last         word          // the last coordinator seen; one per term
	changed      time.Duration // when it took office
	backup       word          // who is to take over, and in which term it was named
	takingOver   bool
	tries        int               // rounds of this takeover
	split        split             // votes that were split in this takeover
	lost         word              // a coordinator that is said to be gone ...
	lostBy       []board.ReplicaID // ... by these voters
	campaign     campaign          // this voter's latest
	ballot       ballot            // the latest vote given to another
}

// startElections begins the clock. The very first coordinator of an epoch is
// elected as soon as a majority is connected.
func (m *Mode) startElections() {
	m.election.ticked = m.now
	m.election.graceEnds = m.now + startGrace
	m.restartPatience()
	m.out.SetTimer(timerTick, m.election.patienceEnds-m.now)
	if m.hasMajority() { // alone
		m.campaign("alone")
	}
}

// passTime tells raft of the time that passed: a follower turns down candidates
// for a while after it has heard from the coordinator.
func (m *Mode) passTime() {
	ticks := int((m.now - m.election.ticked) / tickInterval)
	m.election.ticked += time.Duration(ticks) * tickInterval
	if m.role == raft.StateLeader {
		m.election.ticksDue += ticks
		return
	}
	m.quiesce(min(ticks, 2*electionTicks))
}

func (m *Mode) quiesce(ticks int) {
	for range ticks {
		m.node.TickQuiesced()
	}
}

// onTick is a coordinator's heartbeat, or the end of a follower's patience.
func (m *Mode) onTick() {
	if m.role == raft.StateLeader {
		// However long the pause was, raft looks for its majority once: the
		// answers may lie in the next batch.
		m.quiesce(min(m.election.ticksDue, electionTicks) - 1)
		m.election.ticksDue = 0
		m.node.Tick()
		m.nameBackup()
		m.checkOffers()
		m.out.SetTimer(timerTick, tickInterval)
		return
	}
	if m.now >= m.election.patienceEnds {
		m.restartPatience()
		if m.hasMajority() {
			m.askVotes("nothing heard of a coordinator")
			m.startTakeover(m.takeoverDelay())
		}
	}
	m.out.SetTimer(timerTick, m.election.patienceEnds-m.now)
}

// restartPatience is called at each word of a coordinator and each vote given.
// The timer is not: when it runs out, it is set to what is left.
func (m *Mode) restartPatience() {
	m.election.patienceEnds = m.now + patienceMin + m.bit(patienceMin)
}

// bit is a random duration below most.
func (m *Mode) bit(most time.Duration) time.Duration {
	return time.Duration(m.random.Int64N(int64(most)))
}

// heard takes notice of what a peer's message tells besides its content.
func (m *Mode) heard(message *pb.Message, from board.ReplicaID) {
	if message.GetTerm() < m.term {
		return
	}
	switch message.GetType() {
	case pb.MsgApp, pb.MsgHeartbeat, pb.MsgSnap:
		m.status.heard(message)
		if !m.connected[from] {
			m.forgetCoordinator() // its last words, late: it is gone
			return
		}
		m.restartPatience()
	case pb.MsgVoteResp, pb.MsgPreVoteResp:
		m.answers(message, from)
	case pb.MsgAppResp:
		m.checkOffer(from)
	}
}

// onOffice follows a change of term or coordinator as raft sees it.
func (m *Mode) onOffice(before board.ReplicaID, termBefore uint64) {
	if m.lead != 0 {
		m.checkOneCoordinator()
		m.stopTakeover()
		m.election.campaign = campaign{}
		m.restartPatience()
	}
	now := m.coordinator()
	switch {
	case m.leads() && (before != m.self || m.term != termBefore):
		m.takeOffice()
	case before == m.self && !m.leads():
		m.leaveOffice()
	}
	if m.leaving.stopping && !m.leads() {
		m.stopped("the office is handed over")
		return
	}
	if now != 0 && (now != before || m.term != termBefore) {
		m.requeue()
		m.sealAgain()
	}
	m.refuseHopeless()
}

// checkOneCoordinator asserts what elections are for.
func (m *Mode) checkOneCoordinator() {
	if last := m.election.last; last.term == m.term && last.replica != m.lead {
		panic(fmt.Sprintf("two coordinators in term %d: %s and %s", m.term, last.replica, m.lead))
	}
	if now := (word{m.term, m.lead}); now != m.election.last {
		m.election.last, m.election.changed = now, m.now
	}
}

func (m *Mode) takeOffice() {
	m.note("coordinates from term %d on", m.term)
	m.election.ticksDue, m.election.backup = 0, word{}
	m.nameBackup()
	m.out.SetTimer(timerTick, tickInterval)
}

func (m *Mode) leaveOffice() {
	m.note("coordinates no more, in term %d", m.term)
	m.boards.offers = nil
	m.restartPatience()
	m.out.SetTimer(timerTick, m.election.patienceEnds-m.now)
}

// nameBackup tells all who should take over: who has been named, while it is
// connected and not far behind, else the one with the longest log.
func (m *Mode) nameBackup() {
	best := m.successor()
	if old := m.election.backup.replica; old != 0 && m.connected[old] {
		matches := m.matches()
		answered := matches[old] > 0 || matches[best] == 0 // in this term: a connection alone says little
		if answered && matches[old]+backupSlackLen >= matches[best] {
			return
		}
	}
	if w := (word{m.term, best}); w != m.election.backup {
		m.election.backup = w
		for _, v := range m.voters {
			if v != m.self && m.connected[v] {
				m.out.SendNow(v, appendWord(nil, messageBackup, w))
			}
		}
	}
}

// onBackup may come before raft has heard of that term.
func (m *Mode) onBackup(w word, from board.ReplicaID) {
	if w.term >= m.term && w.term >= m.election.backup.term && from != m.self {
		m.election.backup = w
	}
}
