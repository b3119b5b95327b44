package cli

import (
	"context"

	"consequor/supervisor"
)

// restartCmd starts a replica again, whether it is down or runs.
type restartCmd struct {
	target
	waiting
}

func (c *restartCmd) Run(ctx context.Context, console *Console, cluster clusterFlag) error {
	return act(ctx, console, cluster, supervisor.Restart, c.Target, supervisor.ActOptions{Wait: c.Wait})
}
