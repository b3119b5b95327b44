package replica

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/modes/modeplugin"
)

// How long a plugin may take for one batch, in ticks of the watch. Ticks, not
// time: while this process stands still, by SIGSTOP say, none is counted.
const (
	watchEvery  = time.Second
	silentTicks = 2  // then its replica's status says so
	hungTicks   = 30 // then it is killed, unless a signal has stopped it
)

// endedWaitMax is how long a plugin that has closed its socket may take to end,
// and so to say how.
const endedWaitMax = 250 * time.Millisecond

// crew is one plugin process and the state machines that it runs, one for each
// hosted replica.
type crew struct {
	running  *modeplugin.Process
	machines []*machine // those that could be opened
	broken   chan error // capacity 1: why the plugin is of no more use
}

// muster opens a state machine for each hosted replica. If that fails the crew
// is broken from the start.
func (p *process) muster(running *modeplugin.Process) *crew {
	c := &crew{running: running, broken: make(chan error, 1)}
	for _, l := range p.loops {
		conn, err := p.open(running, l.self.ID)
		if err != nil {
			c.fail(err)
			break
		}
		m := &machine{l: l, conn: conn, fail: c.fail, ended: make(chan struct{})}
		c.machines = append(c.machines, m)
		go m.receive()
	}
	return c
}

// steps is where a state machine's batches go, and where its effects come from.
type steps interface {
	Send(modes.Batch) error
	Recv() (number uint64, effects *modes.Effects, err error)
	Close() error
}

// openPlugin opens a state machine in a plugin.
func openPlugin(running *modeplugin.Process, id board.ReplicaID) (steps, error) {
	return running.Open(id)
}

// fail says why the plugin must end. It does not wait: loops call it. The first
// reason counts.
func (c *crew) fail(why error) {
	select {
	case c.broken <- why:
	default:
	}
}

// ended tells why the plugin is of no more use.
func (c *crew) ended() <-chan error {
	if c == nil {
		return nil
	}
	return c.broken
}

// of returns the state machine of a loop; nil if there is none.
func (c *crew) of(l *loop) *machine {
	if c == nil {
		return nil
	}
	for _, m := range c.machines {
		if m.l == l {
			return m
		}
	}
	return nil
}

// attach gives each loop its state machine.
func (c *crew) attach(restarts int) {
	for _, m := range c.machines {
		m.l.in.put(func() { m.l.begin(m, c.running, restarts) })
	}
}

// detach takes the state machines away again.
func (c *crew) detach() {
	for _, m := range c.machines {
		m.l.detach(m)
	}
}

// causeOf says how a plugin ended, given the first that was seen of it.
func causeOf(running *modeplugin.Process, why error) error {
	if !errors.Is(why, modeplugin.ErrDied) {
		return why // it lives, and will be ended for this
	}
	select {
	case <-running.Done():
		return running.Err()
	case <-time.After(endedWaitMax):
		return why
	}
}

// dismiss ends the state machines, and with them the plugin, unless it is to
// serve on. It waits until nothing of them is left. It may be called again.
func (c *crew) dismiss(pluginToo bool) {
	if pluginToo {
		c.running.Kill() // and with it every Recv that still waits
	}
	for _, m := range c.machines {
		m.conn.Close() // its only error is nil
		<-m.ended
	}
}

// watch is called at every tick. It says of machines that do not answer that
// they don't, and gives the plugin up if that goes on.
func (c *crew) watch() {
	if c == nil {
		return
	}
	for _, m := range c.machines {
		batch := m.underway.Load()
		if batch == 0 || batch != m.seen {
			if m.ticks >= silentTicks {
				m.l.process.reporter.pluginSilent(m.l, "")
			}
			m.seen, m.ticks = batch, 0
			continue
		}
		if m.ticks >= silentTicks && c.running.Stopped() {
			continue // it is left alone, and when it goes on it has all the time there is
		}
		m.ticks++
		switch {
		case m.ticks == silentTicks:
			m.l.process.reporter.pluginSilent(m.l, fmt.Sprintf("its plugin, pid %d, which does not answer", c.running.PID()))
		case m.ticks >= hungTicks:
			c.fail(fmt.Errorf("no answer to a batch for %v", hungTicks*watchEvery))
		}
	}
}

// machine is one replica's state machine in the plugin. The loop sends it
// batches; a goroutine of its own brings the effects back.
type machine struct {
	l        *loop
	conn     steps
	life     atomic.Uint64 // of the host, as the last batch told
	underway atomic.Uint64 // number of the batch that is not answered; 0: none
	fail     func(error)   // says why the plugin must end
	ended    chan struct{}

	seen  uint64 // by watch: the batch under way at its last tick
	ticks int    // for how many ticks
}

// step sends a batch, which never blocks. A broken machine shows in receive.
func (m *machine) step(life uint64, b modes.Batch) {
	m.life.Store(life)
	m.underway.Store(b.Number)
	if err := m.conn.Send(b); err != nil {
		m.l.log.Error("step", "err", err)
		m.fail(err)
	}
}

// receive brings effects to the loop until the machine ends.
func (m *machine) receive() {
	defer close(m.ended)
	for {
		number, effects, err := m.conn.Recv()
		if err != nil {
			m.l.log.Info("state machine ended", "err", err)
			m.fail(err)
			return
		}
		m.underway.Store(0)
		life := m.life.Load()
		m.l.in.put(func() {
			if err := m.l.stepped(life, number, effects); err != nil {
				m.l.log.Error("effects refused", "err", err)
				m.fail(fmt.Errorf("effects refused: %w", err))
			}
		})
	}
}

// stepped has the host do what a batch's effects say, unless they are not what
// a mode may say.
func (l *loop) stepped(life, number uint64, effects *modes.Effects) error {
	if err := wellFormed(effects, l.process.ids); err != nil {
		return err
	}
	kept, more, most := l.records.kept, savedSize(effects), l.process.limits.recordsSizeMax
	if more > 0 && kept+more > most {
		return fmt.Errorf("records of %d bytes that it never forgot, and %d more: the limit is %d", kept, more, most)
	}
	l.process.tap.on().stepped(l, number, effects)
	return l.host.Stepped(life, number, effects)
}

// begin gives the loop a state machine.
func (l *loop) begin(m *machine, running *modeplugin.Process, restarts int) {
	l.process.reporter.pluginStarted(l, running.PID(), running.SHA256(), restarts)
	l.machine = m
	l.host.PluginUp()
}

// detach takes it away again. A loop that has another one by now keeps that.
func (l *loop) detach(m *machine) {
	l.in.put(func() {
		if l.machine == m {
			l.machine = nil
			l.host.PluginDown()
		}
	})
}

// mourn tells, behind the last word of the dead, why there is no plugin.
func (l *loop) mourn(why error) {
	l.in.put(func() { l.process.reporter.pluginLost(l.self.Name, why.Error()) })
}
