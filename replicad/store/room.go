package store

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// diskFullRetry is how long one who waits for room asks a full disk again.
// Meanwhile nothing is acknowledged and the backlog grows.
const diskFullRetry = time.Second

func isDiskFull(err error) bool { return errors.Is(err, syscall.ENOSPC) }

// room is where the journal and the board wait while the disk is full.
type room struct {
	dir   string
	retry time.Duration
	log   *slog.Logger
	tell  func(full bool) // in order; must not block
	full  atomic.Bool

	mu      sync.Mutex
	waiting int           // goroutines, and those that gave up
	short   bool          // the journal has some zeros ahead, and can't have more
	cancel  chan struct{} // closed when Open is not to wait any more
	stop    chan struct{} // closed when the store closes: nobody waits any more
	gaveUp  chan struct{} // closed when one has stopped waiting because of that
}

func newRoom(dir string, o Options) *room {
	return &room{
		dir: dir, retry: o.fullRetry, log: o.Logger, tell: o.DiskFull,
		cancel: make(chan struct{}), stop: make(chan struct{}), gaveUp: make(chan struct{}),
	}
}

// while does something that asked can cut short where it waits for room.
func (r *room) while(asked <-chan struct{}, do func() error) error {
	done, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-asked:
			close(r.cancel)
		case <-done:
		}
	}()
	err := do()
	close(done)
	<-watched
	return err
}

// find does what needs room on the disk until there is some.
func (r *room) find(do func() error) error {
	err := do()
	if !isDiskFull(err) {
		return err
	}
	r.change(func() { r.waiting++ })
	for isDiskFull(err) {
		retry := time.NewTimer(r.retry)
		select {
		case <-retry.C:
		case <-r.stop:
			retry.Stop()
			return r.giveUp(err)
		case <-r.cancel:
			retry.Stop()
			return r.giveUp(err)
		}
		err = do()
	}
	r.change(func() { r.waiting-- })
	return err
}

// lacks notes whether the journal is short of zeros ahead. Nobody has to wait
// yet: posts are refused in time, and what is under way still gets to disk.
func (r *room) lacks(short bool) { r.change(func() { r.short = short }) }

// change tells what comes of a change.
func (r *room) change(do func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	do()
	full := r.waiting > 0 || r.short
	switch {
	case full == r.full.Swap(full):
		return
	case full:
		r.log.Error("the disk is full: posts are refused until there is room", "dir", r.dir)
	default:
		r.log.Info("the disk has room again", "dir", r.dir)
	}
	r.tell(full)
}

// giveUp is the end of a wait for room in a store that is being closed. The disk
// stays full for who asks: Pebble tries again and again until it is closed too,
// and each of these waits would begin and end.
func (r *room) giveUp(err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.hasGivenUp() {
		close(r.gaveUp)
	}
	return fmt.Errorf("%w, and the disk is full: %w", ErrClosed, err)
}

func (r *room) hasGivenUp() bool {
	select {
	case <-r.gaveUp:
		return true
	default:
		return false
	}
}

// patient is the board's file system. What Pebble writes while the disk is full
// waits for room: Pebble would try a whole table again and again, at once, and
// take a manifest that it can't write for its end. What was written and can't be
// synced is an error as ever: the page may be gone.
type patient struct {
	vfs.FS
	room *room
}

// Create waits for room for a name.
func (fs *patient) Create(name string, category vfs.DiskWriteCategory) (file vfs.File, err error) {
	err = fs.room.find(func() error {
		file, err = fs.FS.Create(name, category)
		return err
	})
	return fs.wrap(file, err)
}

// ReuseForWrite is Create with an old file's room.
func (fs *patient) ReuseForWrite(old, name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := fs.FS.ReuseForWrite(old, name, category)
	return fs.wrap(file, err)
}

// Rename waits for room for a name.
func (fs *patient) Rename(old, name string) error {
	return fs.room.find(func() error { return fs.FS.Rename(old, name) })
}

func (fs *patient) wrap(file vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &patientFile{file, fs.room}, nil
}

type patientFile struct {
	vfs.File
	room *room
}

// Write goes on where the disk was full.
func (f *patientFile) Write(b []byte) (written int, err error) {
	err = f.room.find(func() error {
		n, err := f.File.Write(b[written:])
		written += n
		return err
	})
	return written, err
}

// WriteAt is Write at a place.
func (f *patientFile) WriteAt(b []byte, offset int64) (written int, err error) {
	err = f.room.find(func() error {
		n, err := f.File.WriteAt(b[written:], offset+int64(written))
		written += n
		return err
	})
	return written, err
}

// boardError takes what Pebble can't go on from. While a store closes on a full
// disk that is no matter: what the board lacks is in the journal.
func (s *Store) boardError(err error) {
	if !s.journal.room.hasGivenUp() {
		s.journal.fail(err)
	}
}
