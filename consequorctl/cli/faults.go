package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"

	"consequor/supervisor"
)

// faultsCmd lists link faults with what came through all the same.
type faultsCmd struct {
	All bool `help:"Show all directions of all links, also those without a fault."`
}

func (c *faultsCmd) Help() string {
	return `A line for each direction of a link that has a fault. SENT is what its first end
has put on its way since its process began, RECEIVED what came through to the
other end, LOST what a cut or chance has taken, LATE what was sent with a delay.
Of a replica that gives no answer nothing is known (?).

  consequorctl faults
  consequorctl faults --all --json`
}

func (c *faultsCmd) Run(ctx context.Context, console *Console, name clusterFlag) error {
	cluster, err := name.find()
	if err != nil {
		return err
	}
	found, err := cluster.Links(ctx)
	if err != nil {
		return err
	}
	if !c.All {
		found.Links = slices.DeleteFunc(found.Links, func(l supervisor.Link) bool { return l.Whole() })
	}
	for _, s := range found.Missing {
		console.Note("no answer from %s: %s", s.Replica, s.Why)
	}
	err = console.Result(found, func(w io.Writer) { printLinks(w, console.Quiet, found.Links) })
	if slices.ContainsFunc(found.Links, func(l supervisor.Link) bool { return l.Loss > 0 || l.JitterMS > 0 }) {
		console.LastLine(fmt.Sprintf("chance is decided by seed %d, also in a topology that has it", found.Seed))
	}
	return err
}

func printLinks(w io.Writer, quiet bool, links []supervisor.Link) {
	if len(links) == 0 {
		if !quiet {
			fmt.Fprintln(w, "no link has a fault")
		}
		return
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if !quiet {
		fmt.Fprintln(table, "LINK\tFAULT\tCONNECTED\tSENT\tRECEIVED\tLOST\tLATE")
	}
	for _, l := range links {
		connected := "no"
		if l.Up {
			connected = "yes"
		}
		fmt.Fprintf(table, "%s -> %s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.From, l.To, l.Words(), connected,
			countOrUnknown(l.Sent), countOrUnknown(l.Received), countOrUnknown(l.Lost), countOrUnknown(l.Late))
	}
	_ = table.Flush() // to stdout, like every result
}

func countOrUnknown(n *uint64) string {
	if n == nil {
		return "?"
	}
	return strconv.FormatUint(*n, 10)
}
