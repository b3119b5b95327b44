package sequential

import (
	"fmt"
	"time"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"consequor/modes"
)

// behindInterval is how often a change of nothing but "behind" is reported.
const behindInterval = 250 * time.Millisecond

// statusKeeper remembers what was reported.
type statusKeeper struct {
	reported modes.Status
	at       time.Duration
	target   uint64 // what the coordinator had committed when it was first heard; 0: not heard yet
	known    uint64 // what it has committed, as far as was heard
	caughtUp bool   // see catchUp; true for the rest of this life
}

// heard takes notice of what a coordinator says it has committed.
func (s *statusKeeper) heard(message *pb.Message) {
	switch message.GetType() {
	case pb.MsgApp:
		s.catchUpTo(message.GetCommit())
		s.known = max(s.known, message.GetCommit())
	case pb.MsgSnap:
		s.catchUpTo(message.GetSnapshot().GetMetadata().GetIndex())
		s.known = max(s.known, message.GetSnapshot().GetMetadata().GetIndex())
	}
}

func (s *statusKeeper) catchUpTo(index uint64) {
	if s.target == 0 {
		s.target = max(1, index)
	}
}

// catchUp notes that this replica has what was committed before it came. A
// follower has when it has applied what its first coordinator had committed. A
// coordinator has when it has applied an entry of its own. That is no target
// for a follower, to which it may become:
//
//  1. r1 is back with entries 3 to 7, which nobody else has. It is elected, and
//     dies for the others before they hear of its entry 8.
//  2. r2 and r3 elect r2, with an entry 3 of its own. r1 follows: its log ends
//     at 3, and while nobody posts there will be no entry 8.
func (m *Mode) catchUp() {
	s := &m.status
	heard := s.target > 0 && m.applied >= s.target
	led := m.leads() && !m.unsureOfCommits()
	s.caughtUp = s.caughtUp || heard || led
}

// report tells the status when it has changed.
func (m *Mode) report() {
	s := &m.status
	m.catchUp()
	now := m.currentStatus()
	if now == s.reported {
		return
	}
	same := now
	same.Behind = s.reported.Behind
	if same == s.reported && m.now-s.at < behindInterval {
		return
	}
	s.reported, s.at = now, m.now
	m.out.Report(now)
}

func (m *Mode) currentStatus() modes.Status {
	status := modes.Status{
		Role:        m.currentRole(),
		Term:        m.term,
		Coordinator: m.coordinator(),
		Behind:      max(m.committed, m.status.known) - m.applied,
		Joined:      m.coordinator() != 0,
		CaughtUp:    m.status.caughtUp,
		Waiting:     m.waitsFor(),
	}
	if m.election.backup.term == m.term && status.Coordinator != 0 {
		status.Backup = m.election.backup.replica
	}
	return status
}

func (m *Mode) currentRole() modes.Role {
	switch {
	case m.coordinator() == m.self:
		return modes.RoleCoordinator
	case m.role == raft.StateCandidate || m.role == raft.StatePreCandidate:
		return modes.RoleCandidate
	case m.coordinator() != 0 && m.election.backup == word{m.term, m.self}:
		return modes.RoleBackup
	}
	return modes.RoleFollower
}

// waitsFor says in words what keeps this replica from taking posts.
func (m *Mode) waitsFor() string {
	switch {
	case m.coordinator() == 0 && !m.hasMajority():
		return fmt.Sprintf("a majority (%d of %d)", m.reachable(), len(m.voters))
	case m.coordinator() == 0:
		return "a coordinator"
	case !m.status.caughtUp:
		return "what was posted before it came"
	}
	return ""
}
