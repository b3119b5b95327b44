package web

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"consequor/replicad/api"
	"consequor/supervisor"
)

// statusAge is how old the status may be that a page shows: many pages, one
// question.
const statusAge = 500 * time.Millisecond

// cluster is the replicas as all visitors share them: one client, and a status
// that is asked for now and then.
type cluster struct {
	source Source

	mu        sync.Mutex // held while the source is asked: who comes meanwhile wants the same
	client    *api.Client
	endpoints []api.Endpoint // that client was dialed for
	status    *supervisor.ClusterStatus
	asked     time.Time
}

// reach returns a client for the replicas and what is known of them. The status
// may be an older one when there is no newer to be had.
func (c *cluster) reach(ctx context.Context) (*api.Client, *supervisor.ClusterStatus, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.status != nil && time.Since(c.asked) < statusAge {
		return c.client, c.status, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*askLimit)
	defer cancel()
	status, err := c.source.Status(ctx)
	if err == nil {
		err = c.dial(status)
	}
	if err != nil {
		if c.client == nil {
			return nil, nil, err
		}
		return c.client, c.status, nil
	}
	c.status, c.asked = status, time.Now()
	return c.client, status, nil
}

// dial makes a client for the replicas of status, unless there is one already.
func (c *cluster) dial(status *supervisor.ClusterStatus) error {
	if len(status.Replicas) == 0 {
		return errors.New("the cluster has no replicas yet")
	}
	endpoints := make([]api.Endpoint, len(status.Replicas))
	for i, r := range status.Replicas {
		endpoints[i] = api.Endpoint{ID: numberOf(r.Name, i+1), Name: r.Name, Addr: r.ClientAddr}
		if c.source.Control() != nil {
			endpoints[i].ID = 0 // its place in the topology is its number, whatever its name
		}
	}
	if slices.Equal(endpoints, c.endpoints) {
		return nil
	}
	client, err := api.Dial(api.Target{Replicas: endpoints})
	if err != nil {
		return err
	}
	if c.client != nil {
		c.client.Close()
	}
	c.client, c.endpoints = client, endpoints
	return nil
}

// close ends all connections to replicas.
func (c *cluster) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client != nil {
		c.client.Close()
	}
}
