package modeplugin_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"consequor/board"
	"consequor/modes"
	"consequor/modes/modeplugin"
)

// waitMax bounds every wait for an event that must come.
const waitMax = 20 * time.Second

// socketDir returns a folder with a path that is short enough; at the end of
// the test it must be empty.
func socketDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "mp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		requireEmpty(t, dir)
		os.RemoveAll(dir)
	})
	return dir
}

func requireEmpty(t testing.TB, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("socket folder holds %v, %v; want nothing", left, err)
	}
}

func launch(t testing.TB, config modeplugin.LaunchConfig) *modeplugin.Process {
	t.Helper()
	if config.SocketDir == "" {
		config.SocketDir = socketDir(t)
	}
	p, err := modeplugin.Launch(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

func open(t testing.TB, p *modeplugin.Process, replica board.ReplicaID) *modeplugin.Machine {
	t.Helper()
	m, err := p.Open(replica)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// Scenario: a plugin starts, describes itself, answers pings, and serves two
// replicas, each with a state machine of its own.
func TestLaunch(t *testing.T) {
	dir := socketDir(t)
	p := launch(t, modeplugin.LaunchConfig{Command: plugin("echo"), SocketDir: dir})
	if diff := cmp.Diff(describe("echo"), p.Description()); diff != "" {
		t.Errorf("description:\n%s", diff)
	}
	if err := p.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if want := sumOf(t, "/proc/self/exe"); p.SHA256() != want {
		t.Errorf("sum of the running binary %s, want %s", p.SHA256(), want)
	}
	m1, m2 := open(t, p, 1), open(t, p, 2)
	requireEmpty(t, dir) // while it runs
	for number := uint64(1); number <= 3; number++ {
		requireEcho(t, m1, number)
	}
	requireEcho(t, m2, 1)
	if p.Err() != nil {
		t.Errorf("a running process has ended: %v", p.Err())
	}
}

func requireEcho(t *testing.T, m *modeplugin.Machine, number uint64) {
	t.Helper()
	message := fmt.Appendf(nil, "message %d", number)
	effects, err := m.Step(modes.Batch{Number: number, Events: []modes.Event{modes.Receive{From: 3, Message: message}}})
	if err != nil {
		t.Fatal(err)
	}
	want := &modes.Effects{List: []modes.Effect{modes.Send{To: 3, Message: message}}}
	if diff := cmp.Diff(want, effects); diff != "" {
		t.Errorf("effects:\n%s", diff)
	}
}

func sumOf(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// Scenario: a plugin's process has nothing of its host's environment, its
// stdin is the null device, and it is in a group of its own.
func TestPluginInheritsNothing(t *testing.T) {
	t.Setenv("SECRET", "of the host")
	p := launch(t, modeplugin.LaunchConfig{Command: plugin("echo")})
	environment, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.PID()))
	if err != nil {
		t.Fatal(err)
	}
	for variable := range strings.SplitSeq(strings.TrimRight(string(environment), "\x00"), "\x00") {
		if !strings.HasPrefix(variable, "PLUGIN_") && !strings.HasPrefix(variable, "CONSEQUOR_") {
			t.Errorf("the plugin's environment holds %q", variable)
		}
	}
	if stdin, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/0", p.PID())); stdin != os.DevNull {
		t.Errorf("stdin is %q, %v; want %s", stdin, err, os.DevNull)
	}
	if group, err := syscall.Getpgid(p.PID()); group != p.PID() {
		t.Errorf("process group %d, %v; want its own, %d", group, err, p.PID())
	}
}

// Scenario: the mode has a bug and panics. The waiting host is told at once,
// and the stack is among what the plugin wrote to stderr.
func TestPanicEndsTheProcess(t *testing.T) {
	var stderr syncBuffer
	p := launch(t, modeplugin.LaunchConfig{Command: plugin("echo"), Stderr: &stderr})
	m := open(t, p, 1)
	_, err := m.Step(modes.Batch{Number: 1, Events: []modes.Event{modes.Timer{Name: "panic"}}})
	if !errors.Is(err, modeplugin.ErrDied) {
		t.Errorf("step of a mode that panics: %v, want ErrDied", err)
	}
	requireClosed(t, p.Done(), "the process did not end")
	p.Kill() // waits until all output is there
	if err := p.Err(); err == nil || !strings.Contains(err.Error(), "exit status 2") {
		t.Errorf("process ended with %v, want exit status 2", err)
	}
	for _, want := range []string{"panic: echo: a bug in the mode", "main_test.go"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("stderr lacks %q:\n%s", want, stderr.String())
		}
	}
}

// Scenario: a step's effects are larger than a message may be. That state
// machine ends with an error that says so; its neighbour lives on.
func TestOversizeIsContained(t *testing.T) {
	p := launch(t, modeplugin.LaunchConfig{Command: plugin("echo")})
	m1, m2 := open(t, p, 1), open(t, p, 2)
	requireEcho(t, m1, 1)
	_, err := m1.Step(modes.Batch{Number: 2, Events: []modes.Event{modes.Timer{Name: "oversize"}}})
	if err == nil || !strings.Contains(err.Error(), "effects of step 2: 178") || !strings.Contains(err.Error(), "the limit is 16777216") {
		t.Errorf("oversize step: %v", err)
	}
	if _, err := m1.Step(modes.Batch{Number: 3}); err == nil {
		t.Error("the state machine outlived its fault")
	}
	requireEcho(t, m2, 1)
}

// Scenario: a batch is larger than a message may be. It is not sent, and the
// machine goes on as if it had never been.
func TestOversizeBatchIsNotSent(t *testing.T) {
	m := inProcess(t)
	huge := modes.Batch{Number: 1, Events: []modes.Event{modes.Receive{Message: make([]byte, 17<<20)}}}
	if err := m.Send(huge); err == nil || !strings.Contains(err.Error(), "batch 1: 178") {
		t.Errorf("send of an oversize batch: %v", err)
	}
	requireEcho(t, m, 1)
}

// Scenario: batches that a mode must never see: out of order, back in time,
// a second one under way. Each ends in an error that names it.
func TestBatchOrder(t *testing.T) {
	m := inProcess(t)
	requireEcho(t, m, 1)
	if err := m.Send(modes.Batch{Number: 2}); err != nil {
		t.Fatal(err)
	}
	if err := m.Send(modes.Batch{Number: 3}); err == nil || !strings.Contains(err.Error(), "batch 2 is not answered yet") {
		t.Errorf("second batch under way: %v", err)
	}
	if number, _, err := m.Recv(); number != 2 || err != nil {
		t.Errorf("recv after that: %d, %v", number, err)
	}
	if _, err := m.Step(modes.Batch{Number: 9}); err == nil || !strings.Contains(err.Error(), "batch 9 at 0s follows batch 2") {
		t.Errorf("batch out of order: %v", err)
	}
	back := inProcess(t)
	if _, err := back.Step(modes.Batch{Number: 1, Now: time.Second}); err != nil {
		t.Fatal(err)
	}
	if _, err := back.Step(modes.Batch{Number: 2}); err == nil || !strings.Contains(err.Error(), "batch 2 at 0s follows batch 1 at 1s") {
		t.Errorf("batch back in time: %v", err)
	}
}

func inProcess(t testing.TB) *modeplugin.Machine {
	t.Helper()
	m, err := modeplugin.InProcess(1, newEcho())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// Scenario: the plugin is stopped (SIGSTOP) and a batch of 8 MiB is sent. Send
// returns nevertheless; once the plugin goes on, the effects come.
func TestSendNeverBlocks(t *testing.T) {
	p := launch(t, modeplugin.LaunchConfig{Command: plugin("echo")})
	m := open(t, p, 1)
	requireSignal(t, p.PID(), syscall.SIGSTOP)
	message := bytes.Repeat([]byte("x"), 8<<20)
	if err := m.Send(modes.Batch{Number: 1, Events: []modes.Event{modes.Receive{From: 2, Message: message}}}); err != nil {
		t.Fatal(err)
	}
	requireSignal(t, p.PID(), syscall.SIGCONT)
	_, effects, err := m.Recv()
	if err != nil {
		t.Fatal(err)
	}
	if got := effects.List[0].(modes.Send).Message; !bytes.Equal(got, message) {
		t.Errorf("%d bytes came back, want the %d that were sent", len(got), len(message))
	}
}

func requireSignal(t *testing.T, pid int, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, signal); err != nil {
		t.Fatalf("%v to process %d: %v", signal, pid, err)
	}
}

// Scenario: the plugin is SIGKILLed while the host waits for effects.
func TestPluginKilled(t *testing.T) {
	var log syncBuffer
	p := launch(t, modeplugin.LaunchConfig{Command: plugin("echo"), Logger: slog.New(slog.NewTextHandler(&log, nil))})
	m := open(t, p, 1)
	if err := m.Send(modes.Batch{Number: 1, Events: []modes.Event{modes.Timer{Name: "hang"}}}); err != nil {
		t.Fatal(err)
	}
	failed := make(chan error)
	go func() {
		_, _, err := m.Recv()
		failed <- err
	}()
	requireSignal(t, p.PID(), syscall.SIGKILL)
	requireClosed(t, p.Done(), "Done is not closed")
	select {
	case err := <-failed:
		if !errors.Is(err, modeplugin.ErrDied) {
			t.Errorf("recv: %v, want ErrDied", err)
		}
	case <-time.After(waitMax):
		t.Fatal("Recv still waits")
	}
	p.Kill()
	if err := p.Err(); err == nil || !strings.Contains(err.Error(), "signal: killed") {
		t.Errorf("process ended with %v", err)
	}
	if _, err := p.Open(2); err == nil {
		t.Error("a dead plugin opened a machine")
	}
	if !strings.Contains(log.String(), "mode plugin ended") || !strings.Contains(log.String(), "signal: killed") {
		t.Errorf("log: %s", log.String())
	}
}

// Scenario: the host is SIGKILLed. Its plugin is gone within a second, and no
// socket is left.
func TestHostKilled(t *testing.T) {
	dir := socketDir(t)
	host := exec.Command("/proc/self/exe", "host", dir)
	host.Stderr = os.Stderr
	stdout, err := host.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		host.Process.Kill()
		t.Fatalf("host: %v", errors.Join(err, host.Wait()))
	}
	plugin, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	gone := watchProcess(t, plugin)
	killedAt := time.Now()
	host.Process.Kill()
	requireClosed(t, gone, "the plugin outlives its host")
	if took := time.Since(killedAt); took > time.Second {
		t.Errorf("the plugin lived %v longer than its host", took)
	}
	if err := host.Wait(); err == nil {
		t.Error("the host was not killed")
	}
}

// Scenario: all that a plugin's host had open is closed, one thing at a time,
// without any signal: by the portable lines alone the plugin ends.
func TestLifelineEndsThePlugin(t *testing.T) {
	p := launch(t, modeplugin.LaunchConfig{Command: plugin("echo")})
	modeplugin.CutLifeline(p)
	requireClosed(t, p.Done(), "the plugin lives without a lifeline")

	p = launch(t, modeplugin.LaunchConfig{Command: plugin("echo")})
	modeplugin.CutControl(p)
	requireClosed(t, p.Done(), "the plugin lives without its control stream")
}

// Scenario: a mode prints to stdout and stderr. Both reach the host's sink, in
// whole lines, and neither harms the protocol.
func TestOutput(t *testing.T) {
	lines := make(chan string, 10)
	p := launch(t, modeplugin.LaunchConfig{Command: plugin("echo"), Stderr: writerFunc(func(b []byte) { lines <- string(b) })})
	m := open(t, p, 1)
	if _, err := m.Step(modes.Batch{Number: 1, Events: []modes.Event{modes.Timer{Name: "print"}}}); err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for range 2 {
		select {
		case line := <-lines:
			got[line] = true
		case <-time.After(waitMax):
			t.Fatalf("only %v came", got)
		}
	}
	if !got["to stdout\n"] || !got["to stderr\n"] {
		t.Errorf("lines %v", got)
	}
}

type writerFunc func([]byte)

func (f writerFunc) Write(b []byte) (int, error) {
	f(b)
	return len(b), nil
}

// Scenario: a plugin has started a process of its own, which holds the pipes
// and sockets open. Kill ends both, and does not wait for it.
func TestKillTakesTheGroup(t *testing.T) {
	lines := make(chan string, 10)
	p := launch(t, modeplugin.LaunchConfig{Command: plugin("orphans"), Stderr: writerFunc(func(b []byte) { lines <- string(b) })})
	m := open(t, p, 1)
	effects, err := m.Step(modes.Batch{Number: 1, Events: []modes.Event{modes.Timer{Name: "fork"}}})
	if err != nil {
		t.Fatal(err)
	}
	grandchild, err := strconv.Atoi(effects.List[0].(modes.Note).Text)
	if err != nil {
		t.Fatal(err)
	}
	gone := watchProcess(t, grandchild)
	p.Kill()
	requireClosed(t, gone, "the plugin's child lives")
}

// orphans starts a child when its first timer runs out, and notes its pid.
type orphans struct{}

func newOrphans() modes.Mode { return orphans{} }

func (orphans) Step(batch modes.Batch, out *modes.Effects) {
	child := exec.Command("/proc/self/exe", "mode-plugin", "hang")
	child.Stdout, child.Stderr = os.NewFile(1, "stdout"), os.NewFile(2, "stderr")
	if err := child.Start(); err != nil {
		out.Note(err.Error())
		return
	}
	out.Note(strconv.Itoa(child.Process.Pid))
}

// Scenario: plugins come and go. After each Kill there is no process, no
// socket, no open file and no goroutine that was not there before.
func TestKillLeavesNothing(t *testing.T) {
	dir := socketDir(t)
	launchAndKill(t, dir) // what is started once and stays: the lasting thread
	goroutines, files := runtime.NumGoroutine(), openFiles(t)
	for range 3 {
		pid := launchAndKill(t, dir)
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process %d after Kill: %v", pid, err)
		}
		requireEmpty(t, dir)
	}
	settled := func() bool { return runtime.NumGoroutine() <= goroutines && openFiles(t) <= files }
	for deadline := time.Now().Add(waitMax); !settled(); runtime.Gosched() {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			stacks = stacks[:runtime.Stack(stacks, true)]
			t.Fatalf("%d goroutines, %d files before; %d, %d after:\n%s", goroutines, files, runtime.NumGoroutine(), openFiles(t), stacks)
		}
	}
}

func launchAndKill(t *testing.T, dir string) (pid int) {
	t.Helper()
	p := launch(t, modeplugin.LaunchConfig{Command: plugin("echo"), SocketDir: dir})
	requireEcho(t, open(t, p, 1), 1)
	p.Kill()
	p.Kill() // again: harmless
	return p.PID()
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// Scenario: eight goroutines launch, use and kill plugins at once.
func TestManyAtOnce(t *testing.T) {
	var all sync.WaitGroup
	for range 4 {
		p := launch(t, modeplugin.LaunchConfig{Command: plugin("echo")})
		for replica := range board.ReplicaID(2) {
			all.Go(func() {
				m, err := p.Open(replica + 1)
				if err != nil {
					t.Error(err)
					return
				}
				defer m.Close()
				for number := uint64(1); number <= 100; number++ {
					if _, err := m.Step(modes.Batch{Number: number}); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
	}
	all.Wait()
}

// watchProcess returns a channel that is closed when the process ends, whoever
// its parent is, and whether or not that one has noticed.
func watchProcess(t *testing.T, pid int) <-chan struct{} {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatalf("watch process %d: %v", pid, err)
	}
	gone := make(chan struct{})
	go func() {
		defer unix.Close(fd)
		for {
			n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(waitMax.Milliseconds()))
			if n == 1 {
				close(gone)
			}
			if !errors.Is(err, unix.EINTR) {
				return
			}
		}
	}()
	return gone
}

func requireClosed(t *testing.T, event <-chan struct{}, otherwise string) {
	t.Helper()
	select {
	case <-event:
	case <-time.After(waitMax):
		t.Fatal(otherwise)
	}
}

// syncBuffer is a buffer that many may write to.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

var _ io.Writer = (*syncBuffer)(nil)

func (s *syncBuffer) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
