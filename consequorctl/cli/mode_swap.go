package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"consequor/modes"
	"consequor/modes/builtin"
	"consequor/supervisor"
	"consequor/topologies"
)

// modeSwapCmd changes the mode of the running cluster.
type modeSwapCmd struct {
	Mode    string        `arg:"" help:"The mode's name: a built-in one, or one that the cluster's topology file names now."`
	Option  []string      `help:"Set an option of the mode; give it once for each." placeholder:"NAME=VALUE" sep:"none"`
	Timeout time.Duration `help:"How long to wait for the end; the change itself goes on." default:"150s"`
}

// Validate is called by the parser.
func (c *modeSwapCmd) Validate() error {
	if c.Mode == "" { // to the topology that would mean its own mode, which nobody asked for
		return errors.New("no mode is named")
	}
	if c.Timeout <= 0 {
		return fmt.Errorf("--timeout %v: want more than 0", c.Timeout)
	}
	_, err := parseOptions(c.Option)
	return err
}

// parseOptions reads the options that --option has given, each as NAME=VALUE.
func parseOptions(texts []string) ([]modes.Option, error) {
	var options []modes.Option
	for _, text := range texts {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" || value == "" {
			return nil, fmt.Errorf("--option %s: want NAME=VALUE", text)
		}
		if slices.ContainsFunc(options, func(o modes.Option) bool { return o.Name == name }) {
			return nil, fmt.Errorf("--option %s is given twice", name)
		}
		options = append(options, modes.Option{Name: name, Value: value})
	}
	return options, nil
}

func (c *modeSwapCmd) Run(ctx context.Context, console *Console, name clusterFlag) error {
	cluster, err := name.find()
	if err != nil {
		return err
	}
	status, err := cluster.Status(ctx)
	if err != nil {
		return err
	}
	options, err := parseOptions(c.Option)
	if err != nil {
		return err
	}
	mode, err := resolveMode(ctx, console, status, c.Mode, options)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	w := &swapWatch{console: console, status: cluster.Status, mode: mode.Name, from: status.Mode}
	result, err := cluster.Swap(ctx, supervisor.SwapRequest{Mode: *mode}, w.note)
	switch {
	case err != nil:
		result, err = w.unheard(err)
	case len(result.Missing) > 0:
		err = w.notServing(mode, result, status)
	}
	if err != nil {
		return err
	}
	return console.Result(result, func(out io.Writer) { printSwap(out, console.Quiet, result) })
}

// resolveMode makes of a name and options what a cluster can be changed to. The
// cluster's topology file is read again: a plugin that was built anew has
// another sum there. The options that the file gives to this mode hold, but for
// those that are given here.
func resolveMode(ctx context.Context, console *Console, status *supervisor.ClusterStatus, name string, options []modes.Option) (*topologies.Mode, error) {
	t, err := loadFor(console, status, topologies.Options{Mode: name, ModeOptions: options})
	var failure *Failure
	if errors.As(err, &failure) { // the mode is no flag here
		failure.Message = strings.TrimPrefix(failure.Message, "--mode: ")
	}
	if err != nil {
		return nil, err
	}
	for _, warning := range t.Warnings {
		if warning.Line == 0 { // of what was asked for; what the file says was told at up
			console.Note("warning: %s", warning)
		}
	}
	if t.Mode.Plugin != "" && len(options) > 0 {
		err = checkOptionNames(ctx, t.Mode, options)
	}
	return &t.Mode, err
}

// loadFor reads the topology file of a running cluster as it stands now. When it
// is gone, or cannot be read, built-in modes can still be had.
func loadFor(console *Console, status *supervisor.ClusterStatus, o topologies.Options) (*topologies.Topology, error) {
	_, t, err := loadTopology(console, status.Topology, topologies.Options{})
	if _, ok := builtin.Lookup(o.Mode); ok && err != nil {
		console.Note("warning: what the topology says of mode %s is not known: %s", o.Mode, inertLines(err.Error()))
		return withoutFile(status, o)
	}
	if err != nil {
		return nil, err
	}
	if len(t.Replicas) != len(status.Replicas) { // it was brought up with --replicas
		o.Replicas = len(status.Replicas)
	}
	_, t, err = loadTopology(console, status.Topology, o)
	return t, err
}

// withoutFile is the topology of a running cluster as far as it can be told from
// its status.
func withoutFile(status *supervisor.ClusterStatus, o topologies.Options) (*topologies.Topology, error) {
	o.Modes, o.Exhibits, o.Check = builtinModes(), descriptions(builtin.Exhibits()), builtin.Check
	text := fmt.Sprintf("name: %s\nreplicas: %d\n", status.Cluster, len(status.Replicas))
	t, err := topologies.Parse("the running cluster", []byte(text), o)
	if err != nil {
		return nil, &Failure{Code: ExitUsage, Kind: "topology", Message: err.Error()}
	}
	return t, nil
}

// checkOptionNames asks the plugin which options it has.
func checkOptionNames(ctx context.Context, m topologies.Mode, options []modes.Option) error {
	d, err := describeMode(ctx, m)
	if err != nil {
		return err
	}
	for _, o := range options {
		if !slices.ContainsFunc(d.Options, func(known modes.OptionDescription) bool { return known.Name == o.Name }) {
			return &Failure{Code: ExitUsage, Kind: "usage", Message: fmt.Sprintf("mode %s has no option %q", m.Name, o.Name), Hint: "see: consequorctl mode show " + m.Name}
		}
	}
	return nil
}

func printSwap(w io.Writer, quiet bool, r *supervisor.SwapResult) {
	if quiet {
		fmt.Fprintln(w, r.Epoch)
		return
	}
	runs := "runs"
	if len(r.Missing) > 0 {
		runs = "is decided, and begins"
	}
	fmt.Fprintf(w, "mode %s %s in epoch %d, after %s", r.Mode, runs, r.Epoch, r.From)
	if len(r.Steps) > 0 {
		steps := make([]string, len(r.Steps))
		for i, s := range r.Steps {
			steps[i] = fmt.Sprintf("%s %.1f ms", s.Step, s.MS)
		}
		fmt.Fprintf(w, "; posts waited %.1f ms (%s)", r.PauseMS, strings.Join(steps, ", "))
	}
	fmt.Fprintln(w)
	if len(r.Missing) > 0 {
		fmt.Fprintf(w, "not yet on %s: there it begins as soon as they can; see consequorctl status\n", strings.Join(r.Missing, ", "))
	}
}
