package store

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"consequor/board"
)

func isJournal(op errorfs.Op) bool { return strings.HasSuffix(op.Path, segmentSuffix) }

// A write or a sync of the journal, or the creation of a board's table, fails
// once. Fatal is called once, nothing is acknowledged after, though the disk
// would take it, and Close says why.
func TestFatal(t *testing.T) {
	for name, fails := range map[string]func(errorfs.Op) bool{
		"sync":  func(op errorfs.Op) bool { return op.Kind == errorfs.OpFileSyncData && isJournal(op) },
		"write": func(op errorfs.Op) bool { return op.Kind == errorfs.OpFileWriteAt && isJournal(op) },
		"table": func(op errorfs.Op) bool { return op.Kind == errorfs.OpCreate && strings.HasSuffix(op.Path, ".sst") },
	} {
		t.Run(name, func(t *testing.T) {
			var armed atomic.Bool
			fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
				if fails(op) && armed.CompareAndSwap(true, false) {
					return errorfs.ErrInjected
				}
				return nil
			}))
			failed := make(chan error, 10)
			s := open(t, fs, Options{Fatal: func(err error) { failed <- err }})
			r := newSyncer(s.Replica(1))
			r.sync(r.r.Save([]byte("good")))
			for len(r.synced) > 0 {
				<-r.synced
			}
			armed.Store(true)
			provoke(t, s, name == "table")
			if err := <-failed; !errors.Is(err, errorfs.ErrInjected) {
				t.Errorf("fatal: %v", err)
			}
			r.r.Sync(r.r.Save([]byte("after")))
			if err := s.Close(); !errors.Is(err, errorfs.ErrInjected) {
				t.Errorf("close: %v", err)
			}
			if len(r.synced) > 0 || len(failed) > 0 {
				t.Errorf("%d syncs acknowledged and %d more calls of Fatal", len(r.synced), len(failed))
			}
		})
	}
}

func provoke(t *testing.T, s *Store, table bool) {
	t.Helper()
	r := s.Replica(1)
	if !table {
		r.Sync(r.Save([]byte("bad")))
		return
	}
	if err := r.Put([]board.Article{root(1, "one")}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.AsyncFlush(); err != nil {
		t.Fatal(err)
	}
}

// The disk is full when a segment must begin: nothing is acknowledged and
// nothing is fatal; the board can be read. When there is room again, all goes
// on. While there is none, Close ends, and says so.
func TestDiskFull(t *testing.T) {
	for _, room := range []bool{true, false} {
		t.Run(fmt.Sprint("room=", room), func(t *testing.T) {
			full, met := new(atomic.Bool), make(chan struct{}, 1000)
			fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
				if full.Load() && op.Kind == errorfs.OpCreate && isJournal(op) {
					select {
					case met <- struct{}{}:
					default:
					}
					return syscall.ENOSPC
				}
				return nil
			}))
			s := open(t, fs, Options{SegmentSize: 1 << 10, fullRetry: time.Millisecond})
			r := newSyncer(s.Replica(1))
			r.sync(r.r.Save(make([]byte, 500)))
			full.Store(true)
			pos := r.r.Save(make([]byte, 800))
			r.r.Sync(pos)
			<-met
			<-met // it has tried twice
			if !s.DiskFull() || r.r.Backlog() < 800 {
				t.Errorf("disk full: %v, backlog %d", s.DiskFull(), r.r.Backlog())
			}
			if _, err := r.r.Page(board.Query{}); err != nil {
				t.Error(err)
			}
			if !room {
				if err := s.Close(); !errors.Is(err, ErrClosed) || !errors.Is(err, syscall.ENOSPC) {
					t.Errorf("close: %v", err)
				}
				return
			}
			full.Store(false)
			r.sync(pos)
			if s.DiskFull() || r.r.Backlog() != 0 {
				t.Errorf("disk full: %v, backlog %d", s.DiskFull(), r.r.Backlog())
			}
			closeStore(t, s)
		})
	}
}

// gate counts the syncs of the journal and holds them while it is shut.
type gate struct {
	mu    sync.Mutex
	syncs atomic.Int64
}

func (g *gate) wrap(fs vfs.FS) vfs.FS {
	return errorfs.Wrap(fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileSyncData && isJournal(op) {
			g.syncs.Add(1)
			g.mu.Lock()
			defer g.mu.Unlock()
		}
		return nil
	}))
}

// One write is being synced when 64 replicas write and wait: they share one
// more sync, and each of them is told once.
func TestGroupCommit(t *testing.T) {
	var g gate
	s := open(t, g.wrap(vfs.NewMem()), Options{})
	defer closeStore(t, s)
	first := newSyncer(s.Replica(1000))
	first.sync(first.r.Save([]byte("opens the segment")))
	before := g.syncs.Load()
	g.mu.Lock()
	pos := first.r.Save([]byte("is being synced"))
	first.r.Sync(pos)
	for g.syncs.Load() == before {
		runtime.Gosched()
	}
	var writers []*syncer
	for id := range board.ReplicaID(64) {
		w := newSyncer(s.Replica(id + 1))
		writers = append(writers, w)
		w.r.Sync(w.r.Save([]byte("waits")))
	}
	g.mu.Unlock()
	for _, w := range writers {
		if told := <-w.synced; told < pos {
			t.Errorf("%s was told %d", w.r.id, told)
		}
		if len(w.synced) > 0 {
			t.Errorf("%s was told twice", w.r.id)
		}
	}
	if syncs := g.syncs.Load() - before; syncs != 2 {
		t.Errorf("%d syncs for 65 writes, want 2", syncs)
	}
}

// Writes that nobody waits for cause no sync, but leave memory once they are
// many; and a wait for what is synced already is answered without a sync.
func TestNoSyncUnasked(t *testing.T) {
	var g gate
	s := open(t, g.wrap(vfs.NewMem()), Options{})
	defer closeStore(t, s)
	r := newSyncer(s.Replica(1))
	r.sync(r.r.Save([]byte("asked")))
	syncs := g.syncs.Load()
	synced := r.r.Save(make([]byte, 3*writeSizeDefault))
	for r.r.Backlog() > 0 {
		r.r.Forget(0)
	}
	r.sync(1)
	if n := g.syncs.Load() - syncs; n != 0 {
		t.Errorf("%d syncs that nobody asked for", n)
	}
	r.sync(synced)
	r.sync(synced)
	if n := g.syncs.Load() - syncs; n != 1 {
		t.Errorf("%d syncs, want 1", n)
	}
}

// An ephemeral store never syncs its journal, and keeps all that it wrote.
func TestNoSync(t *testing.T) {
	var g gate
	fs := vfs.NewMem()
	options := Options{NoSync: true, SegmentSize: 1 << 10}
	s := open(t, g.wrap(fs), options)
	r := newSyncer(s.Replica(1))
	for range 50 {
		r.sync(r.r.Save(make([]byte, 100)))
	}
	closeStore(t, s)
	if n := g.syncs.Load(); n != 0 {
		t.Errorf("%d syncs", n)
	}
	s = open(t, fs, options)
	if n := len(s.Replica(1).Past().Records); n != 50 {
		t.Errorf("%d records, want 50", n)
	}
	closeStore(t, s)
}
