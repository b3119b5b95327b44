package cli

import (
	"context"

	"consequor/supervisor"
)

// healCmd makes links whole: those between A and B, or all.
type healCmd struct {
	A side `arg:"" optional:"" help:"One end, as in cut; without the two: all links."`
	B side `arg:"" optional:"" help:"The other end."`
	linkFlags
}

func (c *healCmd) Help() string {
	return `All faults go: cuts, delays, losses. This returns once what was cut is connected
again. Messages that a delay holds back already keep their time, and those behind
them wait for them.

  consequorctl heal
  consequorctl heal r1 rest

Exit codes: 0 whole again (who is paused or down, when it comes back), 1 a link is
not connected again in time, 2 no such link.`
}

func (c *healCmd) Run(ctx context.Context, console *Console, cluster clusterFlag) error {
	switch {
	case len(c.A) > 0 && len(c.B) == 0:
		return &Failure{Code: ExitUsage, Kind: "usage", Message: "heal one end of a link: the other one is missing",
			Hint: "consequorctl heal A B heals what is between them, consequorctl heal everything"}
	case len(c.A) == 0 && c.OneWay:
		return &Failure{Code: ExitUsage, Kind: "usage", Message: "--one-way: heal needs the two ends then", Hint: "consequorctl heal A B --one-way"}
	}
	return changeLinks(ctx, console, cluster, supervisor.FaultRequest{
		Verb: supervisor.HealLinks, A: c.A, B: c.B, OneWay: c.OneWay, Wait: c.Wait})
}
