package wire

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// link is everything about one peer. Its goroutine is the only one that calls
// OnUp and OnDown, and serves one connection after another:
//
//	   ┌── connect: dial, or wait until the peer has dialed; while cut: neither
//	   v
//	outboxes open, OnUp, two goroutines per stream
//	   │
//	   │   the peer closes, breaks a rule, falls silent, or dials again; a cut
//	   v
//	outboxes shut, the goroutines end, OnDown ──> again
type link struct {
	node  *Node
	peer  Peer
	dials bool // we dial: our lowest replica number is below the peer's
	lanes [streamCount]*lane
	log   *slog.Logger

	up       atomic.Bool
	connects atomic.Uint64

	mu      sync.Mutex
	cut     bool          // a fault parts the two processes: no connection is to be
	current *conn         // being served, or about to be
	served  chan struct{} // closed after OnDown of current, or of the one before it; nil: there was none
	offered *conn         // established by the peer's dialing, to be served next

	// wake holds a token when a connection has been offered or, on the side
	// that dials, when the peer has knocked or cut has changed.
	wake chan struct{}

	// healed holds a token, on the side that may not dial, when the peer is to
	// be told that it may again.
	healed chan struct{}
}

func newLink(n *Node, peer Peer) *link {
	l := &link{
		node:   n,
		peer:   peer,
		dials:  lowest(n.cfg.Hosts) < lowest(peer.Replicas),
		log:    n.cfg.Logger.With("peer", peer.Process),
		cut:    n.faults.Load().parts(n.cfg.Hosts, peer.Replicas),
		wake:   make(chan struct{}, 1),
		healed: make(chan struct{}, 1),
	}
	limits := &n.cfg.Limits
	l.lanes[messages] = newLane(l, MessageStream, newOutbox(limits.OutboxFramesMax, limits.OutboxBytesMax))
	l.lanes[bulk] = newLane(l, BulkStream, newOutbox(limits.BulkFramesMax, limits.BulkBytesMax))
	return l
}

// run keeps the peer connected until ctx ends.
func (l *link) run(ctx context.Context) {
	connect := l.awaitOffer
	pauses := backoff{min: l.node.cfg.Limits.RedialMin, max: l.node.cfg.Limits.RedialMax}
	if l.dials {
		connect = func(ctx context.Context) *conn { return l.dialUntilUp(ctx, &pauses) }
	}
	for {
		c := connect(ctx)
		if c == nil {
			return
		}
		since := time.Now()
		l.serve(ctx, c)
		// A connection that ended at once is no success: whatever ends them
		// must not make us dial in a tight loop.
		if time.Since(since) > l.node.cfg.Limits.RedialMax {
			pauses.reset()
		}
	}
}

// serve runs one connection from its OnUp to its OnDown.
func (l *link) serve(ctx context.Context, c *conn) {
	served, ok := l.adopt(c)
	if !ok {
		c.fail(errCut)
		return
	}
	defer close(served)
	l.connects.Add(1)
	for _, lane := range l.lanes {
		lane.out.start()
	}
	l.up.Store(true)
	l.log.Info("peer is up", "addr", c.addr)
	l.node.cfg.Handler.OnUp(l.peer.Process)

	why := l.exchange(ctx, c)
	l.log.Info("peer is down", "why", why)
	l.node.cfg.Handler.OnDown(l.peer.Process, why)
}

// exchange carries frames until the connection is over, and says why it is.
// On return nothing of the connection is left.
func (l *link) exchange(ctx context.Context, c *conn) error {
	stop := context.AfterFunc(ctx, func() { c.fail(errStopping) })
	defer stop()
	var streams sync.WaitGroup
	for i, lane := range l.lanes {
		streams.Go(func() { c.broken(lane.send(c.streams[i])) })
		streams.Go(func() { c.broken(streamError(lane.receive(c.streams[i]))) })
	}
	why := c.wait()
	l.up.Store(false)
	l.forget()
	for _, lane := range l.lanes {
		lane.out.stop()
	}
	streams.Wait()
	return why
}

// adopt makes c the connection that is being served, unless there must be
// none. Whoever wants to know when its OnDown has been waits for served.
func (l *link) adopt(c *conn) (served chan struct{}, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut {
		l.current = nil
		return nil, false
	}
	l.current, l.served = c, make(chan struct{})
	return l.served, true
}

func (l *link) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.current = nil
}

// offer hands over a connection that the peer has established. The peer would
// not dial while it has a connection, so that any that stands here is one that
// it has lost.
func (l *link) offer(c *conn) {
	l.mu.Lock()
	current, unserved := l.current, l.offered
	l.offered = c
	l.mu.Unlock()
	l.nudge()
	for _, old := range []*conn{current, unserved} {
		if old != nil {
			old.fail(errReplaced)
		}
	}
}

// awaitOffer returns the next connection that the peer establishes, or nil
// when ctx ends.
func (l *link) awaitOffer(ctx context.Context) *conn {
	for {
		if c := l.takeOffer(); c != nil {
			return c
		}
		select {
		case <-l.wake:
		case <-ctx.Done():
			return nil
		}
	}
}

func (l *link) takeOffer() *conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.current, l.offered = l.offered, nil
	return l.current
}

// nudge wakes the link's goroutine, if it waits.
func (l *link) nudge() {
	select {
	case l.wake <- struct{}{}:
	default: // a token is there already
	}
}

// backoff gives the pauses between attempts: none, min, and then twice the
// last one, up to max; each shortened at random by up to a half, so that many
// processes that lost one peer do not all come back to it at once.
type backoff struct {
	min, max time.Duration
	last     time.Duration
	started  bool
}

func (b *backoff) next() time.Duration {
	if !b.started {
		b.started = true
		return 0
	}
	b.last = min(max(2*b.last, b.min), b.max)
	return b.last - rand.N(b.last/2+1)
}

func (b *backoff) reset() { b.last, b.started = 0, false }
