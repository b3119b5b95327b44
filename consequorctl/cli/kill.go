package cli

import (
	"context"

	"consequor/supervisor"
)

// killCmd sends SIGKILL: nobody gets to tidy up. The replica stays down until
// restart; a killed plugin is always started again by its replicad.
type killCmd struct {
	target
	Respawn bool `help:"Let the restart policy bring the replica back."`
}

func (c *killCmd) Run(ctx context.Context, console *Console, cluster clusterFlag) error {
	return act(ctx, console, cluster, supervisor.Kill, c.Target, supervisor.ActOptions{Respawn: c.Respawn})
}
