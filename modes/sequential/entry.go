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
	r := board.Reader{Rest: src}
	p.epoch = r.Uvarint()
	p.nonce.replica = r.Replica()
	p.nonce.incarnation = r.Uvarint()
	p.nonce.request = modes.RequestID(r.Uvarint())
	p.mark = r.Uvarint()
	p.article = r.Article()
	if !r.End() {
		return post{}, board.ErrCorrupt
	}
	return p, nil
}

// appendSeal appends the seal of an epoch as an entry of the log.
func appendSeal(dst []byte, epoch uint64) []byte {
	return binary.AppendUvarint(append(dst, entrySeal), epoch)
}

// cutSeal reads what appendSeal wrote, without its first byte.
func cutSeal(src []byte) (epoch uint64, err error) {
	r := board.Reader{Rest: src}
	if epoch = r.Uvarint(); !r.End() {
		return 0, board.ErrCorrupt
	}
	return epoch, nil
}

func appendBytes(dst, b []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(b)))
	return append(dst, b...)
}
