//go:build linux

package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"consequor/board"
)

// testLimit bounds every wait in these tests. None takes a thousandth of it,
// but on a machine that is busy with other things.
const testLimit = 60 * time.Second

func boardID(i int) board.ReplicaID { return board.ReplicaID(i) }

// cluster is a supervisor under test, with fake replicas.
type cluster struct {
	t       *testing.T
	ctx     context.Context
	config  Config
	wishes  string // a folder: what the fakes are to do, by name
	client  *Client
	cancel  context.CancelFunc
	stopped chan struct{}
	err     error // of Run, once stopped
}

// newCluster makes a cluster of n fake replicas that is not up yet.
func newCluster(t *testing.T, n int) *cluster {
	t.Helper()
	watchGoroutines(t)
	root, err := os.MkdirTemp("", "cq") // t.TempDir is too long for sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	ctx, cancel := context.WithTimeout(context.Background(), testLimit)
	t.Cleanup(cancel)
	c := &cluster{t: t, ctx: ctx, wishes: t.TempDir()}
	c.config = Config{
		Root: root, Topology: fakeTopology(n), Wait: testLimit,
		Command: []string{"/proc/self/exe", "fake-replicad", c.wishes},
	}
	return c
}

// startCluster makes one and brings it up.
func startCluster(t *testing.T, n int) *cluster {
	t.Helper()
	c := newCluster(t, n)
	c.up()
	return c
}

func (c *cluster) home() string { return filepath.Join(c.config.Root, c.config.Topology.Name) }

func (c *cluster) runDir() string { return filepath.Dir(socketPath(c.home())) }

func (c *cluster) wish(name, words string) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(c.wishes, name), []byte(words), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// start runs the supervisor; whether it comes up is for the caller to see.
func (c *cluster) start() (ready chan struct{}) {
	ready = make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	config := c.config
	config.Ready = func(*ClusterStatus) { close(ready) }
	stopped := make(chan struct{})
	c.cancel, c.stopped = cancel, stopped
	go func() {
		defer close(stopped)
		c.err = Run(ctx, config)
	}()
	c.t.Cleanup(func() {
		cancel()
		<-stopped
	})
	return ready
}

func (c *cluster) up() {
	c.t.Helper()
	ready := c.start()
	select {
	case <-ready:
	case <-c.stopped:
		c.t.Fatalf("up: %v", c.err)
	}
	client, err := Dial(c.home())
	if err != nil {
		c.t.Fatal(err)
	}
	c.client = client
}

// end ends the supervisor and returns what Run returned.
func (c *cluster) end() error {
	c.cancel()
	<-c.stopped
	return c.err
}

func (c *cluster) status() *ClusterStatus {
	c.t.Helper()
	s, err := c.client.Status(c.ctx)
	if err != nil {
		c.t.Fatal(err)
	}
	return s
}

// await returns the first status that is as wanted.
func (c *cluster) await(what string, wanted func(*ClusterStatus) bool) *ClusterStatus {
	c.t.Helper()
	found := errors.New("found")
	var last *ClusterStatus
	err := c.client.WatchStatus(c.ctx, func(s *ClusterStatus) error {
		last = s
		if wanted(s) {
			return found
		}
		return nil
	})
	if err != found {
		c.t.Fatalf("%s: %v; the last status: %s", what, err, describeStatus(last))
	}
	return last
}

func (c *cluster) awaitState(name string, want State) ReplicaStatus {
	c.t.Helper()
	s := c.await(name+" is "+string(want), func(s *ClusterStatus) bool { return s.Replica(name).State == want })
	return *s.Replica(name)
}

// awaitEvent returns the first event of this kind and replica.
func (c *cluster) awaitEvent(kind EventKind, replica string) Event {
	c.t.Helper()
	found := errors.New("found")
	var event Event
	err := c.client.Events(c.ctx, 0, func(e Event) error {
		if event = e; e.Kind == kind && e.Replica == replica {
			return found
		}
		return nil
	})
	if err != found {
		c.t.Fatalf("event %s of %q: %v", kind, replica, err)
	}
	return event
}

func (c *cluster) act(verb Verb, target string) *ActResult {
	c.t.Helper()
	r, err := c.client.Act(c.ctx, verb, target, ActOptions{})
	if err != nil {
		c.t.Fatalf("%s %s: %v", verb, target, err)
	}
	return r
}

// refused checks that a verb is refused, with an error of this kind.
func (c *cluster) refused(verb Verb, target string, want Kind) *Error {
	c.t.Helper()
	_, err := c.client.Act(c.ctx, verb, target, ActOptions{})
	return c.wantKind(err, want)
}

func (c *cluster) wantKind(err error, want Kind) *Error {
	c.t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Kind != want {
		c.t.Fatalf("want an error of kind %s, got: %v", want, err)
	}
	return e
}

// eventually waits for what is told to nobody: it looks again and again.
func (c *cluster) eventually(what string, wanted func() bool) {
	c.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !wanted() {
		select {
		case <-tick.C:
		case <-c.ctx.Done():
			c.t.Fatalf("it never came true that %s", what)
		}
	}
}

func describeStatus(s *ClusterStatus) string {
	if s == nil {
		return "none"
	}
	var text strings.Builder
	for _, r := range s.Replicas {
		fmt.Fprintf(&text, "[%s %s %s pid %d: %s] ", r.Name, r.State, r.Step, r.PID, r.Why)
	}
	return text.String()
}

// procState is the state letter of a process; empty when it is gone. A zombie
// is gone.
func procState(pid int) string {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	state := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))[0]
	if state == "Z" || state == "X" {
		return ""
	}
	return state
}

func gone(pids ...int) bool {
	for _, pid := range pids {
		if procState(pid) != "" {
			return false
		}
	}
	return true
}

func pids(s *ClusterStatus) []int {
	var all []int
	for _, r := range s.Replicas {
		all = append(all, r.PID)
		if r.PluginPID != 0 {
			all = append(all, r.PluginPID)
		}
	}
	return all
}

// watchGoroutines fails the test if it leaves one of this package's goroutines
// behind.
func watchGoroutines(t *testing.T) {
	t.Cleanup(func() {
		deadline := time.Now().Add(testLimit)
		for {
			buf := make([]byte, 1<<20)
			stacks := string(buf[:runtime.Stack(buf, true)])
			left := ""
			for _, g := range strings.Split(stacks, "\n\n") {
				if strings.Contains(g, "consequor/supervisor.") && !strings.Contains(g, "watchGoroutines") && !strings.Contains(g, "TestMain") {
					left = g
				}
			}
			if left == "" {
				return
			}
			if time.Now().After(deadline) {
				t.Errorf("a goroutine is left:\n%s", left)
				return
			}
			runtime.Gosched()
		}
	})
}
