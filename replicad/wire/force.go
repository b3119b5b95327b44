package wire

import (
	"context"
	"fmt"
	"sync/atomic"
)

// SetFaults puts f in the place of all faults there are, and returns once it
// is in force at this end of every link:
//
//   - no frame is delivered here any more that a cut of f is to keep out;
//   - what leaves an outbox from now on has its fate from f. A frame that had
//     left it may still be on its way: the other end keeps it out, once it has
//     been told too. When both have returned, a cut link carries nothing;
//   - a peer with which everything is cut, in both directions, between all of
//     its replicas and all of ours, has had its OnDown. It is not dialed, nor let
//     in, until some of it heals; then it is dialed at once.
//
// Frames that were delayed already keep their delay. An error says that f is
// no such table, and nothing has changed; or that ctx has ended before a Handler
// returned: then f is there to stay, and in force once that has. Handlers must
// not call SetFaults, which waits for them. Of calls at the same time the last
// one to come stays.
func (n *Node) SetFaults(ctx context.Context, f Faults) error {
	if err := f.check(); err != nil {
		return fmt.Errorf("wire: %w", err)
	}
	n.post(f.clone())
	select {
	case n.settling <- struct{}{}:
		defer func() { <-n.settling }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for _, l := range n.links {
		if err := l.settle(ctx); err != nil {
			return fmt.Errorf("link to %s: %w", l.peer.Process, err)
		}
	}
	return nil
}

// post shows f to everybody.
func (n *Node) post(f *Faults) {
	n.posting.Lock()
	defer n.posting.Unlock()
	n.faults.Store(f)
	for _, l := range n.links {
		l.setCut(f.parts(n.cfg.Hosts, l.peer.Replicas))
	}
}

// setCut begins or ends the time in which there is no connection to the peer.
func (l *link) setCut(cut bool) {
	l.mu.Lock()
	changed := cut != l.cut
	l.cut = cut
	current, unserved := l.current, l.offered
	if cut {
		l.offered = nil
	}
	l.mu.Unlock()
	switch {
	case cut:
		for _, c := range []*conn{current, unserved} {
			if c != nil {
				c.fail(errCut)
			}
		}
	case changed && !l.dials:
		select {
		case l.healed <- struct{}{}:
		default: // a token is there already
		}
	}
	if changed {
		l.nudge()
	}
}

// settle waits until nothing is under way at this end of the link that the
// faults in force do not know of.
func (l *link) settle(ctx context.Context) error {
	if served := l.ending(); served != nil {
		select {
		case <-served:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for _, lane := range l.lanes {
		if err := lane.gate.settle(ctx); err != nil {
			return err
		}
	}
	return nil
}

// ending is closed once a link that is cut has no connection; nil: it is none
// of those, or never had any.
func (l *link) ending() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.cut {
		return nil
	}
	return l.served
}

func (l *link) isCut() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cut
}

// gate is what every frame passes on its way in, one at a time. It tells when
// the one that is in it, and may have looked at faults that are out of date, has
// left: all later ones look at those in force. Passing costs two atomic steps.
type gate struct {
	steps atomic.Uint64 // in and out: odd while a frame is in it
	asked atomic.Bool   // somebody waits for a step
	left  chan struct{} // holds a token when there was one since it was asked for
}

func (g *gate) enter() { g.steps.Add(1) }

func (g *gate) leave() {
	g.steps.Add(1)
	if g.asked.Load() {
		select {
		case g.left <- struct{}{}:
		default: // a token is there already
		}
	}
}

// settle waits for the frame that is in the gate now. One caller at a time.
func (g *gate) settle(ctx context.Context) error {
	g.asked.Store(true)
	defer g.asked.Store(false)
	for now := g.steps.Load(); now%2 == 1 && g.steps.Load() == now; {
		select {
		case <-g.left:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
