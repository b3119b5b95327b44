package store

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"consequor/board"
)

// open opens a store whose failure fails the test.
func open(t testing.TB, fs vfs.FS, o Options) *Store {
	t.Helper()
	o.FS = fs
	if o.Fatal == nil {
		o.Fatal = func(err error) { t.Errorf("fatal: %v", err) }
	}
	s, err := Open("data", o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return s
}

func closeStore(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

// syncer makes a replica's syncs something to wait for.
type syncer struct {
	r      *Replica
	synced chan Position
}

func newSyncer(r *Replica) *syncer {
	s := &syncer{r, make(chan Position, 1024)}
	r.OnSynced(func(p Position) { s.synced <- p })
	return s
}

func (s *syncer) sync(pos Position) {
	s.r.Sync(pos)
	for <-s.synced < pos {
	}
}

func root(seq uint64, body string) board.Article {
	return board.Article{ID: board.ArticleID{Seq: seq}, Author: "ann", Title: "t", Body: body, Key: fmt.Sprintf("key%d~0.1", seq)}
}

func records(texts ...string) [][]byte {
	var all [][]byte
	for _, text := range texts {
		all = append(all, []byte(text))
	}
	return all
}

// r1 saves three records, forgets one, sets its state and puts an article; r2
// saves one. The store is closed and opened again: all of it is there, and the
// numbers go on.
func TestReopen(t *testing.T) {
	fs := vfs.NewMem()
	s := open(t, fs, Options{Cluster: "c1"})
	r1, r2 := s.Replica(1), s.Replica(2)
	for _, text := range []string{"a", "b", "c"} {
		r1.Save([]byte(text))
	}
	r1.Forget(1)
	r1.SetState([]byte("state"))
	r2.Save([]byte("other"))
	articles := []board.Article{root(1, "hello")}
	r1.Journal(articles)
	if err := r1.Put(articles); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)

	s = open(t, fs, Options{Cluster: "c1", MustExist: true})
	defer closeStore(t, s)
	r1, r2 = s.Replica(1), s.Replica(2)
	if diff := cmp.Diff(Past{State: []byte("state"), First: 2, Records: records("b", "c"), Next: 4}, r1.Past()); diff != "" {
		t.Errorf("past of r1 (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Past{First: 1, Records: records("other"), Next: 2}, r2.Past()); diff != "" {
		t.Errorf("past of r2 (-want +got):\n%s", diff)
	}
	if a, ok, err := r1.Get(articles[0].ID); a != articles[0] || !ok || err != nil {
		t.Errorf("get: %v, %v, %v", a, ok, err)
	}
	if r2.Len() != 0 {
		t.Errorf("r2 has %d articles of r1", r2.Len())
	}
}
