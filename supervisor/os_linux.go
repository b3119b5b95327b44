package supervisor

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// childAttributes puts a child into a process group of its own, so that Ctrl-C
// at a terminal reaches only us, and has it killed when we die.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// keepDescriptors keeps descriptors that this process was itself started with
// from its children. Those that Go opens are kept from them anyway.
func keepDescriptors() error {
	err := unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC)
	if err == nil || !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EINVAL) {
		return err
	}
	entries, err := os.ReadDir("/proc/self/fd") // a kernel before 5.11
	if err != nil {
		return err
	}
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}

var errNoPlugin = errors.New("it is gone")

// signalPlugin sends a signal to the process pid if, and only if, it is a child of
// parent: a number reported a while ago may by now be someone else's.
func signalPlugin(pid, parent int, s syscall.Signal) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return fmt.Errorf("plugin with pid %d: %w", pid, errNoPlugin)
	}
	defer unix.Close(fd)
	if p, err := parentOf(pid); err != nil || p != parent {
		return fmt.Errorf("plugin with pid %d: %w", pid, errNoPlugin)
	}
	if err := unix.PidfdSendSignal(fd, s, nil, 0); err != nil {
		return fmt.Errorf("send %v to plugin with pid %d: %w", s, pid, err)
	}
	return nil
}

// parentOf reads the fourth field of a process's stat; the second, its name in
// brackets, may hold anything.
func parentOf(pid int) (int, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := bytes.Fields(data[bytes.LastIndexByte(data, ')')+1:])
	if len(fields) < 2 {
		return 0, fmt.Errorf("stat of pid %d: %q", pid, data)
	}
	return strconv.Atoi(string(fields[1]))
}
