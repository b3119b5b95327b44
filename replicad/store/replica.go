package store

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"consequor/board"
)

// Replica is one hosted replica's part of the store: its writes in the
// journal and its board. Its journal methods never wait for the disk and may
// be called from any goroutine; all that they append lies on the disk in the
// order of the calls, and a crash leaves a prefix of it.
type Replica struct {
	id    board.ReplicaID
	store *Store

	onSynced atomic.Pointer[func(Position)]

	// Under the journal's lock.
	generation uint64 // counts resets
	first      uint64 // lowest number not forgotten, from 1
	nextNumber uint64 // first <= nextNumber
	state      []byte
	runs       []run // where the records first..nextNumber-1 are, by rising number
	touched    bool
	afloat     map[board.ArticleID]*articlesEntry // journalled, not yet on the board
	past       *Past

	// The board (put.go, read.go).
	putMu  sync.Mutex   // one Put at a time
	mu     sync.RWMutex // makes vector, count and Pebble change as one
	vector board.Vector
	count  uint64
}

// run is a stretch of records that lie in one segment.
type run struct {
	first, last uint64
	size        int    // of the records, about
	segment     uint64 // 0: still in the buffer
}

// Past is what a replica left in the journal before this process.
type Past struct {
	State   []byte   // as last set; nil if never
	First   uint64   // number of the first record; Next if there is none
	Records [][]byte // saved and not forgotten
	Next    uint64   // the number that the next record gets
	Broken  error    // journalled articles contradict the board: this replica must not start
}

// ID returns the replica's number.
func (r *Replica) ID() board.ReplicaID { return r.id }

// Past returns what the replica left. It is there once: the memory is let go.
func (r *Replica) Past() Past {
	j := r.store.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	past := r.past
	r.past = nil
	if past == nil {
		return Past{State: slices.Clone(r.state), First: r.first, Next: r.nextNumber}
	}
	return *past
}

// OnSynced sets what is called, from the journal's goroutine, when a sync has
// ended: all that comes before the position is on disk. It must not block. It
// is called once for each sync that covered a write of this replica or that
// this replica waited for.
func (r *Replica) OnSynced(told func(Position)) { r.onSynced.Store(&told) }

func (r *Replica) tell(synced Position) {
	if told := r.onSynced.Load(); told != nil {
		(*told)(synced)
	}
}

// Save appends a record. Records are numbered 1, 2, ... between resets.
func (r *Replica) Save(record []byte) Position {
	j := r.store.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	size := len(j.buffer)
	j.buffer = appendNumbered(j.buffer, entrySave, r.id, r.nextNumber, record)
	r.unplaced(r.nextNumber, len(record))
	r.nextNumber++
	return j.grown(r, size)
}

// Forget drops all records up to and including upTo.
func (r *Replica) Forget(upTo uint64) Position {
	j := r.store.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	upTo = min(upTo, r.nextNumber-1)
	if upTo < r.first {
		return j.end
	}
	r.first = upTo + 1
	r.trimRuns()
	size := len(j.buffer)
	j.buffer = appendEntry(j.buffer, entryForget, r.id, binary.AppendUvarint(nil, upTo))
	return j.grown(r, size)
}

// Journal appends articles that are to be put on the board: if this process
// ends before it did so, the next one will.
func (r *Replica) Journal(articles []board.Article) Position {
	body := binary.AppendUvarint(make([]byte, 0, 512*len(articles)), uint64(len(articles)))
	for i := range articles {
		body = board.AppendArticle(body, &articles[i])
	}
	j := r.store.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	size, start := len(j.buffer), j.end
	j.buffer = appendEntry(j.buffer, entryArticles, r.id, body)
	end := j.grown(r, size)
	j.articles.add(r, articles, start, end)
	return end
}

// SetState replaces the replica's state, a few opaque bytes.
func (r *Replica) SetState(state []byte) Position {
	j := r.store.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	size := len(j.buffer)
	j.buffer = appendEntry(j.buffer, entryState, r.id, state)
	r.state = slices.Clone(state)
	return j.grown(r, size)
}

// Reset drops all records, numbers from 1 again and sets the state, all at
// once: a new epoch begins.
func (r *Replica) Reset(state []byte) Position {
	j := r.store.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	size := len(j.buffer)
	r.generation++
	r.first, r.nextNumber, r.runs = 1, 1, nil
	r.state = slices.Clone(state)
	j.buffer = appendNumbered(j.buffer, entryReset, r.id, r.generation, state)
	return j.grown(r, size)
}

// Sync asks for all that comes before pos to be on disk; OnSynced follows,
// also if it is there already.
func (r *Replica) Sync(pos Position) {
	j := r.store.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	if pos <= j.synced {
		j.asked = append(j.asked, r)
	} else {
		j.touch(r)
		j.want = max(j.want, min(pos, j.end))
	}
	j.work.Signal()
}

// Backlog returns how many bytes of the process's journal wait in memory. See
// BacklogMax.
func (r *Replica) Backlog() int64 {
	j := r.store.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	return int64(j.end - j.written)
}

// unplaced notes that a record went into the buffer.
func (r *Replica) unplaced(number uint64, size int) {
	if n := len(r.runs); n > 0 && r.runs[n-1].segment == 0 && r.runs[n-1].last+1 == number {
		r.runs[n-1].last = number
		r.runs[n-1].size += size
		return
	}
	r.runs = append(r.runs, run{number, number, size, 0})
	r.store.journal.unplaced = append(r.store.journal.unplaced, r)
}

// place says that all records in the buffer go to this segment.
func (r *Replica) place(segment uint64) {
	for i := range r.runs {
		if r.runs[i].segment == 0 {
			r.runs[i].segment = segment
		}
	}
	r.mergeRuns()
}

func (r *Replica) mergeRuns() {
	kept := r.runs[:0]
	for _, next := range r.runs {
		if n := len(kept); n > 0 && kept[n-1].segment == next.segment {
			kept[n-1].last = next.last
			kept[n-1].size += next.size
			continue
		}
		kept = append(kept, next)
	}
	r.runs = kept
}

// trimRuns drops what is forgotten.
func (r *Replica) trimRuns() {
	n := 0
	for n < len(r.runs) && r.runs[n].last < r.first {
		n++
	}
	r.runs = slices.Delete(r.runs, 0, n)
	if len(r.runs) > 0 && r.runs[0].first < r.first {
		front := &r.runs[0]
		left := float64(front.last-r.first+1) / float64(front.last-front.first+1)
		front.first, front.size = r.first, int(float64(front.size)*left)
	}
}

// copyRun saves the records of one run again; the lock is held, so they stay
// together in one group.
func (r *Replica) copyRun(from *run, records map[uint64][]byte) error {
	j := r.store.journal
	for n := from.first; n <= from.last; n++ {
		data, ok := records[n]
		if !ok {
			return fmt.Errorf("record %d of %s is missing", n, r.id)
		}
		size := len(j.buffer)
		j.buffer = appendNumbered(j.buffer, entrySave, r.id, n, data)
		j.grown(nil, size)
	}
	from.segment = 0
	j.unplaced = append(j.unplaced, r)
	return nil
}
