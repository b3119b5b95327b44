package cli

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"rsc.io/script"
)

// Words that look at the processes of this machine, and at what listens on it.

const (
	garbageSize  = 4 << 10
	garbageLimit = 20 * time.Second // above every handshake time-out of ours
)

func pidsOf(args []string) ([]int, error) {
	if len(args) == 0 {
		return nil, errWords
	}
	var pids []int
	for _, text := range args {
		pid, err := strconv.Atoi(text)
		if err != nil || pid <= 1 {
			return nil, fmt.Errorf("pid %q: want a number above 1", text)
		}
		pids = append(pids, pid)
	}
	return pids, nil
}

// lives: a zombie does not, though its pid is still taken.
func lives(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
	}
	rest := stat[bytes.LastIndexByte(stat, ')')+1:]
	state := bytes.TrimSpace(rest)
	return len(state) > 0 && state[0] != 'Z' && state[0] != 'X'
}

func gone(s *script.State, args []string) (string, string, error) {
	if len(args) < 2 {
		return "", "", errWords
	}
	limit, err := time.ParseDuration(args[0])
	if err != nil {
		return "", "", err
	}
	pids, err := pidsOf(args[1:])
	if err != nil {
		return "", "", err
	}
	deadline := time.Now().Add(limit)
	for _, pid := range pids {
		for lives(pid) {
			if time.Now().After(deadline) {
				return "", "", fmt.Errorf("process %d still lives after %v", pid, limit)
			}
			if err := pause(s, lookInterval); err != nil {
				return "", "", err
			}
		}
	}
	return "", "", nil
}

func alive(_ *script.State, args []string) (string, string, error) {
	pids, err := pidsOf(args)
	if err != nil {
		return "", "", err
	}
	for _, pid := range pids {
		if !lives(pid) {
			return "", "", fmt.Errorf("process %d does not live", pid)
		}
	}
	return "", "", nil
}

var signals = map[string]syscall.Signal{
	"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL, "STOP": syscall.SIGSTOP, "CONT": syscall.SIGCONT,
}

func signalTo(_ *script.State, args []string) (string, string, error) {
	if len(args) < 2 {
		return "", "", errWords
	}
	sig, ok := signals[args[0]]
	if !ok {
		return "", "", fmt.Errorf("no such signal: %s", args[0])
	}
	pids, err := pidsOf(args[1:])
	for _, pid := range pids {
		if e := syscall.Kill(pid, sig); e != nil {
			err = errors.Join(err, fmt.Errorf("signal %s to %d: %w", args[0], pid, e))
		}
	}
	return "", "", err
}

func garbage(_ *script.State, args []string) (string, string, error) {
	return hungUpOn(args, func(conn net.Conn) (net.Conn, error) {
		_, err := conn.Write(bytes.Repeat([]byte("\xff\x00 garbage\r\n"), garbageSize/11))
		return conn, err
	})
}

// stranger's handshake may well succeed on its side: with TLS 1.3 the other
// end's refusal comes after.
func stranger(_ *script.State, args []string) (string, string, error) {
	return hungUpOn(args, func(conn net.Conn) (net.Conn, error) {
		secure := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"consequor"}})
		return secure, secure.Handshake()
	})
}

// hungUpOn connects, lets begin say something, and wants to be hung up on.
func hungUpOn(args []string, begin func(net.Conn) (net.Conn, error)) (string, string, error) {
	if len(args) != 1 {
		return "", "", errWords
	}
	conn, err := net.DialTimeout("tcp", args[0], garbageLimit)
	if err != nil {
		return "", "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(garbageLimit)); err != nil {
		return "", "", err
	}
	talk, err := begin(conn)
	if err == nil {
		_, err = io.Copy(io.Discard, io.LimitReader(talk, garbageSize))
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return "", "", fmt.Errorf("%s still holds the connection after %v", args[0], garbageLimit)
	}
	return "", "", nil // it hung up, politely or not
}

func processes(_ *script.State, args []string) (string, string, error) {
	if len(args) != 2 {
		return "", "", errWords
	}
	want, err := strconv.Atoi(args[0])
	if err != nil {
		return "", "", err
	}
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return "", "", err
	}
	var found []string
	for _, path := range paths {
		line, err := os.ReadFile(path)
		pid := filepath.Base(filepath.Dir(path))
		if err == nil && pid != strconv.Itoa(os.Getpid()) && bytes.Contains(bytes.ReplaceAll(line, []byte{0}, []byte(" ")), []byte(args[1])) {
			found = append(found, pid)
		}
	}
	if len(found) != want {
		return "", "", fmt.Errorf("%d processes with %q (pids %s), want %d", len(found), args[1], strings.Join(found, " "), want)
	}
	return "", "", nil
}
