package supervisor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"consequor/topologies"
)

// Config is what a cluster is brought up with.
type Config struct {
	// Root is the folder that holds the cluster's home. Default: Root().
	Root string

	// Topology is the cluster to bring up. Needed.
	Topology *topologies.Topology

	// ModeAsked says that the topology's mode was asked for by name, over the
	// file's head: it must be the one that runs.
	ModeAsked bool

	// Command starts a replicad; "--config FILE" is added.
	// Default: this very program, with the word replicad.
	Command []string

	// Ephemeral keeps the data only until the cluster goes down.
	Ephemeral bool

	// Wait limits how long all replicas may take until they serve. Default: 30 s.
	Wait time.Duration

	// Event, if any, is told of each event, in order. It may be slow, but one
	// that falls behind by more than eventsKept is told so and no more.
	Event func(Event)

	// Ready, if any, is called once, when all replicas serve.
	Ready func(*ClusterStatus)

	// Web, if any, serves the web client on l until ctx ends, and closes l. What
	// it serves is reached with c. It runs from before the replicas are started
	// until the end begins; an error is told as an event.
	Web func(ctx context.Context, l net.Listener, c *Client) error

	// WebAddr is where Web listens, host:port. With port 0 a free one is chosen, and
	// kept. Default: 127.0.0.1:0.
	WebAddr string

	// WebControl, if any, stands behind the web client's address for those who may
	// control the cluster from there. Only ClusterStatus tells it.
	WebControl string

	// Now, if any, is closed to end the cluster at once: replicas are killed,
	// also when an orderly end has begun already.
	Now <-chan struct{}

	after func(time.Duration) <-chan time.Time // time.After, but in tests
}

const waitDefault = 30 * time.Second

func (c *Config) complete() error {
	if c.Topology == nil || len(c.Topology.Replicas) == 0 {
		return errors.New("bring up a cluster: the topology has no replicas")
	}
	if !topologies.ValidName(c.Topology.Name) { // it becomes a path
		return &Error{Kind: KindBadTarget, Message: fmt.Sprintf("a cluster cannot be named %q", c.Topology.Name), Hint: "names match " + topologies.NamePattern}
	}
	if c.Root == "" {
		root, err := Root()
		if err != nil {
			return err
		}
		c.Root = root
	}
	if len(c.Command) == 0 {
		self, err := selfPath()
		if err != nil {
			return err
		}
		c.Command = []string{self, "replicad"}
	}
	c.WebAddr = cmp.Or(c.WebAddr, "127.0.0.1:0")
	if c.Wait == 0 {
		c.Wait = waitDefault
	}
	if c.after == nil {
		c.after = time.After
	}
	return nil
}

// selfPath names this program's file for as long as the program runs: also
// after it was deleted, as `go run` does, or built anew.
func selfPath() (string, error) {
	const linux = "/proc/self/exe"
	if _, err := os.Stat(linux); err == nil {
		return linux, nil
	}
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this program's file: %w", err)
	}
	return self, nil
}
