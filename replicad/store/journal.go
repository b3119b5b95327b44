package store

import (
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Limits of the journal.
const (
	// BacklogMax is how many bytes may wait in memory to be written. Nothing
	// blocks there: a caller that sees Replica.Backlog above it stops taking
	// work until it falls.
	BacklogMax = 8 << 20

	// SegmentSizeDefault bounds a segment file, but for a single group that is
	// larger.
	SegmentSizeDefault = 16 << 20

	writeSizeDefault = 256 << 10 // a buffer of this size is written even if nobody waits for it
	bufferKeep       = 1 << 20   // a larger buffer is given back after use
	zeroedAhead      = 512 << 10 // so far ahead of the last group the file is filled with zeros
)

// journal is one ordered stream of entries in segment files. Callers append
// to a buffer in memory; one goroutine writes it, a group at a time, and syncs
// when somebody waits. While it syncs, the next group gathers.
type journal struct {
	fs          vfs.FS
	dir         string
	id          uint64
	segmentSize int64
	noSync      bool
	room        *room
	writeSize   int
	log         *slog.Logger
	fatal       func(error)
	rolled      func() // a new segment was begun; must not block

	mu       sync.Mutex
	work     sync.Cond  // the journal goroutine waits here
	progress sync.Cond  // waiters for durability wait here
	buffer   []byte     // room for a group header, then the entries not yet taken
	spare    []byte     // the other buffer, while it is not being written
	end      Position   // behind the last entry; taken <= end
	taken    Position   // up to here in groups; written <= taken
	written  Position   // up to here with the operating system; synced <= written
	synced   Position   // up to here on disk
	want     Position   // somebody waits for this
	asked    []*Replica // they wait for what is synced already
	touched  []*Replica // to be told at the next sync
	unplaced []*Replica // with records whose segment is not known yet
	replicas []*Replica // by rising id
	segments []*segment // by rising number; the last one is written to
	articles outstanding
	failed   error
	closing  bool

	// Of the journal goroutine alone.
	file   vfs.File // the last segment; nil: begin a new one
	folder vfs.File
	seed   uint32
	offset int64 // in file: where the next group goes
	zeroed int64 // in file: all is written up to here, beyond offset with zeros
	short  bool  // zeros could not be filled ahead: the disk is full
	again  *time.Timer
	marked Position // the newest mark or group on disk says that this was synced

	done chan struct{} // closed when the goroutine has ended
}

// group is what is written, and perhaps synced, at once.
type group struct {
	data       []byte // header room and payload; empty: only a sync
	checkpoint int    // bytes of the payload
	segment    *segment
	roll       bool // it begins segment
	sync       bool
	start, end Position
	synced     Position   // what was synced when it was taken
	touched    []*Replica // to be told if it is synced
	asked      []*Replica // to be told in any case
}

func (j *journal) init() {
	j.work.L, j.progress.L = &j.mu, &j.mu
	j.buffer = make([]byte, groupHeaderSize, 4<<10)
	j.spare = make([]byte, groupHeaderSize, 4<<10)
	j.done = make(chan struct{})
}

// run is the journal goroutine.
func (j *journal) run() {
	defer close(j.done)
	for {
		g, ok := j.next()
		if !ok {
			return
		}
		if err := j.commit(&g); err != nil {
			j.fail(err)
			return
		}
		j.finish(&g)
	}
}

// next waits for a group. With nothing to do it leaves a mark first.
func (j *journal) next() (group, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for !j.due() {
		if j.failed != nil {
			return group{}, false
		}
		if err := j.idle(); err != nil {
			j.mu.Unlock()
			j.fail(err)
			j.mu.Lock()
			return group{}, false
		}
		if j.due() {
			break
		}
		if j.closing {
			return group{}, false
		}
		j.work.Wait()
	}
	return j.take(), true
}

// due reports whether there is something to write, to sync or to tell.
func (j *journal) due() bool {
	return j.failed == nil &&
		(j.want > j.synced || len(j.asked) > 0 || len(j.buffer) >= j.writeSize || j.closing && j.synced < j.end)
}

// take makes a group of all that is in the buffer. Under the same lock it
// decides on the group's segment, so that a checkpoint says exactly what holds
// behind this group.
func (j *journal) take() group {
	g := group{
		start: j.taken, end: j.end, synced: j.attests(),
		sync: j.end > j.synced && (j.want > j.synced || j.closing),
	}
	g.asked, j.asked = j.asked, nil
	if g.sync {
		g.touched, j.touched = j.touched, nil
	}
	for _, r := range g.touched {
		r.touched = false
	}
	if payload := len(j.buffer) - groupHeaderSize; payload > 0 {
		g.data, j.buffer, j.spare = j.buffer, j.spare, nil
		g.roll = j.file == nil || j.offset > segmentHeaderSize && j.offset+groupSize(payload) > j.segmentSize
		if g.roll {
			j.beginSegment(&g)
		}
		g.segment = j.segments[len(j.segments)-1]
		j.place(&g)
	}
	j.taken = g.end
	return g
}

// attests returns what a group or mark written now may say was synced.
func (j *journal) attests() Position {
	if j.noSync {
		return 0
	}
	return j.synced
}

// beginSegment adds a segment to the list and puts the checkpoint in front of
// the group that opens it.
func (j *journal) beginSegment(g *group) {
	number := uint64(1)
	if n := len(j.segments); n > 0 {
		number = j.segments[n-1].number + 1
	}
	data := append(make([]byte, 0, 2*len(g.data)), zeroHeader[:]...)
	data = j.appendCheckpoint(data)
	g.checkpoint = len(data) - groupHeaderSize
	g.data = append(data, g.data[groupHeaderSize:]...)
	j.segments = append(j.segments, &segment{number: number, base: g.start, end: g.start})
}

// place records which segment the group's articles and records went to.
func (j *journal) place(g *group) {
	g.segment.end = g.end
	if j.articles.last > g.start {
		g.segment.articles = j.articles.last
	}
	for _, r := range j.unplaced {
		r.place(g.segment.number)
	}
	j.unplaced = j.unplaced[:0]
}

// commit writes the group, and syncs it if somebody waits.
func (j *journal) commit(g *group) error {
	if len(g.data) > 0 {
		if err := j.write(g); err != nil {
			return err
		}
	}
	if g.sync && !j.noSync {
		return j.file.SyncData()
	}
	return nil
}

func (j *journal) write(g *group) error {
	if g.roll {
		if err := j.roll(g); err != nil {
			return err
		}
	}
	sealGroup(g.data, j.seed, g.checkpoint, g.start, g.synced)
	size := groupSize(len(g.data) - groupHeaderSize)
	g.data = append(g.data, zeros[:size-int64(len(g.data))]...)
	if err := j.reserve(j.offset + size); err != nil {
		return err
	}
	if _, err := j.file.WriteAt(g.data, j.offset); err != nil {
		return err
	}
	j.offset += size
	j.marked = g.synced
	return nil
}

// finish makes the group's end known.
func (j *journal) finish(g *group) {
	j.mu.Lock()
	if j.spare == nil {
		j.spare = recycle(g.data)
	}
	if j.failed != nil { // the board's disk: nothing is acknowledged any more
		j.mu.Unlock()
		return
	}
	j.written = g.end
	if g.sync {
		j.synced = g.end
		j.progress.Broadcast()
	}
	synced := j.synced
	j.mu.Unlock()
	for _, r := range g.touched {
		r.tell(synced)
	}
	for _, r := range g.asked {
		r.tell(synced)
	}
	if g.roll {
		j.rolled()
	}
}

func recycle(buffer []byte) []byte {
	if cap(buffer) < groupHeaderSize || cap(buffer) > bufferKeep {
		buffer = make([]byte, groupHeaderSize, 4<<10)
	}
	return buffer[:groupHeaderSize]
}

// idle uses a quiet moment: it writes a mark, so that damage to the last group
// cannot pass for a torn tail, and fills zeros ahead. Called with the lock,
// which it lets go meanwhile.
func (j *journal) idle() error {
	synced, written := j.attests(), j.written
	ahead := j.zeroed-j.offset >= zeroedAhead/2 && !j.short
	if j.file == nil || synced == j.marked && ahead {
		return nil
	}
	j.mu.Unlock()
	defer j.mu.Lock()
	if synced > j.marked && j.offset+groupHeaderSize <= j.zeroed {
		mark := make([]byte, groupHeaderSize)
		sealGroup(mark, j.seed, 0, written, synced)
		if _, err := j.file.WriteAt(mark, j.offset); err != nil {
			return err
		}
		j.marked = synced
	}
	if ahead {
		return nil
	}
	return j.metRoom(j.fillZeros(j.offset))
}

// metRoom takes how filling zeros ahead has ended. On a full disk that is tried
// again, until there is room, from idle.
func (j *journal) metRoom(err error) error {
	if err != nil && !isDiskFull(err) {
		return err
	}
	if j.short = err != nil; j.short {
		if j.again == nil {
			j.again = time.AfterFunc(j.room.retry, j.wake)
		} else {
			j.again.Reset(j.room.retry)
		}
	}
	j.room.lacks(j.short)
	return nil
}

func (j *journal) wake() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.work.Signal()
}

// fail ends the journal: what is not synced by now never will be.
func (j *journal) fail(err error) {
	j.mu.Lock()
	first := j.failed == nil
	if first {
		j.failed = err
	}
	j.progress.Broadcast()
	j.mu.Unlock()
	if first && !errors.Is(err, ErrClosed) {
		j.fatal(err)
	}
}

// grown accounts for what was just appended to the buffer, which was size
// bytes long before.
func (j *journal) grown(r *Replica, size int) Position {
	if j.failed != nil || j.closing {
		j.buffer = j.buffer[:size]
		return j.end
	}
	j.end += Position(len(j.buffer) - size)
	if r != nil {
		j.touch(r)
	}
	if len(j.buffer) >= j.writeSize {
		j.work.Signal()
	}
	return j.end
}

func (j *journal) touch(r *Replica) {
	if !r.touched {
		r.touched = true
		j.touched = append(j.touched, r)
	}
}

// waitDurable returns once all that was appended so far is on disk.
func (j *journal) waitDurable() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	end := j.end
	j.want = max(j.want, end)
	j.work.Signal()
	for j.synced < end && j.failed == nil {
		j.progress.Wait()
	}
	if j.synced < end {
		return j.failed
	}
	return nil
}

// beginClose lets nothing more be appended.
func (j *journal) beginClose() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closing = true
	close(j.room.stop)
	j.work.Signal()
}

// close waits until all is durable and the goroutine has ended.
func (j *journal) close() error {
	<-j.done
	if j.again != nil {
		j.again.Stop()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	failed := j.failed
	if failed == nil {
		j.failed = ErrClosed
	}
	j.progress.Broadcast()
	return errors.Join(failed, j.closeFiles())
}

func (j *journal) closeFiles() error {
	return errors.Join(closeFile(j.file), closeFile(j.folder))
}

func closeFile(f vfs.File) error {
	if f == nil {
		return nil
	}
	return f.Close()
}

// segmentNamed returns the segment with this number; the lock is held.
func (j *journal) segmentNamed(number uint64) (*segment, int) {
	i, ok := slices.BinarySearchFunc(j.segments, number, func(s *segment, n uint64) int {
		return int(int64(s.number) - int64(n))
	})
	if !ok {
		return nil, -1
	}
	return j.segments[i], i
}
