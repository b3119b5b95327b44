package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"consequor/board"
	"consequor/replicad/api"
	"consequor/supervisor"
)

// supervised is a cluster with a supervisor.
type supervised struct{ client *supervisor.Client }

// Supervised is the Source of a cluster with a supervisor.
func Supervised(client *supervisor.Client) Source { return supervised{client} }

func (s supervised) Status(ctx context.Context) (*supervisor.ClusterStatus, error) {
	return s.client.Status(ctx)
}

func (s supervised) Control() Control { return s.client }

// Addresses is the Source of a cluster of which nothing is known but where its
// replicas take clients.
type Addresses struct {
	clients []*api.Client // one to each: a replica's name is not known before it answers

	mu       sync.Mutex
	replicas []supervisor.ReplicaStatus // as last heard; state starting until then
}

var _ Source = (*Addresses)(nil)

// askLimit is how long one replica may take to tell how it is.
const askLimit = 500 * time.Millisecond

// DialAddresses makes a Source of the replicas at these addresses, host:port,
// in the order of their topology. They are called r1, r2, ... until they say
// otherwise. Close it.
func DialAddresses(list []string) (*Addresses, error) {
	if len(list) == 0 {
		return nil, errors.New("no replicas named")
	}
	a := new(Addresses)
	for i, addr := range list {
		if _, port, err := net.SplitHostPort(addr); err != nil || port == "" {
			a.Close()
			return nil, fmt.Errorf("replica %d: want host:port, got %q", i+1, addr)
		}
		name := board.ReplicaID(i + 1).String()
		client, err := api.Dial(api.Target{Replicas: []api.Endpoint{{Name: name, Addr: addr}}})
		if err != nil {
			a.Close()
			return nil, err
		}
		a.clients = append(a.clients, client)
		a.replicas = append(a.replicas, supervisor.ReplicaStatus{Name: name, ClientAddr: addr, State: supervisor.StateStarting, Why: "has not answered yet"})
	}
	return a, nil
}

// Close ends all connections.
func (a *Addresses) Close() {
	for _, c := range a.clients {
		c.Close()
	}
}

// Control is nil: nobody supervises.
func (a *Addresses) Control() Control { return nil }

// Status asks every replica how it is. One that does not answer is shown as
// starting, with the reason: that it is not reached is all that is known.
func (a *Addresses) Status(ctx context.Context) (*supervisor.ClusterStatus, error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	heard := make([]*api.Status, len(a.clients))
	errs := make([]error, len(a.clients))
	var asking sync.WaitGroup
	for i, c := range a.clients {
		asking.Go(func() { heard[i], errs[i] = askOne(ctx, c, board.ReplicaID(i+1).String()) })
	}
	asking.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	status := &supervisor.ClusterStatus{Options: []supervisor.ModeOption{}, Faults: []supervisor.LinkFault{}}
	var newest *api.Status
	for i, h := range heard {
		if h == nil {
			a.replicas[i].State, a.replicas[i].Why = supervisor.StateStarting, errs[i].Error()
			a.replicas[i].Role, a.replicas[i].Step = "", ""
			continue
		}
		a.replicas[i] = statusRow(h, a.replicas[i].ClientAddr)
		if newest == nil || h.Epoch > newest.Epoch || h.Epoch == newest.Epoch && h.Term > newest.Term {
			newest = h
		}
	}
	if newest != nil {
		status.Mode, status.Epoch = newest.Mode, newest.Epoch
		status.Coordinator, status.Backup = orNil(newest.Coordinator), orNil(newest.Backup)
	}
	status.Replicas = append(status.Replicas, a.replicas...)
	return status, nil
}

func askOne(ctx context.Context, c *api.Client, name string) (*api.Status, error) {
	list, err := c.Status(ctx, name)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, errors.New("it hosts no replica")
	}
	return &list[0], nil
}

func statusRow(s *api.Status, addr string) supervisor.ReplicaStatus {
	row := supervisor.ReplicaStatus{
		Name: s.Name, State: supervisor.StateStarting, Role: s.Role, Term: s.Term, Articles: s.Articles, Vector: s.Vector, Behind: s.Behind,
		PluginPID: s.PluginPID, PluginRestarts: s.PluginRestarts, PluginEnded: s.PluginEnded, ClientAddr: addr,
		ModeSHA256: s.ModeSHA256, Step: string(s.Step), Why: s.WaitsFor(), Since: s.Since,
	}
	switch s.Step {
	case api.CaughtUp:
		row.State = supervisor.StateServing
	case api.Failed:
		row.State, row.Why = supervisor.StateFailed, s.Fault
	}
	return row
}

func orNil(name string) *string {
	if name == "" {
		return nil
	}
	return &name
}

// numberOf is the number that a replica's default name tells, else its place in
// the list.
func numberOf(name string, place int) board.ReplicaID {
	if digits, ok := strings.CutPrefix(name, "r"); ok {
		if n, err := strconv.ParseUint(digits, 10, 32); err == nil && n > 0 {
			return board.ReplicaID(n)
		}
	}
	return board.ReplicaID(place)
}
