package originlog

import (
	"slices"

	"consequor/board"
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
