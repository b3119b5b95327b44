package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"consequor/replicad/logfile"
	"consequor/supervisor"
	"consequor/topologies"
)

const (
	readyFD       = 3                // of a daemon: where it tells how its start went
	readyWordMax  = 4 << 20          // bytes
	readyGraceMax = 15 * time.Second // beyond --wait, for taking down what was started

	alreadyUpLimit = 2 * time.Second // for a supervisor that runs to say so
)

// readyWord is what a daemon says of its start, once, as JSON: how the cluster
// is, or why it is not up.
type readyWord struct {
	Status *supervisor.ClusterStatus `json:"status,omitempty"`
	Error  *Failure                  `json:"error,omitempty"`
	Code   ExitCode                  `json:"code,omitempty"`
}

// ready tells the caller of a daemon that the cluster is up.
func (c *upCmd) ready(s *supervisor.ClusterStatus) {
	c.say(readyWord{Status: s})
	followOwner()
}

// late tells the caller of a daemon, if it still waits, why the cluster is not
// up. It returns err.
func (c *upCmd) late(err error) error {
	if failure := describe(err); failure != nil {
		c.say(readyWord{Error: failure, Code: failure.Code})
	}
	return errors.Join(err, removeOrphaned())
}

// say ends the caller's wait. Nobody may be there any more to hear it: that
// changes nothing for the cluster.
func (c *upCmd) say(word readyWord) {
	pipe := c.readyPipe()
	if pipe == nil {
		return
	}
	c.ReadyFD = 0
	_ = json.NewEncoder(pipe).Encode(word)
	_ = pipe.Close()
}

// detach starts a daemon that does what this command line says, and returns
// when that is up or has failed. The daemon inherits the ready pipe and no
// other descriptor, so whoever reads our output is not kept waiting by it.
func (c *upCmd) detach(ctx context.Context, console *Console, origin string, topology *topologies.Topology) error {
	started := time.Now()
	home, err := supervisor.Home(topology.Name)
	if err != nil {
		return err
	}
	if err := alreadyUp(ctx, home); err != nil {
		return err
	}
	daemon, ready, err := c.spawn(console.Self, home, c.args(origin, topology.Name))
	if err != nil {
		return fmt.Errorf("start the supervisor of %s: %w", topology.Name, err)
	}
	defer ready.Close()
	defer daemon.Release()
	if err := ready.SetReadDeadline(started.Add(c.Wait + readyGraceMax)); err != nil {
		return fmt.Errorf("wait for the supervisor of %s: %w", topology.Name, err)
	}
	defer context.AfterFunc(ctx, func() { _ = daemon.Signal(syscall.SIGTERM) })() // it says so when all is down again
	word, err := hear(ready)
	switch {
	case ctx.Err() != nil:
		awaitEnd(daemon)
		return &Failure{Code: ExitFailed, Kind: "interrupted", Message: "interrupted while cluster " + topology.Name + " was starting", Hint: "its log: " + daemonLog(home)}
	case err != nil:
		_ = daemon.Signal(syscall.SIGTERM) // an error says that it is gone
		awaitEnd(daemon)
		return &Failure{Code: ExitFailed, Kind: "not_ready", Message: "cluster " + topology.Name + " did not start: " + err.Error(), Hint: "its log: " + daemonLog(home)}
	case word.Error != nil:
		awaitEnd(daemon)
		word.Error.Code = word.Code
		return word.Error
	}
	return console.Result(word.Status, func(w io.Writer) { printUp(w, word.Status, time.Since(started)) })
}

// awaitEnd returns when the supervisor that could not bring its cluster up is
// gone, so that whoever is told of it finds nothing running. Its replicas die
// with it.
func awaitEnd(daemon *os.Process) {
	gone := make(chan struct{})
	go func() {
		_, _ = daemon.Wait() // how it ended is in its word, or in its log
		close(gone)
	}()
	select {
	case <-gone:
	case <-time.After(readyGraceMax):
		_ = daemon.Kill() // an error says that it is gone
		<-gone
	}
}

// alreadyUp refuses a cluster that runs before a daemon is started that would
// say so in that cluster's log. Only the daemon, which takes the home's lock,
// is sure: what is not known here is left to it.
func alreadyUp(ctx context.Context, home string) error {
	cluster, err := supervisor.Dial(home)
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, alreadyUpLimit)
	defer cancel()
	status, err := cluster.Status(ctx)
	if err != nil {
		return nil
	}
	return &supervisor.Error{Kind: supervisor.KindRunning,
		Message: fmt.Sprintf("cluster %s is running already: its supervisor has pid %d", status.Cluster, status.SupervisorPID),
		Hint:    "see it with: consequorctl status --cluster " + status.Cluster}
}

func hear(pipe io.Reader) (*readyWord, error) {
	word := new(readyWord)
	err := json.NewDecoder(io.LimitReader(pipe, readyWordMax)).Decode(word)
	switch {
	case errors.Is(err, io.EOF):
		return nil, errors.New("its supervisor ended without a word")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, errors.New("its supervisor said nothing in time")
	case err != nil:
		return nil, fmt.Errorf("its supervisor's word: %w", err)
	case word.Status == nil && word.Error == nil:
		return nil, errors.New("its supervisor said neither how it is nor what went wrong")
	}
	return word, nil
}

func daemonLog(home string) string { return supervisor.LogPath(home, "supervisor") }

// spawn starts the daemon in a session of its own and returns the pipe on
// which it will say how the start went.
func (c *upCmd) spawn(self, home string, args []string) (daemon *os.Process, ready *os.File, err error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, nil, err
	}
	defer null.Close()
	log, err := logfile.Open(daemonLog(home), logfile.Limits{})
	if err != nil {
		return nil, nil, err
	}
	defer log.Close()
	ready, says, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer says.Close()
	if err := closeOnExec(readyFD); err != nil {
		return nil, nil, errors.Join(err, ready.Close())
	}
	daemon, err = os.StartProcess(self, append([]string{"consequorctl"}, args...), &os.ProcAttr{
		Dir:   "/",
		Env:   os.Environ(),
		Files: []*os.File{null, log, log, says}, // the last one becomes readyFD
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return nil, nil, errors.Join(err, ready.Close())
	}
	return daemon, ready, nil
}

// writesLog has a daemon write to its log as one that is set aside when it has
// its size.
func (c *upCmd) writesLog(console *Console, cluster string) error {
	if c.ReadyFD == 0 {
		return nil
	}
	home, err := supervisor.Home(cluster)
	if err != nil {
		return err
	}
	log, err := logfile.Take(daemonLog(home), logfile.Limits{})
	if err != nil {
		return err
	}
	console.Stdout, console.Stderr = log, log
	return nil
}
