package wire

import (
	"crypto/tls"
	"encoding/binary"
	"io"
)

// What joiner has to know of yamux's framing, see its spec.md: a header is 12
// bytes, its second byte is the type, 0 being data, and its last four are the
// length of the data behind it.
const (
	yamuxHeaderLen = 12
	yamuxTypeData  = 0
)

// joiner is what yamux takes for its connection. yamux writes a header and the
// data behind it one after the other: that would be two TLS records, two
// system calls and, without delay in TCP, two packets. joiner keeps the header
// until the data has come and writes both at once: a lone small frame is there
// and back in two thirds of the time.
//
// Only yamux's one sending goroutine writes, only its receiving one reads.
type joiner struct {
	tls  io.ReadWriter
	tcp  io.Closer
	held []byte // a header whose data comes next; empty otherwise
}

func newJoiner(tc *tls.Conn) *joiner {
	return &joiner{tls: tc, tcp: tc.NetConn(), held: make([]byte, 0, yamuxHeaderLen+writeLenMax)}
}

func (j *joiner) Read(p []byte) (int, error) { return j.tls.Read(p) }

func (j *joiner) Write(p []byte) (int, error) {
	if len(j.held) > 0 {
		return j.writeJoined(p)
	}
	if len(p) == yamuxHeaderLen && p[1] == yamuxTypeData && binary.BigEndian.Uint32(p[8:]) > 0 {
		j.held = append(j.held, p...)
		return len(p), nil
	}
	return j.tls.Write(p)
}

func (j *joiner) writeJoined(p []byte) (int, error) {
	j.held = append(j.held, p...)
	_, err := j.tls.Write(j.held)
	j.held = j.held[:0]
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close closes the TCP connection at once: TLS's farewell could wait seconds
// for a peer that does not read, and frames say by themselves where they end.
func (j *joiner) Close() error { return j.tcp.Close() }
