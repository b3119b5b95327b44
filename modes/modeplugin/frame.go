package modeplugin

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
)

const (
	// frameSizeMax bounds a message either way. A host keeps its batches to a
	// quarter of it.
	frameSizeMax = 16 << 20

	frameHeaderSize = 4

	// frameKeepMax is how large a buffer is kept for the next message; those
	// of rare large messages are not.
	frameKeepMax = 1 << 20

	frameReadAhead = 64 << 10
)

// oversizeError says that a message does not fit a frame.
type oversizeError struct {
	what string
	size int
}

func (e *oversizeError) Error() string {
	return fmt.Sprintf("%s: %d bytes, the limit is %d", e.what, e.size, frameSizeMax)
}

// beginFrame returns buf, emptied, with room for a frame's header.
func beginFrame(buf []byte) []byte {
	if cap(buf) > frameKeepMax {
		buf = nil
	}
	return append(buf[:0], make([]byte, frameHeaderSize)...)
}

// endFrame writes the header of the one frame in buf.
func endFrame(buf []byte, what string) error {
	size := len(buf) - frameHeaderSize
	if size > frameSizeMax {
		return &oversizeError{what, size}
	}
	binary.BigEndian.PutUint32(buf, uint32(size))
	return nil
}

// frameReader cuts what comes from a connection into frames.
type frameReader struct {
	in  *bufio.Reader
	buf []byte
}

func newFrameReader(conn io.Reader) *frameReader {
	return &frameReader{in: bufio.NewReaderSize(conn, frameReadAhead)}
}

// next returns the next frame's message, valid until it is called again. The
// error is io.EOF only between two frames.
func (r *frameReader) next() ([]byte, error) {
	var header [frameHeaderSize]byte
	if _, err := io.ReadFull(r.in, header[:]); err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint32(header[:]))
	if size > frameSizeMax {
		return nil, &oversizeError{"frame", size}
	}
	if size > cap(r.buf) || cap(r.buf) > frameKeepMax {
		r.buf = make([]byte, size)
	}
	r.buf = r.buf[:size]
	if _, err := io.ReadFull(r.in, r.buf); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return r.buf, nil
}
