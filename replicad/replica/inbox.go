package replica

import "sync"

// inboxSizeMax bounds the bytes of frames that wait for the loop; beyond it
// frames from peers drop. Everything else that enters is bounded by what
// causes it: one step, one sync, one wake-up, and the open requests.
const inboxSizeMax = 16 << 20

// inbox is how other goroutines get work to a loop.
type inbox struct {
	mu     sync.Mutex
	work   []func()
	spare  []func() // the array taken before last, used again
	size   int      // bytes of frames
	wake   chan struct{}
	closed bool
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

// put queues f to be run by the loop. It reports false once the loop has
// ended: then f is not run.
func (in *inbox) put(f func()) bool { return in.add(f, 0, false) }

// putFrame queues f, which holds size bytes of a peer's frame, or drops it.
func (in *inbox) putFrame(size int, f func()) bool { return in.add(f, size, true) }

func (in *inbox) add(f func(), size int, droppable bool) bool {
	in.mu.Lock()
	if in.closed || droppable && in.size+size > inboxSizeMax {
		in.mu.Unlock()
		return false
	}
	in.size += size
	first := len(in.work) == 0
	in.work = append(in.work, f)
	in.mu.Unlock()
	if first {
		select {
		case in.wake <- struct{}{}:
		default:
		}
	}
	return true
}

// take returns all that waits. The slice is valid until the next take.
func (in *inbox) take() []func() {
	in.mu.Lock()
	defer in.mu.Unlock()
	work := in.work
	in.work, in.spare = in.spare[:0], work
	in.size = 0
	return work
}

// close turns away all that comes from now on and returns what was left.
func (in *inbox) close() []func() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed = true
	return in.work
}
