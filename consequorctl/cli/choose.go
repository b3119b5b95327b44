package cli

import (
	"context"
	"fmt"
	"io"

	"consequor/replicad/api"
)

// chooseCmd opens one article with its parent and replies.
type chooseCmd struct {
	articleArg
	After string `help:"Go on with the replies after this one, or where the page before ended (its next)." placeholder:"ID"`
	Count int    `short:"n" help:"At most so many replies." default:"50"`
	Fresh bool   `help:"Not behind any post that was acknowledged before."`
	asking
}

type chooseResult struct {
	Article api.ArticleJSON   `json:"article"`
	Parent  *api.ArticleJSON  `json:"parent"` // null for a root
	Replies []api.ArticleJSON `json:"replies"`
	Next    *string           `json:"next"` // of the replies; null at the end
	served
}

func (c *chooseCmd) Run(ctx context.Context, console *Console, cluster clusterFlag) error {
	id, err := c.articleArg.parse()
	if err != nil {
		return err
	}
	return c.visit(ctx, console, cluster, func(ctx context.Context, v *visit) error {
		r := api.Request{Verb: api.Choose, Target: id, After: c.After, Count: c.Count, Fresh: c.Fresh}
		answer, err := v.ask(ctx, r)
		if err != nil {
			return err
		}
		return c.show(console, answer)
	})
}

func (c *chooseCmd) show(console *Console, answer *api.Answer) error {
	result := chooseResult{api.JSONOf(&answer.Article), nil, api.JSONOfAll(answer.Articles), nextOf(answer), servedBy(answer)}
	if answer.Parent != nil {
		parent := api.JSONOf(answer.Parent)
		result.Parent = &parent
	}
	err := console.Result(result, func(w io.Writer) { result.print(w, console.Quiet) })
	if result.Next != nil && !console.JSON {
		console.Note("there are more replies: --after %s", *result.Next)
	}
	console.LastLine(result.line())
	return err
}

func (r *chooseResult) print(w io.Writer, short bool) {
	printArticle(w, r.Article)
	if short {
		return
	}
	if r.Parent != nil {
		fmt.Fprintln(w, "\nunder:")
		printList(w, []api.ArticleJSON{*r.Parent}, false)
	}
	if len(r.Replies) > 0 {
		fmt.Fprintln(w, "\nreplies:")
		printList(w, r.Replies, false)
	}
}
