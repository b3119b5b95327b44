package cli

import (
	"context"

	"consequor/supervisor"
)

// cutCmd cuts links. Cut both ways, a link has no connection, and both ends
// know. Cut one way it stands, and nothing comes through there: nobody is told.
type cutCmd struct {
	linkEnds
	linkFlags
}

func (c *cutCmd) Help() string {
	return `Nothing comes through a cut link any more once this returns. Cut both ways it has
no connection, and both ends know that the other one is away; cut one way, what
is said there vanishes without a word. It stays so until heal, or until the
cluster goes down.

  consequorctl cut r1 r2
  consequorctl cut r1,r2 r3
  consequorctl cut coordinator rest
  consequorctl cut r1 r2 --one-way

Exit codes: 0 in force (who is paused or down finds it in force when it comes
back), 1 a process that runs has not confirmed it in time, 2 no such link.`
}

func (c *cutCmd) Run(ctx context.Context, console *Console, cluster clusterFlag) error {
	return changeLinks(ctx, console, cluster, supervisor.FaultRequest{
		Verb: supervisor.CutLinks, A: c.A, B: c.B, OneWay: c.OneWay, Wait: c.Wait})
}
