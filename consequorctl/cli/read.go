package cli

import (
	"context"
	"io"

	"consequor/board"
	"consequor/replicad/api"
)

// readCmd lists articles, a page at a time.
type readCmd struct {
	All   bool   `help:"List replies as well as roots."`
	After string `help:"Go on after this article, or where the page before ended (its next)." placeholder:"ID"`
	Since string `help:"Follow the board: list what came since a token, replies too; the answer has the next token." placeholder:"TOKEN"`
	Count int    `short:"n" help:"At most so many articles." default:"50"`
	Fresh bool   `help:"Not behind any post that was acknowledged before."`
	asking
}

type readResult struct {
	Articles []api.ArticleJSON `json:"articles"`
	Next     *string           `json:"next"` // null at the end
	served
}

func (c *readCmd) Run(ctx context.Context, console *Console, cluster clusterFlag) error {
	if c.Count < 1 || c.Count > board.PageCountMax {
		return usagef("-n %d: a page has 1 to %d articles", c.Count, board.PageCountMax)
	}
	if _, err := board.ParseToken(c.Since); err != nil {
		return &Failure{Code: ExitUsage, Kind: "usage", Message: "--since: " + err.Error(), Hint: "every answer has a token: see consequorctl read --json"}
	}
	return c.visit(ctx, console, cluster, func(ctx context.Context, v *visit) error {
		r := api.Request{Verb: api.Read, All: c.All, After: c.After, Since: c.Since, Count: c.Count, Fresh: c.Fresh}
		answer, err := v.ask(ctx, r)
		if err != nil {
			return err
		}
		return c.show(console, answer)
	})
}

func (c *readCmd) show(console *Console, answer *api.Answer) error {
	result := readResult{api.JSONOfAll(answer.Articles), nextOf(answer), servedBy(answer)}
	err := console.Result(result, func(w io.Writer) { printList(w, result.Articles, console.Quiet) })
	if !console.JSON {
		c.noteHow(console, &result)
	}
	console.LastLine(result.line())
	return err
}

// noteHow says how to go on. Who follows the board goes on with the token, at
// the end as well; a listing has pages.
func (c *readCmd) noteHow(console *Console, r *readResult) {
	switch {
	case c.Since != "" && r.Next != nil:
		console.Note("there is more: --since %s", r.Token)
	case c.Since != "":
		console.Note("what comes next: --since %s", r.Token)
	case r.Next != nil:
		console.Note("there is more: --after %s", *r.Next)
	}
}

func nextOf(answer *api.Answer) *string {
	if answer.Next == "" {
		return nil
	}
	return &answer.Next
}
