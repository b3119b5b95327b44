package sequential

import (
	"fmt"
	"testing"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/modes/modetest"
	"consequor/mutants"
)

// Four rules are broken by such rare runs that random ones do not meet them.
// Each has its run here: it goes well with the rule, and not without.
func TestAimed(t *testing.T) {
	for _, test := range []struct {
		mutant mutants.Mutant
		play   func(*scene) error
	}{
		{mutants.M3, voteForgotten},
		{mutants.M6, oldEntryReplaced},
		{mutants.M9, answerToAnEarlierLife},
		{mutants.M13, endOfTheLogKept},
	} {
		if err := playOne(test.play, mutants.None); err != nil {
			t.Errorf("the run of %s with all rules: %v", test.mutant, err)
		}
		if err := playOne(test.play, test.mutant); err == nil {
			t.Errorf("%s, which %s, is not caught", test.mutant, test.mutant.Words())
		} else {
			t.Logf("%s: %v", test.mutant, err)
		}
	}
}

func playOne(play func(*scene) error, mutant mutants.Mutant) (err error) {
	defer func() {
		if why := recover(); why != nil {
			err = fmt.Errorf("panic: %v", why)
		}
	}()
	return play(newScene(mutant))
}

// scene is a cluster of three whose links do as the run says.
type scene struct {
	*modetest.Cluster
	mutant mutants.Mutant
	lost   map[[2]board.ReplicaID]bool          // from, to: silently
	slow   map[[2]board.ReplicaID]time.Duration // from, to: instead of a millisecond
}

func newScene(mutant mutants.Mutant) *scene {
	s := &scene{mutant: mutant, lost: map[[2]board.ReplicaID]bool{}, slow: map[[2]board.ReplicaID]time.Duration{}}
	s.Cluster = modetest.NewCluster(modetest.ClusterConfig{
		New:      func() modes.Mode { return NewVariant(true, mutant) },
		Replicas: 3,
		Seed:     1,
		Link: func(from, to board.ReplicaID) []time.Duration {
			way := [2]board.ReplicaID{from, to}
			switch {
			case s.lost[way]:
				return nil
			case s.slow[way] > 0:
				return []time.Duration{s.slow[way]}
			}
			return []time.Duration{time.Millisecond}
		},
	})
	return s
}

// silence loses what goes from one replica to the other, and back.
func (s *scene) silence(a, b board.ReplicaID, silent bool) {
	s.lost[[2]board.ReplicaID{a, b}], s.lost[[2]board.ReplicaID{b, a}] = silent, silent
}

// untilCoordinates lets time pass until a replica coordinates.
func (s *scene) untilCoordinates(id board.ReplicaID) error {
	if !s.AdvanceUntil(10*time.Second, func() bool { return s.Status(id).Role == modes.RoleCoordinator }) {
		return fmt.Errorf("setting the scene: %s does not coordinate: %+v", id, s.Status(id))
	}
	return nil
}

func (s *scene) post(at board.ReplicaID, title string) *modetest.Call {
	return s.Do(at, modes.Request{Verb: modes.VerbPost, Article: board.Article{Title: title}})
}

func (s *scene) posted(at board.ReplicaID, title string) error {
	call := s.post(at, title)
	if !s.AdvanceUntil(5*time.Second, func() bool { return call.Done }) || !call.OK {
		return fmt.Errorf("setting the scene: %q at %s: %s", title, at, call.Answer)
	}
	return nil
}

// crashUnheard kills a replica; what it wrote survives, and what it has sent that
// is not there yet is lost.
func (s *scene) crashUnheard(id board.ReplicaID) {
	others := []board.ReplicaID{1, 2, 3}
	others = append(others[:id-1], others[id:]...)
	for _, other := range others {
		s.Cut(id, other, false)
	}
	s.Crash(id, s.Unsynced(id))
	s.Advance(2 * time.Millisecond)
	for _, other := range others {
		s.Heal(id, other)
	}
}

// same lets the replicas come to rest and compares their boards.
func (s *scene) same() error {
	s.Advance(3 * time.Second)
	if halts := s.Halts(); len(halts) > 0 {
		return fmt.Errorf("halted: %v", halts)
	}
	for id := board.ReplicaID(2); id <= 3; id++ {
		if err := equal(s.Board(1).Span(nil), s.Board(id).Span(nil)); err != nil {
			return fmt.Errorf("r1 and %s: %w", id, err)
		}
	}
	return nil
}

// answerToAnEarlierLife:
//
//  1. r1 coordinates, and hears nothing of r3. r2 asks it for a barrier, dies
//     before it acknowledges r1's heartbeat, and comes back.
//  2. r2 acknowledges the heartbeat in its next life, which takes a while to
//     arrive. r3 is heard again: r1 commits a post with it, and answers.
//  3. A fresh read comes to r2, which asks for a barrier. Now the first one is
//     confirmed, and its answer arrives: nothing is committed.
func answerToAnEarlierLife(s *scene) error {
	if err := s.untilCoordinates(1); err != nil {
		return err
	}
	s.Advance(200 * time.Millisecond)
	s.lost[[2]board.ReplicaID{3, 1}] = true
	s.Do(2, modes.Request{Verb: modes.VerbRead, Fresh: true})
	s.Advance(1500 * time.Microsecond)
	s.Crash(2, 0)
	s.slow[[2]board.ReplicaID{2, 1}] = 15 * time.Millisecond
	s.Restart(2)
	if !s.AdvanceUntil(time.Second, func() bool { return s.Status(2).Coordinator == 1 }) {
		return fmt.Errorf("setting the scene: r2 has not heard of r1")
	}
	s.lost[[2]board.ReplicaID{3, 1}] = false
	s.lost[[2]board.ReplicaID{1, 2}] = true
	if err := s.posted(1, "a"); err != nil {
		return err
	}
	s.lost[[2]board.ReplicaID{1, 2}] = false
	read := s.Do(2, modes.Request{Verb: modes.VerbRead, Fresh: true})
	s.AdvanceUntil(5*time.Second, func() bool { return read.Done })
	if !read.OK || !read.UpTo.Has(board.ArticleID{Seq: 1}) {
		return fmt.Errorf("a fresh read does not show 1, which was acknowledged before: %s", read.Answer)
	}
	return nil
}

// endOfTheLogKept:
//
//  1. r1 coordinates, is not heard any more, and saves thirty posts alone.
//  2. r2 coordinates, and fifteen others are posted, so that the log is trimmed.
//  3. r1 is heard again. It gets the board and a snapshot at entry 18, and says
//     that its log ends at 32.
//  4. r3 is not heard. r2 acknowledges a post, for r1 seems to have it, and dies.
func endOfTheLogKept(s *scene) error {
	if err := s.untilCoordinates(1); err != nil {
		return err
	}
	s.silence(1, 2, true)
	s.silence(1, 3, true)
	for i := range 30 {
		s.post(1, fmt.Sprint("lost ", i))
	}
	if err := s.untilCoordinates(2); err != nil {
		return err
	}
	for i := range 15 {
		if err := s.posted(3, fmt.Sprint("kept ", i)); err != nil {
			return err
		}
	}
	s.silence(1, 2, false)
	s.silence(1, 3, false)
	s.Advance(300 * time.Millisecond)
	s.silence(2, 3, true)
	if err := s.posted(2, "acknowledged"); err != nil {
		return err
	}
	s.Crash(2, s.Unsynced(2))
	if err := s.posted(3, "another"); err != nil {
		return err
	}
	s.silence(2, 3, false)
	s.Restart(2)
	return s.same()
}

// oldEntryReplaced:
//
//  1. r1 saves a post in its term alone, and dies. r2 coordinates, saves its own
//     first entry alone, and dies.
//  2. r1 coordinates again and gives its post to r3. As soon as it is on r1's
//     board, r1 dies.
//  3. r2 and r3 go on, r1 comes back.
func oldEntryReplaced(s *scene) error {
	if err := s.untilCoordinates(1); err != nil {
		return err
	}
	s.Advance(200 * time.Millisecond)
	s.silence(1, 2, true)
	s.silence(1, 3, true)
	s.post(1, "old")
	s.Advance(3 * time.Millisecond)
	s.Crash(1, s.Unsynced(1))
	s.silence(1, 2, false)
	s.silence(1, 3, false)
	if err := s.untilCoordinates(2); err != nil {
		return err
	}
	s.crashUnheard(2)
	s.Restart(1)
	if !s.AdvanceUntil(10*time.Second, func() bool { return s.Board(1).Vector().Has(board.ArticleID{Seq: 1}) }) {
		return fmt.Errorf("setting the scene: r1 does not apply its post: %+v", s.Status(1))
	}
	s.crashUnheard(1)
	s.Restart(2)
	if err := s.posted(2, "new"); err != nil {
		return err
	}
	s.Restart(1)
	return s.same()
}

// voteForgotten:
//
//  1. r1 coordinates and dies. r2 is elected with r3's vote; before that is on
//     r3's disk, if it may be, r3 dies. Nobody hears r2 any more.
//  2. r1 and r3 come back, and r3 votes for r1.
func voteForgotten(s *scene) error {
	if err := s.untilCoordinates(1); err != nil {
		return err
	}
	s.Advance(200 * time.Millisecond)
	s.Crash(1, s.Unsynced(1))
	if err := s.untilCoordinates(2); err != nil {
		return err
	}
	term := s.Status(2).Term
	s.Crash(3, 0)
	s.silence(2, 1, true)
	s.silence(2, 3, true)
	s.Restart(3)
	s.Restart(1)
	if err := s.untilCoordinates(1); err != nil {
		return err
	}
	if s.Status(1).Term == term {
		return fmt.Errorf("r2 and r1 coordinate in term %d", term)
	}
	return nil
}
