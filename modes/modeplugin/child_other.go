//go:build !linux

package modeplugin

import "syscall"

// Elsewhere the lifeline alone ends a plugin whose host died.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

func sumOfProcess(_ int, path string) (string, error) { return cachedSum(path) }

// Elsewhere nobody can tell, so a plugin that does not answer may be one.
func stopped(int) bool { return true }
