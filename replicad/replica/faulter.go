package replica

import (
	"context"
	"fmt"

	"consequor/board"
	"consequor/replicad/api"
	"consequor/replicad/wire"
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
	f.tell(&topologies.Faults{}, &f.table)
	for {
		select {
		case t := <-tables:
			f.obey(ctx, t)
		case <-ctx.Done():
			return
		}
	}
}

// obey takes a table over, unless it is no newer: orders may come again. One
// that cannot be set is not confirmed, and so comes again as well.
func (f *faulter) obey(ctx context.Context, t topologies.Faults) {
	if t.Number <= f.table.Number {
		return
	}
	if err := f.p.node.SetFaults(ctx, wireFaults(&t)); err != nil {
		if ctx.Err() == nil {
			f.p.log.Error("link faults not set", "err", err)
		}
		return
	}
	f.tell(&f.table, &t)
	f.table = t
	for _, r := range f.p.hostedReplicas() {
		f.p.reporter.update(r.Name, func(s *api.Status) { s.Faults = t.Number })
	}
}

// tell logs what has changed with the links of this process's replicas.
func (f *faulter) tell(before, after *topologies.Faults) {
	for _, self := range f.p.config.Hosts {
		for _, peer := range f.p.config.Replicas {
			for _, line := range changesOf(before, after, self, peer.ID, peer.Name) {
				f.p.log.Info(line, "replica", f.p.replicaName(self))
			}
		}
	}
}

// changesOf says how a link has changed: in one line, if both directions are
// alike.
func changesOf(before, after *topologies.Faults, self, peer board.ReplicaID, name string) (lines []string) {
	to, from := after.On(self, peer), after.On(peer, self)
	toChanged, fromChanged := to != before.On(self, peer), from != before.On(peer, self)
	if toChanged && fromChanged && to.Words() == from.Words() {
		return []string{fmt.Sprintf("link with %s: %s", name, to.Words())}
	}
	if toChanged {
		lines = append(lines, fmt.Sprintf("link to %s: %s", name, to.Words()))
	}
	if fromChanged {
		lines = append(lines, fmt.Sprintf("link from %s: %s", name, from.Words()))
	}
	return lines
}

func wireFaults(f *topologies.Faults) wire.Faults {
	links := make(map[wire.Direction]wire.Fault, len(f.Links))
	for _, l := range f.Links {
		links[wire.Direction{From: l.From, To: l.To}] = wire.Fault{Cut: l.Cut, Delay: l.Delay, Jitter: l.Jitter, Loss: l.Loss}
	}
	return wire.Faults{Seed: f.Seed, Links: links}
}

// linkStates tells how the links to all peers are.
func (p *process) linkStates() []topologies.LinkState {
	var states []topologies.LinkState
	for _, s := range p.node.PairStats() {
		states = append(states, topologies.LinkState{
			Self: s.Self, Peer: s.Peer, Up: s.Up, Sent: s.Sent.Frames, SentBytes: s.Sent.Bytes, Received: s.Received.Frames,
			Lost: s.Lost - s.Discarded, Discarded: s.Discarded, Late: s.Late,
		})
	}
	return states
}

// peersChanged counts a peer process that was connected, or lost.
func (p *process) peersChanged(by int) {
	for _, r := range p.hostedReplicas() {
		p.reporter.update(r.Name, func(s *api.Status) { s.Peers += by })
	}
}
