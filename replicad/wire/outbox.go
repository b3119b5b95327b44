package wire

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ErrDown is returned by SendBulk when the peer is not connected, or goes down
// while the frame waits for room.
var ErrDown = errors.New("peer is down")

// outbox is the queue between those who send and the one goroutine that writes
// to a stream. It takes frames only while it is open, that is, while its
// peer's connection is up; what is in it when it closes is dropped.
//
//	push, pushWait ──> [waiting] ──take──> delayed by a fault, or ──release──> gone
//	                   │                   being written        │
//	                   └──────── frames, bytes: bounded ────────┘
type outbox struct {
	framesMax, bytesMax int

	mu      sync.Mutex
	open    bool
	life    int // counts starts: who waits in one must not send in the next
	waiting []Frame
	frames  int // waiting, delayed or being written; at most framesMax
	bytes   int // of those; at most bytesMax, unless it is a single frame's
	dropped uint64

	ready chan struct{} // holds a token when there may be something to take, or the outbox has closed
	room  chan struct{} // nil unless somebody waits for room; closed when there is some, or none will be
}

func newOutbox(framesMax, bytesMax int) *outbox {
	return &outbox{framesMax: framesMax, bytesMax: bytesMax, ready: make(chan struct{}, 1)}
}

// push queues f, or drops it and says so.
func (o *outbox) push(f Frame) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.open || !o.fits(&f) {
		o.dropped++
		return false
	}
	o.add(f)
	return true
}

// pushWait queues f, once there is room.
func (o *outbox) pushWait(ctx context.Context, f Frame) error {
	life := o.currentLife()
	for {
		room, err := o.pushOrWait(f, life)
		if room == nil || err != nil {
			return err
		}
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// pushOrWait queues f, or returns what will be closed when it is worth trying again.
func (o *outbox) pushOrWait(f Frame, life int) (room <-chan struct{}, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case !o.open || o.life != life:
		return nil, ErrDown
	case o.fits(&f):
		o.add(f)
		return nil, nil
	}
	if o.room == nil {
		o.room = make(chan struct{})
	}
	return o.room, nil
}

func (o *outbox) fits(f *Frame) bool {
	return o.frames == 0 || o.frames < o.framesMax && o.bytes+f.size() <= o.bytesMax
}

func (o *outbox) add(f Frame) {
	o.waiting = append(o.waiting, f)
	o.frames++
	o.bytes += f.size()
	if len(o.waiting) == 1 {
		o.wakeWriter()
	}
}

// take waits for frames and hands out all there are, in exchange for a slice
// to put the next ones in. It returns none when alarm comes first, and false
// once the outbox has closed.
func (o *outbox) take(spare []Frame, alarm <-chan time.Time) ([]Frame, bool) {
	for {
		o.mu.Lock()
		if !o.open {
			o.mu.Unlock()
			return nil, false
		}
		if len(o.waiting) > 0 {
			batch := o.waiting
			o.waiting = spare[:0]
			o.mu.Unlock()
			return batch, true
		}
		o.mu.Unlock()
		if !o.awaitReady(alarm) {
			return spare[:0], true
		}
	}
}

// awaitReady returns false if alarm came first. Without one, which is nearly
// always, it does without select, which takes longer.
func (o *outbox) awaitReady(alarm <-chan time.Time) bool {
	if alarm == nil {
		<-o.ready
		return true
	}
	select {
	case <-o.ready:
		return true
	case <-alarm:
		return false
	}
}

// release gives back the room of frames that have been written.
func (o *outbox) release(frames, bytes int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.frames -= frames
	o.bytes -= bytes
	o.wakeSenders()
}

// start lets frames in. Nobody may be inside take or hold a batch.
func (o *outbox) start() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open = true
	o.life++
	o.frames, o.bytes = 0, 0
}

// stop drops what waits, keeps everything out and sends everybody away.
func (o *outbox) stop() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open = false
	o.dropped += uint64(o.frames) // those being written may still arrive
	o.waiting = nil
	o.wakeSenders()
	o.wakeWriter()
}

func (o *outbox) wakeWriter() {
	select {
	case o.ready <- struct{}{}:
	default: // a token is there already
	}
}

func (o *outbox) wakeSenders() {
	if o.room != nil {
		close(o.room)
		o.room = nil
	}
}

func (o *outbox) currentLife() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.life
}

func (o *outbox) drops() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.dropped
}
