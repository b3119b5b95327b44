package cli

import (
	"context"

	"consequor/board"
	"consequor/replicad/api"
)

// articleArg is the article that a request is about.
type articleArg struct {
	ID string `arg:"" name:"id" help:"The article's id."`
}

func (a *articleArg) parse() (board.ArticleID, error) {
	id, err := board.ParseArticleID(a.ID)
	if err != nil {
		return id, usagef("%v", err)
	}
	return id, nil
}

// replyCmd adds an article under another one.
type replyCmd struct {
	articleArg
	Title string `short:"t" help:"A title of its own." placeholder:"TITLE"`
	text
	asking
	keyed
}

func (c *replyCmd) Run(ctx context.Context, console *Console, cluster clusterFlag) error {
	parent, err := c.articleArg.parse()
	if err != nil {
		return err
	}
	body, err := c.text.read(ctx, console)
	if err != nil {
		return err
	}
	return c.visit(ctx, console, cluster, func(ctx context.Context, v *visit) error {
		r := api.Request{Verb: api.Reply, Target: parent, Author: v.author, Title: c.Title, Body: body}
		answer, err := v.write(ctx, r, c.Key)
		if err != nil {
			return err
		}
		return v.showWritten(answer, "article %s, under "+parent.String())
	})
}
