package originlog

import (
	"consequor/board"
	"consequor/mutants"
)

// limits bound what a log keeps, and say from when on it spreads otherwise than
// in the small.
type limits struct {
	waiting   int    // requests, other replicas' included; beyond, they are refused
	keys      int    // keys remembered
	mesh      int    // replicas of which each pushes to all others; see near
	rounds    int    // under way, of one kind; later requests wait for the next
	farBehind uint64 // seqs that one has and another lacks, of which spans are brought one at a time
}

var (
	defaultLimits = limits{waiting: 65_536, keys: 2 * board.KeyCountMax, mesh: 16, rounds: 8, farBehind: 1000}
	smallLimits   = limits{waiting: 16, keys: 20, mesh: 2, rounds: 2, farBehind: 6}
)

// NewVariant is New, with limits so small that a short run meets them, or broken
// on purpose: for simulators.
func NewVariant(small bool, mutant mutants.Mutant) *Log {
	l := &Log{limits: defaultLimits, mutant: mutant, waiting: newWaiting()}
	if small {
		l.limits = smallLimits
	}
	l.keys = newKeyTable(l.limits.keys)
	return l
}

// tampers reports whether messages go about that no correct log sends.
func (l *Log) tampers() bool { return l.mutant == mutants.M21 || l.mutant == mutants.M22 }
