package api

import (
	"net"
	"sync"
	"sync/atomic"
)

// limitedListener closes connections beyond a limit at once: a client then
// knows, instead of waiting in a queue.
type limitedListener struct {
	net.Listener
	open    atomic.Int64
	openMax int64
}

func limit(l net.Listener, openMax int) net.Listener {
	return &limitedListener{Listener: l, openMax: int64(openMax)}
}

func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.open.Add(1) <= l.openMax {
			return &countedConn{Conn: conn, listener: l}, nil
		}
		l.open.Add(-1)
		conn.Close() // nothing was written: nothing can be lost
	}
}

// countedConn gives its place back when it is closed.
type countedConn struct {
	net.Conn
	listener *limitedListener
	once     sync.Once
}

func (c *countedConn) Close() error {
	c.once.Do(func() { c.listener.open.Add(-1) })
	return c.Conn.Close()
}
