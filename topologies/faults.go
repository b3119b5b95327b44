package topologies

import (
	"cmp"
	"slices"

	"consequor/board"
)

// On is what is wrong with what from says to to.
func (f *Faults) On(from, to board.ReplicaID) LinkFault {
	if i, found := f.find(from, to); found {
		return f.Links[i]
	}
	return LinkFault{From: from, To: to}
}

// Put returns the list of faults with l in the place of what was said of that
// direction. The old list stays as it is.
func (f *Faults) Put(l LinkFault) []LinkFault {
	i, found := f.find(l.From, l.To)
	links := slices.Clone(f.Links)
	switch {
	case found && l.Whole():
		return slices.Delete(links, i, i+1)
	case found:
		links[i] = l
		return links
	case l.Whole():
		return links
	}
	return slices.Insert(links, i, l)
}

func (f *Faults) find(from, to board.ReplicaID) (int, bool) {
	return slices.BinarySearchFunc(f.Links, LinkFault{From: from, To: to}, func(a, b LinkFault) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
}
