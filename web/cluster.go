package web

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"consequor/replicad/api"
	"consequor/supervisor"
)

const (
	statusAge      = 500 * time.Millisecond // how old the status may be that a page shows: many pages, one question
	statusPatience = 100 * time.Millisecond // for a newer one; then the older one has to do
)

// cluster is the replicas as all visitors share them: one client, and a status
// that is asked for now and then.
type cluster struct {
	source Source
	ctx    context.Context // of Run
	asking sync.WaitGroup

	mu        sync.Mutex
	client    *api.Client
	endpoints []api.Endpoint // that client was dialed for
	status    *supervisor.ClusterStatus
	err       error         // why there is no client
	asked     time.Time     // when status came
	coming    chan struct{} // closed when the question that is under way has its answer; nil: none is
}

func newCluster(source Source) *cluster {
	return &cluster{source: source, ctx: context.Background()}
}

// reach returns a client for the replicas and what is known of them. The status
// may be an older one when there is no newer to be had soon.
func (c *cluster) reach(ctx context.Context) (*api.Client, *supervisor.ClusterStatus, error) {
	client, status, coming := c.known()
	if coming == nil {
		return client, status, nil
	}
	var late <-chan time.Time
	if client != nil {
		timer := time.NewTimer(statusPatience)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-coming:
	case <-late:
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client == nil {
		return nil, nil, cmp.Or(c.err, errAbsent)
	}
	return c.client, c.status, nil
}

// known returns what is known, and, if that is too old, what is closed when
// there is something newer.
func (c *cluster) known() (*api.Client, *supervisor.ClusterStatus, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.status != nil && time.Since(c.asked) < statusAge {
		return c.client, c.status, nil
	}
	if c.coming == nil {
		c.coming = make(chan struct{})
		c.asking.Go(c.ask)
	}
	return c.client, c.status, c.coming
}

// ask asks how the cluster is.
func (c *cluster) ask() {
	ctx, cancel := context.WithTimeout(c.ctx, 2*askLimit)
	defer cancel()
	status, err := c.source.Status(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		err = c.dial(status)
	}
	if c.err = err; err == nil {
		status.WebControl = nil // whoever reads a page need not be one who may control
		c.status, c.asked = status, time.Now()
	}
	close(c.coming)
	c.coming = nil
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
	c.asking.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client != nil {
		c.client.Close()
	}
}
