package replica

import (
	"context"

	"consequor/topologies"
)

// faulter brings link faults into force as they are ordered, one table after
// the other. That one is in force stands in each replica's report, by its
// number.
type faulter struct {
	p     *process
	table topologies.Faults // that is in force
}

// run obeys until ctx ends.
func (f *faulter) run(ctx context.Context, tables <-chan topologies.Faults) {
	for {
		select {
		case t := <-tables:
			f.obey(ctx, t)
		case <-ctx.Done():
			return
		}
	}
}

// obey takes a table over, unless it is no newer: orders may come again.
func (f *faulter) obey(_ context.Context, t topologies.Faults) {
	if t.Number <= f.table.Number {
		return
	}
	f.table = t
}

// linkStates tells how the links to all peers are.
func (p *process) linkStates() []topologies.LinkState {
	var states []topologies.LinkState
	for _, s := range p.node.Stats() {
		for _, r := range p.config.Replicas {
			if r.Process != s.Process {
				continue
			}
			states = append(states, topologies.LinkState{
				Self: p.config.Hosts[0], Peer: r.ID, Up: s.Up,
				Sent: s.Sent.Frames + s.BulkSent.Frames, SentBytes: s.Sent.Bytes + s.BulkSent.Bytes,
				Received: s.Received.Frames + s.BulkReceived.Frames,
			})
		}
	}
	return states
}
