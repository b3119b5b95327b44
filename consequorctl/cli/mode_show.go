package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"consequor/modes"
	"consequor/modes/builtin"
	"consequor/modes/modeplugin"
	"consequor/topologies"
)

// modeShowCmd shows a mode in words.
type modeShowCmd struct {
	modeSource
	Mode string `arg:"" optional:"" help:"The mode's name (default: the one that runs)."`
}

type modeShowResult struct {
	Name        string       `json:"name"`
	Version     string       `json:"version"`
	Running     bool         `json:"running"`
	Unsafe      bool         `json:"unsafe"` // it runs with options that break its promise
	Plugin      string       `json:"plugin"` // path; empty: built in
	SHA256      string       `json:"sha256"`
	Promise     string       `json:"promise"`
	Survives    string       `json:"survives"`
	ReplicasMax int          `json:"replicas_max"` // 0: any number
	Options     []modeOption `json:"options"`
}

type modeOption struct {
	Name    string  `json:"name"`
	Default string  `json:"default"`
	Meaning string  `json:"meaning"`
	Set     *string `json:"set"` // in the running cluster; null: the default holds there, or the mode does not run
}

func (c *modeShowCmd) Run(ctx context.Context, console *Console, name clusterFlag) error {
	s, err := c.look(ctx, console, name)
	if err != nil {
		return err
	}
	if c.Mode == "" && s.cluster == nil {
		return &Failure{Code: ExitUsage, Kind: "usage", Message: "no cluster is running whose mode could be shown", Hint: "name a mode: " + strings.Join(s.names(), ", ")}
	}
	if c.Mode == "" {
		c.Mode = s.cluster.Mode
	}
	mode, err := s.find(c.Mode)
	if err != nil {
		return err
	}
	d, err := describeMode(ctx, mode)
	if err != nil {
		return err
	}
	result := s.show(mode, d)
	return console.Result(result, func(w io.Writer) { printMode(w, result) })
}

// describeMode returns what a mode says of itself. One that is not built in is
// started for that, if its file has the sum that the topology names.
func describeMode(ctx context.Context, m topologies.Mode) (*modes.Description, error) {
	if e, ok := builtin.Lookup(m.Name); ok {
		return &e.Description, nil
	}
	dir, err := os.MkdirTemp("", "cq") // short: sockets go there
	if err != nil {
		return nil, fmt.Errorf("make a folder for the plugin of mode %s: %w", m.Name, err)
	}
	process, err := modeplugin.Launch(ctx, modeplugin.LaunchConfig{Path: m.Plugin, SHA256: m.SHA256, SocketDir: dir})
	if err != nil {
		err = &Failure{Code: ExitRefused, Kind: "not_prepared", Message: fmt.Sprintf("mode %s: %v", m.Name, err), Hint: "the topology must name the plugin's file and its sha256sum"}
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	d := process.Description()
	process.Kill()
	return &d, os.RemoveAll(dir)
}

func (s *surroundings) show(m topologies.Mode, d *modes.Description) modeShowResult {
	result := modeShowResult{
		Name: m.Name, Version: d.Version, Running: s.runs(m.Name), Plugin: m.Plugin, SHA256: m.SHA256,
		Promise: d.Promise, Survives: d.Survives, ReplicasMax: d.ReplicasMax, Options: []modeOption{},
	}
	result.Unsafe = result.Running && s.cluster.Unsafe
	for _, o := range d.Options {
		option := modeOption{Name: o.Name, Default: o.Default, Meaning: o.Meaning}
		if result.Running {
			for _, set := range s.cluster.Options {
				if set.Name == o.Name {
					option.Set = &set.Value
				}
			}
		}
		result.Options = append(result.Options, option)
	}
	return result
}

func printMode(w io.Writer, r modeShowResult) {
	head := "mode " + r.Name
	if r.Version != "" {
		head += ", version " + r.Version
	}
	if r.Plugin != "" {
		head += ", plugin " + r.Plugin
	}
	if r.Running {
		head += ": it runs" + unsafeNote(r.Unsafe)
	}
	fmt.Fprintf(w, "%s\n\nPromise: %s\n", inertLine(head), inertLines(cmp.Or(r.Promise, "it does not say")))
	if r.Survives != "" {
		fmt.Fprintf(w, "\nSurvives: %s\n", inertLines(r.Survives))
	}
	if r.ReplicasMax > 0 {
		fmt.Fprintf(w, "\nReplicas: at most %d\n", r.ReplicasMax)
	}
	if len(r.Options) == 0 {
		return
	}
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "OPTION\tDEFAULT\tHERE\tMEANING")
	for _, o := range r.Options {
		here := "-"
		if o.Set != nil {
			here = *o.Set
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", inertLine(o.Name), inertLine(cmp.Or(o.Default, "-")), inertLine(here), inertLine(o.Meaning))
	}
	_ = table.Flush() // to stdout, like every result
}
