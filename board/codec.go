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
	r := Reader{Rest: src}
	a = r.Article()
	if r.Failed {
		return Article{}, nil, ErrCorrupt
	}
	return a, r.Rest, nil
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
	r := Reader{Rest: src}
	v = r.Vector()
	if r.Failed {
		return nil, nil, ErrCorrupt
	}
	return v, r.Rest, nil
}

func appendText(dst []byte, text string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(text)))
	return append(dst, text...)
}
