package cli

import (
	"context"
	"errors"
	"fmt"
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
	var last *supervisor.ClusterStatus
	err := cluster.WatchStatus(ctx, func(s *supervisor.ClusterStatus) error {
		if last = s; seen(s) {
			return errSeen
		}
		return nil
	})
	switch {
	case errors.Is(err, errSeen):
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return &Failure{Code: ExitFailed, Kind: "failed", Message: fmt.Sprintf("waited %v for: %s%s", roundLimit, what, standing(last)), Hint: "see why with: consequorctl status"}
	}
	return err
}

// standing tells in short how a cluster is.
func standing(s *supervisor.ClusterStatus) string {
	if s == nil {
		return ""
	}
	text := ""
	for _, r := range s.Replicas {
		if r.State != supervisor.StateServing {
			text += fmt.Sprintf("; %s is %s", r.Name, r.State)
		}
	}
	if s.Coordinator == nil && !leaderless(s) {
		text += "; nobody coordinates"
	}
	return text
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
