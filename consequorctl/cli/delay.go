package cli

import (
	"context"
	"time"

	"consequor/supervisor"
)

// delayCmd has links bring each message later, in the order in which it was
// sent.
type delayCmd struct {
	linkEnds
	Delay  time.Duration `arg:"" help:"By how much each message is late, as in 50ms; 0s: no more."`
	Jitter time.Duration `help:"Draw each delay from DELAY - JITTER to DELAY + JITTER." default:"0s"`
	linkFlags
}

func (c *delayCmd) Help() string {
	return `Messages keep their order. Those that are under way when this is changed keep
their time. Other faults of the links stay.

  consequorctl delay r1 r3 50ms --jitter 10ms
  consequorctl delay r1,r2 rest 200ms --one-way
  consequorctl delay r1 r3 0s`
}

func (c *delayCmd) Run(ctx context.Context, console *Console, cluster clusterFlag) error {
	return changeLinks(ctx, console, cluster, supervisor.FaultRequest{
		Verb: supervisor.DelayLinks, A: c.A, B: c.B, OneWay: c.OneWay, Delay: c.Delay, Jitter: c.Jitter, Wait: c.Wait})
}
