package board

import (
	"fmt"
	"slices"
	"strings"
)

// Vector says exactly what a board holds: for each origin that has an article
// there, the id of its last one, by rising origin. The zero Vector is that of
// the empty board. Vectors are values: no method changes its receiver.
type Vector []ArticleID

// Seq returns the highest seq of origin, 0 if there is none.
func (v Vector) Seq(origin ReplicaID) uint64 {
	if i, ok := v.find(origin); ok {
		return v[i].Seq
	}
	return 0
}

// find searches by halves; written out, as modes and hosts ask for little else.
func (v Vector) find(origin ReplicaID) (int, bool) {
	low, high := 0, len(v)
	for low < high {
		middle := int(uint(low+high) / 2)
		if v[middle].Origin < origin {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, low < len(v) && v[low].Origin == origin
}

// Has reports whether a board with vector v holds the article id, given that
// the article exists.
func (v Vector) Has(id ArticleID) bool { return id.Seq <= v.Seq(id.Origin) }

// coversBySearch is how many times longer than other v must be for a search per
// id to take less time than one walk through both.
const coversBySearch = 8

// Covers reports whether v is nowhere smaller than other.
func (v Vector) Covers(other Vector) bool {
	if len(v) > coversBySearch*len(other) {
		return v.hasAll(other)
	}
	i := 0
	for _, id := range other {
		for i < len(v) && v[i].Origin < id.Origin {
			i++
		}
		if id.Seq > 0 && (i == len(v) || v[i].Origin != id.Origin || v[i].Seq < id.Seq) {
			return false
		}
	}
	return true
}

func (v Vector) hasAll(ids []ArticleID) bool {
	for _, id := range ids {
		if !v.Has(id) {
			return false
		}
	}
	return true
}

// Equal reports whether v and other say the same.
func (v Vector) Equal(other Vector) bool { return slices.Equal(v, other) }

// With returns v raised to include id.
func (v Vector) With(id ArticleID) Vector {
	i, ok := v.find(id.Origin)
	if ok && v[i].Seq >= id.Seq {
		return v
	}
	w := slices.Clone(v)
	if ok {
		w[i] = id
		return w
	}
	return slices.Insert(w, i, id)
}

// Join returns the pointwise maximum of v and other: what a board holds that
// has everything of both.
func (v Vector) Join(other Vector) Vector {
	if v.Covers(other) {
		return v
	}
	w := make(Vector, 0, max(len(v), len(other)))
	for i, j := 0, 0; i < len(v) || j < len(other); {
		switch {
		case j == len(other) || i < len(v) && v[i].Origin < other[j].Origin:
			w = append(w, v[i])
			i++
		case i == len(v) || other[j].Origin < v[i].Origin:
			w = append(w, other[j])
			j++
		default:
			w = append(w, ArticleID{Seq: max(v[i].Seq, other[j].Seq), Origin: v[i].Origin})
			i, j = i+1, j+1
		}
	}
	return w
}

// Meet returns the pointwise minimum of v and other.
func (v Vector) Meet(other Vector) Vector {
	var w Vector
	for _, id := range v {
		if seq := min(id.Seq, other.Seq(id.Origin)); seq > 0 {
			w = append(w, ArticleID{Seq: seq, Origin: id.Origin})
		}
	}
	return w
}

// Through returns the part of v that a list by rising id has shown when it has
// come to last. Its seqs need not be those of articles: it is for Has and Join.
func (v Vector) Through(last ArticleID) Vector {
	var w Vector
	for _, id := range v {
		seq := min(id.Seq, last.Seq)
		if id.Origin > last.Origin && id.Seq >= last.Seq {
			seq = last.Seq - 1 // of equal seqs, the higher origin's comes later
		}
		if seq > 0 {
			w = append(w, ArticleID{Seq: seq, Origin: id.Origin})
		}
	}
	return w
}

// SeqMax returns the highest seq of any origin.
func (v Vector) SeqMax() uint64 {
	var highest uint64
	for _, id := range v {
		highest = max(highest, id.Seq)
	}
	return highest
}

// String lists the ids, "4,4.1,5.2"; the empty vector is "-".
func (v Vector) String() string {
	if len(v) == 0 {
		return "-"
	}
	texts := make([]string, len(v))
	for i, id := range v {
		texts[i] = id.String()
	}
	return strings.Join(texts, ",")
}

// ParseVector reads what String writes.
func ParseVector(text string) (Vector, error) {
	if text == "-" {
		return nil, nil
	}
	var v Vector
	for part := range strings.SplitSeq(text, ",") {
		id, err := ParseArticleID(part)
		if err != nil {
			return nil, fmt.Errorf("vector %q: %w", text, err)
		}
		if n := len(v); n > 0 && v[n-1].Origin >= id.Origin {
			return nil, fmt.Errorf("vector %q: origins must rise", text)
		}
		v = append(v, id)
	}
	return v, nil
}
