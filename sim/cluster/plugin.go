package cluster

import (
	"fmt"
	"time"

	"consequor/modes"
	"consequor/mutants"
	"consequor/replicad/host"
)

// plugin is one life of a mode's state machine.
type plugin struct {
	p           *process
	machine     Machine
	dead        bool
	pausedUntil time.Duration
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
				p.r.c.Fail(p.r.ID, "launch mode %s: %v", p.active.Mode, err)
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
		p.plugin = nil
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
	at := p.r.c.now + p.r.random.between(0, p.r.c.StepMax)
	p.r.c.At(max(at, g.pausedUntil), func() { g.step(life, batch) })
}

func (g *plugin) step(life uint64, batch modes.Batch) {
	c := g.p.r.c
	switch {
	case g.dead:
		g.lastWords(life, batch)
		return
	case g.pausedUntil > c.now: // again
		c.At(g.pausedUntil, func() { g.step(life, batch) })
		return
	}
	effects, err := g.run(batch)
	switch {
	case err != nil:
		g.die(err.Error())
		return
	case g.p.fuse.burns(BeforeStep, effects):
		g.p.r.Crash(g.p.fuse.crash)
		return
	}
	// What has left the plugin arrives, even if it dies meanwhile.
	c.after(g.p.r.random.between(0, c.StepMax), func() { g.p.stepped(life, &batch, effects) })
}

// lastWords is what mutant M34 needs: what a plugin had in hand when it died
// reaches the host when the next one is there.
func (g *plugin) lastWords(life uint64, batch modes.Batch) {
	if g.p.r.c.Mutant != mutants.M34 || g.p.ended {
		return
	}
	if effects, err := g.machine.Step(batch); err == nil {
		g.p.r.c.after(g.p.r.random.between(0, 2*restartMax), func() { g.p.stepped(life, &batch, effects) })
	}
}

// run steps the machine. One in this process panics when an assertion does not
// hold.
func (g *plugin) run(batch modes.Batch) (effects *modes.Effects, err error) {
	defer func() {
		if why := recover(); why != nil {
			g.p.r.c.Fail(g.p.r.ID, "the mode panics: %v", why)
			err = fmt.Errorf("panic: %v", why)
		}
	}()
	return g.machine.Step(batch)
}

// stepped brings the effects to the host.
func (p *process) stepped(life uint64, batch *modes.Batch, effects *modes.Effects) {
	if p.ended {
		return
	}
	if p.fuse.burns(AfterStep, effects) {
		p.r.Crash(p.fuse.crash)
		return
	}
	p.touch(func(h *host.Host) {
		p.r.c.emitf(p.r.ID, Stepped, "batch %d: %d events, %d effects", batch.Number, len(batch.Events), len(effects.List))
		if err := h.Stepped(life, batch.Number, effects); err != nil {
			p.r.c.Fail(p.r.ID, "%v", err)
			return
		}
		p.fuseApplied(effects)
	})
}
