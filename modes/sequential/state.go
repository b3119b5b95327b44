package sequential

import (
	"encoding/binary"

	"consequor/board"
)

// state is all that applying an entry depends on, besides keys of articles that
// have an id below next. It is a function of the log alone, so that at one
// index all replicas have the same, replaying or not.
type state struct {
	first   uint64 // seq of this epoch's first article; above all that the board held before
	origins uint64 // how many origins had articles on the board before
	next    uint64 // seq of the article to come
	sealed  bool   // this epoch takes no more posts
}

// newState is the state before the first entry: every replica begins an epoch
// with the same board.
func newState(v board.Vector) state {
	first := v.SeqMax() + 1
	return state{first: first, origins: uint64(max(1, len(v))), next: first}
}

// floor is the lowest seq whose keys count: those of the newest
// board.KeyCountMax articles below next. This epoch's articles have one each;
// of earlier epochs, up to one per origin may share a seq, so that only so many
// seqs are sure to be within that number, and within what a restarted replica
// is told.
func (s *state) floor() uint64 {
	given := s.next - s.first
	if given >= board.KeyCountMax {
		return s.next - board.KeyCountMax
	}
	before := (board.KeyCountMax - given) / s.origins
	return s.first - min(s.first-1, before)
}

// lookUp is what a key means before an entry that carries it is applied.
func (s *state) lookUp(t *keyTable, key string, mark uint64) (id board.ArticleID, found keyFound) {
	if key == "" {
		return board.ArticleID{}, keyNew
	}
	floor := s.floor()
	if id, ok := t.ids[key]; ok && id.Seq >= floor && id.Seq < s.next {
		return id, keyKnown
	}
	switch {
	case floor > 1 && mark < floor:
		return board.ArticleID{}, keyTooOld
	case mark >= s.next:
		return board.ArticleID{}, keyAhead
	}
	return board.ArticleID{}, keyNew
}

type keyFound int

const (
	keyNew    keyFound = iota // no article has it
	keyKnown                  // this one has
	keyTooOld                 // one may have had it, which is not remembered
	keyAhead                  // its mark is of an article that is yet to come: it would count as new when it is old
)

// parentThere reports whether a reply to parent can be applied. In this epoch
// ids are dense. Of what is older, the board where it was posted had it, and
// all boards were equal then.
func (s *state) parentThere(parent board.ArticleID) bool {
	return parent.IsZero() || parent.Seq < s.first || parent.Origin == board.Cluster && parent.Seq < s.next
}

func appendState(dst []byte, s *state) []byte {
	for _, n := range []uint64{s.first, s.origins, s.next} {
		dst = binary.AppendUvarint(dst, n)
	}
	return append(dst, boolByte(s.sealed))
}

func cutState(r *reader) state {
	s := state{first: r.uvarint(), origins: r.uvarint(), next: r.uvarint(), sealed: r.byte() != 0}
	if s.first == 0 || s.origins == 0 || s.next < s.first {
		r.fail()
	}
	return s
}
