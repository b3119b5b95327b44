package modeplugin

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// sumOfProcess sums the file that the kernel runs, wherever it is by now.
func sumOfProcess(pid int, _ string) (string, error) {
	return cachedSum("/proc/" + strconv.Itoa(pid) + "/exe")
}

// stopped reports whether a signal has stopped the process: the letter behind
// the command's name in parentheses, which may hold parentheses itself.
func stopped(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false // it is gone
	}
	_, rest, found := bytes.Cut(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" "))
	return found && len(rest) > 0 && (rest[0] == 'T' || rest[0] == 't')
}
