package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"consequor/modes"
	"consequor/replicad/api"
	"consequor/supervisor"
)

// statusCmd shows a row per replica.
type statusCmd struct {
	Watch bool `help:"Show it again whenever something changes, until interrupted."`
}

func (c *statusCmd) Run(ctx context.Context, console *Console, name clusterFlag) error {
	cluster, err := name.find()
	if err != nil {
		return err
	}
	if c.Watch {
		return watchStatus(ctx, console, cluster)
	}
	status, err := cluster.Status(ctx)
	if err != nil {
		return err
	}
	return showStatus(console, status)
}

const clearScreen = "\x1b[H\x1b[2J"

func watchStatus(ctx context.Context, console *Console, cluster *supervisor.Client) error {
	err := cluster.WatchStatus(ctx, func(status *supervisor.ClusterStatus) error {
		if console.Terminal && !console.JSON {
			fmt.Fprint(console.Stdout, clearScreen)
		}
		return showStatus(console, status)
	})
	if ctx.Err() != nil {
		return nil // interrupted: that is how watching ends
	}
	return err
}

func showStatus(console *Console, status *supervisor.ClusterStatus) error {
	if status.Replicas == nil {
		status.Replicas = []supervisor.ReplicaStatus{}
	}
	if status.Faults == nil {
		status.Faults = []supervisor.LinkFault{}
	}
	return console.Result(status, func(w io.Writer) {
		if !console.Quiet {
			printStatusHead(w, status)
		}
		printReplicas(w, status.Replicas)
	})
}

func printStatusHead(w io.Writer, s *supervisor.ClusterStatus) {
	fmt.Fprintf(w, "cluster %s, mode %s%s, epoch %d%s, supervisor pid %d\n",
		s.Cluster, s.Mode, unsafeNote(s.Unsafe), s.Epoch, offices(s), s.SupervisorPID)
	if r := changing(s); r != nil {
		fmt.Fprintf(w, "its mode is being changed: %s waits for step %s\n", r.Name, r.Change)
	}
	for _, line := range linkLines(s.Faults) {
		fmt.Fprintf(w, "link %s\n", line)
	}
	printWeb(w, s.Web, s.WebControl)
}

// changing is the first replica that a mode change waits for; nil: none.
func changing(s *supervisor.ClusterStatus) *supervisor.ReplicaStatus {
	for i := range s.Replicas {
		if s.Replicas[i].Change != "" {
			return &s.Replicas[i]
		}
	}
	return nil
}

// unsafeNote stands behind the name of a mode whose options break its promise.
func unsafeNote(unsafe bool) string {
	if unsafe {
		return " (unsafe: its options break its promise)"
	}
	return ""
}

// offices names who coordinates, but for modes that know no such office: there
// the replicas are peers.
func offices(s *supervisor.ClusterStatus) string {
	if slices.ContainsFunc(s.Replicas, func(r supervisor.ReplicaStatus) bool { return r.Role == string(modes.RolePeer) }) {
		return ""
	}
	return fmt.Sprintf(", coordinator %s, backup %s", nameOrNone(s.Coordinator), nameOrNone(s.Backup))
}

func nameOrNone(name *string) string {
	if name == nil {
		return "none"
	}
	return *name
}

func printReplicas(w io.Writer, replicas []supervisor.ReplicaStatus) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "REPLICA\tSTATE\tROLE\tTERM\tARTICLES\tBEHIND\tPID\tPLUGIN\tRESTARTS\tCLIENTS AT\tPEERS AT\tWHY NOT SERVING")
	for _, r := range replicas {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n",
			r.Name, r.State, cmp.Or(r.Role, "-"), termOrNone(r.Term), r.Articles, r.Behind,
			pidOrNone(r.PID), pidOrNone(r.PluginPID), restarts(r), r.ClientAddr, r.PeerAddr, inertLine(why(r)))
	}
	_ = table.Flush() // to stdout, like every result
}

// why is the first line of what keeps a replica from serving; status --json and
// its log have the rest.
func why(r supervisor.ReplicaStatus) string {
	line, _, _ := strings.Cut(r.Why, "\n")
	line = strings.TrimSuffix(line, "; its last words:")
	if line == "" && r.State == supervisor.StateStarting {
		line = stepAwaited[r.Step]
	}
	if line != "" && (r.State == supervisor.StateServing || r.State == supervisor.StateStarting) {
		return "waits for " + line
	}
	return line
}

// stepAwaited is what a replica waits for that has come so far, and does not say
// more itself.
var stepAwaited = map[string]string{
	string(api.Started): "its mode to say that it has joined its peers",
	string(api.Joined):  "its mode to say that it has caught up",
}

func termOrNone(term uint64) string {
	if term == 0 {
		return "-" // it knows none, or its mode has none
	}
	return strconv.FormatUint(term, 10)
}

func pidOrNone(pid int) string {
	if pid == 0 {
		return "-"
	}
	return strconv.Itoa(pid)
}

// restarts counts the process's and, when there were any, its plugin's.
func restarts(r supervisor.ReplicaStatus) string {
	if r.PluginRestarts == 0 {
		return strconv.Itoa(r.Restarts)
	}
	return fmt.Sprintf("%d+%d", r.Restarts, r.PluginRestarts)
}
