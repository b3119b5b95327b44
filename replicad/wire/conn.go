package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"

	"github.com/hashicorp/yamux"
)

// The two streams of a connection, by their place in conn.streams. Whoever
// dialed opens them, in this order, and nobody opens any other, ever.
const (
	messages = iota
	bulk
	streamCount
)

// Why a connection ended, beside what the network has to say.
var (
	errReplaced    = errors.New("replaced by the peer's new connection")
	errStopping    = errors.New("this process is stopping")
	errExtraStream = errors.New("peer opened a stream that is not in the protocol")
	errCut         = errors.New("cut by a link fault")
	errClosed      = errors.New("closed by the peer")
	errNotAnswered = errors.New("peer did not take up the streams in time")
)

// conn is one established connection: both ends are known, both streams open.
type conn struct {
	addr    net.Addr // of the peer
	session *yamux.Session
	streams [streamCount]*yamux.Stream

	mu    sync.Mutex
	cause error // the first reason to end it
}

// openConn makes the dialer's end of a connection, over tc.
func openConn(tc *tls.Conn, limits *Limits, log *slog.Logger) (*conn, error) {
	session, err := yamux.Client(newJoiner(tc), yamuxConfig(limits, log))
	if err != nil {
		return nil, err
	}
	c := &conn{addr: tc.RemoteAddr(), session: session}
	for i := range c.streams {
		if c.streams[i], err = session.OpenStream(); err != nil {
			session.Close()
			return nil, fmt.Errorf("open stream %d: %w", i, err)
		}
	}
	return c, nil
}

// acceptConn makes the other end, once both streams have come.
func acceptConn(ctx context.Context, tc *tls.Conn, limits *Limits, log *slog.Logger) (*conn, error) {
	session, err := yamux.Server(newJoiner(tc), yamuxConfig(limits, log))
	if err != nil {
		return nil, err
	}
	c := &conn{addr: tc.RemoteAddr(), session: session}
	for i := range c.streams {
		stream, err := session.AcceptStreamWithContext(ctx)
		if err == nil && stream.StreamID() != uint32(2*i+1) {
			err = fmt.Errorf("its id is %d, not %d", stream.StreamID(), 2*i+1)
		}
		if err != nil {
			session.Close()
			return nil, fmt.Errorf("accept stream %d: %w", i, err)
		}
		c.streams[i] = stream
	}
	return c, nil
}

func yamuxConfig(limits *Limits, log *slog.Logger) *yamux.Config {
	return &yamux.Config{
		AcceptBacklog:          streamCount,
		EnableKeepAlive:        true,
		KeepAliveInterval:      limits.KeepAlive,
		ConnectionWriteTimeout: limits.WriteLimit,
		MaxStreamWindowSize:    uint32(limits.WindowLenMax),
		StreamOpenTimeout:      limits.HandshakeLimit,
		StreamCloseTimeout:     limits.WriteLimit,
		Logger:                 yamuxLog{log},
	}
}

// wait returns when the connection is over, and why.
func (c *conn) wait() error {
	_, err := c.session.AcceptStream()
	switch {
	case err == nil:
		err = errExtraStream
	case errors.Is(err, io.EOF):
		err = errClosed
	case errors.Is(err, yamux.ErrSessionShutdown): // yamux's own doing, or ours: then the cause is known
		err = errNotAnswered
	}
	c.fail(err)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cause
}

// fail ends the connection. The first reason given counts.
func (c *conn) fail(why error) {
	c.mu.Lock()
	if c.cause == nil {
		c.cause = why
	}
	c.mu.Unlock()
	c.session.Close() // its error is always nil
}

// broken takes an error of one of the streams. yamux does not end a session
// whose write timed out, nor one of whose streams was closed: we do. The
// errors of a session that has ended are its consequence and say nothing.
func (c *conn) broken(err error) {
	if !c.session.IsClosed() {
		c.fail(err)
	}
}
