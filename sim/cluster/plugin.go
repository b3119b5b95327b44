package cluster

import (
	"fmt"
	"time"

	"consequor/modes"
	"consequor/replicad/host"
)

// plugin is one life of a mode's state machine.
type plugin struct {
	p           *process
	machine     Machine
	dead        bool
	pausedUntil time.Duration
	inHand      *inHand // nil: it waits for a batch
}

// inHand is the batch that a plugin has, of a life as the host counts them.
type inHand struct {
	life  uint64
	batch modes.Batch
}

// The time from one plugin to the next.
const (
	restartMax  = 100 * time.Millisecond // one has died
	activateMax = 30 * time.Millisecond  // another mode's was prepared
)

// launch starts a plugin after a while, unless the host has got one by then.
func (p *process) launch(after time.Duration) {
	p.r.c.after(after, func() {
		p.touch(func(h *host.Host) {
			if p.plugin != nil {
				return
			}
			machine, err := p.r.c.Launch(p.active.Mode, p.r.ID)
			if err != nil {
				p.r.c.breakOff(p.r.ID, fmt.Errorf("launch mode %s: %w", p.active.Mode, err))
				return
			}
			p.plugin = &plugin{p: p, machine: machine}
			p.r.c.Emit(Event{Replica: p.r.ID, Kind: PluginUp, Text: p.active.Mode})
			h.PluginUp()
		})
	})
}

// KillPlugin ends the plugin's process alone; replicad starts another.
func (r *Replica) KillPlugin() {
	if p := r.process; p != nil && p.plugin != nil {
		p.plugin.lastWords()
		p.plugin.die("killed")
	}
}

// PausePlugin lets the plugin alone stand still.
func (r *Replica) PausePlugin(until time.Duration) {
	if p := r.process; p != nil && p.plugin != nil && until > p.plugin.pausedUntil {
		p.plugin.pausedUntil = until
		r.fault("plugin stands still", until)
	}
}

// die ends the plugin, and the process sees it.
func (g *plugin) die(why string) {
	if g.dead {
		return
	}
	p := g.p
	g.end()
	p.r.c.Emit(Event{Replica: p.r.ID, Kind: PluginDown, Text: why})
	p.touch(func(h *host.Host) {
		if p.plugin != g { // it stood still meanwhile, and another epoch has begun
			return
		}
		p.plugin, p.serves, p.status = nil, false, modes.Status{}
		h.PluginDown()
		p.launch(p.r.random.between(0, restartMax))
	})
}

// end ends it without a word.
func (g *plugin) end() {
	if g.dead {
		return
	}
	g.dead = true
	if err := g.machine.Close(); err != nil {
		g.p.r.c.emitf(g.p.r.ID, Noted, "close the state machine: %v", err)
	}
}

// Step implements host.Plugin: the batch is on its way.
func (p *process) Step(life uint64, batch modes.Batch) {
	g := p.plugin
	if g == nil || g.dead {
		return // its end is on its way to the host
	}
	g.inHand = &inHand{life, batch}
	at := p.r.c.now + p.r.random.between(0, p.r.c.StepMax)
	p.r.c.At(max(at, g.pausedUntil), g.step)
}

// step steps the batch in hand, and sends its effects back.
func (g *plugin) step() {
	c := g.p.r.c
	switch {
	case g.dead:
		return
	case g.pausedUntil > c.now: // again
		c.At(g.pausedUntil, g.step)
		return
	}
	in := g.inHand
	g.inHand = nil
	effects, err := g.run(in.batch)
	switch {
	case err != nil:
		c.breakOff(g.p.r.ID, err)
	case g.p.fuse.burns(BeforeStep, effects):
		g.p.r.Crash(g.p.fuse.crash)
	default:
		c.after(g.p.r.random.between(0, c.StepMax), func() { g.stepped(in, effects) })
	}
}

// lastWords lets a plugin that is about to die finish what it has in hand, now
// and then: its effects are on their way when it does.
func (g *plugin) lastWords() {
	in := g.inHand
	if in == nil || g.dead || !g.p.r.random.perMille(500) {
		return
	}
	effects, err := g.run(in.batch)
	if err != nil {
		g.p.r.c.breakOff(g.p.r.ID, err)
		return
	}
	g.p.r.c.after(0, func() { g.stepped(in, effects) })
}

// run steps the machine. One in this process panics when an assertion does not
// hold.
func (g *plugin) run(batch modes.Batch) (effects *modes.Effects, err error) {
	defer func() {
		if why := recover(); why != nil {
			err = fmt.Errorf("the mode panics: %v", why)
		}
	}()
	return g.machine.Step(batch)
}

// stepped brings the effects to the host. The last words of a plugin that has
// died meanwhile arrive as well, perhaps when the next one is there already.
func (g *plugin) stepped(in *inHand, effects *modes.Effects) {
	p := g.p
	switch {
	case p.ended:
	case g.dead:
		p.r.c.after(p.r.random.between(0, 2*restartMax), func() { p.stepped(in.life, in.batch.Number, effects) })
	case p.fuse.burns(AfterStep, effects):
		p.r.Crash(p.fuse.crash)
	default:
		p.r.c.emitf(p.r.ID, Stepped, "batch %d: %d events, %d effects", in.batch.Number, len(in.batch.Events), len(effects.List))
		p.stepped(in.life, in.batch.Number, effects)
	}
}

func (p *process) stepped(life, number uint64, effects *modes.Effects) {
	p.touch(func(h *host.Host) {
		if err := h.Stepped(life, number, effects); err != nil {
			p.r.c.Fail(p.r.ID, "%v", err)
			return
		}
		p.fuseApplied(effects)
	})
}
