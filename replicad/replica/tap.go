package replica

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"consequor/topologies"
)

// How much a tap writes down. It is on for one request, as a rule some
// milliseconds: what is beyond is counted, and told.
const (
	tapCountMax   = 4096      // things that happened
	tapRequestMax = 512       // requests asked and answered, for which there is room beside those
	tapSizeMax    = 512 << 10 // bytes of messages and texts
	tapBodyMax    = 4 << 10   // bytes of a message that is kept whole
	tapReadMax    = 128 << 10 // bytes of articles on their way that are looked at
)

var errTapped = errors.New("another trace is under way")

// tap writes down what happens in a process, for a while, when it is asked to.
// While it is off it costs one atomic load for each thing that happens.
//
//	Do      asked                    network  sent, arrived
//	loop    given stepped synced     disk     saved, stored
//	        answered note
type tap struct {
	running atomic.Pointer[tapping]
	last    atomic.Uint64 // the number last given to a request, by any trace
}

// tapping is what a tap that is on has written down. Its methods may be called
// from any goroutine, and on nil: the tap is off.
type tapping struct {
	trace uint64
	end   *time.Timer // turns it off if nobody asks

	mu       sync.Mutex
	events   []topologies.Traced
	requests int // of the events
	size     int
	missed   int
	last     *atomic.Uint64 // the tap's
}

// on returns where to write what happens; nil: the tap is off.
func (t *tap) on() *tapping { return t.running.Load() }

// begin turns the tap on, for at most so long. It does not end another trace.
func (t *tap) begin(trace uint64, limit time.Duration) error {
	if limit <= 0 || limit > topologies.TraceForMax {
		return fmt.Errorf("trace for %v: want more than 0s and at most %v", limit, topologies.TraceForMax)
	}
	next := &tapping{trace: trace, last: &t.last}
	next.end = time.AfterFunc(limit, func() { t.running.CompareAndSwap(next, nil) })
	if !t.running.CompareAndSwap(nil, next) {
		next.end.Stop()
		return errTapped
	}
	return nil
}

// told turns the tap off and returns what happened while it was on for this
// trace.
func (t *tap) told(trace uint64) []topologies.Traced {
	w := t.running.Load()
	if w == nil || w.trace != trace || !t.running.CompareAndSwap(w, nil) {
		return nil
	}
	w.end.Stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	events := w.events
	w.events = nil
	if w.missed > 0 {
		now, _ := topologies.MachineTime()
		events = append(events, topologies.Traced{At: now, What: topologies.TracedMissed, Count: w.missed})
	}
	return events
}

// traced answers what concerns the trace.
func (p *process) traced(q *topologies.Inquiry) topologies.Answer {
	if q.Kind == topologies.InquireTold {
		return topologies.Answer{Trace: p.tap.told(q.Trace)}
	}
	if err := p.tap.begin(q.Trace, q.For); err != nil {
		return topologies.Answer{Error: err.Error()}
	}
	return topologies.Answer{}
}

// add writes one thing down, if there is room. What stands in order in the list
// happened in that order.
func (w *tapping) add(e topologies.Traced) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	size := len(e.Body) + len(e.Text)
	ofRequest := e.What == topologies.TracedAsked || e.What == topologies.TracedAnswered
	full := len(w.events)-w.requests >= tapCountMax || w.size+size > tapSizeMax
	if ofRequest {
		full = w.requests >= tapRequestMax
	}
	if full {
		w.missed++
		return
	}
	if ofRequest {
		w.requests++
	} else {
		w.size += size
	}
	e.At, _ = topologies.MachineTime()
	w.events = append(w.events, e)
}
