package web

import (
	"cmp"
	"context"

	"consequor/supervisor"
)

// latest returns how the cluster is, and waits for an answer where pages would
// make do with an older one. The result is shared: it is not to be changed.
func (c *cluster) latest(ctx context.Context) (*supervisor.ClusterStatus, error) {
	_, status, coming := c.known()
	if coming == nil {
		return status, nil
	}
	select {
	case <-coming:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil || c.status == nil {
		return nil, cmp.Or(c.err, errAbsent)
	}
	return c.status, nil
}
