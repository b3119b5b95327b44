package cli

import (
	"bytes"
	"fmt"
	"os"
)

// The fields of /proc/PID/stat behind the name, from 0.
const (
	statState = 0
	statBegan = 19 // in clock ticks since the machine's start
)

// born tells when a process began, in a form that no other process with its pid
// shares. It is empty for one that is gone, a zombie included: that one sends
// nothing any more.
func born(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]) // the name may hold anything
	if len(fields) <= statBegan || fields[statState][0] == 'Z' || fields[statState][0] == 'X' {
		return ""
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		boot = nil // then a pid of an earlier boot may pass for alive, once in a long while
	}
	return string(bytes.TrimSpace(boot)) + "/" + string(fields[statBegan])
}
