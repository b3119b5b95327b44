package sequential

import (
	"time"

	"consequor/modes"
	"consequor/mutants"
)

// NewVariant is New, with limits so small that a short run meets them, or broken
// on purpose: for simulators.
func NewVariant(small bool, mutant mutants.Mutant) modes.Mode {
	l := defaultLimits
	if small {
		l.logLenMax, l.logLenKeep = 8, 4
		l.keyCountMax = 64
		l.boardTimeout = 500 * time.Millisecond
	}
	return newBroken(l, mutant)
}

func newBroken(l limits, mutant mutants.Mutant) *Mode {
	m := newMode(l)
	m.mutant = mutant
	return m
}
