package wire

import (
	"bufio"
	"sync"
	"sync/atomic"
	"time"
)

// traffic counts what has passed.
type traffic struct{ frames, bytes atomic.Uint64 }

func (t *traffic) count(f *Frame) {
	t.frames.Add(1)
	t.bytes.Add(uint64(f.size()))
}

func (t *traffic) read() Traffic { return Traffic{t.frames.Load(), t.bytes.Load()} }

// way is what one replica says to one other on one stream, as the sender or
// the receiver of it sees it. It lasts as long as the node: connections come
// and go. Anybody may read the counters, all else is the lane's goroutine's.
type way struct {
	Direction
	passed traffic       // written, or delivered
	lost   atomic.Uint64 // by a cut or by chance
	late   atomic.Uint64

	table *Faults // that the next two are of
	fault Fault
	whole bool

	// Of the sender.
	number  uint64    // of the last frame, see Fault.Fate
	waiting int       // frames that are held back
	due     time.Time // of the last of them
}

// look finds out what is wrong with the way, if table is not the one that it
// has looked at.
func (w *way) look(table *Faults) {
	if table != w.table {
		w.table, w.fault = table, table.Links[w.Direction]
		w.whole = w.fault.whole()
	}
}

func (w *way) write(dst *bufio.Writer, f *Frame) error {
	w.passed.count(f)
	return writeFrame(dst, f)
}

// ways are those of one stream and direction. Most processes host one replica,
// so that there is one; a frame's is made when it first comes.
type ways struct {
	last *way // that was asked for; the lane's goroutine's

	mu  sync.Mutex
	all map[Direction]*way
}

// of finds the way of f. Only the lane's goroutine may call it.
func (w *ways) of(f *Frame) *way {
	d := Direction{f.From, f.To}
	if w.last != nil && w.last.Direction == d {
		return w.last
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	found := w.all[d]
	if found == nil {
		if w.all == nil {
			w.all = make(map[Direction]*way)
		}
		found = &way{Direction: d}
		w.all[d] = found
	}
	w.last = found
	return found
}

// find is for everybody else; nil if nothing ever went that way.
func (w *ways) find(d Direction) *way {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all[d]
}

// total is what has passed on all of them.
func (w *ways) total() (t Traffic) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, way := range w.all {
		t = t.plus(way.passed.read())
	}
	return t
}
