package store

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"consequor/board"
)

// tidied lets the keeper do its work now and returns the segments' numbers.
func tidied(t *testing.T, s *Store) []uint64 {
	t.Helper()
	if err := s.journal.waitDurable(); err != nil {
		t.Fatal(err)
	}
	numbers, err := listSegments(s.fs, s.journal.dir)
	if err != nil {
		t.Fatal(err)
	}
	return numbers
}

// fill writes articles of another replica until n more segments have begun.
func fill(t *testing.T, s *Store, n int) {
	t.Helper()
	r := newSyncer(s.Replica(9))
	for begun := 0; begun < n; {
		seq := r.r.Len() + 1
		articles := []board.Article{root(seq, "0123456789012345678901234567890123456789")}
		before := lastSegment(s)
		pos := r.r.Journal(articles)
		if err := r.r.Put(articles); err != nil {
			t.Fatal(err)
		}
		r.sync(pos)
		if lastSegment(s) != before {
			begun++
		}
	}
}

func lastSegment(s *Store) uint64 {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	if n := len(s.journal.segments); n > 0 {
		return s.journal.segments[n-1].number
	}
	return 0
}

// keep does what the keeper does, in this goroutine: for stores of openKept.
func keep(t *testing.T, s *Store) {
	t.Helper()
	for range 3 { // flush, note it, drop
		if err := s.tidy(); err != nil {
			t.Fatal(err)
		}
		if s.flushed != nil {
			<-s.flushed
			s.flushEnded()
		}
	}
}

// openKept opens a store whose keeper does nothing by itself.
func openKept(t *testing.T, fs vfs.FS, o Options) *Store {
	t.Helper()
	s := open(t, fs, o)
	close(s.stop)
	<-s.keeperDone
	s.stop = make(chan struct{})
	return s
}

// r1 saves two records and never forgets them; hundreds of articles of r9
// follow. The segments with only articles go once the board is flushed, also
// from the middle; r1's segment stays until there are too many, then its
// records are copied and it goes as well. All is there after a restart.
func TestSegmentsGo(t *testing.T) {
	fs := vfs.NewMem()
	options := Options{SegmentSize: 1 << 10}
	s := openKept(t, fs, options)
	r1 := newSyncer(s.Replica(1))
	r1.r.Save([]byte("a"))
	r1.sync(r1.r.Save([]byte("b")))
	r1.r.SetState([]byte("state"))

	fill(t, s, flushSegments+1)
	keep(t, s)
	if numbers := tidied(t, s); numbers[0] != 1 || len(numbers) > 3 {
		t.Errorf("after a flush there are segments %v, want the first and the last", numbers)
	}
	fill(t, s, copySegments+2)
	keep(t, s)
	if numbers := tidied(t, s); numbers[0] == 1 || len(numbers) > 3 {
		t.Errorf("after a copy there are segments %v, want only new ones", numbers)
	}
	articles := s.Replica(9).Len()
	closeStore(t, s)

	s = open(t, fs, options)
	defer closeStore(t, s)
	past := s.Replica(1).Past()
	if got := fmt.Sprintf("%s %s %d", past.State, past.Records, past.Next); got != "state [a b] 3" {
		t.Errorf("r1: %s", got)
	}
	if n := s.Replica(9).Len(); n != articles {
		t.Errorf("r9 has %d articles, want %d", n, articles)
	}
}

// r1 keeps more than a quarter of each segment. Copying would never end: its
// segments stay, until it forgets.
func TestMuchIsNotCopied(t *testing.T) {
	fs := vfs.NewMem()
	s := openKept(t, fs, Options{SegmentSize: 1 << 10})
	defer closeStore(t, s)
	r1 := newSyncer(s.Replica(1))
	for range 2 * copySegments {
		r1.sync(r1.r.Save(make([]byte, 900)))
	}
	keep(t, s)
	if numbers := tidied(t, s); len(numbers) != 2*copySegments {
		t.Errorf("segments %v, want all %d", numbers, 2*copySegments)
	}
	r1.r.Forget(2 * copySegments)
	keep(t, s)
	if numbers := tidied(t, s); len(numbers) != 1 {
		t.Errorf("segments %v, want the last one", numbers)
	}
}

// An article that was journalled but not put holds its segment, and all that
// a flush may forget, until it is put.
func TestOutstandingArticlesStay(t *testing.T) {
	fs := vfs.NewMem()
	options := Options{SegmentSize: 1 << 10}
	s := openKept(t, fs, options)
	late := []board.Article{root(1, "late")}
	s.Replica(1).Journal(late)
	fill(t, s, 2*flushSegments)
	keep(t, s)
	if numbers := tidied(t, s); numbers[0] != 1 {
		t.Errorf("segments %v: the article that is not on the board is gone", numbers)
	}
	if err := s.Replica(1).Put(late); err != nil {
		t.Fatal(err)
	}
	fill(t, s, 1)
	keep(t, s)
	if numbers := tidied(t, s); numbers[0] == 1 {
		t.Errorf("segments %v, want the first gone", numbers)
	}
	closeStore(t, s)
	s = open(t, fs, options)
	defer closeStore(t, s)
	if s.Replica(1).Len() != 1 {
		t.Error("the article is gone")
	}
}

// The journal has an article that contradicts the board: its replica is
// broken, after each restart; the others of the process are not.
func TestBrokenReplica(t *testing.T) {
	fs := vfs.NewMem()
	s := open(t, fs, Options{})
	bad := root(2, "orphan")
	bad.Parent = board.ArticleID{Seq: 1}
	s.Replica(1).Journal([]board.Article{bad})
	s.Replica(2).Journal([]board.Article{root(1, "good")})
	closeStore(t, s)
	for life := range 2 {
		s := open(t, fs, Options{})
		if err := s.Replica(1).Past().Broken; err == nil {
			t.Errorf("life %d: r1 is not broken", life)
		}
		if err := s.Replica(2).Past().Broken; err != nil || s.Replica(2).Len() != 1 {
			t.Errorf("life %d: r2: %v, %d articles", life, err, s.Replica(2).Len())
		}
		closeStore(t, s)
	}
}
