package store

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"consequor/board"
)

// The journal has room, and the board's table has none: half of it is written
// when the disk is full. The store says so, and goes on reading and journaling.
// With room again the table is finished; without, the store closes, and the
// next one has the articles from the journal.
func TestBoardMeetsFullDisk(t *testing.T) {
	for _, room := range []bool{true, false} {
		for _, what := range []string{".sst", "MANIFEST"} {
			t.Run(fmt.Sprintf("room=%v,%s", room, what), func(t *testing.T) { boardMeetsFullDisk(t, what, room) })
		}
	}
}

func boardMeetsFullDisk(t *testing.T, what string, room bool) {
	var full atomic.Bool
	mem := vfs.NewMem()
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		writes := op.Kind == errorfs.OpFileWrite || op.Kind == errorfs.OpCreate
		if full.Load() && writes && strings.Contains(op.Path, what) {
			return syscall.ENOSPC
		}
		return nil
	}))
	told := make(chan bool, 10)
	options := Options{
		DiskFull: func(full bool) { told <- full }, fullRetry: time.Millisecond,
		Fatal: func(err error) { t.Errorf("fatal: %v", err) },
	}
	s := open(t, fs, options)
	r := newSyncer(s.Replica(1))
	full.Store(true)
	articles := []board.Article{root(1, "one"), root(2, "two")}
	r.sync(r.r.Journal(articles))
	if err := r.r.Put(articles); err != nil {
		t.Fatal(err)
	}
	flushed, err := s.db.AsyncFlush()
	if err != nil {
		t.Fatal(err)
	}
	if !<-told || !s.DiskFull() {
		t.Fatal("the store does not say that the disk is full")
	}
	r.sync(r.r.Save([]byte("in the room that the journal has left")))
	if r.r.Len() != 2 {
		t.Errorf("%d articles can be read, want 2", r.r.Len())
	}
	if room {
		full.Store(false)
		if <-told || s.DiskFull() {
			t.Error("the store says that the disk is still full")
		}
		<-flushed
	}
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	full.Store(false)
	s = open(t, mem, Options{})
	if n := s.Replica(1).Len(); n != 2 || len(s.Replica(1).Past().Records) != 1 {
		t.Errorf("the next store has %d articles, and records %v", n, s.Replica(1).Past().Records)
	}
	closeStore(t, s)
}

// The disk becomes full while the journal still has zeros ahead: the store says
// so before anybody waits, and what is under way gets to disk. When there is room
// again it finds that out by itself.
func TestShortOfRoom(t *testing.T) {
	var full atomic.Bool
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if full.Load() && op.Kind == errorfs.OpFileWriteAt && isJournal(op) && op.Offset >= zeroedAhead {
			return syscall.ENOSPC
		}
		return nil
	}))
	told := make(chan bool, 10)
	s := open(t, fs, Options{DiskFull: func(full bool) { told <- full }, fullRetry: time.Millisecond})
	r := newSyncer(s.Replica(1))
	r.sync(r.r.Save(make([]byte, 1<<10)))
	full.Store(true)
	r.sync(r.r.Save(make([]byte, zeroedAhead*3/4)))
	if !<-told || !s.DiskFull() {
		t.Error("the store does not say that the disk is full")
	}
	r.sync(r.r.Save(make([]byte, zeroedAhead/8)))
	full.Store(false)
	if <-told || s.DiskFull() {
		t.Error("the store says that the disk is still full")
	}
	closeStore(t, s)
	if len(told) > 0 {
		t.Errorf("told %v more", <-told)
	}
}

// A store is opened on a full disk: Open waits, says so, and ends with room or
// when it is told to.
func TestOpenMeetsFullDisk(t *testing.T) {
	for _, room := range []bool{true, false} {
		t.Run(fmt.Sprint("room=", room), func(t *testing.T) {
			var full atomic.Bool
			full.Store(true)
			fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
				if full.Load() && op.Kind == errorfs.OpFileWrite && strings.Contains(op.Path, "MANIFEST") {
					return syscall.ENOSPC
				}
				return nil
			}))
			told, cancel, opened := make(chan bool, 10), make(chan struct{}), make(chan error, 1)
			var s *Store
			go func() {
				var err error
				s, err = Open("data", Options{
					FS: fs, DiskFull: func(full bool) { told <- full }, fullRetry: time.Millisecond, Cancel: cancel,
					Fatal: func(err error) { t.Errorf("fatal: %v", err) },
				})
				opened <- err
			}()
			if !<-told {
				t.Error("the store does not say that the disk is full")
			}
			if !room {
				close(cancel)
				if err := <-opened; !errors.Is(err, ErrClosed) || !errors.Is(err, syscall.ENOSPC) {
					t.Errorf("opens with %v", err)
				}
				return
			}
			full.Store(false)
			if err := <-opened; err != nil {
				t.Fatal(err)
			}
			if <-told || s.DiskFull() {
				t.Error("the store says that the disk is still full")
			}
			closeStore(t, s)
		})
	}
}
