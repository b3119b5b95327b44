package modeplugin

import (
	"fmt"
	"net"
	"os"
	"syscall"

	"consequor/board"
	"consequor/modes"
)

// InProcess returns a machine that steps mode in a goroutine of this process,
// behind a socket and the codec as in a plugin: for tests, and to measure what
// the process boundary alone costs.
func InProcess(replica board.ReplicaID, mode modes.Mode) (*Machine, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, fmt.Errorf("socket pair for %s: %w", replica, err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		serveMachine(theirs, mode)
	}()
	m := newMachine(replica, "this process", ours)
	m.closed = func() { <-served }
	return m, nil
}

func socketPair() (ours, theirs net.Conn, err error) {
	syscall.ForkLock.RLock() // until both have their close-on-exec flag
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, err
	}
	if ours, err = connOf(fds[0]); err != nil {
		syscall.Close(fds[1])
		return nil, nil, err
	}
	if theirs, err = connOf(fds[1]); err != nil {
		ours.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

func connOf(fd int) (net.Conn, error) {
	f := os.NewFile(uintptr(fd), "socket pair")
	defer f.Close() // the connection has a duplicate
	return net.FileConn(f)
}
