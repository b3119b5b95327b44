package supervisor

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"consequor/replicad/api"
	"consequor/replicad/logfile"
	"consequor/topologies"
)

// spawner starts processes from one thread that lives until the last of them
// is gone: a death signal is sent when the thread ends that started a child,
// not when its process does (golang.org/issue/27505).
type spawner struct {
	jobs chan func()
	gone chan struct{}
}

func newSpawner() *spawner {
	s := &spawner{make(chan func()), make(chan struct{})}
	go func() {
		defer close(s.gone)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		for job := range s.jobs {
			job()
		}
	}()
	return s
}

// close must be called when no child is left, and no start under way.
func (s *spawner) close() {
	close(s.jobs)
	<-s.gone
}

func (s *spawner) start(cmd *exec.Cmd) error {
	result := make(chan error, 1)
	s.jobs <- func() { result <- cmd.Start() }
	return <-result
}

// child is a running process of replicas. Its channels are read by the one
// goroutine that owns it.
type child struct {
	cmd      *exec.Cmd
	pid      int
	started  time.Time
	lifeline *os.File                // our end; closing it ends the child
	orders   chan []byte             // lines to be written on the lifeline, after Go
	spoken   chan struct{}           // closed when no order will be written any more
	reports  chan api.Status         // closed after the last
	exited   chan exit               // one, after all reports
	answers  func(topologies.Answer) // takes those that come between reports
	logPath  string
	logFrom  logfile.Place // where this life's lines begin
}

// exit is how a process ended.
type exit struct {
	code int // -1: by a signal, or never started
	text string
}

// reportsQueued bounds the reports not yet taken; beyond, the child's pipe
// fills, and then the child itself has to wait or leave some out.
const reportsQueued = 16

// ordersQueued bounds the orders that wait for a child which does not read its
// lifeline, because it is paused or hangs; beyond, they are dropped. Orders are
// given again as long as they hold.
const ordersQueued = 16

// spawnOrder says how a child is to be started.
type spawnOrder struct {
	command []string
	dir     string
	log     string                  // its path
	answers func(topologies.Answer) // takes what the child answers, and never waits; nil: it is asked nothing
}

// start starts a child with the lifeline as its fd 3 and reports on its fd 4,
// and nothing else of ours.
func (s *spawner) spawn(o spawnOrder) (c *child, err error) {
	log, err := logfile.Open(o.log, logfile.Limits{})
	if err != nil {
		return nil, err
	}
	defer log.Close()
	from, err := logfile.End(log)
	if err != nil {
		return nil, err
	}
	theirLife, ourLife, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a lifeline: %w", err)
	}
	defer theirLife.Close()
	ourReport, theirReport, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make a pipe for reports: %w", err), ourLife.Close())
	}
	defer theirReport.Close()

	cmd := exec.Command(o.command[0], o.command[1:]...)
	cmd.Dir = o.dir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{topologies.LifelineFD - 3: theirLife, topologies.ReportFD - 3: theirReport}
	cmd.SysProcAttr = childAttributes()
	if err := s.start(cmd); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", o.command[0], err), ourLife.Close(), ourReport.Close())
	}
	c = &child{
		cmd: cmd, pid: cmd.Process.Pid, started: time.Now(), lifeline: ourLife,
		orders: make(chan []byte, ordersQueued), spoken: make(chan struct{}),
		reports: make(chan api.Status, reportsQueued), exited: make(chan exit, 1),
		answers: o.answers, logPath: o.log, logFrom: from,
	}
	go c.speak()
	go c.watch(ourReport)
	return c, nil
}

// drainLimit bounds how long reports are still read once the process is gone:
// the pipe stays open when a process of its own has inherited it.
const drainLimit = 200 * time.Millisecond

// watch reads reports until the process ends, then says how it ended.
func (c *child) watch(reports *os.File) {
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		c.read(reports)
	}()
	err := c.cmd.Wait()
	if reports.SetReadDeadline(time.Now().Add(drainLimit)) != nil {
		reports.Close()
	}
	<-drained
	reports.Close()
	c.exited <- exitOf(c.cmd, err)
}

// reportSizeMax bounds one report.
const reportSizeMax = 1 << 20

// read hands on one report, or a piece of an answer, a line. What does not read is shown as a fault of
// the replica's: it is the other half of this very program that wrote it.
func (c *child) read(reports *os.File) {
	defer close(c.reports)
	lines := bufio.NewScanner(reports)
	lines.Buffer(nil, reportSizeMax)
	for lines.Scan() {
		var line struct {
			api.Status
			topologies.Line
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			line.Status = api.Status{Step: api.Failed, Fault: "its report cannot be read: " + err.Error()}
		}
		if line.Answer == nil {
			c.reports <- line.Status
		} else if c.answers != nil {
			c.answers(*line.Answer)
		}
	}
	if err := lines.Err(); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, os.ErrClosed) {
		c.reports <- api.Status{Step: api.Failed, Fault: "its reports cannot be read: " + err.Error()}
		io.Copy(io.Discard, reports) // ends with the process; a full pipe would hang it
	}
}

func exitOf(cmd *exec.Cmd, err error) exit {
	state := cmd.ProcessState
	if state == nil {
		return exit{-1, err.Error()}
	}
	if w, ok := state.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return exit{-1, "was ended by signal " + w.Signal().String()}
	}
	return exit{state.ExitCode(), fmt.Sprintf("ended with exit code %d", state.ExitCode())}
}

// signal sends a signal to the process. One that is gone is none the worse
// for it, and reports its end by itself.
func (c *child) signal(s syscall.Signal) error {
	if err := c.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("send %v to pid %d: %w", s, c.pid, err)
	}
	return nil
}

// sendGo tells the child that it is on record to have served.
func (c *child) sendGo() error {
	_, err := c.lifeline.WriteString(topologies.Go)
	if errors.Is(err, syscall.EPIPE) {
		return nil // it is dying, and will report that by itself
	}
	return err
}

// order has a line written on the lifeline, unless too many wait already. Only
// the child's owner calls it, after sendGo.
func (c *child) order(line []byte) {
	select {
	case c.orders <- line:
	default:
	}
}

// speak writes orders until hangUp. A pipe that is full makes it wait, and
// nobody else: the owner goes on.
func (c *child) speak() {
	defer close(c.spoken)
	for line := range c.orders {
		if _, err := c.lifeline.Write(line); err != nil {
			return // the child is dying, and will report that by itself
		}
	}
}

// hangUp closes the lifeline of a child that has ended.
func (c *child) hangUp() {
	c.lifeline.Close()
	close(c.orders)
	<-c.spoken
}
