package sequential

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"consequor/board"
	"consequor/modes"
	"consequor/modes/modetest"
	"consequor/mutants"
)

// Where a round of votes takes many times the pause between two campaigns, a
// coordinator that dies costs an election, and not a term for each pause. Now
// and then two voters campaign at one moment, and that is one or two terms more.
func TestSlowElections(t *testing.T) {
	const seeds, termsMax = 60, 3
	for _, replicas := range []int{3, 4, 5, 7} {
		var elections, terms uint64
		for seed := uint64(1); seed <= seeds; seed++ {
			first, next, err := slowElections(replicas, seed)
			if err != nil {
				t.Errorf("%d replicas, seed %d: %v", replicas, seed, err)
			}
			if first > termsMax || next > termsMax {
				t.Errorf("%d replicas, seed %d: the first election took %d terms, the next %d; %d are allowed", replicas, seed, first, next, termsMax)
			}
			elections, terms = elections+2, terms+first+next
		}
		t.Logf("%d replicas: %d elections took %d terms", replicas, elections, terms)
		if terms > elections+elections/10 {
			t.Errorf("%d replicas: %d elections took %d terms", replicas, elections, terms)
		}
	}
}

// slowElections lets a coordinator be elected and die, or fall silent, and its
// backup die too if enough are left, and tells how many terms pass until there
// is one, and until there is another.
func slowElections(replicas int, seed uint64) (first, next uint64, err error) {
	random := rand.New(rand.NewPCG(seed, 0))
	upTo := func(most time.Duration) time.Duration { return time.Duration(random.Int64N(int64(most))) }
	var silent board.ReplicaID
	c := modetest.NewCluster(modetest.ClusterConfig{
		New: New, Replicas: replicas, Seed: seed,
		Link: func(from, to board.ReplicaID) []time.Duration {
			if from == silent || to == silent {
				return nil
			}
			return []time.Duration{upTo(20 * time.Millisecond)}
		},
		Disk: func(board.ReplicaID) time.Duration { return upTo(60 * time.Millisecond) },
	})
	old, err := settled(c, replicas, 0)
	if err != nil {
		return 0, 0, err
	}
	c.Advance(upTo(500 * time.Millisecond))
	if backup := c.Status(old).Backup; backup != 0 && replicas > 4 {
		c.Crash(backup, c.Unsynced(backup))
	}
	before := c.Status(old).Term
	if seed%2 == 0 {
		silent = old
	} else {
		c.Crash(old, c.Unsynced(old))
	}
	now, err := settled(c, replicas, old)
	if err != nil {
		return 0, 0, err
	}
	return before - bootTerm, c.Status(now).Term - before, nil
}

// settled waits until there is a coordinator other than the old one that all
// others know of, and tells which.
func settled(c *modetest.Cluster, replicas int, old board.ReplicaID) (board.ReplicaID, error) {
	var now board.ReplicaID
	one := func() bool {
		now = 0
		for id := board.ReplicaID(1); id <= board.ReplicaID(replicas); id++ {
			if id == old || !c.Up(id) {
				continue
			}
			if s := c.Status(id); s.Coordinator == 0 || s.Coordinator == old || now != 0 && s.Coordinator != now {
				return false
			}
			now = c.Status(id).Coordinator
		}
		return c.Up(now)
	}
	if !c.AdvanceUntil(10*time.Second, one) {
		return 0, fmt.Errorf("no coordinator in 10 s after %s", old)
	}
	return now, nil
}

// A vote that is lost on its way is asked for again, in the same term, and not
// much later.
func TestLostVoteIsAskedForAgain(t *testing.T) {
	s := newScene(mutants.None)
	if err := s.untilCoordinates(1); err != nil {
		t.Fatal(err)
	}
	s.Advance(200 * time.Millisecond)
	before := s.Status(1).Term
	s.Crash(1, 0)
	if !s.AdvanceUntil(time.Second, func() bool { return s.Status(2).Term > before }) {
		t.Fatal("setting the scene: r2 does not ask for votes")
	}
	s.lost[[2]board.ReplicaID{3, 2}] = true // the vote is about to be saved
	s.Advance(10 * time.Millisecond)
	s.lost[[2]board.ReplicaID{3, 2}] = false
	if !s.AdvanceUntil(2*takeoverPause, func() bool { return s.Status(2).Role == modes.RoleCoordinator }) {
		t.Fatalf("r2 does not coordinate: %+v", s.Status(2))
	}
	if term := s.Status(2).Term; term != before+1 {
		t.Errorf("r2 coordinates in term %d; r1 did in %d", term, before)
	}
}

// Who has voted for r2 does not promise its next vote to r5, which has no link to
// r2:
//
//  1. r1 dies. r2, its backup, asks r3 and r4 for votes, and both give them; what
//     they say to r2 takes long to arrive.
//  2. r5's turn comes. r3 and r4 tell it that they have voted in this term, and so
//     it asks whether they would vote for it in the next one.
func TestVoteIsKeptBack(t *testing.T) {
	s := newScene(mutants.None)
	s.Cluster = modetest.NewCluster(modetest.ClusterConfig{
		New: New, Replicas: 5, Seed: 1,
		Link: func(from, to board.ReplicaID) []time.Duration {
			return []time.Duration{max(time.Millisecond, s.slow[[2]board.ReplicaID{from, to}])}
		},
	})
	if err := s.untilCoordinates(1); err != nil {
		t.Fatal(err)
	}
	s.Advance(200 * time.Millisecond)
	before := s.Status(1).Term
	s.Cut(2, 5, false)
	s.Crash(1, 0)
	if !s.AdvanceUntil(time.Second, func() bool { return s.Status(2).Term > before }) {
		t.Fatal("setting the scene: r2 does not ask for votes")
	}
	s.slow[[2]board.ReplicaID{3, 2}], s.slow[[2]board.ReplicaID{4, 2}] = campaignTime-50*time.Millisecond, campaignTime-50*time.Millisecond
	if !s.AdvanceUntil(time.Second, func() bool { return s.Status(5).Role == modes.RoleCandidate && s.Status(5).Term > before }) {
		t.Fatalf("setting the scene: r5 does not ask for votes in the next term: %+v", s.Status(5))
	}
	s.AdvanceUntil(time.Second, func() bool { return s.Status(3).Coordinator != 0 })
	if got := s.Status(3); got.Coordinator != 2 || got.Term != before+1 {
		t.Errorf("%s coordinates in term %d; r1 did in %d", got.Coordinator, got.Term, before)
	}
}

// Where no campaign is answered in time, each is waited for longer than the one
// before.
func TestVerySlowDisks(t *testing.T) {
	const termsMax = 3
	s := newScene(mutants.None)
	s.Cluster = modetest.NewCluster(modetest.ClusterConfig{
		New: New, Replicas: 3, Seed: 1,
		Disk: func(board.ReplicaID) time.Duration { return 700 * time.Millisecond },
	})
	if _, err := settled(s.Cluster, 3, 0); err != nil {
		t.Fatal(err)
	}
	if terms := s.Status(1).Term - bootTerm; terms > termsMax {
		t.Errorf("the election took %d terms; %d are allowed", terms, termsMax)
	}
}

// Votes are split: r3 and r4 have two each, of five voters, r5 being gone. Were
// both to begin again within one round of votes, they would share them again (the
// simulator did so for four terms). So each waits for a turn of its own, once
// for a term, and longer in the next one.
func TestTurnAfterSplit(t *testing.T) {
	split := func(self board.ReplicaID, term uint64, granted int, answered ...board.ReplicaID) *Mode {
		m := newMode(defaultLimits)
		m.self, m.voters, m.term, m.role, m.now = self, []board.ReplicaID{1, 2, 3, 4, 5}, term, raft.StateCandidate, time.Second
		m.connected = map[board.ReplicaID]bool{1: true, 2: true, 3: true, 4: true}
		m.connected[self] = false // to oneself there is no connection
		m.election.campaign = campaign{
			ask: &pb.Message{Type: pb.MsgVote.Enum(), Term: &term}, ends: 2 * time.Second, answered: answered, granted: granted,
		}
		return m
	}
	turns := map[time.Duration]board.ReplicaID{}
	for self := board.ReplicaID(1); self <= 4; self++ {
		m := split(self, 4, 2, 1, 2, 3, 4)
		turn := m.turnAfterSplit()
		for other, of := range turns {
			if max(turn-other, other-turn) < takeoverRank {
				t.Errorf("%s waits %s, and %s %s", self, turn, of, other)
			}
		}
		turns[turn] = self
		if again := m.turnAfterSplit(); again != 0 {
			t.Errorf("%s waits %s, and then %s more in the same term", self, turn, again)
		}
		m.term = 5
		m.election.campaign.ask.Term = &m.term
		if longer := m.turnAfterSplit(); longer != 2*turn {
			t.Errorf("%s waits %s, and %s in the next term", self, turn, longer)
		}
	}
	if turn := split(3, 4, 2, 3, 4).turnAfterSplit(); turn != 0 {
		t.Errorf("r3 waits %s though votes are still on their way", turn)
	}
}
