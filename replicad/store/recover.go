package store

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2/vfs"

	"consequor/board"
)

// recovery reads the journal when the store opens. The rule is: each group
// says up to where all was synced when it was written. What does not check at
// the end, with nothing behind it that says it was synced, was cut by a crash
// and is cut off; anything else that does not check is damage.
type recovery struct {
	j        *journal
	floor    Position // below it, articles are on the board already
	replica  func(board.ReplicaID) *Replica
	records  map[board.ReplicaID]map[uint64]record
	segments map[uint64]*segment // that the newest checkpoint wants
	dropped  map[uint64]bool
	pos      Position // behind the last entry read
}

type record struct {
	data    []byte
	segment uint64
}

// segmentFile is a segment as read.
type segmentFile struct {
	number uint64
	path   string
	data   []byte
	seed   uint32
	base   Position
	bad    error // its header or first group does not check
}

// recover brings back all that the journal holds and opens it for more. It
// returns false if there is none.
func (rc *recovery) recover() (bool, error) {
	j := rc.j
	numbers, err := listSegments(j.fs, j.dir)
	if err != nil || len(numbers) == 0 {
		return false, err
	}
	newest, begun, err := rc.newest(numbers)
	if err != nil {
		return false, err
	}
	if newest == nil {
		return false, rc.discard(begun)
	}
	if err := rc.older(numbers, newest); err != nil {
		return false, err
	}
	if err := rc.last(newest); err != nil {
		return false, err
	}
	if begun != nil {
		if err := rc.discard(begun); err != nil {
			return false, err
		}
	}
	return true, rc.settle()
}

// newest returns the newest segment whose beginning is whole, and behind it
// one that was only just begun, if there is.
func (rc *recovery) newest(numbers []uint64) (newest, begun *segmentFile, err error) {
	n := len(numbers)
	newest, err = rc.open(numbers[n-1])
	if err != nil {
		return nil, nil, err
	}
	if newest.bad == nil {
		return newest, nil, nil
	}
	begun = newest
	if n == 1 {
		return nil, begun, nil
	}
	if newest, err = rc.open(numbers[n-2]); err != nil {
		return nil, nil, err
	}
	if newest.bad != nil {
		return nil, nil, newest.damaged(0, newest.bad)
	}
	return newest, begun, nil
}

func (rc *recovery) open(number uint64) (*segmentFile, error) {
	s := &segmentFile{number: number, seed: seedOf(rc.j.id, number)}
	s.path = rc.j.fs.PathJoin(rc.j.dir, segmentName(number))
	var err error
	if s.data, err = readFile(rc.j.fs, s.path); err != nil {
		return nil, err
	}
	if s.base, s.bad = readSegmentHeader(s.data, rc.j.id, number); s.bad == nil {
		_, _, s.bad = readGroup(s.data[segmentHeaderSize:], s.seed)
	}
	return s, nil
}

func (s *segmentFile) damaged(offset int, why error) error {
	return &CorruptError{s.path, int64(offset), why.Error()}
}

// discard removes a segment whose first group a crash cut.
func (rc *recovery) discard(s *segmentFile) error {
	groups := s.data[min(len(s.data), segmentHeaderSize):]
	if synced := attested(groups, s.seed); synced > rc.pos {
		return s.damaged(0, fmt.Errorf("%w, though all up to position %d was synced and the journal ends at %d", s.bad, synced, rc.pos))
	}
	if base, err := readSegmentHeader(s.data, rc.j.id, s.number); err == nil && base != rc.pos {
		return s.damaged(0, fmt.Errorf("begins at position %d, but the segment before ends at %d", base, rc.pos))
	}
	rc.j.log.Info("journal: a segment that was only just begun is removed", "path", s.path)
	return rc.j.fs.Remove(s.path)
}

// older reads all segments before the newest one.
func (rc *recovery) older(numbers []uint64, newest *segmentFile) error {
	if err := rc.readPlan(newest); err != nil {
		return err
	}
	for _, number := range numbers {
		if number >= newest.number {
			break
		}
		if rc.segments[number] == nil || rc.dropped[number] { // its removal was cut short
			if err := rc.j.fs.Remove(rc.j.fs.PathJoin(rc.j.dir, segmentName(number))); err != nil {
				return err
			}
			delete(rc.segments, number)
			continue
		}
		s, err := rc.open(number)
		if err != nil {
			return err
		}
		if err := rc.whole(s, rc.segments[number]); err != nil {
			return err
		}
		rc.j.segments = append(rc.j.segments, rc.segments[number])
		delete(rc.segments, number)
	}
	for number := range rc.segments {
		if !rc.dropped[number] {
			return &CorruptError{rc.j.fs.PathJoin(rc.j.dir, segmentName(number)), -1, "the file is missing"}
		}
	}
	return nil
}

// readPlan finds out from the newest segment which older ones are needed.
func (rc *recovery) readPlan(newest *segmentFile) error {
	rc.segments, rc.dropped = make(map[uint64]*segment), make(map[uint64]bool)
	offset, stop, err := newest.walk(newest.base, func(e entry, _ Position) error {
		switch e.kind {
		case entrySegments:
			return rc.applySegments(e.body)
		case entryDropped:
			number, _, err := cutUvarint(e.body)
			rc.dropped[number] = true
			return err
		}
		return nil
	})
	if err != nil {
		return newest.damaged(offset, err)
	}
	if offset == segmentHeaderSize {
		return newest.damaged(offset, stop)
	}
	return nil
}

func (rc *recovery) applySegments(body []byte) error {
	var floor, n uint64
	body, err := cutUvarints(body, &floor, &n)
	if err != nil {
		return err
	}
	if Position(floor) > rc.floor {
		return fmt.Errorf("the board was flushed up to position %d, and is there only up to %d: its files are gone or old", floor, rc.floor)
	}
	for range n {
		var number, base, end uint64
		if body, err = cutUvarints(body, &number, &base, &end); err != nil {
			return err
		}
		rc.segments[number] = &segment{number: number, base: Position(base), end: Position(end)}
	}
	return nil
}

// whole reads a segment that was synced to its known end.
func (rc *recovery) whole(s *segmentFile, known *segment) error {
	if s.bad != nil {
		return s.damaged(0, s.bad)
	}
	if s.base != known.base {
		return s.damaged(0, fmt.Errorf("begins at position %d, want %d", s.base, known.base))
	}
	offset, stop, err := s.walk(s.base, func(e entry, end Position) error { return rc.apply(e, end, known) })
	if err != nil {
		return rc.replayError(s, offset, err)
	}
	if rc.pos = max(s.base, rc.pos); rc.pos != known.end {
		return s.damaged(offset, fmt.Errorf("%w at position %d, want %d", stop, rc.pos, known.end))
	}
	return nil
}

func (rc *recovery) replayError(s *segmentFile, offset int, err error) error {
	var corrupt *CorruptError
	if errors.As(err, &corrupt) {
		return err
	}
	return s.damaged(offset, err)
}

// walk calls do for each entry, with the position behind it, until a group
// does not check. It returns where and how that one is, or do's error.
func (s *segmentFile) walk(pos Position, do func(e entry, end Position) error) (offset int, stop, err error) {
	offset = segmentHeaderSize
	for {
		h, payload, stop := readGroup(s.data[min(offset, len(s.data)):], s.seed)
		switch {
		case stop != nil:
			return offset, stop, nil
		case h.start != pos:
			return offset, fmt.Errorf("a group for position %d, want %d", h.start, pos), nil
		case h.length == 0:
			return offset, errZeros, nil
		}
		if err := walkEntries(payload, h, do); err != nil {
			return offset, nil, err
		}
		pos = h.end()
		offset += int(groupSize(h.length))
	}
}

func walkEntries(payload []byte, h groupHeader, do func(e entry, end Position) error) error {
	for rest := payload; len(rest) > 0; {
		e, after, err := cutEntry(rest)
		if err != nil {
			return err
		}
		rest = after
		end := h.start + Position(max(0, h.length-h.checkpoint-len(rest)))
		if len(payload)-len(rest) <= h.checkpoint {
			end = h.start
		}
		if err := do(e, end); err != nil {
			return err
		}
	}
	return nil
}

// last reads the newest segment, cuts what a crash left behind its end, and
// opens it for more.
func (rc *recovery) last(s *segmentFile) error {
	j := rc.j
	file, err := j.fs.OpenReadWrite(s.path, writeCategory)
	if err != nil {
		return err
	}
	j.file = file
	// What this process read it may act on, so it must be on disk, not only in
	// the operating system's memory.
	if err := file.SyncData(); err != nil {
		return err
	}
	last := &segment{number: s.number, base: s.base}
	if n := len(j.segments); n > 0 && j.segments[n-1].number == s.number-1 && j.segments[n-1].end != s.base {
		return s.damaged(0, fmt.Errorf("begins at position %d, but the segment before ends at %d", s.base, j.segments[n-1].end))
	}
	rc.pos = s.base
	offset, stop, err := s.walk(s.base, func(e entry, end Position) error { return rc.apply(e, end, last) })
	if err != nil {
		return rc.replayError(s, offset, err)
	}
	offset = min(offset, len(s.data))
	if synced := attested(s.data[offset:], s.seed); synced > rc.pos {
		return s.damaged(offset, fmt.Errorf("%w at position %d, though all up to %d was synced", stop, rc.pos, synced))
	}
	last.end = rc.pos
	j.segments = append(j.segments, last)
	j.seed, j.offset, j.zeroed = s.seed, int64(offset), int64(len(s.data))
	return rc.cut(s, file)
}

// cut overwrites what is behind the end, but for a mark, with zeros.
func (rc *recovery) cut(s *segmentFile, file vfs.File) error {
	at := rc.j.offset
	if rc.marked(s.data[at:], s.seed) {
		at += groupHeaderSize
	}
	n := len(bytes.TrimRight(s.data[at:], "\x00"))
	if n == 0 {
		return nil
	}
	rc.j.log.Info("journal: a torn tail is cut", "path", s.path, "offset", at, "bytes", n)
	if _, err := file.WriteAt(make([]byte, n), at); err != nil {
		return err
	}
	return file.SyncData()
}

// marked reports whether tail begins with the mark of the journal's end.
func (rc *recovery) marked(tail []byte, seed uint32) bool {
	h, _, err := readGroup(tail, seed)
	return err == nil && h.length == 0 && h.start == rc.pos
}

// apply does again what the entry says; end is the position behind it.
func (rc *recovery) apply(e entry, end Position, in *segment) error {
	rc.pos = max(rc.pos, end)
	switch {
	case e.kind == entrySegments || e.kind == entryDropped:
		return nil
	case e.replica == 0:
		return errEntry
	case e.kind == entryArticles:
		in.articles = end
		return rc.applyArticles(e, end)
	}
	r := rc.replica(e.replica)
	records := rc.records[e.replica]
	if records == nil {
		records = make(map[uint64]record)
		rc.records[e.replica] = records
	}
	switch e.kind {
	case entrySave:
		number, data, err := cutUvarint(e.body)
		records[number] = record{append([]byte(nil), data...), in.number}
		r.nextNumber = max(r.nextNumber, number+1)
		return err
	case entryForget:
		upTo, _, err := cutUvarint(e.body)
		r.first = max(r.first, upTo+1)
		return err
	case entryState:
		r.state = append([]byte{}, e.body...)
		return nil
	case entryReset:
		generation, state, err := cutUvarint(e.body)
		clear(records)
		r.generation, r.first, r.nextNumber = generation, 1, 1
		r.state = append([]byte{}, state...)
		return err
	case entryCheckpoint:
		return rc.applyCheckpoint(r, records, e.body)
	}
	return fmt.Errorf("%w: of unknown kind %d", errEntry, e.kind)
}

func (rc *recovery) applyCheckpoint(r *Replica, records map[uint64]record, body []byte) error {
	generation := r.generation
	state, err := cutUvarints(body, &r.generation, &r.first, &r.nextNumber)
	if err != nil {
		return err
	}
	if r.generation != generation {
		clear(records)
	}
	if r.state = nil; len(state) > 0 {
		r.state = append([]byte{}, state...)
	}
	return nil
}

// applyArticles puts on the board what it lacks. Articles that contradict it
// break their replica, not the others of this process.
func (rc *recovery) applyArticles(e entry, end Position) error {
	articles, err := cutArticles(e.body)
	if err != nil || end <= rc.floor {
		return err
	}
	r := rc.replica(e.replica)
	if r.past.Broken == nil {
		err := r.Put(articles)
		var conflict *board.ConflictError
		if !errors.As(err, &conflict) {
			return err
		}
		r.past.Broken = err
	}
	rc.j.articles.add(r, articles, end-1, end)
	return nil
}

// settle checks that no record is missing and hands all to the replicas.
func (rc *recovery) settle() error {
	j := rc.j
	j.end, j.taken, j.written, j.synced = rc.pos, rc.pos, rc.pos, rc.pos
	if rc.floor > rc.pos {
		return &CorruptError{j.dir, -1, fmt.Sprintf("the journal ends at position %d, but the board has all up to %d", rc.pos, rc.floor)}
	}
	for _, r := range j.replicas {
		for n := r.first; n < r.nextNumber; n++ {
			rec, ok := rc.records[r.id][n]
			if !ok {
				return &CorruptError{j.dir, -1, fmt.Sprintf("record %d of %s is missing (it has %d to %d)", n, r.id, r.first, r.nextNumber-1)}
			}
			r.past.Records = append(r.past.Records, rec.data)
			r.runs = append(r.runs, run{n, n, len(rec.data), rec.segment})
		}
		r.mergeRuns()
		r.past.State, r.past.First, r.past.Next = r.state, r.first, r.nextNumber
	}
	return nil
}
