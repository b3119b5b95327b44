package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"consequor/supervisor"
)

const (
	promptLimit  = 500 * time.Millisecond // for a supervisor to say how its cluster is before a prompt
	promptLook   = time.Second            // between looks whether a cluster has come up
	promptNone   = "(none) > "
	promptSilent = "(no answer) > "
)

// promptNow tells how the cluster is that a line would address:
//
//	three sequential 3/3 r1* >     its name, mode, how many of all serve, who coordinates
//	three sequential 2/3 -* >      nobody coordinates at the moment
//	three quorum 3/3 >             in this mode nobody does
//	three quorum 3/3 4 faults >    so many links are not whole, each direction for itself
//	(three, five) >                several run, and none was named
//	(none) >                       none runs
func promptNow(ctx context.Context) string {
	cluster, err := supervisor.Find("")
	if err != nil {
		return promptWithout(err)
	}
	ctx, cancel := soon(ctx)
	defer cancel()
	status, err := cluster.Status(ctx)
	switch {
	case err == nil:
		return promptOf(status)
	case errors.Is(err, context.DeadlineExceeded):
		return promptSilent
	}
	return promptNone
}

// soon bounds what the user waits for without having asked.
func soon(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, promptLimit)
}

func promptWithout(err error) string {
	var e *supervisor.Error
	if errors.As(err, &e) && e.Kind == supervisor.KindAmbiguous {
		_, names, _ := strings.Cut(e.Message, ": ")
		return "(" + names + ") > "
	}
	return promptNone
}

func promptOf(s *supervisor.ClusterStatus) string {
	serving := 0
	for _, r := range s.Replicas {
		if r.State == supervisor.StateServing {
			serving++
		}
	}
	text := fmt.Sprintf("%s %s %d/%d", s.Cluster, s.Mode, serving, len(s.Replicas))
	switch {
	case s.Coordinator != nil:
		text += " " + *s.Coordinator + "*"
	case !leaderless(s):
		text += " -*"
	}
	if s.Unsafe {
		text += " unsafe"
	}
	if n := len(s.Faults); n > 0 {
		text += " " + counted(n, "fault")
	}
	return text + " > "
}

// followPrompt tells each new prompt until ctx ends.
func followPrompt(ctx context.Context, tell func(string)) {
	last := ""
	change := func(prompt string) {
		if prompt != last {
			last = prompt
			tell(prompt)
		}
	}
	for ctx.Err() == nil {
		cluster, err := supervisor.Find("")
		if err == nil {
			err = cluster.WatchStatus(ctx, func(s *supervisor.ClusterStatus) error {
				change(promptOf(s))
				return nil
			})
		}
		if ctx.Err() != nil {
			return
		}
		change(promptWithout(err))
		select {
		case <-time.After(promptLook):
		case <-ctx.Done():
		}
	}
}
