package history

import (
	"encoding/binary"
	"hash/fnv"

	"consequor/board"
)

// Sum is a digest of a set of articles: the sum of the digests of each, so
// that it depends on no order, and that of a part is the difference of two. It
// guards against mistakes, not against malice.
type Sum uint64

// SumOf digests articles whole: ids, parents, texts, times and keys.
func SumOf(articles ...board.Article) (s Sum) {
	var buf []byte
	for i := range articles {
		h := fnv.New64a()
		buf = board.AppendArticle(buf[:0], &articles[i])
		h.Write(buf)
		s += Sum(h.Sum64())
	}
	return s
}

// ContentOf digests what a client wants to post: parent and texts.
func ContentOf(a *board.Article) Sum {
	h := fnv.New64a()
	buf := board.AppendID(nil, a.Parent)
	for _, text := range []string{a.Author, a.Title, a.Body} {
		buf = binary.AppendUvarint(buf, uint64(len(text)))
		buf = append(buf, text...)
	}
	h.Write(buf)
	return Sum(h.Sum64())
}
