package supervisor

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// exitLimit bounds how long Down waits for the supervisor's process itself,
// once it has said that nothing else is left.
const exitLimit = 2 * time.Second

// watchedProcess is a process whose end can be waited for without owning it,
// and without mistaking a later process of the same number for it.
type watchedProcess struct{ fd int }

func watchProcess(pid int) watchedProcess {
	if pid == os.Getpid() {
		return watchedProcess{-1} // the caller hosts the supervisor itself
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return watchedProcess{-1} // gone, or an old kernel: there is nothing to wait for
	}
	return watchedProcess{fd}
}

func (p watchedProcess) wait(limit time.Duration) {
	deadline := time.Now().Add(limit)
	for p.fd >= 0 && time.Now().Before(deadline) {
		fds := []unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, int(time.Until(deadline).Milliseconds()))
		if n > 0 || err != nil && err != unix.EINTR {
			return
		}
	}
}

func (p watchedProcess) close() {
	if p.fd >= 0 {
		unix.Close(p.fd)
	}
}
