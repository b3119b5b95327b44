//go:build unix && !linux

package supervisor

import "time"

const exitLimit = 2 * time.Second

// watchedProcess waits for nothing where there are no process descriptors:
// the supervisor's process may then outlive `down` by a moment.
type watchedProcess struct{}

func watchProcess(int) watchedProcess     { return watchedProcess{} }
func (watchedProcess) wait(time.Duration) {}
func (watchedProcess) close()             {}
