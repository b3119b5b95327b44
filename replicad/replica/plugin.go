package replica

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"consequor/modes/modeplugin"
	"consequor/topologies"
)

// How a plugin that ends is started again.
const (
	pluginBackoffMin = 20 * time.Millisecond
	pluginBackoffMax = 2 * time.Second
	pluginTriesMax   = 8 // lives in a row that never served, and the process fails
	pluginDeathsKept = 3 // of those after a life that served: it is given up no more, but has to pause
)

// keeper keeps one plugin process running for all hosted replicas, and puts
// another in its place when a mode change says so. Its goroutine owns all of
// its state.
//
//	         launched                activation
//	start ────────────> crew serves ────────────> another crew serves
//	  ^                     │
//	  └──── pause <─────────┘ the plugin ends, or is ended for what it did
type keeper struct {
	p           *process
	output      io.Writer
	activations chan activation

	mode     topologies.Mode // that is to run
	crew     *crew           // that serves; nil: none
	attempt  *start          // under way; nil: none
	retry    *time.Timer     // runs out when another attempt is due
	deaths   int             // in a row; see pluginDeathsKept
	restarts int             // plugins that had to be started again
}

// activation is the beginning of an epoch, and who is to serve in it.
type activation struct {
	order    topologies.Order
	prepared *modeplugin.Process // the keeper's from now on; nil: none is ready
}

// start is one attempt to launch a plugin.
type start struct {
	cancel context.CancelFunc
	result chan started // capacity 1
}

type started struct {
	running *modeplugin.Process
	err     error
}

func newKeeper(p *process) *keeper {
	retry := time.NewTimer(time.Hour)
	retry.Stop()
	return &keeper{p: p, output: p.output, mode: p.config.Mode, activations: make(chan activation), retry: retry}
}

// launchMode starts the plugin process of a mode.
func (p *process) launchMode(ctx context.Context, mode topologies.Mode, output io.Writer) (*modeplugin.Process, error) {
	launch := modeplugin.LaunchConfig{SocketDir: p.config.SocketDir, Logger: p.log, Stderr: output}
	if mode.Plugin == "" {
		launch.Command = append(append([]string(nil), p.self...), "mode-plugin", mode.Name)
	} else {
		launch.Path, launch.SHA256 = mode.Plugin, mode.SHA256
	}
	running, err := modeplugin.Launch(ctx, launch)
	var other *modeplugin.SumError
	var missing *fs.PathError
	switch {
	case errors.As(err, &other):
		return nil, &faultError{
			why:  fmt.Sprintf("mode %s: its plugin %v", mode.Name, other),
			help: fmt.Sprintf("to run a new build, %s; while all replicas serve, consequorctl mode swap %s does it too", newBuild("its"), mode.Name),
		}
	case errors.As(err, &missing) && missing.Path == mode.Plugin && errors.Is(err, fs.ErrNotExist):
		return nil, &faultError{why: fmt.Sprintf("mode %s: its plugin %s is not there", mode.Name, mode.Plugin)}
	case err != nil:
		return nil, fmt.Errorf("mode %s: %w", mode.Name, err)
	}
	if most := running.Description().ReplicasMax; most > 0 && len(p.config.Replicas) > most {
		running.Kill()
		return nil, &faultError{why: fmt.Sprintf("mode %s runs on at most %d replicas, the cluster has %d", mode.Name, most, len(p.config.Replicas))}
	}
	return running, nil
}

// sameBinary reports whether one plugin process can run both.
func sameBinary(a, b topologies.Mode) bool {
	return a.Name == b.Name && a.Plugin == b.Plugin && strings.EqualFold(a.SHA256, b.SHA256)
}

// first launches the plugin, before any loop runs. It returns neither plugin
// nor error when ctx ends first.
func (k *keeper) first(ctx context.Context) (*modeplugin.Process, error) {
	for {
		running, err := k.p.launchMode(ctx, k.mode, k.output)
		if err == nil {
			return running, nil
		}
		if ctx.Err() != nil {
			return nil, nil
		}
		for _, r := range k.p.hostedReplicas() {
			k.p.reporter.pluginLost(r.Name, err.Error())
		}
		pause, err := k.failed(err)
		if err != nil {
			return nil, err
		}
		pauseFor(ctx, pause)
	}
}

// failed counts one more end of a plugin and returns the pause before the next
// attempt; or the fault, when there shall be none.
func (k *keeper) failed(why error) (pause time.Duration, err error) {
	k.p.log.Error("no plugin", "mode", k.mode.Name, "err", why)
	var fault *faultError
	if errors.As(why, &fault) {
		return 0, fault.helped()
	}
	if k.deaths++; k.deaths > pluginTriesMax {
		return 0, k.givenUp(why)
	}
	if k.deaths == 1 {
		return 0, nil // the first time at once
	}
	return min(pluginBackoffMin<<(k.deaths-1), pluginBackoffMax), nil
}

// givenUp is the fault of a plugin that ends again and again. What helps is said
// before its last words, which may be many.
func (k *keeper) givenUp(why error) *faultError {
	help := ""
	if k.mode.Plugin != "" {
		help = " (mend it, then " + newBuild("its new") + ")"
	}
	return &faultError{why: fmt.Sprintf("the plugin of mode %s ended %d times in a row before it served%s, in the end like this: %s", k.mode.Name, pluginTriesMax, help, brief(why.Error()))}
}

// newBuild says how a cluster that runs takes up another build of its plugin,
// also when not all of its replicas serve.
func newBuild(whose string) string {
	return "put " + whose + " sha256 into the topology, then: consequorctl down, and consequorctl up with that topology"
}

// keep runs state machines on the plugin until ctx ends or no plugin can be
// kept running.
func (k *keeper) keep(ctx context.Context, running *modeplugin.Process) error {
	defer k.end()
	watch := time.NewTicker(k.p.limits.watchEvery)
	defer watch.Stop()
	k.serve(k.p.muster(running))
	for {
		var err error
		select {
		case why := <-k.crew.ended():
			err = k.lost(why)
		case <-k.retry.C:
			k.launch(ctx)
		case s := <-k.attempt.ended():
			err = k.launched(s)
		case a := <-k.activations:
			k.activate(ctx, a)
		case <-watch.C:
			k.crew.watch()
		case <-ctx.Done():
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// serve puts a crew to work.
func (k *keeper) serve(c *crew) {
	k.crew = c
	c.attach(k.restarts)
}

// lost takes a crew that is of no more use away, and sees to another.
func (k *keeper) lost(why error) error {
	if k.p.reporter.serving() {
		k.deaths = min(k.deaths, pluginDeathsKept)
	}
	k.crew.detach()
	why = causeOf(k.crew.running, why)
	k.crew.dismiss(true)
	k.crew = nil
	k.restarts++
	return k.again(why)
}

// again says why there is no plugin and sets the time of another attempt.
func (k *keeper) again(why error) error {
	for _, l := range k.p.loops {
		l.mourn(why)
	}
	pause, err := k.failed(why)
	k.retry.Reset(pause)
	return err
}

// launch begins an attempt.
func (k *keeper) launch(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	k.attempt = &start{cancel, make(chan started, 1)}
	mode, result := k.mode, k.attempt.result
	go func() {
		running, err := k.p.launchMode(ctx, mode, k.output)
		result <- started{running, err}
	}()
}

func (s *start) ended() <-chan started {
	if s == nil {
		return nil
	}
	return s.result
}

func (k *keeper) launched(s started) error {
	k.attempt.cancel() // it has no say any more
	k.attempt = nil
	if s.err != nil {
		return k.again(s.err)
	}
	k.serve(k.p.muster(s.running))
	return nil
}

// activate begins an epoch on all loops. The new crew, if there can be one at
// once, stands ready before the old one stops, and the old plugin ends behind
// it: what clients wait for is no process.
func (k *keeper) activate(ctx context.Context, a activation) {
	k.stopLaunching()
	running := a.prepared
	if goesOn := a.order.ModeEpoch < a.order.Epoch; running == nil && goesOn && k.crew != nil && sameBinary(k.mode, a.order.Mode) {
		running = k.crew.running
	}
	k.mode, k.deaths = a.order.Mode, 0
	old, next := k.crew, (*crew)(nil)
	if running != nil {
		next = k.p.muster(running)
	}
	k.enter(&a.order, next)
	k.crew = next
	if old != nil {
		old.dismiss(next == nil || old.running != next.running)
	}
	if next == nil {
		k.launch(ctx)
	}
}

// enter has every loop begin the epoch, with its state machine if there is a
// crew, and returns once they have.
func (k *keeper) enter(o *topologies.Order, c *crew) {
	restarts := k.restarts
	entered := make(chan struct{}, len(k.p.loops))
	for _, l := range k.p.loops {
		l.in.put(func() { // loops outlive the keeper
			l.enter(o)
			if m := c.of(l); m != nil {
				l.begin(m, c.running, restarts)
			}
			entered <- struct{}{}
		})
	}
	for range k.p.loops {
		<-entered
	}
}

// stopLaunching calls an attempt off.
func (k *keeper) stopLaunching() {
	k.retry.Stop()
	if k.attempt == nil {
		return
	}
	k.attempt.cancel()
	if s := <-k.attempt.result; s.err == nil {
		s.running.Kill()
	}
	k.attempt = nil
}

// end leaves nothing.
func (k *keeper) end() {
	k.stopLaunching()
	if k.crew != nil {
		k.crew.detach()
		k.crew.dismiss(true)
	}
}

// pauseFor waits so long, and reports false if ctx ended first.
func pauseFor(ctx context.Context, pause time.Duration) bool {
	if pause <= 0 {
		return ctx.Err() == nil
	}
	select {
	case <-time.After(pause):
		return true
	case <-ctx.Done():
		return false
	}
}
