package record

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"consequor/board"
	"consequor/sim/history"
	"consequor/supervisor"
)

var errSettled = errors.New("settled")

// settle waits a while for replicas that are about to serve: their boards shall
// be judged as well.
func settle(ctx context.Context, cluster *supervisor.Client) (status *supervisor.ClusterStatus, err error) {
	waiting, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
	err = cluster.WatchStatus(waiting, func(s *supervisor.ClusterStatus) error {
		status = s
		for _, r := range s.Replicas {
			if r.State == supervisor.StateStarting {
				return nil
			}
		}
		return errSettled
	})
	if errors.Is(err, errSettled) || status != nil && ctx.Err() == nil && waiting.Err() != nil {
		err = nil
	}
	return status, err
}

// takeEvents takes what the supervisor has seen since the recording began, and
// finds out since when nothing has been in the way.
func (r *Result) takeEvents(ctx context.Context, cluster *supervisor.Client, h *Header) error {
	ctx, cancel := context.WithTimeout(ctx, eventsLimit)
	defer cancel()
	kept, err := cluster.KeptEvents(ctx)
	if err != nil {
		return err
	}
	status, err := cluster.Status(ctx)
	if err != nil {
		return err
	}
	since := h.Event
	r.History.Events = h.standing()
	switch {
	case status.SupervisorPID != h.PID:
		since = 0
		r.note("the cluster was down meanwhile: of what happened before it came up again only the requests are known")
	case len(kept) > 0 && kept[0].Seq > since+1:
		r.note("%d events are forgotten: the supervisor keeps the last %d", kept[0].Seq-since-1, len(kept))
	}
	for _, e := range kept {
		if e.Seq > since {
			r.History.Events = append(r.History.Events, h.events(&e)...)
		}
	}
	if status.Serving() && len(status.Faults) == 0 {
		r.History.Healed = healedAt(r.History.Events)
	}
	return nil
}

// standing is what had happened before the recording began, and lasted.
func (h *Header) standing() (all []history.Event) {
	if h.Coordinator != "" {
		text := fmt.Sprintf("%s is coordinator, term %d", h.Coordinator, h.Term)
		all = append(all, history.Event{Kind: string(supervisor.EventCoordinator), Replica: h.number(h.Coordinator), Text: text})
	}
	for i := range h.Faults {
		f := &h.Faults[i]
		kind := supervisor.EventLossy
		switch {
		case f.Cut:
			kind = supervisor.EventCut
		case f.DelayMS > 0:
			kind = supervisor.EventDelayed
		}
		text := fmt.Sprintf("since before, link %s -> %s: %s", f.From, f.To, f.Words())
		all = append(all, history.Event{Kind: string(kind), Replica: h.number(f.From), Peer: h.number(f.To), Text: text})
	}
	return all
}

// events is one of the supervisor's, as the history has it: of links one for each
// direction.
func (h *Header) events(e *supervisor.Event) []history.Event {
	one := history.Event{At: max(0, e.Time.Sub(h.Began)), Kind: string(e.Kind), Replica: h.number(e.Replica), Text: e.Text}
	if name, _, found := strings.Cut(e.Text, " is coordinator"); found && e.Kind == supervisor.EventCoordinator {
		one.Replica = h.number(name)
	}
	if len(e.Links) == 0 {
		return []history.Event{one}
	}
	var all []history.Event
	for _, way := range e.Links {
		one.Replica, one.Peer = h.number(way[0]), h.number(way[1])
		all = append(all, one)
	}
	return all
}

// number is the replica of this name; 0: none.
func (h *Header) number(name string) board.ReplicaID {
	return board.ReplicaID(slices.Index(h.Replicas, name) + 1)
}

// aside are the kinds of events that put nothing in anybody's way, and take
// nothing out of it.
var aside = []supervisor.EventKind{supervisor.EventNote, supervisor.EventDropped}

// healedAt is since when nothing is in the way of a cluster that is whole: the
// last time that anything happened to it.
func healedAt(events []history.Event) time.Duration {
	healed := time.Duration(1)
	for _, e := range events {
		if !slices.Contains(aside, supervisor.EventKind(e.Kind)) {
			healed = max(healed, e.At)
		}
	}
	return healed
}
