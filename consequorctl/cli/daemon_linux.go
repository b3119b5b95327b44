package cli

import (
	"fmt"
	"math"

	"golang.org/x/sys/unix"
)

// closeOnExec keeps every descriptor from first on out of our children: also
// those that our own caller left open for us by mistake.
func closeOnExec(first uint) error {
	if err := unix.CloseRange(first, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("keep descriptors from a daemon: %w", err)
	}
	return nil
}
