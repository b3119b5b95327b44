package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"consequor/supervisor"
)

// act does to a target what kill, stop, pause, resume and restart have in
// common: ask the supervisor, and name every replica hit.
func act(ctx context.Context, console *Console, name clusterFlag, verb supervisor.Verb, target string, o supervisor.ActOptions) error {
	cluster, err := name.find()
	if err != nil {
		return err
	}
	done, err := cluster.Act(ctx, verb, target, o)
	if err != nil {
		return err
	}
	if done.Replicas == nil {
		done.Replicas = []string{}
	}
	return console.Result(done, func(w io.Writer) { printAct(w, verb, done) })
}

var pastTense = map[supervisor.Verb]string{
	supervisor.Kill:    "killed",
	supervisor.Stop:    "stopped",
	supervisor.Pause:   "paused",
	supervisor.Resume:  "resumed",
	supervisor.Restart: "restarted",
}

func printAct(w io.Writer, verb supervisor.Verb, done *supervisor.ActResult) {
	what := strings.Join(done.Replicas, ", ")
	if strings.HasPrefix(done.Target, "plugin:") {
		what = "the plugin of " + what
	}
	var about []string
	if done.Role != "" {
		about = append(about, done.Role)
	}
	if done.PID != 0 {
		about = append(about, fmt.Sprintf("pid %d", done.PID))
	}
	if len(about) > 0 {
		what += " (" + strings.Join(about, ", ") + ")"
	}
	if done.Idle {
		fmt.Fprintf(w, "%s was not paused\n", what)
		return
	}
	fmt.Fprintf(w, "%s %s\n", pastTense[verb], what)
}

// target is the argument that the five share.
type target struct {
	Target string `arg:"" help:"A replica's name, coordinator, backup, or plugin: before any of these."`
}

// waiting is for what brings a replica back.
type waiting struct {
	Wait time.Duration `help:"Wait so long until the replica serves (0: do not wait)." default:"0s"`
}
