package originlog

import (
	"slices"

	"consequor/board"
	"consequor/mutants"
)

// stableOn returns what is on k disks at least, given what each one holds: per
// origin, the k-th highest seq. With fewer disks than k that is nothing.
func stableOn(k int, disks []board.Vector) board.Vector {
	var all, stable board.Vector
	for _, v := range disks {
		all = all.Join(v)
	}
	seqs := make([]uint64, len(disks))
	for _, last := range all {
		for i, v := range disks {
			seqs[i] = v.Seq(last.Origin)
		}
		slices.Sort(seqs)
		if i := len(seqs) - k; i >= 0 && seqs[i] > 0 {
			stable = append(stable, board.ArticleID{Seq: seqs[i], Origin: last.Origin})
		}
	}
	return stable
}

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
// known. If not, it is pushed until it is.
func (l *Log) OnDisks(v board.Vector) bool {
	if l.stableVector().Covers(v) {
		return true
	}
	l.want(v)
	return false
}

// enough reports whether an article is on as many disks as its acknowledgement
// needs, as far as is known.
func (l *Log) enough(id board.ArticleID) bool {
	if l.mutant == mutants.M18 { // on one fewer
		return l.copies(id) >= l.config.Copies-1
	}
	return l.stableVector().Covers(board.Vector{id})
}

// want has v pushed, in this step, to whoever lacks some of it.
func (l *Log) want(v board.Vector) { l.spreads.wanted = l.spreads.wanted.Join(v) }

func (l *Log) stableVector() board.Vector {
	if l.restable {
		disks := []board.Vector{l.board}
		for _, p := range l.peers {
			disks = append(disks, p.known)
		}
		l.stable, l.restable = stableOn(l.config.Copies, disks), false
	}
	return l.stable
}

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
