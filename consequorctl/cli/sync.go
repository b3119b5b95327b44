package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"consequor/replicad/api"
)

// syncCmd brings the replica, and where the mode says so all, up to date.
type syncCmd struct {
	asking
}

type syncResult struct {
	Reached []string `json:"reached"`
	Count   int      `json:"count"` // articles that it brought
	served
}

func (c *syncCmd) Run(ctx context.Context, console *Console, cluster clusterFlag) error {
	return c.visit(ctx, console, cluster, func(ctx context.Context, v *visit) error {
		answer, err := v.ask(ctx, api.Request{Verb: api.Sync})
		if err != nil {
			return err
		}
		result := syncResult{api.OrEmpty(answer.Reached), answer.Count, servedBy(answer)}
		err = console.Result(result, result.print)
		console.LastLine(result.line())
		return err
	})
}

func (r syncResult) print(w io.Writer) {
	fmt.Fprintf(w, "%s is up to date: %s came", r.Replica, counted(r.Count, "article"))
	if len(r.Reached) > 0 {
		fmt.Fprintf(w, ", reached %s", strings.Join(r.Reached, ", "))
	}
	if len(r.Missed) > 0 {
		fmt.Fprintf(w, ", missed %s", strings.Join(r.Missed, ", "))
	}
	fmt.Fprintln(w)
}
