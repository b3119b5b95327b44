package cli

import (
	"context"

	"consequor/supervisor"
)

// pauseCmd sends SIGSTOP: the process is neither dead nor alive, the hardest
// case for the others.
type pauseCmd struct {
	target
}

func (c *pauseCmd) Run(ctx context.Context, console *Console, cluster clusterFlag) error {
	return act(ctx, console, cluster, supervisor.Pause, c.Target, supervisor.ActOptions{})
}
