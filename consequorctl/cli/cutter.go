package cli

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// cutter stands between one client and one replica's client port, and cuts the
// connection at the worst moment there is: when the replica has done what it
// was asked and says so, and its word is not with the client yet.
//
//	client ── request ──> cutter ── request ──> replica
//	   │                    │ <───── answer ─────  │   done, and on disk
//	   │ <── connection ──  X                      │
//	   │     lost                                  │
//
// To tell an answer from everything else it reads the frames of HTTP/2 (RFC
// 9113, section 4.1) on their way back. In the pipe of package api the first
// message of a stream is the replica's greeting, and every other one has
// answers. Those to posts are so small that a message is a frame.
type cutter struct {
	listener net.Listener
	replica  string // host:port
	cut      func() bool

	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]struct{}
	wg     sync.WaitGroup
}

// The parts of HTTP/2 that are needed to know a frame.
const (
	frameHeaderLen  = 9
	frameTypeData   = 0x0
	framePayloadMax = 1 << 20 // a longer one breaks the connection; gRPC's have 16 KiB

	cutterDialLimit = 2 * time.Second
)

// newCutter listens on a loopback port. For each answer that passes, cut says
// whether it is the connection's end; many connections ask it at once.
func newCutter(replica string, cut func() bool) (*cutter, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen before %s: %w", replica, err)
	}
	c := &cutter{listener: listener, replica: replica, cut: cut, conns: make(map[net.Conn]struct{})}
	c.wg.Go(c.accept)
	return c, nil
}

func (c *cutter) addr() string { return c.listener.Addr().String() }

// close ends all connections and waits for them.
func (c *cutter) close() {
	c.listener.Close()
	c.mu.Lock()
	c.closed = true
	for conn := range c.conns {
		conn.Close()
	}
	c.mu.Unlock()
	c.wg.Wait()
}

// keep notes a connection for close; false: it is too late for new ones.
func (c *cutter) keep(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.conns[conn] = struct{}{}
	}
	return !c.closed
}

func (c *cutter) drop(conn net.Conn) {
	conn.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.conns, conn)
}

func (c *cutter) accept() {
	for {
		client, err := c.listener.Accept()
		if err != nil {
			return // closed
		}
		c.wg.Go(func() { c.serve(client) })
	}
}

// serve carries one connection until either end closes it, or it is cut. To
// its client a replica that is not there looks like one that hangs up.
func (c *cutter) serve(client net.Conn) {
	defer c.drop(client)
	replica, err := net.DialTimeout("tcp", c.replica, cutterDialLimit)
	if err != nil {
		return
	}
	defer c.drop(replica)
	if !c.keep(client) || !c.keep(replica) {
		return
	}
	var there sync.WaitGroup
	there.Go(func() {
		_, _ = io.Copy(replica, client) // its end is the connection's, whoever caused it
		replica.Close()
	})
	_ = c.carryBack(client, replica)
	client.Close()
	replica.Close()
	there.Wait()
}

var errCut = errors.New("cut")

// carryBack copies frames from the replica to the client until an answer is
// to be cut.
func (c *cutter) carryBack(client io.Writer, replica io.Reader) error {
	greeted := make(map[uint32]bool) // by stream
	frame := make([]byte, frameHeaderLen)
	for {
		if _, err := io.ReadFull(replica, frame[:frameHeaderLen]); err != nil {
			return err
		}
		size := int(frame[0])<<16 | int(frame[1])<<8 | int(frame[2])
		stream := binary.BigEndian.Uint32(frame[5:]) & 0x7fffffff
		if size > framePayloadMax {
			return fmt.Errorf("a frame of %d bytes", size)
		}
		if need := frameHeaderLen + size; cap(frame) < need {
			frame = append(frame, make([]byte, need-len(frame))...)
		}
		frame = frame[:frameHeaderLen+size]
		if _, err := io.ReadFull(replica, frame[frameHeaderLen:]); err != nil {
			return err
		}
		if frame[3] == frameTypeData && size > 0 {
			if greeted[stream] && c.cut() {
				return errCut
			}
			greeted[stream] = true
		}
		if _, err := client.Write(frame); err != nil {
			return err
		}
	}
}
