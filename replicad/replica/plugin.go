package replica

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"consequor/modes"
	"consequor/modes/modeplugin"
	"consequor/replicad/api"
)

// How a plugin that ends is started again.
const (
	pluginBackoffMin = 20 * time.Millisecond
	pluginBackoffMax = 2 * time.Second
	pluginTriesMax   = 8 // lives in a row that never served, and the process fails
	pluginDeathsKept = 3 // of those after a life that served: it is given up no more, but has to pause
)

// plugin keeps one plugin process running for all hosted replicas.
type plugin struct {
	p       *process
	output  io.Writer
	running *modeplugin.Process
	deaths  int // in a row; see pluginDeathsKept
	starts  int
}

// launch starts the plugin process.
func (g *plugin) launch(ctx context.Context) error {
	c := g.p.config
	launch := modeplugin.LaunchConfig{
		SocketDir: c.SocketDir,
		Logger:    g.p.log,
		Stderr:    g.output,
	}
	if c.Mode.Plugin == "" {
		launch.Command = append(g.p.self, "mode-plugin", c.Mode.Name)
	} else {
		launch.Path, launch.SHA256 = c.Mode.Plugin, c.Mode.SHA256
	}
	running, err := modeplugin.Launch(ctx, launch)
	if err != nil {
		return fmt.Errorf("start the plugin of mode %s: %w", c.Mode.Name, err)
	}
	if most := running.Description().ReplicasMax; most > 0 && len(c.Replicas) > most {
		running.Kill()
		return &faultError{fmt.Sprintf("mode %s runs on at most %d replicas, the cluster has %d", c.Mode.Name, most, len(c.Replicas))}
	}
	g.running = running
	g.starts++
	return nil
}

// keep runs state machines on the plugin, and starts it again when it ends,
// until ctx ends or it can't be kept running.
func (g *plugin) keep(ctx context.Context) error {
	defer func() {
		if g.running != nil {
			g.running.Kill()
		}
	}()
	for {
		err := g.serve(ctx)
		if ctx.Err() != nil {
			return nil
		}
		g.p.log.Warn("the plugin ended", "err", err)
		if err := g.relaunch(ctx); err != nil || ctx.Err() != nil {
			return err
		}
	}
}

// serve opens a state machine for each hosted replica and waits until the
// plugin ends.
func (g *plugin) serve(ctx context.Context) error {
	running := g.running
	machines := make([]*machine, 0, len(g.p.loops))
	broken := make(chan struct{}, 1)
	kill := func() { // must not wait: a loop may call it
		select {
		case broken <- struct{}{}:
		default:
		}
	}
	var err error
	for _, l := range g.p.loops {
		var conn *modeplugin.Machine
		if conn, err = running.Open(l.self.ID); err != nil {
			break
		}
		m := &machine{l: l, conn: conn, kill: kill, ended: make(chan struct{})}
		machines = append(machines, m)
		go m.receive()
		l.attach(m, running.PID(), running.SHA256(), g.starts-1)
	}
	if err == nil {
		select {
		case <-running.Done():
			err = running.Err()
		case <-broken:
			err = errors.New("it broke the contract or its socket")
		case <-ctx.Done():
		}
	}
	if g.p.reporter.serving() {
		g.deaths = min(g.deaths, pluginDeathsKept)
	}
	for _, m := range machines {
		m.l.detach(m, ctx.Err() != nil)
	}
	running.Kill() // and with it every Recv that still waits
	g.running = nil
	for _, m := range machines {
		<-m.ended
		err = errors.Join(err, m.conn.Close())
	}
	return err
}

// relaunch starts the plugin again, with pauses that grow.
func (g *plugin) relaunch(ctx context.Context) error {
	for {
		pause := min(pluginBackoffMin<<g.deaths, pluginBackoffMax)
		g.deaths++
		if g.deaths > pluginTriesMax {
			return &faultError{fmt.Sprintf("the plugin of mode %s ended %d times in a row before it served", g.p.config.Mode.Name, pluginTriesMax)}
		}
		if g.deaths > 1 { // the first time at once
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return nil
			}
		}
		err := g.launch(ctx)
		var fault *faultError
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			return nil
		case errors.As(err, &fault):
			return err
		}
		g.p.log.Error("the plugin does not start", "err", err)
		for _, l := range g.p.loops {
			g.p.reporter.update(l.self.Name, func(s *api.Status) { s.Waiting = err.Error() })
		}
	}
}

// machine is one replica's state machine in the plugin. The loop sends it
// batches; a goroutine of its own brings the effects back.
type machine struct {
	l     *loop
	conn  *modeplugin.Machine
	life  atomic.Uint64 // of the host, as the last batch told
	kill  func()        // ends the plugin, which has broken the contract
	ended chan struct{}
}

// step sends a batch, which never blocks. A broken machine shows in receive.
func (m *machine) step(life uint64, b modes.Batch) {
	m.life.Store(life)
	if err := m.conn.Send(b); err != nil {
		m.l.log.Error("step", "err", err)
		m.kill()
	}
}

// receive brings effects to the loop until the machine ends.
func (m *machine) receive() {
	defer close(m.ended)
	for {
		number, effects, err := m.conn.Recv()
		if err != nil {
			m.l.log.Info("state machine ended", "err", err)
			m.kill()
			return
		}
		life := m.life.Load()
		m.l.in.put(func() {
			if err := m.l.host.Stepped(life, number, effects); err != nil {
				m.l.log.Error("effects refused", "err", err)
				m.kill()
			}
		})
	}
}

// attach gives the loop a new state machine.
func (l *loop) attach(m *machine, pid int, sum string, restarts int) {
	l.in.put(func() {
		l.process.reporter.update(l.self.Name, func(s *api.Status) {
			s.PluginPID, s.ModeSHA256, s.PluginRestarts = pid, sum, restarts
		})
		l.machine = m
		l.host.PluginUp()
	})
}

// detach takes it away again. At the end of the process that is no news;
// otherwise the replica reports, behind the last word of the dead mode, that it
// waits for another plugin.
func (l *loop) detach(m *machine, ending bool) {
	l.in.put(func() {
		if l.machine == m {
			l.host.PluginDown()
			l.machine = nil
		}
		if ending {
			return
		}
		l.process.reporter.update(l.self.Name, func(s *api.Status) {
			s.PluginPID, s.Role, s.Coordinator, s.Backup, s.Waiting = 0, "", "", "", "its plugin"
			if s.Step != api.Failed {
				s.Step = api.Started
			}
		})
	})
}
