package store

import (
	"encoding/binary"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"consequor/board"
)

// How many segments there may be. A segment is needed as long as it has
// articles that Pebble has not flushed, or records that are not forgotten.
const (
	// flushSegments: with so many segments of articles that are not flushed,
	// the board is. It bounds what a restart replays.
	flushSegments = 4

	// copySegments: with more segments than this, the few records that keep
	// an old one are copied to the end of the journal. A segment that is kept
	// by more than 1/copyShareMin of its size stays: copying what a mode never
	// forgets would never end.
	copySegments = 8
	copyShareMin = 4
)

// keeper is the goroutine behind the journal's: it flushes the board and
// removes segments, each time that a segment is begun.
func (s *Store) keeper() {
	defer close(s.keeperDone)
	for {
		select {
		case <-s.kick:
		case <-s.flushed:
			s.flushEnded()
		case <-s.stop:
			return
		}
		if err := s.tidy(); err != nil {
			s.journal.fail(err)
			return
		}
	}
}

func (s *Store) kickKeeper() {
	select {
	case s.kick <- struct{}{}:
	default: // it has been kicked
	}
}

func (s *Store) tidy() error {
	if err := s.copyOld(); err != nil {
		return err
	}
	if err := s.drop(); err != nil {
		return err
	}
	return s.flush()
}

// flush begins to flush the board if the journal has grown too far beyond it.
func (s *Store) flush() error {
	if s.flushed != nil {
		return nil
	}
	j := s.journal
	j.mu.Lock()
	behind := 0
	for _, segment := range j.segments {
		if segment.articles > j.articles.floorOnDisk {
			behind++
		}
	}
	floor := j.articles.floor(j.end)
	due := behind >= flushSegments && floor > j.articles.floorOnDisk
	j.mu.Unlock()
	if !due {
		return nil
	}
	if err := s.writeFloor(floor); err != nil {
		return err
	}
	flushed, err := s.db.AsyncFlush()
	s.flushed, s.flushFloor = flushed, floor
	return err
}

// writeFloor notes on the board what it holds, to be flushed with it. All
// articles below the floor were put before.
func (s *Store) writeFloor(floor Position) error {
	value := binary.AppendUvarint(nil, uint64(floor))
	return s.db.Set(appendTable(nil, 0, tableFloor), value, pebble.NoSync)
}

func (s *Store) flushEnded() {
	j := s.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	j.articles.floorOnDisk = s.flushFloor
	s.flushed = nil
}

// drop removes the segments that nobody needs. That is written, and on disk,
// before the files go: so a file that is missing otherwise is damage.
func (s *Store) drop() error {
	j := s.journal
	j.mu.Lock()
	if j.closing { // what is appended now is lost
		j.mu.Unlock()
		return nil
	}
	var dropped []*segment
	for _, segment := range j.segments[:max(0, len(j.segments)-1)] {
		if segment.articles <= j.articles.floorOnDisk && !j.pinned(segment.number) {
			dropped = append(dropped, segment)
		}
	}
	for _, segment := range dropped {
		_, i := j.segmentNamed(segment.number)
		j.segments = slices.Delete(j.segments, i, i+1)
		size := len(j.buffer)
		j.buffer = appendEntry(j.buffer, entryDropped, 0, binary.AppendUvarint(nil, segment.number))
		j.grown(nil, size)
	}
	j.mu.Unlock()
	if len(dropped) == 0 {
		return nil
	}
	if err := j.waitDurable(); err != nil {
		return err
	}
	for _, segment := range dropped {
		if err := j.fs.Remove(j.fs.PathJoin(j.dir, segmentName(segment.number))); err != nil {
			return err
		}
	}
	return nil
}

// pinned reports whether records keep the segment; the lock is held.
func (j *journal) pinned(number uint64) bool {
	for _, r := range j.replicas {
		for i := range r.runs {
			if r.runs[i].segment == number {
				return true
			}
		}
	}
	return false
}

// copyOld copies to the end of the journal the few records that keep old
// segments.
func (s *Store) copyOld() error {
	j := s.journal
	j.mu.Lock()
	var old []uint64
	for i := 0; i < len(j.segments)-copySegments; i++ {
		segment := j.segments[i]
		live := j.liveSize(segment.number)
		if segment.articles <= j.articles.floorOnDisk && live > 0 && int64(live) <= j.segmentSize/copyShareMin {
			old = append(old, segment.number)
		}
	}
	j.mu.Unlock()
	for _, number := range old {
		if err := s.copyRecords(number); err != nil {
			return err
		}
	}
	return nil
}

// liveSize returns about how many bytes of records keep the segment; the lock
// is held.
func (j *journal) liveSize(number uint64) int {
	size := 0
	for _, r := range j.replicas {
		for _, run := range r.runs {
			if run.segment == number {
				size += run.size + 1
			}
		}
	}
	return size
}

func (s *Store) copyRecords(number uint64) error {
	j := s.journal
	file, err := (&recovery{j: j}).open(number)
	if err != nil {
		return err
	}
	if file.bad != nil {
		return file.damaged(0, file.bad)
	}
	records, err := file.records()
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closing {
		return nil
	}
	for _, r := range j.replicas {
		for i := range r.runs {
			if r.runs[i].segment != number {
				continue
			}
			if err := r.copyRun(&r.runs[i], records[r.id]); err != nil {
				return file.damaged(0, err)
			}
		}
	}
	return nil
}

// records returns the records in a segment. After a reset within it, only
// those behind are of interest.
func (s *segmentFile) records() (map[board.ReplicaID]map[uint64][]byte, error) {
	all := make(map[board.ReplicaID]map[uint64][]byte)
	offset, _, err := s.walk(s.base, func(e entry, _ Position) error {
		switch e.kind {
		case entryReset:
			delete(all, e.replica)
		case entrySave:
			number, data, err := cutUvarint(e.body)
			if err != nil {
				return err
			}
			if all[e.replica] == nil {
				all[e.replica] = make(map[uint64][]byte)
			}
			all[e.replica][number] = data
		}
		return nil
	})
	if err != nil {
		return nil, s.damaged(offset, err)
	}
	return all, nil
}
