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
	takeoverPause  = 20 * time.Millisecond  // between a backup's campaigns, and a bit
	takeoverRank   = 60 * time.Millisecond  // a voter's pause per rank before it takes over itself
	takeoverPower  = 4                      // so often the pause doubles, after each takeoverSame campaigns
	takeoverSame   = 5
	takeoverYield  = 3                      // rounds in which a voter leaves it to a backup that it can reach
	takeoverMax    = 40                     // rounds; then patience again
	restartPause   = 100 * time.Millisecond // after a restart: somebody may coordinate
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
	lost         word              // a coordinator that is said to be gone ...
	lostBy       []board.ReplicaID // ... by these voters
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
		//lint:ignore SA1019 it does exactly what is wanted, and the version is pinned
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
			m.campaign("nothing heard of a coordinator")
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
	case pb.MsgAppResp:
		m.checkOffer(from)
	}
}

// campaign asks the voters. Raft first asks whether they would vote for it, so
// that a term is not wasted.
func (m *Mode) campaign(why string) {
	m.note("campaigns for term %d: %s", m.term+1, why)
	if err := m.node.Campaign(); err != nil {
		m.note("cannot campaign: %v", err)
	}
}

// onOffice follows a change of term or coordinator as raft sees it.
func (m *Mode) onOffice(before board.ReplicaID, termBefore uint64) {
	if m.lead != 0 {
		m.checkOneCoordinator()
		m.stopTakeover()
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
	m.status.catchUpTo(m.log.last() + 1) // its first entry, which raft is about to hand out
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

// Connections.

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
	m.connected[peer] = false
	if m.role == raft.StateLeader {
		m.node.ReportUnreachable(uint64(peer))
		m.failOffer(peer)
	} else if peer == m.lead {
		m.lostCoordinator()
	}
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
	m.campaign(w.replica.String() + " is gone")
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

// startTakeover has this voter campaign after a pause, unless there is a
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
}

func (m *Mode) onTakeover() {
	if m.lead != 0 || !m.hasMajority() || m.election.tries >= takeoverMax {
		m.election.takingOver, m.election.tries = false, 0
		return
	}
	m.tellGone(m.lastCoordinator()) // a backup that still hears of it may have turned back
	if m.election.tries < takeoverYield && m.backupFirst() {
		m.startTakeover(m.takeoverDelay())
		return
	}
	m.campaign("there is no coordinator")
	m.startTakeover(m.takeoverDelay())
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

// takeoverDelay grows, for on a slow network a new campaign would throw away
// the votes for the one before.
func (m *Mode) takeoverDelay() time.Duration {
	pause := takeoverPause << min(m.election.tries/takeoverSame, takeoverPower)
	m.election.tries++
	return pause + m.bit(pause)
}
