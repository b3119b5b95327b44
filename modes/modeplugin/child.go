package modeplugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-plugin/runner"
)

const (
	// drainMax is how long a dead plugin's output is still read. Only a child
	// of its own could keep the pipes open longer.
	drainMax = time.Second

	// diagnoseWaitMax is how long a plugin that closed its stdout, or wrote
	// something strange there, may take to exit and so to say why.
	diagnoseWaitMax = 250 * time.Millisecond
)

// errKilled says that a plugin ended because its host ended it.
var errKilled = errors.New("killed by its host")

// child is a plugin's process, as go-plugin wants to see one.
type child struct {
	command  []string
	env      []string // set before Start
	cmd      *exec.Cmd
	stdout   *os.File
	stderr   *os.File
	lifeline *os.File // held open, never written

	exited chan struct{} // closed once the process is reaped
	mu     sync.Mutex
	killed bool  // we did it
	state  error // how it ended; set before exited is closed
}

var _ runner.Runner = (*child)(nil)

func newChild(command []string) *child {
	return &child{command: command, exited: make(chan struct{})}
}

// Start starts the process: in a group of its own, with nothing of ours but
// three pipes and the null device.
func (c *child) Start(context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.killed {
		return errKilled
	}
	cmd := exec.Command(c.command[0], c.command[1:]...)
	cmd.Env = append(c.env, lifelineEnv+"=3")
	cmd.SysProcAttr = childAttributes()
	theirs, err := c.openPipes(cmd)
	if err == nil {
		err = startOnLastingThread(cmd)
	}
	closeAll(theirs)
	if err != nil {
		c.closePipes()
		return err
	}
	c.cmd = cmd
	go c.reap()
	return nil
}

// openPipes opens the pipes that join us and cmd, and returns its ends.
func (c *child) openPipes(cmd *exec.Cmd) (theirs []*os.File, err error) {
	pipe := func() (r, w *os.File) {
		if err == nil {
			r, w, err = os.Pipe()
		}
		return r, w
	}
	var stdout, stderr, lifeline *os.File
	c.stdout, stdout = pipe()
	c.stderr, stderr = pipe()
	lifeline, c.lifeline = pipe()
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = stdout, stderr, []*os.File{lifeline}
	return []*os.File{stdout, stderr, lifeline}, err
}

func closeAll(files []*os.File) {
	for _, f := range files {
		if f != nil {
			f.Close()
		}
	}
}

// reap waits for the process's end; it ends with it.
func (c *child) reap() {
	err := c.cmd.Wait()
	if err == nil {
		err = errors.New("exit status 0")
	}
	c.mu.Lock()
	c.state = err
	if c.killed {
		c.state = errKilled
	}
	c.mu.Unlock()
	deadline := time.Now().Add(drainMax)
	c.stdout.SetReadDeadline(deadline) // pipes have deadlines
	c.stderr.SetReadDeadline(deadline)
	close(c.exited)
}

// ended returns how the process ended, nil if it has not, or never was.
func (c *child) ended() error {
	select {
	case <-c.exited:
		return c.state
	default:
		return nil
	}
}

// kill ends the process and its group at once, or keeps it from starting.
func (c *child) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != nil {
		return
	}
	c.killed = true
	if c.cmd != nil {
		syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL) // fails only when it is gone
	}
}

func (c *child) closePipes() { closeAll([]*os.File{c.stdout, c.stderr, c.lifeline}) }

// Wait waits for the end. go-plugin has read both pipes to theirs by then.
func (c *child) Wait(context.Context) error {
	<-c.exited
	c.closePipes()
	return c.state
}

// Kill ends the process.
func (c *child) Kill(context.Context) error {
	c.kill()
	return nil
}

// Diagnose is asked when the handshake made no sense. It adds no words, but
// lets a dying plugin die, so that we know how.
func (c *child) Diagnose(context.Context) string {
	select {
	case <-c.exited:
	case <-time.After(diagnoseWaitMax):
	}
	return ""
}

// Stdout is where the handshake comes from.
func (c *child) Stdout() io.ReadCloser { return c.stdout }

// Stderr is where a panic's stack comes from.
func (c *child) Stderr() io.ReadCloser { return c.stderr }

// Name is for go-plugin's log.
func (c *child) Name() string { return c.command[0] }

// ID is the process id; empty when there never was a process.
func (c *child) ID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cmd == nil {
		return ""
	}
	return strconv.Itoa(c.cmd.Process.Pid)
}

// PluginToHost and HostToPlugin translate nothing: both see one file system.
func (c *child) PluginToHost(network, address string) (string, string, error) {
	return network, address, nil
}

func (c *child) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}

// sum returns the SHA-256 of the binary that the process runs.
func (c *child) sum() (string, error) {
	sum, err := sumOfProcess(c.cmd.Process.Pid, c.cmd.Path)
	if err != nil {
		return "", fmt.Errorf("sum of the running binary: %w", err)
	}
	return sum, nil
}

// lastingThread runs what it is given on one thread that lives as long as this
// process. A child asks to be killed at the end of the *thread* that started
// it (golang/go issue 27505), and Go ends threads as it likes.
var lastingThread = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work { // never closed
			f()
		}
	}()
	return work
})

func startOnLastingThread(cmd *exec.Cmd) error {
	started := make(chan error)
	lastingThread() <- func() { started <- cmd.Start() }
	return <-started
}
