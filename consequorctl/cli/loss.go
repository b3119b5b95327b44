package cli

import (
	"context"

	"consequor/supervisor"
)

// lossCmd has links lose messages, each by its own luck.
type lossCmd struct {
	linkEnds
	Loss percent `arg:"" help:"How many of the messages are lost, as in 10%; 0%: none any more."`
	linkFlags
}

func (c *lossCmd) Help() string {
	return `Which messages are lost is decided by the cluster's seed, the link and the
message's number on it: a topology with a seed loses the same ones each time.
Other faults of the links stay.

  consequorctl loss r1 r3 10%
  consequorctl loss r2 rest 5% --one-way
  consequorctl loss r1 r3 0%`
}

func (c *lossCmd) Run(ctx context.Context, console *Console, cluster clusterFlag) error {
	return changeLinks(ctx, console, cluster, supervisor.FaultRequest{
		Verb: supervisor.LoseLinks, A: c.A, B: c.B, OneWay: c.OneWay, Loss: float64(c.Loss), Wait: c.Wait})
}
