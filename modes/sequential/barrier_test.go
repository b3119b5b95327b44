package sequential

import (
	"testing"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/mutants"
)

// The way from r3 to the coordinator and back takes longer than an attempt at a
// barrier is waited for: others are begun meanwhile, and the first one's answer
// counts all the same.
func TestFreshReadFarFromCoordinator(t *testing.T) {
	s := newScene(mutants.None)
	if err := s.untilCoordinates(1); err != nil {
		t.Fatal(err)
	}
	if err := s.posted(1, "a"); err != nil {
		t.Fatal(err)
	}
	far := 2 * barrierPatience
	for _, other := range []board.ReplicaID{1, 2} {
		s.slow[[2]board.ReplicaID{3, other}] = far
		s.slow[[2]board.ReplicaID{other, 3}] = far
	}
	read := s.Do(3, modes.Request{Verb: modes.VerbRead, Fresh: true})
	limit := 2*far + 50*time.Millisecond // there and back, and a heartbeat's round among those that are near
	if !s.AdvanceUntil(limit, func() bool { return read.Done }) || !read.OK {
		t.Fatalf("a fresh read at r3, %v from the coordinator, after %v: %+v", far, limit, read)
	}
	if !read.UpTo.Has(board.ArticleID{Seq: 1}) {
		t.Errorf("it shows %v", read.UpTo)
	}
}
