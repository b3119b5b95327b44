package sequential

import (
	"time"

	"consequor/modes"
)

// NewSmall returns a mode that trims its log after a few entries, for tests of
// what hosts it.
func NewSmall() modes.Mode {
	l := defaultLimits
	l.logLenMax, l.logLenKeep = 8, 4
	l.boardTimeout = 500 * time.Millisecond
	return newMode(l)
}
