package cli

import (
	"context"

	"consequor/replicad/api"
)

// postCmd adds a root.
type postCmd struct {
	Title string `short:"t" help:"The title." placeholder:"TITLE"`
	text
	asking
	keyed
}

func (c *postCmd) Run(ctx context.Context, console *Console, cluster clusterFlag) error {
	body, err := c.text.read(ctx, console)
	if err != nil {
		return err
	}
	return c.visit(ctx, console, cluster, func(ctx context.Context, v *visit) error {
		answer, err := v.write(ctx, api.Request{Verb: api.Post, Author: v.author, Title: c.Title, Body: body}, c.Key)
		if err != nil {
			return err
		}
		return v.showWritten(answer, "article %s")
	})
}
