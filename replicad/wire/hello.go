package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"consequor/board"
)

// Version is the version of the protocol in PROTOCOL.md. Processes of
// different versions do not talk.
const Version = 1

// What bounds a greeting, in bytes and in replicas.
const (
	helloBodyMax   = 64 << 10
	helloHeaderLen = 12
	replicasMax    = 8192 // hosted by one process
	nameLenMax     = 128
	reasonLenMax   = 512
)

var helloMagic = [4]byte{'c', 's', 'q', 'w'}

// greeting says what a message before the first yamux byte is for.
type greeting uint8

const (
	greetLink    greeting = 1 // dialer: this is to be our connection
	greetKnock   greeting = 2 // who may not dial: I have started, dial me now
	greetWelcome greeting = 3 // answer: so be it, and this is who I am
	greetRefusal greeting = 4 // answer: no, and why
)

// hello is how the two ends of a new connection introduce themselves.
type hello struct {
	Type     greeting
	Cluster  string
	Process  string
	Replicas []board.ReplicaID
	Reason   string // of a refusal, for people; it has no other field
}

// RefusedError reports that a peer was reached and would not have us.
type RefusedError struct {
	Process string
	Reason  string
}

func (e *RefusedError) Error() string { return e.Process + " refused us: " + e.Reason }

var (
	errNotWire  = errors.New("does not speak this protocol")
	errHelloBad = errors.New("malformed hello")
)

func appendHello(dst []byte, h *hello) []byte {
	start := len(dst)
	dst = append(dst, helloMagic[:]...)
	dst = binary.BigEndian.AppendUint16(dst, Version)
	dst = append(dst, byte(h.Type), 0)
	dst = binary.BigEndian.AppendUint32(dst, 0) // the body's length, once known
	if h.Type == greetRefusal {
		dst = appendText(dst, h.Reason[:min(len(h.Reason), reasonLenMax)])
	} else {
		dst = appendText(dst, h.Cluster)
		dst = appendText(dst, h.Process)
		dst = binary.AppendUvarint(dst, uint64(len(h.Replicas)))
		for _, id := range h.Replicas {
			dst = binary.AppendUvarint(dst, uint64(id))
		}
	}
	binary.BigEndian.PutUint32(dst[start+8:], uint32(len(dst)-start-helloHeaderLen))
	return dst
}

func appendText(dst []byte, text string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(text)))
	return append(dst, text...)
}

// readHello reads one greeting and not a byte more: yamux begins right behind.
func readHello(src io.Reader) (hello, error) {
	var header [helloHeaderLen]byte
	if _, err := io.ReadFull(src, header[:]); err != nil {
		return hello{}, fmt.Errorf("read hello: %w", noEOF(err))
	}
	if [4]byte(header[:4]) != helloMagic {
		return hello{}, errNotWire
	}
	bodyLen := binary.BigEndian.Uint32(header[8:])
	if bodyLen > helloBodyMax {
		return hello{}, fmt.Errorf("%w: %d bytes, the limit is %d", errHelloBad, bodyLen, helloBodyMax)
	}
	body := make([]byte, bodyLen)
	if _, err := io.ReadFull(src, body); err != nil {
		return hello{}, fmt.Errorf("read hello: %w", noEOF(err))
	}
	// A refusal keeps its form for ever, so that either version can tell the
	// other what is wrong.
	version, kind := binary.BigEndian.Uint16(header[4:]), greeting(header[6])
	if version != Version && kind != greetRefusal {
		return hello{}, fmt.Errorf("protocol version %d, here it is %d", version, Version)
	}
	return parseHello(kind, body)
}

func parseHello(kind greeting, body []byte) (hello, error) {
	r := board.Reader{Rest: body}
	h := hello{Type: kind}
	switch kind {
	case greetRefusal:
		h.Reason = r.Text(reasonLenMax)
	case greetLink, greetKnock, greetWelcome:
		h.Cluster = r.Text(nameLenMax)
		h.Process = r.Text(nameLenMax)
		h.Replicas = cutReplicas(&r)
	default:
		return hello{}, fmt.Errorf("%w: unknown type %d", errHelloBad, kind)
	}
	if !r.End() {
		return hello{}, errHelloBad
	}
	return h, nil
}

func cutReplicas(r *board.Reader) []board.ReplicaID {
	n := r.Count(1)
	if n > replicasMax {
		r.Fail()
		return nil
	}
	ids := make([]board.ReplicaID, 0, n)
	for range n {
		id := r.Replica()
		if id == 0 {
			r.Fail()
			return nil
		}
		ids = append(ids, id)
	}
	return ids
}
