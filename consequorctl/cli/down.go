package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"consequor/supervisor"
)

// downCmd stops a cluster and, with --wipe, removes what it kept.
type downCmd struct {
	Wipe bool `help:"Remove the cluster's data, logs and sessions as well, after asking."`
	Yes  bool `help:"Do not ask."`
	Now  bool `help:"Kill the replicas instead of stopping them in order."`
}

type downResult struct {
	Cluster string `json:"cluster"`
	Stopped bool   `json:"stopped"` // it was running
	Wiped   bool   `json:"wiped"`
}

func (c *downCmd) Run(ctx context.Context, console *Console, name clusterFlag) error {
	if c.Wipe {
		if err := c.confirm(ctx, console, name); err != nil {
			return err
		}
	}
	result, err := c.stop(ctx, console, name)
	if err != nil {
		return err
	}
	return console.Result(result, func(w io.Writer) {
		if result.Stopped {
			fmt.Fprintf(w, "cluster %s is down\n", result.Cluster)
		}
		if result.Wiped {
			fmt.Fprintf(w, "cluster %s is wiped\n", result.Cluster)
		}
	})
}

func (c *downCmd) stop(ctx context.Context, console *Console, name clusterFlag) (*downResult, error) {
	result := new(downResult)
	home, err := name.home()
	if err != nil {
		return nil, err
	}
	result.Cluster = filepath.Base(home)
	cluster, err := supervisor.Dial(home)
	if err == nil {
		err = cluster.Down(ctx, c.Now, func(p supervisor.Progress) {
			if !p.Done {
				console.Note("%s", p.Text)
			}
		})
		result.Stopped = err == nil
	}
	var e *supervisor.Error
	if c.Wipe && errors.As(err, &e) && e.Kind == supervisor.KindNotRunning {
		err = nil // there is nothing to stop, but something to wipe
	}
	if err == nil && c.Wipe {
		err = supervisor.Wipe(home)
		result.Wiped = err == nil
	}
	return result, err
}

// confirm asks before anything is removed; without somebody to ask it wants
// to be told.
func (c *downCmd) confirm(ctx context.Context, console *Console, name clusterFlag) error {
	if c.Yes {
		return nil
	}
	home, err := name.home()
	if err != nil {
		return err
	}
	if !console.Terminal {
		return &Failure{Code: ExitUsage, Kind: "usage", Message: "down --wipe removes every article in " + home, Hint: "add --yes if that is what you want"}
	}
	fmt.Fprintf(console.Stderr, "Remove every article, log and session in %s? Type yes: ", home)
	answer, err := awaitInput(ctx, func() (string, error) { return bufio.NewReader(console.Stdin).ReadString('\n') })
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil || strings.TrimSpace(answer) != "yes" {
		return &Failure{Code: ExitRefused, Kind: "not_confirmed", Message: "nothing was stopped, nothing was removed"}
	}
	return nil
}
