package sequential

import (
	"slices"
	"time"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"consequor/board"
)

// The pace of a takeover.
const (
	takeoverPause = 20 * time.Millisecond // until a backup asks again, and a bit
	takeoverRank  = 60 * time.Millisecond // a voter's pause per rank before it takes over itself
	takeoverPower = 3                     // so often the pause doubles, after each takeoverSame rounds
	takeoverSame  = 5
	takeoverYield = 3                      // rounds in which a voter leaves it to a backup that it can reach
	takeoverMax   = 40                     // rounds; then patience again
	splitPower    = 3                      // so often the wait for one's turn doubles, after votes that were split
	restartPause  = 100 * time.Millisecond // after a restart: somebody may coordinate
)

func (m *Mode) onPeerUp(peer board.ReplicaID) {
	m.connected[peer] = true
	if m.role == raft.StateLeader {
		m.out.SendNow(peer, appendWord(nil, messageBackup, m.election.backup))
		return
	}
	if m.lead == 0 && m.hasMajority() && !m.election.takingOver {
		m.startTakeover(m.firstPause())
	}
}

// firstPause is how long to wait for somebody else when a majority is there and
// no coordinator: not at all for the first voter of a new epoch.
func (m *Mode) firstPause() time.Duration {
	pause := restartPause
	if m.firstLife {
		pause = 0
	}
	for _, v := range m.voters {
		if v == m.self {
			break
		}
		pause += takeoverRank
	}
	return pause
}

func (m *Mode) onPeerDown(peer board.ReplicaID) {
	m.drain() // it may have become coordinator in this very batch
	m.connected[peer] = false
	if m.role == raft.StateLeader {
		m.node.ReportUnreachable(uint64(peer))
		m.failOffer(peer)
	} else if peer == m.lead {
		m.lostCoordinator()
	}
	m.leaveAlone()
	m.refuseHopeless()
}

// lostCoordinator forgets the coordinator, for until then raft would turn down
// any candidate, and tells the others.
func (m *Mode) lostCoordinator() {
	w := word{m.term, m.lead}
	m.note("%s, coordinator of term %d, is gone", w.replica, w.term)
	m.forgetCoordinator()
	m.tellGone(w)
	m.countGone(w, m.self)
	if rank := m.rank(w.replica); rank == 0 {
		m.takeOverNow(w)
	} else {
		m.startTakeover(time.Duration(rank)*takeoverRank + m.bit(takeoverPause))
	}
}

func (m *Mode) forgetCoordinator() {
	if err := m.node.ForgetLeader(); err != nil {
		m.note("cannot forget the coordinator: %v", err)
	}
}

func (m *Mode) tellGone(w word) {
	for _, v := range m.voters {
		if v != m.self && v != w.replica && m.connected[v] {
			m.out.SendNow(v, appendWord(nil, messageGone, w))
		}
	}
}

// countGone notes who has lost the coordinator, and returns how many have.
func (m *Mode) countGone(w word, who board.ReplicaID) int {
	if m.election.lost != w {
		m.election.lost, m.election.lostBy = w, nil
	}
	if !contains(m.election.lostBy, who) {
		m.election.lostBy = append(m.election.lostBy, who)
	}
	return len(m.election.lostBy)
}

// onGone hears that somebody has lost the coordinator, or (replica 0) knows of
// none in this term. Only the backup acts on it, only if that is the
// coordinator it knows of, and only if it could win: a voter that has not lost
// the coordinator does not vote.
func (m *Mode) onGone(w word, from board.ReplicaID) {
	gone := w.replica
	if gone == 0 && m.now >= m.election.changed+patienceMin { // not while news is on its way
		gone = m.lead
	}
	if !m.connected[from] || gone == 0 || gone == m.self || w.term != m.term || (word{m.term, gone}) != m.election.last {
		return
	}
	others := m.countGone(w, from)
	if contains(m.election.lostBy, m.self) {
		others--
	}
	if others+1 >= m.majority() && m.rank(gone) == 0 {
		m.takeOverNow(word{m.term, gone})
	}
}

func (m *Mode) takeOverNow(w word) {
	if !m.hasMajority() {
		return
	}
	m.askVotes(w.replica.String() + " is gone")
	m.startTakeover(m.takeoverDelay())
}

// rank tells this voter's turn after gone: 0 for the backup, then ring order.
func (m *Mode) rank(gone board.ReplicaID) int {
	backup := m.election.backup.replica
	if m.election.backup.term != m.term || backup == gone {
		backup = 0
	}
	if backup == m.self {
		return 0
	}
	rank := 0
	if backup != 0 {
		rank = 1
	}
	for _, v := range m.ring(gone) {
		if v == m.self {
			break
		}
		if v != backup {
			rank++
		}
	}
	return rank
}

// ring lists the other voters than after, in the order that follows it.
func (m *Mode) ring(after board.ReplicaID) []board.ReplicaID {
	ring := make([]board.ReplicaID, 0, len(m.voters))
	for _, v := range m.voters {
		if v > after {
			ring = append(ring, v)
		}
	}
	for _, v := range m.voters {
		if v < after {
			ring = append(ring, v)
		}
	}
	return ring
}

// startTakeover has this voter ask for votes after a pause, unless there is a
// coordinator by then, and again until there is.
func (m *Mode) startTakeover(pause time.Duration) {
	m.election.takingOver = true
	if pause == 0 {
		m.onTakeover()
		return
	}
	m.out.SetTimer(timerTakeover, pause)
}

func (m *Mode) stopTakeover() {
	if m.election.takingOver {
		m.out.ClearTimer(timerTakeover)
	}
	m.election.takingOver, m.election.tries = false, 0
	m.election.split = split{}
}

func (m *Mode) onTakeover() {
	if m.lead != 0 || !m.hasMajority() || m.election.tries >= takeoverMax {
		m.election.takingOver, m.election.tries = false, 0
		return
	}
	if gone := m.lastCoordinator(); gone.replica != 0 || m.election.tries > 0 {
		m.tellGone(gone) // again: a backup that still hears of it may have turned back
	}
	if m.election.tries < takeoverYield && m.backupFirst() {
		m.startTakeover(m.takeoverDelay())
		return
	}
	if turn := m.turnAfterSplit(); turn > 0 {
		m.startTakeover(turn)
		return
	}
	m.askVotes("there is no coordinator")
	m.startTakeover(m.takeoverDelay())
}

// turnAfterSplit is how long a candidate waits whose votes were not enough,
// before it campaigns again: 0, it need not, or has. Who shared the votes with
// it has lost at the same moment, and if both began again within one round of
// votes, they would share them again. So each waits for its turn, and longer each
// time, as rounds take what disks and links take.
func (m *Mode) turnAfterSplit() time.Duration {
	c, s := &m.election.campaign, &m.election.split
	if c.ask == nil || c.ask.GetType() != pb.MsgVote || c.ask.GetTerm() != m.term || m.campaigning() || s.term == m.term {
		return 0
	}
	s.term = m.term
	turn := time.Duration(slices.Index(m.voters, m.self)) * takeoverRank << min(s.times, splitPower)
	s.times++
	return turn
}

// lastCoordinator names the one that was lost; replica 0 when there was none in
// this term, as far as is known here.
func (m *Mode) lastCoordinator() word {
	if w := m.election.last; w.term == m.term && w.replica != m.self {
		return w
	}
	return word{m.term, 0}
}

// backupFirst reports whether there is a backup that can be reached: it was told,
// and has a link to more of the others than this voter may have.
func (m *Mode) backupFirst() bool {
	backup := m.election.backup
	return backup.term == m.term && backup.replica != m.self && m.connected[backup.replica]
}

// takeoverDelay grows, for what was not answered at once may take a while.
func (m *Mode) takeoverDelay() time.Duration {
	pause := takeoverPause << min(m.election.tries/takeoverSame, takeoverPower)
	m.election.tries++
	return pause + m.bit(pause)
}
