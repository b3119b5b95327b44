package host

import (
	"encoding/binary"

	"consequor/board"
)

// Frame is what hosts exchange.
type Frame struct {
	From, To    board.ReplicaID
	Kind        Kind
	Epoch       uint64
	Incarnation uint64 // of the sender's mode
	Body        []byte
}

// Kind says what a frame's body is.
type Kind uint8

const (
	kindMessage Kind = iota + 1 // a mode's message
	kindUp                      // "my mode runs, in this incarnation"; the body may ask for the same
	kindDown                    // "my mode has ended"; no body
	kindSpan                    // a SpanChunk
	kindPull                    // "my sealed board holds this; what has yours beyond it?": a vector
	kindFill                    // the answer: a SpanChunk without a message
)

func (k Kind) String() string {
	switch k {
	case kindMessage:
		return "message"
	case kindUp:
		return "up"
	case kindDown:
		return "down"
	case kindSpan:
		return "span"
	case kindPull:
		return "pull"
	case kindFill:
		return "fill"
	}
	return "invalid"
}

// IsMessage reports whether a frame's body is a message of the mode's and
// nothing else.
func (k Kind) IsMessage() bool { return k == kindMessage }

// Brings names the first articles that a frame brings, at most so many.
func (f *Frame) Brings(most int) []board.ArticleID {
	if f.Kind != kindSpan && f.Kind != kindFill {
		return nil
	}
	chunk, err := DecodeSpanChunk(f.Body)
	if err != nil {
		return nil
	}
	var ids []board.ArticleID
	for i := range chunk.Articles[:min(most, len(chunk.Articles))] {
		ids = append(ids, chunk.Articles[i].ID)
	}
	return ids
}

// SpanChunk is one frame of a span. A large span travels as several, each a
// span in its own right: all that lies beyond Since and up to UpTo. Only the
// last carries the mode's message.
type SpanChunk struct {
	Since, UpTo board.Vector
	Articles    []board.Article // by rising id
	Last        bool
	Message     []byte
}

// Encode returns the chunk's frame body.
func (c *SpanChunk) Encode() []byte {
	size := len(c.Message) + 64
	for i := range c.Articles {
		size += c.Articles[i].Size() + 96
	}
	b := make([]byte, 0, size)
	b = board.AppendVector(b, c.Since)
	b = board.AppendVector(b, c.UpTo)
	last := byte(0)
	if c.Last {
		last = 1
	}
	b = append(b, last)
	b = binary.AppendUvarint(b, uint64(len(c.Message)))
	b = append(b, c.Message...)
	for i := range c.Articles {
		b = board.AppendArticle(b, &c.Articles[i])
	}
	return b
}

// DecodeSpanChunk reads what Encode wrote.
func DecodeSpanChunk(b []byte) (c SpanChunk, err error) {
	if c.Since, b, err = board.CutVector(b); err != nil {
		return c, err
	}
	if c.UpTo, b, err = board.CutVector(b); err != nil {
		return c, err
	}
	if len(b) == 0 || b[0] > 1 {
		return c, board.ErrCorrupt
	}
	c.Last, b = b[0] == 1, b[1:]
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return c, board.ErrCorrupt
	}
	c.Message, b = b[size:size+int(n):size+int(n)], b[size+int(n):]
	for len(b) > 0 {
		var a board.Article
		if a, b, err = board.CutArticle(b); err != nil {
			return c, err
		}
		c.Articles = append(c.Articles, a)
	}
	return c, nil
}
