package store

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/google/go-cmp/cmp"

	"consequor/board"
)

// model is what one replica must have after a prefix of its operations.
type model struct {
	past  Past
	board map[board.ArticleID]board.Article
}

func newModel() *model {
	return &model{Past{First: 1, Next: 1}, make(map[board.ArticleID]board.Article)}
}

func (m *model) save(record []byte) {
	m.past.Records = append(m.past.Records, record)
	m.past.Next++
}

func (m *model) forget(upTo uint64) {
	if upTo >= m.past.First {
		m.past.Records = m.past.Records[upTo+1-m.past.First:]
		m.past.First = upTo + 1
	}
}

// operation is one append: done to the store, and to the model.
type operation struct {
	replica board.ReplicaID
	pos     Position
	do      func(*model)
}

// workload does random operations on replicas 1 and 2, and keeps the list.
type workload struct {
	rng     *rand.Rand
	store   *Store
	ops     []operation
	now     map[board.ReplicaID]*model
	waiting []func() error // puts that come later than their journal entry
	acked   atomic.Uint64
}

func newWorkload(seed uint64, s *Store) *workload {
	w := &workload{rng: rand.New(rand.NewPCG(seed, 2)), store: s, now: map[board.ReplicaID]*model{1: newModel(), 2: newModel()}}
	for id := range w.now {
		s.Replica(id).OnSynced(func(pos Position) {
			for {
				old := w.acked.Load()
				if uint64(pos) <= old || w.acked.CompareAndSwap(old, uint64(pos)) {
					return
				}
			}
		})
	}
	return w
}

func (w *workload) note(id board.ReplicaID, pos Position, do func(*model)) {
	do(w.now[id])
	w.ops = append(w.ops, operation{id, pos, do})
}

func (w *workload) step(t *testing.T) {
	t.Helper()
	id := board.ReplicaID(1 + w.rng.IntN(2))
	r, m := w.store.Replica(id), w.now[id]
	switch w.rng.IntN(12) {
	case 0, 1, 2, 3:
		record := []byte(fmt.Sprintf("%s-%d-%s", id, len(w.ops), strings.Repeat("x", w.rng.IntN(300))))
		w.note(id, r.Save(record), func(m *model) { m.save(record) })
	case 4:
		if id == 1 || w.rng.IntN(10) == 0 { // r2 hardly ever forgets
			upTo := m.past.First - 1 + w.rng.Uint64N(m.past.Next-m.past.First+1)
			w.note(id, r.Forget(upTo), func(m *model) { m.forget(upTo) })
		}
	case 5:
		state := []byte(fmt.Sprint("state", len(w.ops)))
		w.note(id, r.SetState(state), func(m *model) { m.past.State = state })
	case 6:
		if w.rng.IntN(10) == 0 {
			state := []byte(fmt.Sprint("epoch", len(w.ops)))
			w.note(id, r.Reset(state), func(m *model) { m.past = Past{State: state, First: 1, Next: 1} })
		}
	case 7, 8, 9:
		w.post(t, r, m)
	case 10:
		r.Sync(w.ops[len(w.ops)-1].pos)
	case 11:
		for _, put := range w.waiting {
			if err := put(); err != nil {
				t.Fatal(err)
			}
		}
		w.waiting = nil
	}
}

func (w *workload) post(t *testing.T, r *Replica, m *model) {
	t.Helper()
	a := root(uint64(len(w.ops)+1), strings.Repeat("y", w.rng.IntN(300)))
	w.note(r.id, r.Journal([]board.Article{a}), func(m *model) { m.board[a.ID] = a })
	put := func() error { return r.Put([]board.Article{a}) }
	if w.rng.IntN(2) == 0 {
		w.waiting = append(w.waiting, put)
	} else if err := put(); err != nil {
		t.Fatal(err)
	}
}

// check opens what a crash left and compares it with the model of the prefix
// that it claims to be. Then the machine stops once more, at once: what was
// seen must stay.
func (w *workload) check(t *testing.T, fs *vfs.MemFS, acked Position, options Options) {
	t.Helper()
	s := open(t, fs, options)
	end := s.recovered
	again := fs.CrashClone(vfs.CrashCloneCfg{})
	w.compare(t, s, end)
	closeStore(t, s)
	if end < acked {
		t.Fatalf("the journal ends at %d, but %d was acknowledged", end, acked)
	}
	s = open(t, again, options)
	w.compare(t, s, end)
	closeStore(t, s)
}

// compare compares the store with the model of all operations up to end.
func (w *workload) compare(t *testing.T, s *Store, end Position) {
	t.Helper()
	want := map[board.ReplicaID]*model{1: newModel(), 2: newModel()}
	for _, op := range w.ops {
		if op.pos <= end {
			op.do(want[op.replica])
		}
	}
	for id, m := range want {
		past := s.Replica(id).Past()
		if got, want := tell(past), tell(m.past); got != want {
			t.Fatalf("past of %s at position %d (-want +got):\n%s", id, end, cmp.Diff(want, got))
		}
		compareArticles(t, s.Replica(id), m.board)
	}
}

// tell writes a past out, to compare and to read.
func tell(p Past) string {
	return fmt.Sprintf("state %s, broken %v, first %d, next %d, records\n%s", p.State, p.Broken, p.First, p.Next, bytes.Join(p.Records, []byte("\n")))
}

func compareArticles(t *testing.T, r *Replica, want map[board.ArticleID]board.Article) {
	t.Helper()
	got := make(map[board.ArticleID]board.Article)
	err := r.Span(nil, r.Vector(), 1<<20, func(chunk []board.Article) error {
		for _, a := range chunk {
			got[a.ID] = a
		}
		return nil
	})
	if err != nil || !maps.Equal(got, want) || int(r.Len()) != len(want) {
		t.Fatalf("board of %s: %d articles (%v), want %d", r.id, len(got), err, len(want))
	}
}

// crash is what would be on the disk if the machine stopped just before one
// operation of the file system.
type crash struct {
	before string
	fs     *vfs.MemFS
	acked  Position
}

// The machine stops before each write, sync, creation and removal of a random
// run, with everything not synced lost, or with a random part of it kept. What
// is left is always a prefix that has all that was acknowledged.
func TestCrashAnywhere(t *testing.T) {
	for seed := range uint64(3) {
		for _, kept := range []int{0, 50} {
			t.Run(fmt.Sprintf("seed=%d/kept=%d", seed, kept), func(t *testing.T) {
				w, crashes, options := crashRun(t, seed, kept)
				for _, c := range crashes {
					t.Run(strings.ReplaceAll(c.before, "/", "_"), func(t *testing.T) { w.check(t, c.fs, c.acked, options) })
				}
			})
		}
	}
}

func crashRun(t *testing.T, seed uint64, kept int) (*workload, []crash, Options) {
	t.Helper()
	fs := vfs.NewCrashableMem()
	var w *workload
	var on atomic.Bool
	var mu sync.Mutex
	var crashes []crash
	rng := rand.New(rand.NewPCG(seed, 3))
	hook := errorfs.InjectorFunc(func(op errorfs.Op) error {
		if !on.Load() || op.Kind.ReadOrWrite() == errorfs.OpIsRead || op.Kind == errorfs.OpFileRead || op.Kind == errorfs.OpFileReadAt {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		acked := Position(w.acked.Load())
		if rng.IntN(20) == 0 {
			clone := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: kept, RNG: rng})
			crashes = append(crashes, crash{fmt.Sprintf("%d:%d:%s", len(crashes), op.Kind, op.Path), clone, acked})
		}
		return nil
	})
	options := Options{SegmentSize: 4 << 10, writeSize: 512}
	s := open(t, errorfs.Wrap(fs, hook), options)
	w = newWorkload(seed, s)
	on.Store(true)
	w.ops = append(w.ops, operation{1, s.Replica(1).SetState([]byte("first")), func(m *model) { m.past.State = []byte("first") }})
	w.ops[0].do(w.now[1])
	for range 2500 {
		w.step(t)
		if w.rng.IntN(4) == 0 {
			if err := s.journal.waitDurable(); err != nil {
				t.Fatal(err)
			}
		}
	}
	closeStore(t, s)
	on.Store(false)
	w.check(t, fs, w.ops[len(w.ops)-1].pos, options)
	if len(crashes) < 50 {
		t.Fatalf("only %d crashes", len(crashes))
	}
	if numbers, err := listSegments(fs, "data/journal"); err != nil || numbers[0] == 1 || slices.Max(numbers) < 50 {
		t.Fatalf("segments %v, %v: want many, and the first ones gone", numbers, err)
	}
	return w, crashes, options
}
