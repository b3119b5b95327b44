package record

import (
	"time"

	"golang.org/x/sys/unix"
)

// Now is the machine's monotonic clock, the same for all processes.
func Now() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		panic("record: no monotonic clock: " + err.Error()) // Linux always has one
	}
	return time.Duration(t.Nano())
}
