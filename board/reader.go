package board

import "encoding/binary"

// Reader takes fields from the front of Rest: what the Append functions of
// this package, and of encoding/binary, have written. After the first malformed
// field it has Failed, Rest is empty, and all that follow are zero, so that
// whoever reads need look only once, at the end.
type Reader struct {
	Rest   []byte
	Failed bool
}

// Fail makes the reader fail: what it has read makes no sense.
func (r *Reader) Fail() { r.Failed, r.Rest = true, nil }

// End reports whether all was read and nothing was malformed.
func (r *Reader) End() bool { return !r.Failed && len(r.Rest) == 0 }

// Uvarint takes an unsigned varint.
func (r *Reader) Uvarint() uint64 {
	n, size := binary.Uvarint(r.Rest)
	if size <= 0 {
		r.Fail()
		return 0
	}
	r.Rest = r.Rest[size:]
	return n
}

// Varint takes a signed varint.
func (r *Reader) Varint() int64 {
	n, size := binary.Varint(r.Rest)
	if size <= 0 {
		r.Fail()
		return 0
	}
	r.Rest = r.Rest[size:]
	return n
}

// Byte takes one byte.
func (r *Reader) Byte() byte {
	if len(r.Rest) == 0 {
		r.Fail()
		return 0
	}
	b := r.Rest[0]
	r.Rest = r.Rest[1:]
	return b
}

// Bytes takes a length and so many bytes; they are not copied.
func (r *Reader) Bytes() []byte {
	n := r.Uvarint()
	if n > uint64(len(r.Rest)) {
		r.Fail()
		return nil
	}
	b := r.Rest[:n:n]
	r.Rest = r.Rest[n:]
	return b
}

// Text takes a text of at most lenMax bytes, behind its length.
func (r *Reader) Text(lenMax int) string {
	b := r.Bytes()
	if len(b) > lenMax {
		r.Fail()
		return ""
	}
	return string(b)
}

// Count takes the number of the items that follow, each of which has sizeMin
// bytes at least: a short message cannot ask for much memory.
func (r *Reader) Count(sizeMin int) int {
	n := r.Uvarint()
	if n > uint64(len(r.Rest)/sizeMin) {
		r.Fail()
		return 0
	}
	return int(n)
}

// Replica takes a replica's number.
func (r *Reader) Replica() ReplicaID {
	n := r.Uvarint()
	if n > 1<<32-1 {
		r.Fail()
		return 0
	}
	return ReplicaID(n)
}

// ID takes an article's id.
func (r *Reader) ID() ArticleID { return ArticleID{Seq: r.Uvarint(), Origin: r.Replica()} }

// Vector takes a vector.
func (r *Reader) Vector() Vector {
	n := r.Count(2) // an id takes two bytes at least
	var v Vector
	for range n {
		id := r.ID()
		if k := len(v); r.Failed || id.Seq == 0 || k > 0 && v[k-1].Origin >= id.Origin {
			r.Fail()
			return nil
		}
		v = append(v, id)
	}
	return v
}

// Article takes an article.
func (r *Reader) Article() Article {
	a := Article{ID: r.ID(), Parent: r.ID()}
	a.Author, a.Title, a.Body = r.Text(AuthorLenMax), r.Text(TitleLenMax), r.Text(BodyLenMax)
	a.Time = r.Varint()
	a.Key = r.Text(KeyLenMax)
	if r.Failed {
		return Article{}
	}
	return a
}
