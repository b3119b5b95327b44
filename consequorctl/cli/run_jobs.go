package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	jobsMax     = 64
	repeatMax   = 100_000
	jobEndLimit = 3 * takeDownLimit // for a script that was told to end, to tidy up
)

// task is one performance of one script.
type task struct {
	script     string
	repetition int // from 1
}

// tasks are all that there is to do: every script, then every script again.
func (c *runCmd) tasks() []task {
	var tasks []task
	for repetition := 1; repetition <= c.Repeat; repetition++ {
		for _, script := range c.Scripts {
			tasks = append(tasks, task{script, repetition})
		}
	}
	return tasks
}

// performer performs one script once.
type performer func(ctx context.Context, t task) *runResult

// all performs the tasks, so many at a time as jobs says, and hands each result
// to told. With repetitions the first failure is the last task that is begun.
func (c *runCmd) all(ctx context.Context, perform performer, told func(*runResult) error) error {
	var (
		mu    sync.Mutex
		tasks = c.tasks()
		errs  error
		jobs  sync.WaitGroup
	)
	next := func() (t task, more bool) {
		mu.Lock()
		defer mu.Unlock()
		if len(tasks) == 0 || ctx.Err() != nil || errs != nil {
			return task{}, false
		}
		t, tasks = tasks[0], tasks[1:]
		return t, true
	}
	for range c.Jobs {
		jobs.Go(func() {
			for t, more := next(); more; t, more = next() {
				result := perform(ctx, t)
				mu.Lock()
				errs = errors.Join(errs, told(result))
				if !result.Passed && c.Repeat > 1 && !c.KeepGoing {
					tasks = nil
				}
				mu.Unlock()
			}
		})
	}
	jobs.Wait()
	return errs
}

// apart performs a script in a process of its own: a script sets the
// environment of the process that it plays in, so there can be one at a time.
func (c *runCmd) apart(ctx context.Context, console *Console, cluster string, t task) *runResult {
	started := time.Now()
	result, err := c.spawn(ctx, console, cluster, t)
	if err != nil {
		piece := &play{path: t.script}
		result = &runResult{Failure: failureOf(err, piece), Seconds: time.Since(started).Seconds()}
		result.Message = result.Failure.sentence()
	}
	result.Script, result.Repetition = t.script, t.repetition
	return result
}

func (c *runCmd) spawn(ctx context.Context, console *Console, cluster string, t task) (*runResult, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	stdout, result, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer stdout.Close()
	stderr, log, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, result.Close())
	}
	defer stderr.Close()
	process, err := os.StartProcess(console.Self, append([]string{"consequorctl"}, c.argsOf(console, cluster, t)...), &os.ProcAttr{
		Dir:   console.Dir,
		Env:   os.Environ(),
		Files: []*os.File{null, result, log},
		Sys:   &syscall.SysProcAttr{Setpgid: true}, // Ctrl-C is for us, who tell it
	})
	if err := errors.Join(err, result.Close(), log.Close()); err != nil {
		return nil, fmt.Errorf("%s: start a process for it: %w", t.script, err)
	}
	ended := tellToEnd(ctx, process)
	defer ended()
	var logged bytes.Buffer
	reading := new(sync.WaitGroup)
	reading.Go(func() { _, _ = io.Copy(&logged, stderr) }) // what there is of it
	told := new(runResult)
	decodeErr := json.NewDecoder(stdout).Decode(told)
	reading.Wait()
	state, err := process.Wait()
	forward(console.Stderr, logged.String())
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", t.script, err)
	case decodeErr != nil:
		return nil, fmt.Errorf("%s: its process ended without a result: %v", t.script, state)
	}
	return told, nil
}

// argsOf is the command line of one task.
func (c *runCmd) argsOf(console *Console, cluster string, t task) []string {
	args := []string{"run", "--json", "--limit", c.Limit.String()}
	if cluster != "" {
		args = append(args, "--cluster", cluster)
	}
	if console.Verbose {
		args = append(args, "--verbose")
	}
	return append(args, "--", t.script)
}

// tellToEnd has a process end in order when ctx ends, and not in order when
// that takes too long.
func tellToEnd(ctx context.Context, process *os.Process) (ended func()) {
	done := make(chan struct{})
	var telling sync.WaitGroup
	telling.Go(func() {
		select {
		case <-done:
			return
		case <-ctx.Done():
		}
		_ = process.Signal(syscall.SIGTERM) // an error says that it is gone
		late := time.NewTimer(jobEndLimit)
		defer late.Stop()
		select {
		case <-done:
		case <-late.C:
			_ = process.Kill()
		}
	})
	return func() {
		close(done)
		telling.Wait()
	}
}

// forward passes on what a script's process said, but for the sum of one script
// that ours includes.
func forward(w io.Writer, log string) {
	var lines strings.Builder
	for line := range strings.Lines(log) {
		if !strings.HasPrefix(line, "consequorctl: 1 of 1 scripts failed") {
			lines.WriteString(line)
		}
	}
	_, _ = io.WriteString(w, lines.String())
}
