package cli

import (
	"context"

	"consequor/supervisor"
)

// resumeCmd sends SIGCONT to what was paused.
type resumeCmd struct {
	target
	waiting
}

func (c *resumeCmd) Run(ctx context.Context, console *Console, cluster clusterFlag) error {
	return act(ctx, console, cluster, supervisor.Resume, c.Target, supervisor.ActOptions{Wait: c.Wait})
}
