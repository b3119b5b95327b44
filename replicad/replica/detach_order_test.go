package replica

import (
	"testing"

	"consequor/board"
	"consequor/modes"
	"consequor/replicad/api"
	"consequor/topologies"
)

// The plugin dies while the loop still has its last effects to take: what these
// report must not outlive the plugin.
func TestTheLastWordOfADeadPluginIsNotItsReplicasStatus(t *testing.T) {
	p := &process{
		config: topologies.Process{Hosts: []board.ReplicaID{1}, Replicas: []topologies.Replica{{ID: 1, Name: "r1"}}},
		byID:   map[board.ReplicaID]*topologies.Replica{},
	}
	p.reporter = newReporter(p)
	l := &loop{process: p, self: p.config.Replicas[0], in: newInbox()}
	m := &machine{l: l}
	l.in.put(func() { l.Status(modes.Status{Role: "coordinator", Coordinator: 1, CaughtUp: true}) }) // a Stepped that waits
	l.detach(m, false)
	for _, f := range l.in.take() {
		f()
	}
	if s := p.reporter.status["r1"]; s.Step == api.CaughtUp || s.Role != "" {
		t.Errorf("without a plugin: step %s, role %q", s.Step, s.Role)
	}
}
