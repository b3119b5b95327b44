package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"consequor/replicad/api"
	"consequor/supervisor"
)

// diffCmd compares two replicas' boards as they are. It reads them raw: to any
// other read a mode could first bring the board up to date, and the difference
// would be gone before it is seen.
type diffCmd struct {
	A       string        `arg:"" help:"A replica."`
	B       string        `arg:"" help:"Another one."`
	Content bool          `help:"Compare the content of what both have as well."`
	Count   int           `short:"n" help:"List at most so many articles of each side; all are counted." default:"1000"`
	Timeout time.Duration `help:"How long to try." default:"30s"`
}

// Help is what --help tells beyond the flags.
func (c *diffCmd) Help() string {
	return `For example: consequorctl diff r1 r3

The boards are compared as they are: nothing is brought up to date for it. What one lacks is the
difference of their vectors; with --content, every article that both have is read from both.

Exit codes: 0 the boards are equal, 1 they differ, 3 a replica cannot be asked.`
}

// Validate is called by the parser.
func (c *diffCmd) Validate() error {
	switch {
	case c.Count < 0:
		return fmt.Errorf("-n %d: want 0 or more", c.Count)
	case c.Timeout <= 0:
		return fmt.Errorf("--timeout %v: want more than 0s", c.Timeout)
	}
	return nil
}

type diffResult struct {
	A       string            `json:"a"`
	B       string            `json:"b"`
	OnlyA   []api.ArticleJSON `json:"only_a"` // by rising id, the first of them
	OnlyB   []api.ArticleJSON `json:"only_b"`
	CountA  int               `json:"count_a"` // all of them
	CountB  int               `json:"count_b"`
	VectorA string            `json:"vector_a"`
	VectorB string            `json:"vector_b"`
	Unlike  []string          `json:"unlike"`   // --content: ids under which the two have different articles
	Both    int               `json:"compared"` // --content: so many were compared
	Equal   bool              `json:"equal"`
}

func (c *diffCmd) Run(ctx context.Context, console *Console, name clusterFlag) error {
	cluster, err := name.find()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	status, err := cluster.Status(ctx)
	if err != nil {
		return err
	}
	for _, name := range []string{c.A, c.B} {
		if err := canBeAsked(status, name); err != nil {
			return err
		}
	}
	v := &visit{console: console}
	if err := v.dial(status); err != nil {
		return err
	}
	defer v.client.Close()
	result, err := c.compare(ctx, v.client)
	if err != nil {
		return err
	}
	if err := console.Result(result, func(w io.Writer) { result.print(w, console.Quiet) }); err != nil || result.Equal {
		return err
	}
	return &Failure{Code: ExitFailed, Kind: "differ", told: true, Message: fmt.Sprintf("%s and %s differ", c.A, c.B)}
}

// canBeAsked: a replica that only starts has a board, and shows it. One that is
// paused would not answer.
func canBeAsked(status *supervisor.ClusterStatus, name string) error {
	r := status.Replica(name)
	switch {
	case r == nil:
		return noSuchReplica(status, name)
	case r.State != supervisor.StateServing && r.State != supervisor.StateStarting:
		hint := "bring it back with: consequorctl restart " + name
		if r.State == supervisor.StatePaused {
			hint = "let it go on with: consequorctl resume " + name
		}
		return &Failure{Code: ExitRefused, Kind: api.KindNotConnected, Hint: hint,
			Message: fmt.Sprintf("%s is %s: nobody can see its board", name, r.State)}
	}
	return nil
}

// compare takes both boards' vectors, one right after the other, and then lists
// what lies between them: boards that grow meanwhile change nothing any more.
func (c *diffCmd) compare(ctx context.Context, client *api.Client) (*diffResult, error) {
	a, err := lookAt(ctx, client, c.A)
	if err != nil {
		return nil, err
	}
	b, err := lookAt(ctx, client, c.B)
	if err != nil {
		return nil, err
	}
	r := &diffResult{A: c.A, B: c.B, VectorA: a.vector.String(), VectorB: b.vector.String(), Unlike: []string{}}
	if r.OnlyA, r.CountA, err = a.beyond(ctx, b.vector, c.Count); err != nil {
		return nil, err
	}
	if r.OnlyB, r.CountB, err = b.beyond(ctx, a.vector, c.Count); err != nil {
		return nil, err
	}
	if c.Content {
		ids, compared, err := a.unlike(ctx, b)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			r.Unlike = append(r.Unlike, id.String())
		}
		r.Both = compared
	}
	r.Equal = a.vector.Equal(b.vector) && len(r.Unlike) == 0
	return r, nil
}

func (r *diffResult) print(w io.Writer, short bool) {
	if r.Equal && !short {
		fmt.Fprintf(w, "%s and %s have the same board, %s\n", r.A, r.B, r.VectorA)
	}
	printLacking(w, r.A, r.B, r.OnlyA, r.CountA, short)
	printLacking(w, r.B, r.A, r.OnlyB, r.CountB, short)
	for _, id := range r.Unlike {
		fmt.Fprintf(w, "%s and %s have different articles under %s\n", r.A, r.B, id)
	}
	switch {
	case short:
	case !r.Equal && r.CountA+r.CountB+len(r.Unlike) == 0: // what an origin last gave is a hole in both
		fmt.Fprintf(w, "%s and %s list the same articles, but are at %s and %s\n", r.A, r.B, r.VectorA, r.VectorB)
	case r.Both > 0:
		fmt.Fprintf(w, "compared the content of %s that both have\n", counted(r.Both, "article"))
	}
}

func printLacking(w io.Writer, has, lacks string, articles []api.ArticleJSON, count int, short bool) {
	if count == 0 {
		return
	}
	if short {
		for _, a := range articles {
			fmt.Fprintln(w, has, a.ID)
		}
		return
	}
	fmt.Fprintf(w, "only %s has, and %s lacks, %s:\n", has, lacks, counted(count, "article"))
	printList(w, articles, false)
	if left := count - len(articles); left > 0 {
		fmt.Fprintf(w, "and %d more: -n lists more of them\n", left)
	}
}
