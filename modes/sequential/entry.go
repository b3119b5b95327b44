package sequential

import (
	"encoding/binary"

	"consequor/board"
	"consequor/modes"
)

// An entry of the log is empty (a new coordinator's first one), a post, or the
// seal of an epoch. Its first byte says which.
const (
	entryPost byte = iota + 1
	entrySeal
)

// nonce names a request for ever: the replica that took it, the life in which
// it did, and the request within it.
type nonce struct {
	replica     board.ReplicaID
	incarnation uint64
	request     modes.RequestID
}

// post is an article on its way to an id.
type post struct {
	epoch   uint64 // in which it was posted
	nonce   nonce
	mark    uint64        // of the article's key
	article board.Article // without id
}

// appendPost appends p as an entry of the log. It is encoded once, where it was
// posted, and travels and rests in that form.
func appendPost(dst []byte, p *post) []byte {
	dst = append(dst, entryPost)
	dst = binary.AppendUvarint(dst, p.epoch)
	dst = binary.AppendUvarint(dst, uint64(p.nonce.replica))
	dst = binary.AppendUvarint(dst, p.nonce.incarnation)
	dst = binary.AppendUvarint(dst, uint64(p.nonce.request))
	dst = binary.AppendUvarint(dst, p.mark)
	return board.AppendArticle(dst, &p.article)
}

// cutPost reads what appendPost wrote, without its first byte.
func cutPost(src []byte) (p post, err error) {
	r := reader{rest: src}
	p.epoch = r.uvarint()
	p.nonce.replica = r.replica()
	p.nonce.incarnation = r.uvarint()
	p.nonce.request = modes.RequestID(r.uvarint())
	p.mark = r.uvarint()
	if r.failed {
		return post{}, board.ErrCorrupt
	}
	article, rest, err := board.CutArticle(r.rest)
	if err != nil || len(rest) > 0 {
		return post{}, board.ErrCorrupt
	}
	p.article = article
	return p, nil
}

// appendSeal appends the seal of an epoch as an entry of the log.
func appendSeal(dst []byte, epoch uint64) []byte {
	return binary.AppendUvarint(append(dst, entrySeal), epoch)
}

// cutSeal reads what appendSeal wrote, without its first byte.
func cutSeal(src []byte) (epoch uint64, err error) {
	r := reader{rest: src}
	if epoch = r.uvarint(); !r.end() {
		return 0, board.ErrCorrupt
	}
	return epoch, nil
}

// reader takes fields from the front of a slice; after the first malformed one
// it has failed and gives zeros.
type reader struct {
	rest   []byte
	failed bool
}

func (r *reader) fail() {
	r.failed, r.rest = true, nil
}

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

func (r *reader) replica() board.ReplicaID {
	n := r.uvarint()
	if n > 1<<32-1 {
		r.fail()
		return 0
	}
	return board.ReplicaID(n)
}

// bytes returns a length-prefixed slice, not a copy.
func (r *reader) bytes() []byte {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.fail()
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

// count returns how many items follow, each of which takes sizeMin bytes at
// least, so that a short message cannot ask for much memory.
func (r *reader) count(sizeMin int) int {
	n := r.uvarint()
	if n > uint64(len(r.rest)/sizeMin) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) vector() board.Vector {
	if r.failed {
		return nil
	}
	v, rest, err := board.CutVector(r.rest)
	if err != nil {
		r.fail()
		return nil
	}
	r.rest = rest
	return v
}

// end reports whether all was read and well formed.
func (r *reader) end() bool { return !r.failed && len(r.rest) == 0 }

func appendBytes(dst, b []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(b)))
	return append(dst, b...)
}
