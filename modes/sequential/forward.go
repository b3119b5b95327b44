package sequential

import (
	"fmt"

	pb "go.etcd.io/raft/v3/raftpb"

	"consequor/board"
	"consequor/modes"
	"consequor/mutants"
)

// ownRound stands for "proposed here" in request.rounds.
const ownRound = 0

// forwards is the way of posts to the coordinator.
//
// A forward is addressed to one coordinator in one term, and is decided once:
// proposed or denied. Whatever copies of it the network makes, a denied one is
// never proposed, so that its posts may be refused or sent elsewhere:
//
//  1. r2 forwards round 7 to r1, coordinator of term 3. The network doubles it.
//  2. r1 proposes the first copy, and loses its office.
//  3. The second copy arrives. r1 knows that it has decided round 7 already,
//     and stays silent. Had it denied, r2 might refuse what is in the log.
type forwards struct {
	unsent    []*request // of this replica's clients, to be proposed or forwarded
	arrived   []forward  // from others, to be decided in this step
	round     uint64     // of the last forward from here
	startTerm uint64     // when this life began; what was addressed to an earlier life is not denied, for it may have proposed it
	decided   map[board.ReplicaID]decided
}

// decided is the last round of a replica that was decided. One that comes out
// of order counts as lost.
type decided struct{ incarnation, round uint64 }

func newForwards() forwards { return forwards{decided: make(map[board.ReplicaID]decided)} }

// queue has q proposed or forwarded at the end of this step, or when there is a
// coordinator.
func (m *Mode) queue(q *request) {
	if !q.queued {
		q.queued = true
		m.forwards.unsent = append(m.forwards.unsent, q)
	}
}

// requeue sends to a new coordinator what is waiting.
func (m *Mode) requeue() {
	if len(m.waiting.byID) == 0 {
		return
	}
	for _, q := range m.waiting.all() {
		if q.stage == stagePost && m.sendAgain(q) {
			m.queue(q)
		}
	}
}

// onForward takes posts of another replica. They are decided at the end of the
// step, with all others of the batch.
func (m *Mode) onForward(f forward) {
	if f.coordinator == m.self {
		m.forwards.arrived = append(m.forwards.arrived, f)
		return
	}
	if !f.relayed && m.connected[f.coordinator] {
		f.relayed = true
		m.out.SendNow(f.coordinator, appendForward(nil, &f))
	}
}

// propose gives to raft, as one message, all that came for this coordinator in
// this step; elsewhere it forwards. It reports whether raft got any.
func (m *Mode) propose() bool {
	batch := proposal{}
	for _, f := range m.forwards.arrived {
		m.decide(f, &batch)
	}
	m.forwards.arrived = m.forwards.arrived[:0]
	m.proposeSeal(&batch)
	switch m.coordinator() {
	case 0:
	case m.self:
		m.proposeOwn(&batch)
	default:
		m.forwardOwn()
	}
	return m.submit(&batch)
}

// proposal is what one step gives to raft.
type proposal struct {
	entries []*pb.Entry
	own     []*request
	others  []forward
	seal    bool
}

func (p *proposal) add(data []byte) { p.entries = append(p.entries, &pb.Entry{Data: data}) }

func (m *Mode) addPost(batch *proposal, entry []byte) {
	if m.mutant == mutants.M10 {
		entry = m.drawID(entry)
	}
	batch.add(entry)
}

// decide proposes or denies a forward, unless that was done before.
func (m *Mode) decide(f forward, batch *proposal) {
	last := m.forwards.decided[f.from]
	late := f.incarnation < last.incarnation || f.incarnation == last.incarnation && f.round <= last.round
	if late || f.term <= m.forwards.startTerm {
		return
	}
	m.forwards.decided[f.from] = decided{f.incarnation, f.round}
	switch {
	case !m.leads() || f.term != m.term || m.leaving.stopping:
		m.deny(f, deniedOffice)
	case !m.hasMajority():
		m.deny(f, deniedMajority)
	case m.overloaded(batch, len(f.entries)):
		m.deny(f, deniedOverloaded)
	default:
		batch.others = append(batch.others, f)
		for _, entry := range f.entries {
			m.addPost(batch, entry)
		}
	}
}

func (m *Mode) deny(f forward, why denial) {
	m.out.SendNow(f.from, appendDenied(nil, denied{f.incarnation, f.round, why}))
}

// overloaded reports whether n more entries would be too many under way.
func (m *Mode) overloaded(batch *proposal, n int) bool {
	underWay := m.log.last() - m.applied + uint64(len(batch.entries))
	return underWay > 0 && underWay+uint64(n) > m.limits.underWayMax
}

// takeUnsent empties the queue of those that still wait.
func (m *Mode) takeUnsent() []*request {
	var open []*request
	for _, q := range m.forwards.unsent {
		q.queued = false
		if !q.done {
			open = append(open, q)
		}
	}
	m.forwards.unsent = m.forwards.unsent[:0]
	return open
}

func (m *Mode) proposeOwn(batch *proposal) {
	if m.leaving.stopping {
		return
	}
	for _, q := range m.takeUnsent() {
		if !m.overloaded(batch, 1) {
			batch.own = append(batch.own, q)
			m.addPost(batch, q.entry)
			continue
		}
		if len(q.rounds) == 0 {
			m.refuseOverloaded(q)
		}
	}
}

func (m *Mode) refuseOverloaded(q *request) {
	m.refuse(q, modes.Overloaded, fmt.Sprintf("the coordinator has %d posts under way", m.limits.underWayMax))
}

// submit hands the batch to raft. When raft drops it, which it does as a whole,
// nothing was proposed.
func (m *Mode) submit(batch *proposal) bool {
	if len(batch.entries) == 0 {
		return false
	}
	err := m.node.Step(&pb.Message{Type: pb.MsgProp.Enum(), From: new(uint64(m.self)), Entries: batch.entries})
	for _, q := range batch.own {
		if err == nil {
			m.markSent(q, ownRound)
		} // else onWaiting sends it again
	}
	if err == nil && batch.seal {
		m.leaving.sealTerm = m.term
	}
	for _, f := range batch.others {
		if err != nil {
			m.deny(f, deniedOffice)
		}
	}
	return err == nil
}

func (m *Mode) markSent(q *request, round uint64) {
	q.rounds = append(q.rounds, round)
	q.term, q.sentAt = m.term, m.now
}

// forwardOwn sends this replica's posts to the coordinator, or through the next
// voter when there is no link to it.
func (m *Mode) forwardOwn() {
	for rest := m.takeUnsent(); len(rest) > 0; {
		n, size := 0, 0
		for n < len(rest) && (n == 0 || size+len(rest[n].entry) <= chunkSizeMax) {
			size += len(rest[n].entry)
			n++
		}
		m.forward(rest[:n], size)
		rest = rest[n:]
	}
}

// forward sends posts, of size bytes together, as one round.
func (m *Mode) forward(posts []*request, size int) {
	m.forwards.round++
	f := forward{coordinator: m.lead, term: m.term, from: m.self, incarnation: m.incarnation, round: m.forwards.round}
	for _, q := range posts {
		f.entries = append(f.entries, q.entry)
		m.markSent(q, f.round)
	}
	m.out.SendNow(m.route(m.lead), appendForward(make([]byte, 0, size+4*len(posts)+64), &f))
}

// route returns the voter through which to reach to.
func (m *Mode) route(to board.ReplicaID) board.ReplicaID {
	if m.connected[to] {
		return to
	}
	for _, v := range m.ring(m.self) {
		if m.connected[v] {
			return v
		}
	}
	return to
}

// onDenied learns that posts are nowhere: they are sent again when there is
// news of the coordinator, or at the next look at what waits.
func (m *Mode) onDenied(d denied) {
	if d.incarnation != m.incarnation {
		return
	}
	for _, q := range m.waiting.all() {
		if !q.deny(d.round) || len(q.rounds) > 0 {
			continue
		}
		if d.why == deniedOverloaded {
			m.refuseOverloaded(q)
		} else if m.hopeless() {
			m.refuseNoMajority(q)
		}
	}
}

// deny forgets a round and reports whether q was in it.
func (q *request) deny(round uint64) bool {
	for i, r := range q.rounds {
		if r == round {
			q.rounds = append(q.rounds[:i], q.rounds[i+1:]...)
			return true
		}
	}
	return false
}
