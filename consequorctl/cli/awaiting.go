package cli

import (
	"context"
	"errors"
	"time"

	"consequor/modes"
	"consequor/supervisor"
)

// roundLimit bounds each thing that a load's faults wait for.
const roundLimit = 30 * time.Second

// whole: every replica serves, and there is a coordinator where the mode has
// one.
func whole(s *supervisor.ClusterStatus) bool {
	return s.Serving() && (s.Coordinator != nil || leaderless(s))
}

// leaderless: the mode has no coordinator. A replica that is down has no role.
func leaderless(s *supervisor.ClusterStatus) bool {
	peers := false
	for _, r := range s.Replicas {
		if r.Role != "" && r.Role != string(modes.RolePeer) {
			return false
		}
		peers = peers || r.Role != ""
	}
	return peers
}

var errSeen = errors.New("seen")

// awaitStatus waits until the cluster is as seen wants it.
func awaitStatus(ctx context.Context, cluster *supervisor.Client, what string, seen func(*supervisor.ClusterStatus) bool) error {
	ctx, cancel := context.WithTimeout(ctx, roundLimit)
	defer cancel()
	err := cluster.WatchStatus(ctx, func(s *supervisor.ClusterStatus) error {
		if seen(s) {
			return errSeen
		}
		return nil
	})
	switch {
	case errors.Is(err, errSeen):
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return failedf("waited %v for: %s", roundLimit, what)
	}
	return err
}

// await waits for a word on from.
func await[T any](ctx context.Context, what string, from <-chan T) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, roundLimit)
	defer cancel()
	select {
	case v := <-from:
		return v, nil
	case <-ctx.Done():
		var none T
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return none, failedf("waited %v for: %s", roundLimit, what)
		}
		return none, ctx.Err()
	}
}
