package modeplugin

import (
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
