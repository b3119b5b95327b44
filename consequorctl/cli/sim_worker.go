package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/modes/modeplugin"
	"consequor/sim/cluster"
)

const (
	// pluginStepMax is how long a step may take, in real time, before the
	// machine is given up: a mode may be caught in a loop.
	pluginStepMax = 10 * time.Second

	// pluginDeathMax is how long a process may take to end once its machine is
	// gone; later it counts as one that lives.
	pluginDeathMax = 2 * time.Second
)

// pluginWorker is the process that serves one worker. When the mode breaks a
// run its process ends too, and the next run gets a new one: so there are no
// more starts than runs.
type pluginWorker struct {
	ctx     context.Context // its end ends the process, and cuts the run off
	unwatch func() bool     // ctx
	config  modeplugin.LaunchConfig
	words   *pluginWords
	stepMax time.Duration

	mu      sync.Mutex
	running *modeplugin.Process
	over    bool // no process is started any more
}

func newPluginWorker(ctx context.Context, config modeplugin.LaunchConfig) *pluginWorker {
	w := &pluginWorker{ctx: ctx, config: config, words: newPluginWords(config), stepMax: pluginStepMax}
	w.config.Stderr = w.words
	w.unwatch = context.AfterFunc(ctx, w.end)
	return w
}

// process starts the plugin if it does not run.
func (w *pluginWorker) process() (*modeplugin.Process, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return nil, cluster.ErrCutOff
	}
	if w.running != nil {
		return w.running, nil
	}
	w.words.forget()
	running, err := modeplugin.Launch(w.ctx, w.config)
	if err != nil && w.ctx.Err() != nil {
		return nil, cluster.ErrCutOff
	}
	w.running = running // if ctx has ended, end waits for its turn
	return running, err
}

// open starts a machine for a replica.
func (w *pluginWorker) open(replica board.ReplicaID) (cluster.Machine, error) {
	running, err := w.process()
	if err != nil {
		return nil, err
	}
	m, err := running.Open(replica)
	if err != nil {
		return nil, w.broken(running, "it was asked for a machine", err, true)
	}
	return &pluginMachine{m, w, running}, nil
}

// end ends the process, for good.
func (w *pluginWorker) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	w.drop()
}

func (w *pluginWorker) drop() {
	if w.running != nil {
		w.running.Kill() // waits until its last words are there
		w.running = nil
	}
}

// broken ends a process whose mode has failed, and says how: without its
// number, the names of sockets, and what else differs from run to run. Gone
// says that the other end of the socket is.
func (w *pluginWorker) broken(running *modeplugin.Process, during string, err error, gone bool) error {
	died := ""
	if gone {
		died = deathOf(running)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over || w.ctx.Err() != nil {
		return cluster.ErrCutOff
	}
	if w.running == running {
		w.drop()
	}
	switch {
	case died != "":
		return fmt.Errorf("the mode's process died while %s: %s", during, w.words.why(died))
	case gone:
		return fmt.Errorf("the mode closed its socket while %s", during)
	}
	return fmt.Errorf("the mode broke the protocol while %s: %w", during, err)
}

// deathOf waits for the end of a process, and says how it ended; empty: it has
// not.
func deathOf(running *modeplugin.Process) string {
	late := time.NewTimer(pluginDeathMax)
	defer late.Stop()
	select {
	case <-running.Done():
		return errors.Unwrap(running.Err()).Error()
	case <-late.C:
		return ""
	}
}

// pluginMachine is one replica's, in a worker's process.
type pluginMachine struct {
	*modeplugin.Machine
	worker  *pluginWorker
	process *modeplugin.Process
}

// Step gives a machine up that does not come to the end of a step.
func (m *pluginMachine) Step(batch modes.Batch) (*modes.Effects, error) {
	late := make(chan struct{})
	timer := time.AfterFunc(m.worker.stepMax, func() {
		close(late)
		m.Close()
	})
	effects, err := m.Machine.Step(batch)
	timer.Stop()
	if err == nil {
		return effects, nil
	}
	during := fmt.Sprintf("it handled batch %d", batch.Number)
	select {
	case <-late:
		err = fmt.Errorf("no answer within %v", m.worker.stepMax)
		return nil, m.worker.broken(m.process, during, err, false)
	default:
	}
	var network *net.OpError
	gone := errors.Is(err, modeplugin.ErrDied) || errors.As(err, &network)
	return nil, m.worker.broken(m.process, during, errors.Unwrap(err), gone) // unwrapped: without whose machine it is
}
