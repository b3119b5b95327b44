//go:build !linux

package topologies

import "time"

// MachineTime is the time of day: a clock that all processes of a machine share
// and that never jumps is known to us on Linux only. So shared is false.
func MachineTime() (now time.Duration, shared bool) {
	return time.Duration(time.Now().UnixNano()), false
}
