package replica

import (
	"context"

	"consequor/board"
	"consequor/replicad/api"
	"consequor/replicad/host"
	"consequor/topologies"
)

// changer carries out the supervisor's orders, which lead all replicas of this
// process from one mode to another. Orders are levels, not events: they may
// come again, late, or, after a new start, with some left out. What comes of
// them stands in each replica's api.Change.
type changer struct {
	p         *process
	attempt   uint64     // the newest change heard of
	candidate *candidate // of that change; nil: none is wanted, or it serves already
	epoch     uint64     // that was begun last
}

// run obeys until ctx ends.
func (c *changer) run(ctx context.Context, orders <-chan topologies.Order) {
	defer c.discard()
	for {
		select {
		case o := <-orders:
			c.obey(ctx, &o)
		case <-ctx.Done():
			return
		}
	}
}

func (c *changer) obey(ctx context.Context, o *topologies.Order) {
	c.p.log.Info("ordered", "what", o.Kind, "attempt", o.Attempt, "epoch", o.Epoch, "mode", o.Mode.Name)
	if o.Kind == topologies.OrderActivate { // decided: whatever else was heard of
		c.activate(ctx, o)
		return
	}
	if o.Attempt < c.attempt {
		return // of a change that is over
	}
	c.begin(o.Attempt)
	switch o.Kind {
	case topologies.OrderPrepare:
		c.prepare(ctx, o)
	case topologies.OrderDiscard:
		c.discard()
	case topologies.OrderSeal:
		c.tell(func(l *loop) { l.seal(o) })
	case topologies.OrderMerge:
		c.tell(func(l *loop) { l.merge(o) })
	}
}

// begin forgets an older change for a newer one.
func (c *changer) begin(attempt uint64) {
	if attempt == c.attempt {
		return
	}
	c.discard()
	c.attempt = attempt
	for _, l := range c.p.loops {
		c.p.reporter.changeBegan(l.self.Name, attempt)
	}
}

// tell has every loop do something.
func (c *changer) tell(f func(*loop)) {
	for _, l := range c.p.loops {
		l.in.put(func() { f(l) })
	}
}

// prepare begins to make the new mode ready, unless that has begun already:
// what comes of it is reported, and still stands there when it is asked again.
func (c *changer) prepare(ctx context.Context, o *topologies.Order) {
	if c.candidate == nil && o.Epoch > c.epoch {
		c.candidate = c.p.prepare(ctx, o)
	}
}

// discard ends what was prepared.
func (c *changer) discard() {
	if c.candidate == nil {
		return
	}
	c.candidate.discard()
	c.candidate = nil
	for _, l := range c.p.loops {
		c.p.reporter.changeCame(l.self.Name, func(r *api.Change) { r.Prepared, r.SHA256 = false, "" })
	}
}

// activate begins an epoch, with what was prepared if it is for that.
func (c *changer) activate(ctx context.Context, o *topologies.Order) {
	if o.Epoch <= c.epoch {
		return // it has begun
	}
	a := activation{order: *o}
	if c.candidate != nil && o.ModeEpoch == o.Epoch && sameBinary(c.candidate.mode, o.Mode) {
		a.prepared = c.candidate.take()
		c.candidate = nil
	}
	c.discard()
	select {
	case c.p.plugin.activations <- a:
		c.epoch = o.Epoch
	case <-ctx.Done():
		a.drop()
	}
}

// drop ends what will not serve.
func (a *activation) drop() {
	if a.prepared != nil {
		a.prepared.Kill()
	}
}

// seal, merge and enter are the loops' parts of the orders.

func (l *loop) seal(o *topologies.Order) {
	if o.Epoch == l.epoch {
		l.host.Seal()
	}
}

func (l *loop) merge(o *topologies.Order) {
	if o.Epoch == l.epoch {
		l.host.Merge(o.Target)
	}
}

// enter ends the epoch and the life of its mode. What was answered from the
// old epoch's view is answered; from now on there is no view to answer from,
// until the new mode allows it.
func (l *loop) enter(o *topologies.Order) {
	if o.Epoch <= l.epoch {
		return
	}
	l.machine, l.epoch = nil, o.Epoch
	l.host.Activate(host.Activation{Epoch: o.Epoch, ModeEpoch: o.ModeEpoch, Mode: o.Mode.Name, Options: o.Mode.Options})
	l.process.reporter.epochBegan(l, o.Epoch, o.Mode.Name)
	l.log.Info("epoch begins", "epoch", o.Epoch, "mode", o.Mode.Name, "board", l.host.Vector().String())
}

// Sealed tells that no post can come any more in this epoch, and what the board
// holds; see host.Clients.
func (l *loop) Sealed(v board.Vector) {
	l.process.reporter.changeCame(l.self.Name, func(r *api.Change) { r.Sealed = v.String() })
}

// Merged tells that the board is where a mode change wants it; see host.Clients.
func (l *loop) Merged(v board.Vector) {
	l.process.reporter.changeCame(l.self.Name, func(r *api.Change) { r.Merged = v.String() })
}
