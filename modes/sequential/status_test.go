package sequential

import (
	"fmt"
	"testing"
	"time"

	"consequor/board"
	"consequor/mutants"
)

// A replica that is elected as soon as it is back, and loses office with
// nothing committed, has caught up when it has what the next coordinator had
// committed: nobody need post first. Its links break, or they stay and it is not
// heard, so that it hears of the next coordinator while it takes itself for one.
func TestCaughtUpAfterOffice(t *testing.T) {
	for _, linksBreak := range []bool{true, false} {
		if err := caughtUpAfterOffice(newScene(mutants.None), linksBreak); err != nil {
			t.Errorf("links break %t: %v", linksBreak, err)
		}
	}
}

// caughtUpAfterOffice:
//
//  1. r1 coordinates, is not heard, and saves five posts alone. All die.
//  2. r1 and r3 are back. r1's log is longer, so r3 votes for it, and does not
//     hear what r1 says as coordinator.
//  3. r2 is back; r2 and r3 elect one of them. r1 is heard again, and its log is
//     cut to theirs.
func caughtUpAfterOffice(s *scene, linksBreak bool) error {
	if err := s.untilCoordinates(1); err != nil {
		return err
	}
	s.Advance(200 * time.Millisecond)
	s.silence(1, 2, true)
	s.silence(1, 3, true)
	for i := range 5 {
		s.post(1, fmt.Sprint("lost ", i))
	}
	s.Advance(20 * time.Millisecond)
	term := s.Status(1).Term
	for _, id := range []board.ReplicaID{2, 3, 1} {
		s.Crash(id, s.Unsynced(id))
	}
	s.silence(1, 3, false)
	s.Restart(1)
	s.Restart(3)
	if !s.AdvanceUntil(5*time.Second, func() bool { return s.Status(3).Term > term }) {
		return fmt.Errorf("setting the scene: r3 does not vote: %+v", s.Status(3))
	}
	s.lost[[2]board.ReplicaID{1, 3}] = true
	if err := s.untilCoordinates(1); err != nil {
		return err
	}
	if s.Status(1).CaughtUp {
		return fmt.Errorf("setting the scene: r1 has caught up before it was heard: %+v", s.Status(1))
	}
	s.silence(1, 3, true)
	if linksBreak {
		s.Cut(1, 3, false)
		s.Cut(1, 2, false)
	}
	s.Restart(2)
	if !s.AdvanceUntil(5*time.Second, func() bool {
		return s.Status(2).CaughtUp && s.Status(3).CaughtUp && s.Status(2).Coordinator != 1
	}) {
		return fmt.Errorf("setting the scene: r2 and r3 do not go on: %+v, %+v", s.Status(2), s.Status(3))
	}
	s.silence(1, 2, false)
	s.silence(1, 3, false)
	s.HealAll()
	if !s.AdvanceUntil(5*time.Second, func() bool { return s.Status(1).CaughtUp }) {
		return fmt.Errorf("r1 follows and does not catch up: %+v", s.Status(1))
	}
	return s.same()
}
