package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"
)

// acceptPause is how long the listener rests after an error that is not its
// end, such as having no file descriptor left.
const acceptPause = 10 * time.Millisecond

var errCrowded = errors.New("too many connections at once that had not said who they are")

// accept takes connections until ctx ends. It waits for every handshake that
// it has begun.
func (n *Node) accept(ctx context.Context) error {
	var handshakes sync.WaitGroup
	defer handshakes.Wait()
	defer n.lobby.empty()
	for {
		raw, err := n.listener.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				raw.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept peers at %s: %w", n.listener.Addr(), err)
		case err != nil:
			n.complaints.warn("accept", "no connection accepted", "why", err)
			if !pause(ctx, acceptPause) {
				return nil
			}
			continue
		}
		n.lobby.enter(raw)
		handshakes.Go(func() { n.receiveGuest(ctx, raw) })
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// receiveGuest finds out who has connected and hands the connection to the
// link of that peer, or closes it.
func (n *Node) receiveGuest(ctx context.Context, raw net.Conn) {
	inTime, cancel := context.WithTimeout(ctx, n.cfg.Limits.HandshakeLimit)
	defer cancel()
	stop := context.AfterFunc(inTime, func() { raw.Close() })
	c, l, err := n.identify(inTime, raw)
	stop()
	switch present := n.lobby.leave(raw); {
	case inTime.Err() != nil:
		err = fmt.Errorf("no proper hello: %w", inTime.Err())
	case !present:
		err = errCrowded
	}
	if err == nil && c != nil {
		l.offer(c)
		return
	}
	raw.Close()
	if c != nil {
		c.fail(err)
	}
	switch {
	case err == nil || ctx.Err() != nil:
	case errors.Is(err, errCut): // it has not heard of the cut yet, and dials again until it does
		n.cfg.Logger.Debug("connection refused", "from", raw.RemoteAddr(), "why", err)
	default:
		n.complaints.warn("guest", "connection refused", "from", raw.RemoteAddr(), "why", err)
	}
}

// identify returns no connection for a knock.
func (n *Node) identify(ctx context.Context, raw net.Conn) (*conn, *link, error) {
	tc := tls.Server(raw, n.cfg.TLS)
	if err := tc.HandshakeContext(ctx); err != nil {
		return nil, nil, err
	}
	guest, err := readHello(tc)
	if err != nil {
		return nil, nil, n.refuse(tc, err)
	}
	l, err := n.admit(&guest, tc)
	if err != nil {
		return nil, nil, n.refuse(tc, err)
	}
	if _, err := tc.Write(n.hello(greetWelcome)); err != nil {
		return nil, nil, err
	}
	if guest.Type == greetKnock {
		l.nudge()
		return nil, l, nil
	}
	c, err := acceptConn(ctx, tc, &n.cfg.Limits, l.log)
	return c, l, err
}

// refuse tells the other end why, if it can be told, and returns why.
func (n *Node) refuse(tc *tls.Conn, why error) error {
	_, err := tc.Write(appendHello(nil, &hello{Type: greetRefusal, Reason: why.Error()}))
	return errors.Join(why, err)
}

// admit finds the link of a guest that is who it says, may come this way, and
// sees the cluster as we do.
func (n *Node) admit(guest *hello, tc *tls.Conn) (*link, error) {
	if guest.Type != greetLink && guest.Type != greetKnock {
		return nil, fmt.Errorf("%w: it opens with type %d", errHelloBad, guest.Type)
	}
	l := n.byProcess[guest.Process]
	if l == nil {
		return nil, fmt.Errorf("process %q is not one of my peers", guest.Process)
	}
	if err := checkName(tc.ConnectionState().PeerCertificates[0], guest.Process, n.cfg.Cluster); err != nil {
		return nil, err
	}
	if err := l.checkHello(guest); err != nil {
		return nil, err
	}
	if dialsUs := guest.Type == greetLink; dialsUs == l.dials {
		return nil, fmt.Errorf("%s comes from the wrong end: of two processes, the one with the lowest replica dials", guest.Process)
	}
	if l.isCut() {
		return nil, errCut
	}
	return l, nil
}

// checkHello compares what a peer says of itself with what we were told.
func (l *link) checkHello(h *hello) error {
	if h.Cluster != l.node.cfg.Cluster {
		return fmt.Errorf("%s is of cluster %q, this is %q", l.peer.Process, h.Cluster, l.node.cfg.Cluster)
	}
	if h.Process != l.peer.Process {
		return fmt.Errorf("it calls itself %q, and is configured as %q", h.Process, l.peer.Process)
	}
	if !slices.Equal(h.Replicas, l.peer.Replicas) {
		return fmt.Errorf("%s hosts replicas %v, and is configured with %v", h.Process, h.Replicas, l.peer.Replicas)
	}
	return nil
}

// lobby is where connections are until it is known who they are. When it is
// full, the one that has been there longest has to go: a real peer needs a few
// milliseconds, whoever just sits there for longer is no loss.
type lobby struct {
	max int

	mu     sync.Mutex
	guests []net.Conn // by arrival
}

func (l *lobby) enter(guest net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.guests = append(l.guests, guest)
	if len(l.guests) > l.max {
		l.guests[0].Close()
		l.guests = slices.Delete(l.guests, 0, 1)
	}
}

// leave reports whether guest was still there.
func (l *lobby) leave(guest net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(l.guests, guest)
	if i < 0 {
		return false
	}
	l.guests = slices.Delete(l.guests, i, i+1)
	return true
}

// empty sends everybody away.
func (l *lobby) empty() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, guest := range l.guests {
		guest.Close()
	}
	l.guests = nil
}
