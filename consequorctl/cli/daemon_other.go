//go:build !linux

package cli

// closeOnExec has nothing to do here: what this program opens is never
// inherited unless it says so.
func closeOnExec(uint) error { return nil }
