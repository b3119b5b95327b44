package cli

import "sync"

// odometer counts requests that have ended, and tells when so many have. Safe
// for concurrent use.
type odometer struct {
	mu      sync.Mutex
	count   int
	waiters []milestone
}

type milestone struct {
	at      int
	reached chan struct{}
}

// add counts one more.
func (o *odometer) add() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.count++
	left := o.waiters[:0]
	for _, w := range o.waiters {
		if w.at > o.count {
			left = append(left, w)
			continue
		}
		close(w.reached)
	}
	o.waiters = left
}

// after returns a channel that is closed when n more have been counted.
func (o *odometer) after(n int) <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	w := milestone{o.count + max(n, 1), make(chan struct{})}
	o.waiters = append(o.waiters, w)
	return w.reached
}
