package sequential

import (
	"bytes"
	"encoding/binary"
	"time"

	"go.etcd.io/raft/v3"

	"consequor/board"
	"consequor/modes"
	"consequor/mutants"
)

// barrierPatience is how long an attempt may take before there is another one
// beside it. Raft drops a barrier silently when there is no coordinator.
const barrierPatience = 200 * time.Millisecond

// barrier finds out what was committed when a request came, and lets the
// request pass once that is applied here. An attempt is for all requests that
// were there when it began: an answer to it lets pass those, however many
// attempts have been begun since. So a coordinator that is far away is waited
// for, and one that is gone is not.
type barrier struct {
	next      []*request // came since
	flight    []*request // of attempts under way: see request.attempt
	attempt   uint64     // the last one's number; each has its own context, with the incarnation
	begun     time.Duration
	term      uint64
	committed []committedBarrier // those that raft has answered, by rising index
	uncovered []*request         // wait for nothing but the board to cover their session
}

// committedBarrier is passed when entry index is applied.
type committedBarrier struct {
	index    uint64
	requests []*request
}

func (m *Mode) waitForBarrier(q *request) {
	if m.hopeless() {
		m.refuseNoMajority(q)
		return
	}
	q.stage = stageBarrier
	if m.wait(q) {
		m.barrier.next = append(m.barrier.next, q)
	}
}

// startBarrier begins an attempt when there is none, or when the one under way
// may be lost.
func (m *Mode) startBarrier() bool {
	b := &m.barrier
	b.flight, b.next = open(b.flight), open(b.next)
	if len(b.flight) > 0 && m.term == b.term && m.now-b.begun < barrierPatience {
		return false
	}
	if len(b.flight)+len(b.next) == 0 || m.coordinator() == 0 || m.unsureOfCommits() {
		return false
	}
	b.attempt++
	for _, q := range b.next {
		q.attempt = b.attempt
	}
	b.flight, b.next = append(b.flight, b.next...), nil
	b.begun, b.term = m.now, m.term
	m.node.ReadIndex(m.barrierContext())
	return true
}

// unsureOfCommits reports that this coordinator is too new to know what was
// committed before it: none of its own entries is applied. Raft sees to that
// itself, but not in a cluster of one, which after a restart would say that
// nothing was.
func (m *Mode) unsureOfCommits() bool { return m.leads() && m.termAt(m.applied) != m.term }

func open(requests []*request) []*request {
	kept := requests[:0]
	for _, q := range requests {
		if !q.done {
			kept = append(kept, q)
		}
	}
	return kept
}

// barrierContext names an attempt, among all lives of all replicas.
func (m *Mode) barrierContext() []byte {
	return binary.AppendUvarint(m.barrierLife(), m.barrier.attempt)
}

// barrierLife is what the contexts of one life begin with.
func (m *Mode) barrierLife() []byte {
	life := binary.AppendUvarint(nil, uint64(m.self))
	if m.mutant != mutants.M9 { // else an answer to an earlier life may pass for one to this
		life = binary.AppendUvarint(life, m.incarnation)
	}
	return life
}

// attemptOf is the attempt of this life that a context names; 0: it names none.
func (m *Mode) attemptOf(context []byte) uint64 {
	rest, ours := bytes.CutPrefix(context, m.barrierLife())
	attempt, size := binary.Uvarint(rest)
	if !ours || size <= 0 || size != len(rest) || attempt > m.barrier.attempt {
		return 0
	}
	return attempt
}

func (m *Mode) onReadState(rs raft.ReadState) {
	b := &m.barrier
	attempt := m.attemptOf(rs.RequestCtx)
	var answered, rest []*request
	for _, q := range b.flight {
		if q.attempt > attempt {
			rest = append(rest, q)
			continue
		}
		q.stage = stageApplied
		answered = append(answered, q)
	}
	if len(answered) == 0 {
		return // they have passed by a later attempt
	}
	b.committed = append(b.committed, committedBarrier{rs.Index, answered})
	b.flight = rest
	m.passBarriers()
}

// passBarriers lets pass what waited for an entry that is applied, or for the
// board to grow.
func (m *Mode) passBarriers() {
	b := &m.barrier
	for len(b.committed) > 0 && b.committed[0].index <= m.applied {
		passed := b.committed[0].requests
		b.committed = b.committed[1:]
		for _, q := range passed {
			if !q.done {
				m.passed(q)
			}
		}
	}
	if len(b.uncovered) > 0 {
		waiting := b.uncovered
		b.uncovered = nil
		for _, q := range waiting {
			if !q.done {
				m.serveCovered(q, guaranteeSequential)
			}
		}
	}
}

// passed answers q: everything that was committed when it came is here.
func (m *Mode) passed(q *request) {
	switch q.verb {
	case modes.VerbReply:
		if !m.onBoard(q.parent) {
			m.refuse(q, modes.NotFound, "no article "+q.parent.String())
		} else if !m.refusePost(q) {
			q.stage = stagePost
			m.queue(q)
		}
	case modes.VerbSync:
		reached, missed := m.peers()
		m.waiting.end(q)
		m.out.Reply(modes.Reply{Request: q.id, Outcome: modes.OK, Reached: reached, Missed: missed, Count: int(m.articles() - q.from), Guarantee: guaranteeLinearizable})
	default:
		m.serveCovered(q, guaranteeLinearizable)
	}
}

// serveCovered serves a read now, or when the board covers its session.
func (m *Mode) serveCovered(q *request, guarantee string) {
	if v := m.boardVector(); v.Covers(q.seen) {
		m.waiting.end(q)
		m.out.Serve(modes.Serve{Request: q.id, UpTo: v, Guarantee: guarantee})
		return
	}
	q.stage = stageCovered
	if _, waits := m.waiting.byID[q.id]; waits || m.wait(q) {
		m.barrier.uncovered = append(m.barrier.uncovered, q)
	}
}

// peers tells which other replicas can be reached.
func (m *Mode) peers() (reached, missed []board.ReplicaID) {
	for _, r := range m.replicas {
		switch {
		case r == m.self:
		case m.connected[r]:
			reached = append(reached, r)
		default:
			missed = append(missed, r)
		}
	}
	return reached, missed
}
