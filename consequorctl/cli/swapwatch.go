package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"consequor/supervisor"
	"consequor/topologies"
)

// swapWatch is what was heard of a change so far.
type swapWatch struct {
	console *Console
	status  func(context.Context) (*supervisor.ClusterStatus, error)
	mode    string
	from    string
	last    supervisor.SwapProgress // without a step: nothing was heard
}

func (w *swapWatch) note(p supervisor.SwapProgress) {
	w.last = p
	w.console.Note("%s: %s", p.Step, inertLine(p.Text))
}

// unheard says what it means that the end of a change was not heard. What the
// supervisor said of it is passed on.
func (w *swapWatch) unheard(err error) (*supervisor.SwapResult, error) {
	var e *supervisor.Error
	late := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
	lost := errors.As(err, &e) && e.Kind == supervisor.KindNotRunning && w.last.Step != ""
	switch {
	case !late && !lost:
		return nil, err
	case w.last.Decided:
		return w.goesOn(), nil
	case w.last.Step == "":
		return nil, &Failure{Code: ExitUnknown, Kind: "deadline", Message: "it is not known whether the change to " + w.mode + " has begun", Hint: "see: consequorctl status"}
	case lost:
		return nil, &Failure{Code: ExitUnknown, Kind: "unknown", Message: fmt.Sprintf("the supervisor is gone, at step %s of the change to %s", w.last.Step, w.mode),
			Hint: "bring the cluster up again: consequorctl status then says which mode it is in"}
	}
	return nil, &Failure{Code: ExitUnknown, Kind: "deadline", Message: fmt.Sprintf("the change to %s goes on; it is at step %q", w.mode, w.last.Step),
		Hint: "see how far it is with: consequorctl status"}
}

// statusLimit is how long a supervisor may take to say where a change is that
// is decided already.
const statusLimit = 2 * time.Second

// goesOn is the result of a change that nothing can undo, though its end was
// not seen.
func (w *swapWatch) goesOn() *supervisor.SwapResult {
	w.console.Note("it is decided, and goes on by itself")
	result := &supervisor.SwapResult{Mode: w.mode, From: w.from, Steps: []supervisor.SwapStep{}, Missing: []string{}}
	ctx, cancel := context.WithTimeout(context.Background(), statusLimit)
	defer cancel()
	status, err := w.status(ctx)
	if err != nil {
		return result // it goes on when the cluster is brought up
	}
	result.Epoch = status.Epoch
	for _, r := range status.Replicas {
		if r.Change != "" || r.State != supervisor.StateServing {
			result.Missing = append(result.Missing, r.Name)
		}
	}
	return result
}

// notServing is the bad end of a change that is decided, so that nothing takes it
// back, but whose mode does not serve everywhere.
func (w *swapWatch) notServing(mode *topologies.Mode, r *supervisor.SwapResult, before *supervisor.ClusterStatus) *Failure {
	f := failedf("mode %s in epoch %d, after %s: decided, but does not serve on %s", r.Mode, r.Epoch, r.From, strings.Join(r.Missing, ", "))
	f.Kind = "not_serving"
	ctx, cancel := context.WithTimeout(context.Background(), statusLimit)
	defer cancel()
	status, err := w.status(ctx)
	if err != nil {
		f.Hint = "it begins there when the cluster is up again: " + upAgain(w.console, before)
		return f
	}
	f.Hint = wayOut(w.console, mode, r.Missing, status)
	return f
}

// wayOut says what helps a mode to serve that is decided on. There is no way back
// to another mode before it does.
func wayOut(console *Console, mode *topologies.Mode, missing []string, status *supervisor.ClusterStatus) string {
	for _, name := range missing {
		switch r := status.Replica(name); r.State {
		case supervisor.StateKilled, supervisor.StateStopped:
			return "bring it back with: consequorctl restart " + name
		case supervisor.StatePaused:
			return "let it go on with: consequorctl resume " + name
		}
	}
	switch {
	case mode.Plugin == "":
		return "see why with: consequorctl status; the rest is in: consequorctl logs"
	case status.Ephemeral:
		return "see why with: consequorctl status; the cluster is ephemeral: its articles go when it goes down"
	}
	return fmt.Sprintf("nothing of before is lost: mend the plugin, put its new sha256 into %s, then: consequorctl down, and: %s", status.Topology, upAgain(console, status))
}

// upAgain is the command that brings a running cluster up once it is down.
func upAgain(console *Console, status *supervisor.ClusterStatus) string {
	command := "consequorctl up " + status.Topology
	_, t, err := loadTopology(console, status.Topology, topologies.Options{})
	if err != nil || t.Name != status.Cluster {
		command += " --cluster " + status.Cluster
	}
	if err == nil && len(t.Replicas) != len(status.Replicas) {
		command += fmt.Sprintf(" --replicas %d", len(status.Replicas))
	}
	return command
}
