package board

import (
	"encoding/binary"
	"errors"
)

// The binary form of articles and vectors, as the journal, the store and peers
// keep and exchange them: unsigned varints (LEB128) and length-prefixed texts,
// fields in the order of the struct. It has no version of its own: what
// carries it has one.

// ErrCorrupt is returned for bytes that are not what an encoder wrote.
var ErrCorrupt = errors.New("malformed encoding")

// AppendArticle appends the binary form of a to dst.
func AppendArticle(dst []byte, a *Article) []byte {
	dst = AppendID(dst, a.ID)
	dst = AppendID(dst, a.Parent)
	dst = appendText(dst, a.Author)
	dst = appendText(dst, a.Title)
	dst = appendText(dst, a.Body)
	dst = binary.AppendVarint(dst, a.Time)
	return appendText(dst, a.Key)
}

// CutArticle reads one article from the front of src and returns the rest.
func CutArticle(src []byte) (a Article, rest []byte, err error) {
	c := cutter{rest: src}
	a.ID, a.Parent = c.id(), c.id()
	a.Author, a.Title, a.Body = c.text(AuthorLenMax), c.text(TitleLenMax), c.text(BodyLenMax)
	a.Time = c.varint()
	a.Key = c.text(KeyLenMax)
	if c.failed {
		return Article{}, nil, ErrCorrupt
	}
	return a, c.rest, nil
}

// AppendID appends the binary form of id to dst.
func AppendID(dst []byte, id ArticleID) []byte {
	dst = binary.AppendUvarint(dst, id.Seq)
	return binary.AppendUvarint(dst, uint64(id.Origin))
}

// AppendVector appends the binary form of v to dst.
func AppendVector(dst []byte, v Vector) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(v)))
	for _, id := range v {
		dst = AppendID(dst, id)
	}
	return dst
}

// CutVector reads one vector from the front of src and returns the rest.
func CutVector(src []byte) (v Vector, rest []byte, err error) {
	c := cutter{rest: src}
	n := c.uvarint()
	if n > uint64(len(c.rest)) { // an id takes two bytes at least
		return nil, nil, ErrCorrupt
	}
	for range n {
		id := c.id()
		if k := len(v); c.failed || id.Seq == 0 || k > 0 && v[k-1].Origin >= id.Origin {
			return nil, nil, ErrCorrupt
		}
		v = append(v, id)
	}
	if c.failed {
		return nil, nil, ErrCorrupt
	}
	return v, c.rest, nil
}

func appendText(dst []byte, text string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(text)))
	return append(dst, text...)
}

// cutter reads fields from the front of a slice; after the first malformed one
// it has failed and returns zeros.
type cutter struct {
	rest   []byte
	failed bool
}

func (c *cutter) uvarint() uint64 {
	n, size := binary.Uvarint(c.rest)
	if size <= 0 {
		c.failed, c.rest = true, nil
		return 0
	}
	c.rest = c.rest[size:]
	return n
}

func (c *cutter) varint() int64 {
	n, size := binary.Varint(c.rest)
	if size <= 0 {
		c.failed, c.rest = true, nil
		return 0
	}
	c.rest = c.rest[size:]
	return n
}

func (c *cutter) id() ArticleID {
	seq, origin := c.uvarint(), c.uvarint()
	if origin > 1<<32-1 {
		c.failed = true
		return ArticleID{}
	}
	return ArticleID{Seq: seq, Origin: ReplicaID(origin)}
}

func (c *cutter) text(lenMax int) string {
	n := c.uvarint()
	if n > uint64(lenMax) || n > uint64(len(c.rest)) {
		c.failed, c.rest = true, nil
		return ""
	}
	text := string(c.rest[:n])
	c.rest = c.rest[n:]
	return text
}
