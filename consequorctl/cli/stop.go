package cli

import (
	"context"

	"consequor/supervisor"
)

// stopCmd ends a replica in order: a coordinator hands over first.
type stopCmd struct {
	target
}

func (c *stopCmd) Run(ctx context.Context, console *Console, cluster clusterFlag) error {
	return act(ctx, console, cluster, supervisor.Stop, c.Target, supervisor.ActOptions{})
}
