package cli

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// A post is in flight while the very process that sent it can still send: not
// one that took over its pid, and not its zombie. Else a retry would be a second
// article.
func TestInFlight(t *testing.T) {
	self := os.Getpid()
	child, err := os.StartProcess("/proc/self/exe", []string{"self", "-test.run=^$"}, &os.ProcAttr{})
	if err != nil {
		t.Fatal(err)
	}
	sender := pending{PID: child.Pid, Born: born(child.Pid)}
	if err := unix.Waitid(unix.P_PID, child.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil { // it has ended, and is not reaped
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		pending
		want bool
	}{
		"this process":          {pending{PID: self, Born: born(self)}, true},
		"another with this pid": {pending{PID: self, Born: "an earlier boot/1"}, false},
		"a zombie":              {sender, false},
		"nobody":                {pending{PID: 1 << 22}, false},
		"ended unknown":         {pending{}, false},
	} {
		if got := test.inFlight(); got != test.want {
			t.Errorf("%s: in flight %v, want %v", name, got, test.want)
		}
	}
	if _, err := child.Wait(); err != nil {
		t.Error(err)
	}
}
