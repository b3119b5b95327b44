package replica

import (
	"context"
	"fmt"

	"consequor/modes/modeplugin"
	"consequor/replicad/api"
	"consequor/topologies"
)

// candidate is the plugin of a mode that may come, beside the one that runs.
type candidate struct {
	p     *process
	order topologies.Order
	mode  topologies.Mode
	stop  context.CancelFunc
	ready chan struct{}            // closed when it is prepared
	taker chan *modeplugin.Process // who takes it over
	ended chan struct{}            // closed when nothing of it is left here
	words *labelled                // what it prints
}

// prepare begins to launch and rehearse an order's mode.
func (p *process) prepare(ctx context.Context, o *topologies.Order) *candidate {
	ctx, stop := context.WithCancel(ctx)
	n := &candidate{
		p: p, order: *o, mode: o.Mode, stop: stop, words: newLabelled(p.output, o.Mode.Name+" (prepared): "),
		ready: make(chan struct{}), taker: make(chan *modeplugin.Process), ended: make(chan struct{}),
	}
	go n.run(ctx)
	return n
}

// run launches the plugin, rehearses, and holds it ready until it is taken,
// discarded or dead.
func (n *candidate) run(ctx context.Context) {
	defer close(n.ended)
	defer n.stop()
	running, err := n.p.launchMode(ctx, n.mode, n.words)
	if err != nil {
		n.failed(ctx, err)
		return
	}
	if err := n.p.rehearse(ctx, running, &n.order); err != nil {
		running.Kill()
		n.failed(ctx, err)
		return
	}
	n.report(api.Change{Prepared: true, SHA256: running.SHA256()})
	close(n.ready)
	select {
	case n.taker <- running:
		return
	case <-running.Done():
		n.failed(ctx, fmt.Errorf("mode %s: its prepared plugin: %w", n.mode.Name, running.Err()))
	case <-ctx.Done():
	}
	running.Kill()
}

// failed reports why the mode cannot come; if it was discarded, nobody asks.
func (n *candidate) failed(ctx context.Context, why error) {
	if ctx.Err() == nil {
		n.p.log.Error("not prepared", "mode", n.mode.Name, "err", why)
		n.report(api.Change{Error: brief(why.Error())})
	}
}

func (n *candidate) report(came api.Change) {
	for _, l := range n.p.loops {
		n.p.reporter.changeCame(l.self.Name, func(r *api.Change) {
			r.Prepared, r.SHA256, r.Error = came.Prepared, came.SHA256, came.Error
		})
	}
}

// take hands the plugin over; nil: it is not ready, or has died.
func (n *candidate) take() *modeplugin.Process {
	select {
	case <-n.ready:
	default:
		n.discard()
		return nil
	}
	select {
	case running := <-n.taker:
		n.words.unlabel()
		return running
	case <-n.ended:
		return nil
	}
}

// discard ends it, whatever it is doing.
func (n *candidate) discard() {
	n.stop()
	<-n.ended
}
