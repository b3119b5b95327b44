//go:build !linux

package record

import "time"

// Now is a clock that all processes share: that of the wall, which may jump.
func Now() time.Duration { return time.Duration(time.Now().UnixNano()) }
