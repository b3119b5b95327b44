//go:build unix && !linux

package supervisor

import (
	"errors"
	"fmt"
	"syscall"
)

// childAttributes puts a child into a process group of its own. Where there is
// no death signal, the lifeline alone ends a child whose supervisor has died.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

func keepDescriptors() error { return nil }

var errNoPlugin = errors.New("it is gone")

func signalPlugin(pid, _ int, s syscall.Signal) error {
	if err := syscall.Kill(pid, s); err != nil {
		return fmt.Errorf("plugin with pid %d: %w", pid, errNoPlugin)
	}
	return nil
}
