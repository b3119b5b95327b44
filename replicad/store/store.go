package store

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"consequor/board"
)

// Options of a store. The zero value is good.
type Options struct {
	FS          vfs.FS       // nil: the operating system's
	Logger      *slog.Logger // nil: none
	Cluster     string       // the cluster's id; data of another one is refused. Empty: not looked at
	NoSync      bool         // never wait for the disk: what a crash of the machine loses is lost
	MustExist   bool         // there was data: if there is none, Open returns ErrLost
	SegmentSize int64        // 0: SegmentSizeDefault

	// Fatal is called once when a write or sync fails, from any goroutine.
	// The process must end then, and must not try again: what the disk did
	// not take may be gone from memory too. Nothing is acknowledged after.
	// nil: print the error and exit.
	Fatal func(error)

	// DiskFull is called when the disk has no room any more, and when it has
	// again, in order, from any goroutine. It must not block. nil: nobody
	// wants to know.
	DiskFull func(full bool)

	// Cancel, closed, ends Open with ErrClosed where it waits for room on the
	// disk; afterwards it does nothing. nil: Open waits until there is room.
	Cancel <-chan struct{}

	fullRetry time.Duration // 0: diskFullRetry
	writeSize int           // 0: writeSizeDefault
}

func (o *Options) setDefaults() {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.SegmentSize <= 0 {
		o.SegmentSize = SegmentSizeDefault
	}
	if o.DiskFull == nil {
		o.DiskFull = func(bool) {}
	}
	if o.fullRetry <= 0 {
		o.fullRetry = diskFullRetry
	}
	if o.writeSize <= 0 {
		o.writeSize = writeSizeDefault
	}
	if o.Fatal == nil {
		o.Fatal = exit
	}
}

func exit(err error) {
	fmt.Fprintf(os.Stderr, "the disk failed, and so this process ends: %v\n", err)
	os.Exit(1)
}

// Store is one process's journal and boards, for all replicas it hosts.
type Store struct {
	dir     string
	fs      vfs.FS
	lock    io.Closer
	journal *journal
	db      *pebble.DB

	recovered Position // where the journal ended when it was opened

	// Of the keeper goroutine.
	kick       chan struct{}
	stop       chan struct{}
	keeperDone chan struct{}
	flushed    <-chan struct{} // closed when the flush that runs has ended; nil: none runs
	flushFloor Position        // what will be on disk then
}

// Open opens the store in dir, or makes one. Damaged data is a *CorruptError.
func Open(dir string, o Options) (*Store, error) {
	o.setDefaults()
	s := &Store{
		dir: dir, fs: o.FS,
		kick: make(chan struct{}, 1), stop: make(chan struct{}), keeperDone: make(chan struct{}),
	}
	s.journal = &journal{
		fs: o.FS, dir: o.FS.PathJoin(dir, "journal"), segmentSize: o.SegmentSize, noSync: o.NoSync, writeSize: o.writeSize,
		room: newRoom(dir, o),
		log:  o.Logger, fatal: o.Fatal, rolled: s.kickKeeper,
	}
	s.journal.init()
	if err := s.journal.room.while(o.Cancel, func() error { return s.open(&o) }); err != nil {
		return nil, errors.Join(err, s.journal.closeFiles(), s.abandon())
	}
	go s.journal.run()
	go s.keeper()
	s.kickKeeper()
	return s, nil
}

func (s *Store) open(o *Options) error {
	if err := s.claim(o); err != nil {
		return err
	}
	if err := s.openBoard(o); err != nil {
		return err
	}
	floor, err := s.loadBoards()
	if err != nil {
		return err
	}
	j := s.journal
	j.articles.floorOnDisk = floor
	if j.folder, err = s.fs.OpenDir(j.dir); err != nil {
		return err
	}
	rc := &recovery{j: j, floor: floor, replica: s.Replica, records: make(map[board.ReplicaID]map[uint64]record)}
	found, err := rc.recover()
	if err != nil {
		return err
	}
	if found {
		s.recovered = rc.pos
		o.Logger.Debug("journal: read", "dir", j.dir, "position", rc.pos, "segments", len(j.segments))
		return nil
	}
	if o.MustExist || len(j.replicas) > 0 {
		return fmt.Errorf("journal in %s: %w", j.dir, ErrLost)
	}
	return nil
}

// claim locks the folder and reads, or writes, what it is.
func (s *Store) claim(o *Options) error {
	path := s.fs.PathJoin(s.dir, versionName)
	if _, err := s.fs.Stat(path); o.MustExist && errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s: %w", s.dir, ErrLost)
	}
	for _, dir := range []string{s.dir, s.journal.dir, s.boardDir()} {
		if err := s.fs.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	var err error
	if s.lock, err = s.fs.Lock(s.fs.PathJoin(s.dir, "LOCK")); err != nil {
		return fmt.Errorf("%s: in use by another process: %w", s.dir, err)
	}
	v, err := readVersion(s.fs, path)
	if errors.Is(err, os.ErrNotExist) {
		v = version{journal: randomID(), cluster: o.Cluster}
		err = writeVersion(s.fs, s.dir, v)
	}
	if err != nil {
		return err
	}
	if o.Cluster != "" && v.cluster != o.Cluster {
		return fmt.Errorf("%s: %w: %s, not %s", s.dir, ErrOtherCluster, v.cluster, o.Cluster)
	}
	s.journal.id = v.journal
	return nil
}

func randomID() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.LittleEndian.Uint64(b[:])
}

func (s *Store) boardDir() string { return s.fs.PathJoin(s.dir, "board") }

// loadBoards makes the replicas that have a board, and returns the floor.
func (s *Store) loadBoards() (floor Position, err error) {
	it, err := s.db.NewIter(nil)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; {
		key := it.Key()
		id := board.ReplicaID(binary.BigEndian.Uint32(key))
		if id == 0 {
			value, err := it.ValueAndErr()
			if err != nil {
				return 0, err
			}
			n, _, err := cutUvarint(value)
			if err != nil {
				return 0, &CorruptError{s.boardDir(), -1, "its floor is malformed"}
			}
			floor = Position(n)
		} else if err := s.Replica(id).loadVector(); err != nil {
			return 0, err
		}
		if id == 1<<32-1 {
			break
		}
		ok = it.SeekGE(binary.BigEndian.AppendUint32(nil, uint32(id)+1))
	}
	return floor, it.Error()
}

// Replica returns the part of replica id, from 1; it is made when first asked
// for.
func (s *Store) Replica(id board.ReplicaID) *Replica {
	j := s.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	i, ok := slices.BinarySearchFunc(j.replicas, id, func(r *Replica, id board.ReplicaID) int {
		return int(int64(r.id) - int64(id))
	})
	if !ok {
		r := &Replica{
			id: id, store: s, first: 1, nextNumber: 1, past: new(Past),
			afloat: make(map[board.ArticleID]*articlesEntry),
		}
		r.past.First, r.past.Next = 1, 1
		j.replicas = slices.Insert(j.replicas, i, r)
	}
	return j.replicas[i]
}

// DiskFull reports whether journal or board wait for room on the disk: posts
// must be refused, reads can go on.
func (s *Store) DiskFull() bool { return s.journal.room.full.Load() }

// Close makes everything durable and flushes the board. Nothing of the store
// may be used any more.
func (s *Store) Close() error {
	close(s.stop)
	s.journal.beginClose()
	<-s.keeperDone
	if err := s.journal.close(); err != nil {
		return errors.Join(err, s.abandon())
	}
	j := s.journal
	j.mu.Lock()
	floor, due := j.articles.floor(j.end), j.articles.last > j.articles.floorOnDisk
	j.mu.Unlock()
	if due {
		if err := s.lastFlush(floor); err != nil {
			return errors.Join(err, s.abandon())
		}
	}
	return s.abandon()
}

// lastFlush saves the next start reading the journal, if there is room.
func (s *Store) lastFlush(floor Position) error {
	full := s.journal.room.gaveUp
	if s.journal.room.hasGivenUp() {
		return nil
	}
	if err := s.writeFloor(floor); err != nil {
		return err
	}
	flushed, err := s.db.AsyncFlush()
	if err != nil {
		return err
	}
	select {
	case <-flushed:
	case <-full: // and it never ends
	}
	return nil
}

// abandon lets go of everything as it is.
func (s *Store) abandon() error {
	var errs []error
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}
