package wire

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"

	"consequor/board"
)

// FrameBodyMax bounds the body of one frame, in bytes. A longer one is not
// sent, and a peer that announces one loses its connection.
const FrameBodyMax = 8 << 20

// frameHeaderLen is the length of what goes before every body; PROTOCOL.md
// has its layout.
const frameHeaderLen = 32

// Frame is what one replica says to another, once.
type Frame struct {
	From, To    board.ReplicaID
	Kind        uint8 // opaque to this package, as are the fields below
	Epoch       uint64
	Incarnation uint64
	Body        []byte
}

// size is what f takes on the wire, and what an outbox counts for it.
func (f *Frame) size() int { return frameHeaderLen + len(f.Body) }

// FrameError reports bytes that are no frame, or a frame that has no business
// on its connection. It ends the connection: whatever follows such a frame
// cannot be trusted either.
type FrameError struct{ Why string }

func (e *FrameError) Error() string { return "bad frame: " + e.Why }

func appendFrameHeader(dst []byte, f *Frame) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(f.Body)))
	dst = append(dst, f.Kind, 0, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, uint32(f.From))
	dst = binary.BigEndian.AppendUint32(dst, uint32(f.To))
	dst = binary.BigEndian.AppendUint64(dst, f.Epoch)
	return binary.BigEndian.AppendUint64(dst, f.Incarnation)
}

func writeFrame(w *bufio.Writer, f *Frame) error {
	if _, err := w.Write(appendFrameHeader(w.AvailableBuffer(), f)); err != nil {
		return err
	}
	_, err := w.Write(f.Body)
	return err
}

// readFrame reads one frame. The error is io.EOF if src ends before it begins,
// and a *FrameError if what was read is no frame.
func readFrame(src *bufio.Reader) (Frame, error) {
	header, err := src.Peek(frameHeaderLen)
	if err != nil {
		if len(header) > 0 {
			err = noEOF(err)
		}
		return Frame{}, err
	}
	f, bodyLen, err := parseFrameHeader(header)
	if err != nil {
		return Frame{}, err
	}
	if _, err := src.Discard(frameHeaderLen); err != nil || bodyLen == 0 {
		return f, err
	}
	f.Body = make([]byte, bodyLen)
	if _, err := io.ReadFull(src, f.Body); err != nil {
		return Frame{}, noEOF(err)
	}
	return f, nil
}

func parseFrameHeader(header []byte) (f Frame, bodyLen uint32, err error) {
	bodyLen = binary.BigEndian.Uint32(header[0:])
	if bodyLen > FrameBodyMax {
		return Frame{}, 0, &FrameError{fmt.Sprintf("a body of %d bytes, the limit is %d", bodyLen, FrameBodyMax)}
	}
	if header[5]|header[6]|header[7] != 0 {
		return Frame{}, 0, &FrameError{fmt.Sprintf("reserved bytes are %x, not zero", header[5:8])}
	}
	f = Frame{
		Kind:        header[4],
		From:        board.ReplicaID(binary.BigEndian.Uint32(header[8:])),
		To:          board.ReplicaID(binary.BigEndian.Uint32(header[12:])),
		Epoch:       binary.BigEndian.Uint64(header[16:]),
		Incarnation: binary.BigEndian.Uint64(header[24:]),
	}
	return f, bodyLen, nil
}

// noEOF makes an end in the middle of something distinct from one between two.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
