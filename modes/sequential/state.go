package sequential

import (
	"encoding/binary"

	"consequor/board"
)

// state is all that applying an entry depends on, besides keys of articles that
// have an id below next. It is a function of the log alone, so that at one
// index all replicas have the same, replaying or not.
//
// A log outlives its epoch when a mode change is called off: the same mode goes
// on with it, in the next one. So posts and seals say which epoch they are of:
//
//  1. In epoch 1 the log is: post a, seal of 1, post b. a has an id, b is void.
//  2. The change is called off, and epoch 2 begins. Post c is of epoch 2: it
//     gets the next id. A post of epoch 1 that comes to light now, from a
//     coordinator that lost its office before, is void like b: its client has
//     been told that it is surely not done.
type state struct {
	first   uint64 // seq of this log's first article; above all that the board held before
	origins uint64 // how many origins had articles on the board before
	next    uint64 // seq of the article to come
	sealed  uint64 // posts of this epoch, and of those before it, are void from here on; 0: none is
}

// newState is the state before the first entry: every replica begins the log
// with the same board.
func newState(v board.Vector) state {
	first := v.SeqMax() + 1
	return state{first: first, origins: uint64(max(1, len(v))), next: first}
}

// floor is the lowest seq whose keys count: those of the newest keyCountMax
// articles below next. This log's articles have one each; of
// what is older, up to one per origin may share a seq, so that only so many seqs
// are sure to be within that number, and within what a replica is told that
// starts later (modes.Start.KeysFrom, which is another one then).
func (s *state) floor(keyCountMax uint64) uint64 {
	given := s.next - s.first
	if given >= keyCountMax {
		return s.next - keyCountMax
	}
	before := (keyCountMax - given) / s.origins
	return s.first - min(s.first-1, before)
}

// lookUp is what a key means before an entry that carries it is applied.
func (s *state) lookUp(t *keyTable, key string, mark uint64) (id board.ArticleID, found keyFound) {
	if key == "" {
		return board.ArticleID{}, keyNew
	}
	floor := s.floor(t.countMax)
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

// parentThere reports whether a reply to parent can be applied. In this log ids
// are dense. An older one's seq alone does not tell, for an origin's seqs have
// holes; but the replica that proposed the reply had the parent on its board
// (see onReply), and of what is older than the log all boards have the same.
func (s *state) parentThere(parent board.ArticleID) bool {
	return parent.IsZero() || parent.Seq < s.first || parent.Origin == board.Cluster && parent.Seq < s.next
}

func appendState(dst []byte, s *state) []byte {
	for _, n := range []uint64{s.first, s.origins, s.next, s.sealed} {
		dst = binary.AppendUvarint(dst, n)
	}
	return dst
}

func cutState(r *board.Reader) state {
	s := state{first: r.Uvarint(), origins: r.Uvarint(), next: r.Uvarint(), sealed: r.Uvarint()}
	if s.first == 0 || s.origins == 0 || s.next < s.first {
		r.Fail()
	}
	return s
}
