package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"consequor/modes/builtin"
	"consequor/supervisor"
	"consequor/topologies"
)

// modeCmd is about modes: which there are, what each promises, and the change
// from one to another while the board is live.
type modeCmd struct {
	List modeListCmd `cmd:"" help:"List the modes, and which one runs."`
	Show modeShowCmd `cmd:"" help:"Show what a mode promises, what it survives, and its options."`
	Swap modeSwapCmd `cmd:"" help:"Change the running cluster to another mode, while its board is live."`
}

// modeSource is where modes other than the built-in ones come from.
type modeSource struct {
	Topology string `help:"The topology whose own modes count (default: that of the running cluster)." placeholder:"FILE"`
}

// surroundings are the running cluster, if there is one, and the topology whose
// own modes count, if there is one.
type surroundings struct {
	cluster  *supervisor.ClusterStatus
	topology *topologies.Topology
}

// look finds both. No cluster need run, unless one was named; nor need the file
// still be there from which the one that runs was made.
func (m modeSource) look(ctx context.Context, console *Console, name clusterFlag) (surroundings, error) {
	var s surroundings
	var err error
	if s.cluster, err = runningCluster(ctx, name); err != nil {
		return s, err
	}
	if m.Topology != "" {
		_, s.topology, err = loadTopology(console, m.Topology, topologies.Options{})
		return s, err
	}
	if s.cluster != nil {
		if _, s.topology, err = loadTopology(console, s.cluster.Topology, topologies.Options{}); err != nil {
			console.Note("the modes of the cluster's own topology are not known: %s", inertLines(err.Error()))
		}
	}
	return s, nil
}

func runningCluster(ctx context.Context, name clusterFlag) (*supervisor.ClusterStatus, error) {
	cluster, err := name.find()
	if err == nil {
		return cluster.Status(ctx)
	}
	var e *supervisor.Error
	if named := cmp.Or(string(name), os.Getenv("CONSEQUOR_CLUSTER")); named == "" && errors.As(err, &e) && e.Kind == supervisor.KindNotRunning {
		return nil, nil
	}
	return nil, err
}

// runs reports whether the cluster runs in the mode of this name.
func (s *surroundings) runs(mode string) bool { return s.cluster != nil && s.cluster.Mode == mode }

// own returns the topology's modes that are not built in.
func (s *surroundings) own() []topologies.Mode {
	if s.topology == nil {
		return nil
	}
	return s.topology.Modes
}

// find returns a mode by its name.
func (s *surroundings) find(name string) (topologies.Mode, error) {
	if _, ok := builtin.Lookup(name); ok {
		return topologies.Mode{Name: name}, nil
	}
	for _, m := range s.own() {
		if m.Name == name {
			return m, nil
		}
	}
	return topologies.Mode{}, &Failure{Code: ExitUsage, Kind: "unknown_mode", Message: fmt.Sprintf("unknown mode %q", name), Hint: "known are " + strings.Join(s.names(), ", ")}
}

func (s *surroundings) names() []string {
	var names []string
	for _, row := range s.rows() {
		names = append(names, row.Name)
	}
	return names
}

// modeListCmd lists modes.
type modeListCmd struct{ modeSource }

type modeListResult struct {
	Cluster *string   `json:"cluster"` // null: none runs
	Modes   []modeRow `json:"modes"`   // by name
}

type modeRow struct {
	Name    string `json:"name"`
	Running bool   `json:"running"`
	Plugin  string `json:"plugin"`  // path; empty: built in
	SHA256  string `json:"sha256"`  // that the plugin must have
	Promise string `json:"promise"` // empty: only the plugin can say; see mode show
}

func (s *surroundings) rows() []modeRow {
	rows := []modeRow{}
	for _, e := range builtin.Modes() {
		rows = append(rows, modeRow{Name: e.Description.Name, Promise: e.Description.Promise})
	}
	for _, m := range s.own() {
		rows = append(rows, modeRow{Name: m.Name, Plugin: m.Plugin, SHA256: m.SHA256})
	}
	slices.SortFunc(rows, func(a, b modeRow) int { return strings.Compare(a.Name, b.Name) })
	for i := range rows {
		rows[i].Running = s.runs(rows[i].Name)
	}
	return rows
}

func (c *modeListCmd) Run(ctx context.Context, console *Console, name clusterFlag) error {
	s, err := c.look(ctx, console, name)
	if err != nil {
		return err
	}
	result := modeListResult{Modes: s.rows()}
	if s.cluster != nil {
		result.Cluster = &s.cluster.Cluster
	}
	return console.Result(result, func(w io.Writer) {
		if console.Quiet {
			fmt.Fprintln(w, strings.Join(s.names(), "\n"))
			return
		}
		printModes(w, result.Modes)
	})
}

func printModes(w io.Writer, rows []modeRow) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "MODE\tRUNS\tPROMISE")
	for _, r := range rows {
		runs := "-"
		if r.Running {
			runs = "runs"
		}
		promise := firstSentence(r.Promise)
		if r.Plugin != "" {
			promise = "by the plugin " + r.Plugin + ": see mode show " + r.Name
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", r.Name, runs, inertLine(promise))
	}
	_ = table.Flush() // to stdout, like every result
}

func firstSentence(text string) string {
	first, _, more := strings.Cut(text, ". ")
	if more {
		first += "."
	}
	return first
}
