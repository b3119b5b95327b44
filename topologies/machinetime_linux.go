package topologies

import (
	"time"

	"golang.org/x/sys/unix"
)

// MachineTime is the time by a clock that all processes of this machine share
// and that never jumps: of each other's times they know which is earlier. It
// stands still while the machine sleeps. shared is false where there is no such
// clock, and the time is that of day.
func MachineTime() (now time.Duration, shared bool) {
	var at unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &at); err != nil {
		return time.Duration(time.Now().UnixNano()), false
	}
	return time.Duration(at.Nano()), true
}
