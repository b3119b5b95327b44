package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"
)

// dialUntilUp dials until there is a connection, or returns nil when ctx ends.
// A knock cuts the pause short and starts the pauses from the shortest again;
// so does the healing of a cut, during which there is no dialing.
func (l *link) dialUntilUp(ctx context.Context, pauses *backoff) *conn {
	for {
		var over <-chan time.Time
		if !l.isCut() {
			over = time.After(pauses.next())
		}
		select {
		case <-over:
		case <-l.wake:
			pauses.reset()
			continue
		case <-ctx.Done():
			return nil
		}
		c, err := l.dial(ctx)
		if err == nil {
			return c
		}
		if ctx.Err() == nil {
			l.complain(err)
		}
	}
}

// complain logs a failed dial. That nobody listens is what a peer that is down
// looks like, and OnDown has said so; and of a cut the two ends hear one after
// the other.
func (l *link) complain(err error) {
	var op *net.OpError
	var refused *RefusedError
	switch {
	case errors.As(err, &op) && op.Op == "dial":
		l.log.Debug("peer does not answer", "why", err)
	case errors.As(err, &refused) && refused.Reason == errCut.Error():
		l.log.Debug("peer holds the link for cut", "why", err)
	default:
		l.node.complaints.warn("dial "+l.peer.Process, "no connection to peer", "peer", l.peer.Process, "why", err)
	}
}

// dial establishes a connection, within the handshake limit.
func (l *link) dial(ctx context.Context) (*conn, error) {
	tc, err := l.greet(ctx, greetLink)
	if err != nil {
		return nil, fmt.Errorf("dial %s at %s: %w", l.peer.Process, l.peer.Addr, err)
	}
	c, err := openConn(tc, &l.node.cfg.Limits, l.log)
	if err != nil {
		tc.NetConn().Close()
		return nil, fmt.Errorf("dial %s at %s: %w", l.peer.Process, l.peer.Addr, err)
	}
	return c, nil
}

// knockWhenNew knocks when this process has started, and whenever a cut has
// healed, until ctx ends.
func (l *link) knockWhenNew(ctx context.Context) {
	for {
		if !l.isCut() {
			l.knock(ctx)
		}
		select {
		case <-l.healed:
		case <-ctx.Done():
			return
		}
	}
}

// knock tells a peer that is the one to dial that it can do so now, and need
// not wait for the end of its pause. A peer that is not there needs no knock:
// it dials when it starts.
func (l *link) knock(ctx context.Context) {
	tc, err := l.greet(ctx, greetKnock)
	if err != nil {
		l.log.Debug("nobody to knock at", "why", err)
		return
	}
	tc.NetConn().Close()
}

// greet connects to the peer, proves who we are, and returns the connection
// once the peer has proved who it is and agreed.
func (l *link) greet(ctx context.Context, kind greeting) (*tls.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, l.node.cfg.Limits.HandshakeLimit)
	defer cancel()
	var dialer net.Dialer
	raw, err := dialer.DialContext(ctx, "tcp", l.peer.Addr)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	tc, err := l.introduce(ctx, raw, kind)
	stop()
	if ctx.Err() != nil { // raw is closed, or about to be
		err = fmt.Errorf("no answer: %w", ctx.Err())
	}
	if err != nil {
		raw.Close()
		return nil, err
	}
	return tc, nil
}

func (l *link) introduce(ctx context.Context, raw net.Conn, kind greeting) (*tls.Conn, error) {
	cfg := l.node.cfg.TLS.Clone()
	cfg.ServerName = CertName(l.peer.Process, l.node.cfg.Cluster)
	tc := tls.Client(raw, cfg)
	if err := tc.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	if _, err := tc.Write(l.node.hello(kind)); err != nil {
		return nil, err
	}
	answer, err := readHello(tc)
	if err != nil {
		return nil, err
	}
	switch answer.Type {
	case greetWelcome:
		return tc, l.checkHello(&answer)
	case greetRefusal:
		return nil, &RefusedError{l.peer.Process, answer.Reason}
	}
	return nil, fmt.Errorf("%w: an answer of type %d", errHelloBad, answer.Type)
}
