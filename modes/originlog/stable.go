package originlog

import (
	"consequor/board"
	"consequor/mutants"
)

// lacking counts the seqs of want that v does not reach: at least as many as
// the articles, as an origin's seqs may have holes.
func lacking(v, want board.Vector) uint64 {
	var n uint64
	for _, id := range want {
		if seq := v.Seq(id.Origin); seq < id.Seq {
			n += id.Seq - seq
		}
	}
	return n
}

// OnDisks reports whether all of v is on Config.Copies disks, as far as is
// known. If not, it is pushed until it is. What is on them stays there: only
// what was not found there before is looked for.
func (l *Log) OnDisks(v board.Vector) bool {
	var found board.Vector
	for _, id := range v {
		switch {
		case l.stable.Has(id):
		case l.copies(id) < l.config.Copies:
			l.stable = l.stable.Join(found)
			l.want(v)
			return false
		default:
			found = append(found, id)
		}
	}
	l.stable = l.stable.Join(found)
	return true
}

// enough reports whether an article is on as many disks as its acknowledgement
// needs, as far as is known.
func (l *Log) enough(id board.ArticleID) bool {
	needed := l.config.Copies
	if l.mutant == mutants.M18 { // one fewer
		needed--
	}
	return l.copies(id) >= needed
}

// want has v pushed, in this step, to whoever lacks some of it.
func (l *Log) want(v board.Vector) { l.spreads.wanted = l.spreads.wanted.Join(v) }

// copies counts the disks that are known to have an article.
func (l *Log) copies(id board.ArticleID) int {
	n := 0
	if l.board.Has(id) {
		n++
	}
	for _, p := range l.peers {
		if p.known.Has(id) {
			n++
		}
	}
	return n
}
