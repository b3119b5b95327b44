package cli

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"consequor/supervisor"
)

// chronicle keeps a cluster's events as they come, so that a story knows when
// things happened and can wait for them.
type chronicle struct {
	cancel context.CancelFunc
	ended  chan struct{}

	mu      sync.Mutex
	events  []supervisor.Event
	changed chan struct{} // closed and made anew at each event
}

func newChronicle(ctx context.Context, cluster *supervisor.Client) *chronicle {
	ctx, cancel := context.WithCancel(ctx)
	c := &chronicle{cancel: cancel, ended: make(chan struct{}), changed: make(chan struct{})}
	go func() {
		defer close(c.ended)
		_ = cluster.Events(ctx, 0, c.add) // it ends with the cluster or with us; who waits is told by his own limit
	}()
	return c
}

func (c *chronicle) add(e supervisor.Event) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events = append(c.events, e)
	close(c.changed)
	c.changed = make(chan struct{})
	return nil
}

func (c *chronicle) close() {
	c.cancel()
	<-c.ended
}

// await returns the first event from the time given on that is as seen wants it.
func (c *chronicle) await(ctx context.Context, what string, from time.Time, seen func(supervisor.Event) bool) (supervisor.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, roundLimit)
	defer cancel()
	for {
		c.mu.Lock()
		at := slices.IndexFunc(c.events, func(e supervisor.Event) bool { return !e.Time.Before(from) && seen(e) })
		var found supervisor.Event
		if at >= 0 {
			found = c.events[at]
		}
		changed := c.changed
		c.mu.Unlock()
		if at >= 0 {
			return found, nil
		}
		if _, err := await(ctx, what, changed); err != nil {
			return found, err
		}
	}
}

// elected returns when another replica than the gone ones held the office of
// the coordinator, after from. Where two die, one of these may have held it in
// between: whoever comes after that one is meant.
func (c *chronicle) elected(ctx context.Context, from time.Time, gone []string) (replica string, term uint64, at time.Time, err error) {
	from = c.lastHeld(from, gone)
	e, err := c.await(ctx, "another coordinator", from, func(e supervisor.Event) bool {
		replica, term = office(e)
		return replica != "" && !slices.Contains(gone, replica)
	})
	return replica, term, e.Time, err
}

// lastHeld is when one of these replicas was last told to coordinate; from, if
// none was since then.
func (c *chronicle) lastHeld(from time.Time, replicas []string) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.events {
		if replica, _ := office(e); slices.Contains(replicas, replica) && e.Time.After(from) {
			from = e.Time
		}
	}
	return from
}

// office reads who coordinates from an event; empty: it tells of something else.
func office(e supervisor.Event) (replica string, term uint64) {
	if e.Kind != supervisor.EventCoordinator {
		return "", 0
	}
	if n, _ := fmt.Sscanf(e.Text, "%s is coordinator, term %d", &replica, &term); n < 2 {
		return "", 0
	}
	return replica, term
}

// peerLost is when a replica's log says that its connection to peer broke, after
// from; ok is false if it does not, or there is no log.
func peerLost(cluster *supervisor.Client, replica, peer string, from time.Time) (at time.Time, ok bool) {
	text, err := os.ReadFile(cluster.LogPath(replica))
	if err != nil {
		return at, false
	}
	return peerLostIn(string(text), peer, from)
}

// peerLostIn finds that in a log. Logs have milliseconds and no more.
func peerLostIn(log, peer string, from time.Time) (at time.Time, ok bool) {
	for line := range strings.Lines(log) {
		stamp, rest, _ := strings.Cut(strings.TrimPrefix(line, "time="), " ")
		if !strings.Contains(rest, `msg="peer is down" peer=`+peer+" ") {
			continue
		}
		at, err := time.Parse(time.RFC3339Nano, stamp)
		if err == nil && !at.Before(from.Truncate(time.Millisecond)) {
			return at, true
		}
	}
	return at, false
}
