package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/modes/modeplugin"
	"consequor/sim/cluster"
)

const (
	// pluginStartsMax is how often one worker starts the plugin: a mode that
	// panics ends its process.
	pluginStartsMax = 1000

	// pluginStepMax is how long a step may take, in real time, before the
	// machine is given up: a mode may be caught in a loop.
	pluginStepMax = 10 * time.Second

	pluginFileMax = 1 << 30
)

// pluginPool runs a third party's mode, in a process for each worker. All run
// the very bytes that were at the path when it was opened, as nothing else has
// their sum.
type pluginPool struct {
	description modes.Description
	dir         string // for sockets
	workers     []*pluginWorker
}

// openPool starts one process, which says what the mode is; the others start
// when they are needed.
func openPool(ctx context.Context, console *Console, path string, workers int) (*pluginPool, error) {
	sum, err := sumOf(console.Path(path))
	if err != nil {
		return nil, usagef("--plugin %s: %v", path, err)
	}
	dir, err := os.MkdirTemp("", "cq") // short: sockets go there
	if err != nil {
		return nil, fmt.Errorf("make a folder for the plugin %s: %w", path, err)
	}
	config := modeplugin.LaunchConfig{Path: console.Path(path), SHA256: sum, SocketDir: dir}
	if console.Verbose {
		config.Stderr = console.Stderr
	}
	pool := &pluginPool{dir: dir}
	for range max(1, workers) {
		pool.workers = append(pool.workers, &pluginWorker{config: config})
	}
	first, err := pool.workers[0].process(ctx)
	if err != nil {
		pool.close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &Failure{Code: ExitUsage, Kind: "not_prepared", Message: err.Error(), Hint: "a plugin is one self-contained file that serves a mode: go doc ./modes/modeplugin"}
	}
	pool.description = first.Description()
	return pool, nil
}

func sumOf(path string) (string, error) {
	info, err := os.Stat(path) // before it is opened: a pipe would not return
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Size() > pluginFileMax {
		return "", fmt.Errorf("want a regular file of at most %d bytes", pluginFileMax)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, io.LimitReader(f, pluginFileMax)); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

func (p *pluginPool) close() {
	for _, w := range p.workers {
		w.end()
	}
	_ = os.RemoveAll(p.dir) // empty: each socket was removed once it was connected
}

// pluginWorker is the process that serves one worker.
type pluginWorker struct {
	config modeplugin.LaunchConfig

	mu      sync.Mutex
	running *modeplugin.Process
	starts  int
}

// process starts the plugin if it does not run, or no longer.
func (w *pluginWorker) process(ctx context.Context) (*modeplugin.Process, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running != nil && w.running.Err() == nil {
		return w.running, nil
	}
	if w.running != nil {
		w.running.Kill()
		w.running = nil
	}
	if w.starts++; w.starts > pluginStartsMax {
		return nil, fmt.Errorf("the plugin ended %d times: it is not started again", pluginStartsMax)
	}
	running, err := modeplugin.Launch(ctx, w.config)
	if err != nil {
		return nil, err
	}
	w.running = running
	return running, nil
}

// open starts a machine for a replica.
func (w *pluginWorker) open(replica board.ReplicaID) (cluster.Machine, error) {
	running, err := w.process(context.Background())
	if err != nil {
		return nil, err
	}
	m, err := running.Open(replica)
	if err != nil {
		return nil, err
	}
	return &boundedMachine{m}, nil
}

func (w *pluginWorker) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running != nil {
		w.running.Kill()
		w.running = nil
	}
}

// boundedMachine ends a machine that does not come to the end of a step.
type boundedMachine struct{ *modeplugin.Machine }

func (m *boundedMachine) Step(batch modes.Batch) (*modes.Effects, error) {
	late := make(chan struct{})
	timer := time.AfterFunc(pluginStepMax, func() {
		close(late)
		m.Close()
	})
	effects, err := m.Machine.Step(batch)
	timer.Stop()
	select {
	case <-late:
		return nil, errors.Join(fmt.Errorf("a step took more than %v", pluginStepMax), err)
	default:
		return effects, err
	}
}
