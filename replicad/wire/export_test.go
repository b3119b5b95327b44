package wire

import (
	"io"

	"consequor/board"
)

// What a test needs in order to speak the protocol badly.

const (
	GreetLink    = uint8(greetLink)
	GreetKnock   = uint8(greetKnock)
	GreetWelcome = uint8(greetWelcome)
)

// Greeting encodes a hello.
func Greeting(kind uint8, cluster, process string, replicas ...board.ReplicaID) []byte {
	return appendHello(nil, &hello{Type: greeting(kind), Cluster: cluster, Process: process, Replicas: replicas})
}

// Answer reads a hello: who answers, or why it refuses.
func Answer(src io.Reader) (process, refusal string, err error) {
	h, err := readHello(src)
	return h.Process, h.Reason, err
}

// FrameHeader encodes the header of f as if its body had bodyLen bytes.
func FrameHeader(f Frame, bodyLen uint32) []byte {
	header := appendFrameHeader(nil, &f)
	return append([]byte{byte(bodyLen >> 24), byte(bodyLen >> 16), byte(bodyLen >> 8), byte(bodyLen)}, header[4:]...)
}
