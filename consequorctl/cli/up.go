package cli

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"consequor/modes"
	"consequor/modes/builtin"
	"consequor/supervisor"
	"consequor/topologies"
	"consequor/web"
)

// upCmd starts the cluster of a topology: in the foreground until it is
// interrupted, or, with -d, as a daemon.
type upCmd struct {
	Topology  string        `arg:"" help:"The topology file; of those that come with the program, the name is enough."`
	Detach    bool          `short:"d" help:"Return when all replicas serve, and leave them running."`
	Mode      string        `help:"The mode, instead of the topology's." placeholder:"MODE"`
	Replicas  *int          `help:"How many replicas, instead of the topology's." placeholder:"N"`
	Web       string        `help:"Where the web client listens, on loopback (default: the topology's, else a free port that is kept)." xor:"web" placeholder:"ADDR"`
	NoWeb     bool          `help:"Without a web client."  xor:"web"`
	Ephemeral bool          `help:"Keep the data only until the cluster goes down."`
	Wait      time.Duration `help:"How long the replicas may take until they serve." default:"30s"`
	ReadyFD   int           `name:"ready-fd" hidden:"" help:"Tell on this descriptor how the start went."`
}

// Validate is called by the parser.
func (c *upCmd) Validate() error {
	switch {
	case c.Replicas != nil && *c.Replicas < 1:
		return fmt.Errorf("--replicas %d: want 1 or more", *c.Replicas)
	case c.Web != "":
		return checkWebAddr(c.Web)
	}
	return nil
}

// options are what the command line says instead of the topology.
func (c *upCmd) options() topologies.Options {
	o := topologies.Options{Mode: c.Mode}
	if c.Replicas != nil {
		o.Replicas = *c.Replicas
	}
	return o
}

func (c *upCmd) Run(ctx context.Context, console *Console, name clusterFlag) error {
	origin, topology, err := loadTopology(console, c.Topology, c.options())
	if err != nil {
		return c.late(err)
	}
	topology.Name = cmp.Or(string(name), topology.Name)
	for _, warning := range topology.Warnings {
		console.Note("warning: %s", warning)
	}
	if c.Detach {
		return c.detach(ctx, console, origin, topology)
	}
	if err := c.writesLog(console, topology.Name); err != nil {
		return c.late(err)
	}
	return c.late(c.foreground(ctx, console, topology))
}

// foreground is the supervisor: it returns when the cluster is down.
func (c *upCmd) foreground(ctx context.Context, console *Console, topology *topologies.Topology) error {
	token := rand.Text()
	webClient, err := c.web(console, token)
	if err != nil {
		return err
	}
	var printing error // the first trouble; events come one at a time
	err = supervisor.Run(ctx, supervisor.Config{
		Web:        webClient,
		WebAddr:    cmp.Or(c.Web, topology.Web),
		WebControl: web.ControlURL("", token),
		Topology:   topology,
		ModeAsked:  c.Mode != "",
		Command:    []string{console.Self, "replicad", "--supervised"},
		Ephemeral:  c.Ephemeral,
		Wait:       c.Wait,
		Event: func(e supervisor.Event) {
			if err := printEvent(console, topology.Name, e); printing == nil {
				printing = err
			}
		},
		Ready: func(s *supervisor.ClusterStatus) {
			if c.ReadyFD == 0 && s.WebControl != nil { // a daemon's log is no place for it
				console.Note("control the cluster from a browser at %s", *s.WebControl)
			}
			c.ready(s)
		},
		Now: console.Now,
	})
	return errors.Join(err, printing)
}

// printEvent prints one line: when, who, what.
func printEvent(console *Console, cluster string, e supervisor.Event) error {
	return console.Result(e, func(w io.Writer) {
		fmt.Fprintf(w, "%s %-8s | %s\n", e.Time.Local().Format("15:04:05.000"), cmp.Or(e.Replica, cluster), inertLines(e.Text))
	})
}

// loadTopology reads a topology file or, where there is none, the sample of
// that name. origin is what names the same topology in any other folder.
func loadTopology(console *Console, name string, o topologies.Options) (origin string, t *topologies.Topology, err error) {
	o.Modes, o.Exhibits, o.Check = builtinModes(), descriptions(builtin.Exhibits()), builtin.Check
	if origin, err = filepath.Abs(console.Path(name)); err != nil {
		return "", nil, fmt.Errorf("where the topology is: %w", err)
	}
	t, err = topologies.Load(console.Path(name), o)
	if errors.Is(err, fs.ErrNotExist) {
		if data, ok := sampleOf(name); ok {
			origin = strings.TrimSuffix(filepath.Base(name), ".yaml")
			if t, err = topologies.Parse(console.Path(name), data, o); err == nil {
				t.Path = origin // there is no file
			}
		}
	}
	if err == nil {
		return origin, t, nil
	}
	failure := &Failure{Code: ExitUsage, Kind: "topology", Message: err.Error()}
	if errors.Is(err, fs.ErrNotExist) {
		failure.Hint = "these come with the program: " + strings.Join(topologies.Samples(), ", ")
	}
	return "", nil, failure
}

// sampleOf knows the samples by name and by their path in the source tree.
func sampleOf(name string) ([]byte, bool) {
	if folder := filepath.Base(filepath.Dir(name)); folder != "topologies" && filepath.Dir(name) != "." {
		return nil, false
	}
	return topologies.Sample(strings.TrimSuffix(filepath.Base(name), ".yaml"))
}

func builtinModes() []modes.Description { return descriptions(builtin.Modes()) }

func descriptions(entries []builtin.Entry) []modes.Description {
	var list []modes.Description
	for _, e := range entries {
		list = append(list, e.Description)
	}
	return list
}

// args gives the command line for the daemon that does the same.
func (c *upCmd) args(origin, cluster string) []string {
	args := []string{"up", origin, "--cluster", cluster, "--wait", c.Wait.String(), "--ready-fd", strconv.Itoa(readyFD)}
	if c.Mode != "" {
		args = append(args, "--mode", c.Mode)
	}
	if c.Replicas != nil {
		args = append(args, "--replicas", strconv.Itoa(*c.Replicas))
	}
	if c.Ephemeral {
		args = append(args, "--ephemeral")
	}
	if c.Web != "" {
		args = append(args, "--web", c.Web)
	}
	if c.NoWeb {
		args = append(args, "--no-web")
	}
	return args
}

func printUp(w io.Writer, s *supervisor.ClusterStatus, took time.Duration) {
	names := make([]string, len(s.Replicas))
	for i, r := range s.Replicas {
		names[i] = r.Name
	}
	fmt.Fprintf(w, "cluster %s is up: %s in mode %s%s, after %v (supervisor pid %d)\n",
		s.Cluster, strings.Join(names, ", "), s.Mode, unsafeNote(s.Unsafe), took.Round(time.Millisecond), s.SupervisorPID)
	printWeb(w, s.Web, s.WebControl)
}

// readyPipe is where a daemon tells its caller how the start went; nil in the
// foreground.
func (c *upCmd) readyPipe() *os.File {
	if c.ReadyFD == 0 {
		return nil
	}
	return os.NewFile(uintptr(c.ReadyFD), "ready pipe")
}
