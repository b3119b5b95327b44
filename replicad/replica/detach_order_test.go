package replica

import (
	"errors"
	"testing"

	"consequor/board"
	"consequor/modes"
	"consequor/replicad/api"
	"consequor/replicad/host"
	"consequor/topologies"
)

// emptyDisk is one that a host at rest needs.
type emptyDisk struct{ host.Disk }

func (emptyDisk) Past() (host.Past, error) { return host.Past{}, nil }
func (emptyDisk) Vector() board.Vector     { return nil }

// The plugin dies while the loop still has its last effects to take: what these
// report must not outlive the plugin.
func TestTheLastWordOfADeadPluginIsNotItsReplicasStatus(t *testing.T) {
	p := &process{
		config: topologies.Process{Hosts: []board.ReplicaID{1}, Replicas: []topologies.Replica{{ID: 1, Name: "r1"}}},
		byID:   map[board.ReplicaID]*topologies.Replica{},
	}
	p.reporter = newReporter(p)
	l := &loop{process: p, self: p.config.Replicas[0], in: newInbox()}
	var err error
	if l.host, err = host.New(host.Config{Self: 1, Replicas: []board.ReplicaID{1}, Epoch: 1, Disk: emptyDisk{}}); err != nil {
		t.Fatal(err)
	}
	m := &machine{l: l}
	l.machine = m
	p.reporter.update("r1", func(s *api.Status) { s.Step = api.Started })
	l.in.put(func() { l.Status(modes.Status{Role: "coordinator", Coordinator: 1, CaughtUp: true}) }) // a Stepped that waits
	l.detach(m)
	l.mourn(errors.New("killed"))
	for _, f := range l.in.take() {
		f()
	}
	if s := p.reporter.status["r1"]; s.Step != api.Started || s.Role != "" || s.Waiting != "its plugin: killed" {
		t.Errorf("without a plugin: step %s, role %q, waiting for %q", s.Step, s.Role, s.Waiting)
	}
}
