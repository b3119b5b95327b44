//go:build !linux

package cli

import (
	"errors"
	"syscall"
)

// born tells, where nothing better is known, only whether there is such a
// process.
func born(pid int) string {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return ""
	}
	return "alive"
}
