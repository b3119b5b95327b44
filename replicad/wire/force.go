package wire

import (
	"context"
	"fmt"
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
// no such table, and nothing has changed, or that ctx has ended, and f is in
// force soon: a Handler was slow to return. No Handler may call it: it waits
// for them. Calls at the same time come one after the other.
func (n *Node) SetFaults(ctx context.Context, f Faults) error {
	if err := f.check(); err != nil {
		return fmt.Errorf("wire: %w", err)
	}
	select {
	case n.setting <- struct{}{}:
		defer func() { <-n.setting }()
	case <-ctx.Done():
		return ctx.Err()
	}
	table := f.clone()
	n.faults.Store(table)
	for _, l := range n.links {
		l.setCut(table.parts(n.cfg.Hosts, l.peer.Replicas))
	}
	for _, l := range n.links {
		if err := l.settle(ctx); err != nil {
			return fmt.Errorf("link to %s: %w", l.peer.Process, err)
		}
	}
	return nil
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

// settle waits until nothing is under way on this link that the faults in
// force do not know of.
func (l *link) settle(ctx context.Context) error {
	var served <-chan struct{}
	l.mu.Lock()
	if l.cut {
		served = l.served
	}
	l.mu.Unlock()
	if served != nil {
		select {
		case <-served:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for _, lane := range l.lanes {
		select {
		case lane.turn <- struct{}{}:
			<-lane.turn
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (l *link) isCut() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cut
}
