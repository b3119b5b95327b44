package originlog

import (
	"encoding/binary"

	"consequor/board"
)

// reader takes fields from the front of a message; after the first malformed
// one it has failed and gives zeros.
type reader struct {
	rest   []byte
	failed bool
}

func (r *reader) fail() { r.failed, r.rest = true, nil }

func (r *reader) uvarint() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *reader) byte() byte {
	if len(r.rest) == 0 {
		r.fail()
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *reader) text() string {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.fail()
		return ""
	}
	text := string(r.rest[:n])
	r.rest = r.rest[n:]
	return text
}

func (r *reader) id() board.ArticleID {
	seq, origin := r.uvarint(), r.uvarint()
	if origin > 1<<32-1 {
		r.fail()
		return board.ArticleID{}
	}
	return board.ArticleID{Seq: seq, Origin: board.ReplicaID(origin)}
}

func (r *reader) vector() board.Vector {
	v, rest, err := board.CutVector(r.rest)
	if err != nil || r.failed {
		r.fail()
		return nil
	}
	r.rest = rest
	return v
}

func (r *reader) article() board.Article {
	a, rest, err := board.CutArticle(r.rest)
	if err != nil || r.failed {
		r.fail()
		return board.Article{}
	}
	r.rest = rest
	return a
}

// end reports whether all was read and well formed.
func (r *reader) end() bool { return !r.failed && len(r.rest) == 0 }
