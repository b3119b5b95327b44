package cluster

import (
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/replicad/host"
)

// Level is how far a replica's process has come.
type Level struct {
	Life   int // counts its processes
	Up     bool
	Paused bool
	Serves bool // its mode has reported that it is caught up, in Epoch
	Epoch  uint64
	Sealed *board.Vector // durable; nil: it is not sealed
	Merged *board.Vector // the last target that it has reached; nil: none
}

// orderTimeMax is how long an order takes to the process.
const orderTimeMax = 5 * time.Millisecond

// Level is what a supervisor knows of it: see modechange.Report.
func (r *Replica) Level() Level {
	p := r.process
	if p == nil {
		return Level{Life: r.lives}
	}
	return Level{
		Life: r.lives, Up: true, Paused: p.paused, Serves: p.serves,
		Epoch: p.active.Epoch, Sealed: p.sealed, Merged: p.merged,
	}
}

// Tell gives the process an order of the supervisor, after a moment; it is
// lost if the process ends or has begun another life by then.
func (r *Replica) Tell(do func(*host.Host)) {
	if p := r.process; p != nil {
		r.c.after(r.random.between(0, orderTimeMax), func() { p.touch(do) })
	}
}

// Activate has it begin an epoch, with a state machine of that mode. It takes
// the way of an order; a process that is in that epoch already does nothing.
func (r *Replica) Activate(a host.Activation) {
	if p := r.process; p != nil {
		r.Tell(func(h *host.Host) { p.activate(h, a) })
	}
}

func (p *process) activate(h *host.Host, a host.Activation) {
	if a.Epoch <= p.active.Epoch {
		return
	}
	p.r.c.emitf(p.r.ID, Noted, "begins epoch %d in mode %s", a.Epoch, a.Mode)
	p.active, p.sealed, p.merged = a, nil, nil
	p.serves, p.status = false, modes.Status{}
	if p.plugin != nil {
		p.plugin.lastWords()
		p.plugin.end()
		p.plugin = nil
	}
	h.Activate(a)
	p.launch(p.r.random.between(0, activateMax))
}
