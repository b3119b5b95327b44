package cli

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"consequor/replicad/api"
	"consequor/supervisor"
	"consequor/topologies"
)

// The limits of what goes on around the request.
const (
	traceBeginLimit = 2 * time.Second // for all replicas to begin: a request does not wait longer for those that do not
	traceEndLimit   = 5 * time.Second // for all to tell
	traceSlack      = 5 * time.Second // that they write on beyond the request's time, if nobody asks
)

// traceRecord is a request and what was written down of it.
type traceRecord struct {
	verb    api.Verb
	number  uint64 // of the trace
	cluster *supervisor.Client
	status  *supervisor.ClusterStatus // when it was sent
	limit   time.Duration             // how long the replicas may have to write

	begun   bool
	begin   error       // why the replicas do not write
	tries   []*traceTry // at each replica that was tried
	events  []topologies.Traced
	missing []supervisor.Silent
}

// traceTry is one try of the request at one replica, by the machine's clock.
type traceTry struct {
	replica, key    string
	called, endedAt time.Duration
	failure         *api.Error // nil: it ended well
}

// traced is one of the five commands.
type traced interface {
	Run(ctx context.Context, console *Console, cluster clusterFlag) error
	verb() api.Verb
	limit() time.Duration
}

func (*postCmd) verb() api.Verb   { return api.Post }
func (*replyCmd) verb() api.Verb  { return api.Reply }
func (*readCmd) verb() api.Verb   { return api.Read }
func (*chooseCmd) verb() api.Verb { return api.Choose }
func (*syncCmd) verb() api.Verb   { return api.Sync }

func (a *asking) limit() time.Duration { return a.Timeout }

// trace carries a request out and tells its way, however it ends.
func (t *traceCmd) trace(ctx context.Context, console *Console, name clusterFlag, request traced) error {
	cluster, err := name.find()
	if err != nil {
		return err
	}
	r := &traceRecord{
		verb: request.verb(), number: rand.Uint64(), cluster: cluster,
		limit: min(request.limit()+t.Linger+traceSlack, topologies.TraceForMax),
	}
	var answer bytes.Buffer
	inner := *console
	if console.JSON {
		inner.Stdout = &answer // it becomes a part of ours
	}
	failure := request.Run(api.WithWatch(ctx, r.watch(ctx)), &inner, name)
	if !r.begun {
		return failure // it was never sent
	}
	lingerFor(ctx, t.Linger)
	if err := r.end(context.WithoutCancel(ctx)); err != nil { // also of a request that was interrupted: nobody must go on writing
		return cmp.Or(failure, fmt.Errorf("trace: %w", err))
	}
	way := findWay(r, t.Linger)
	if failure != nil {
		return t.tellFailed(console, way, failure)
	}
	return t.tell(console, way, answer.Bytes())
}

// lingerFor waits so long, or until ctx ends.
func lingerFor(ctx context.Context, pause time.Duration) {
	if pause <= 0 {
		return
	}
	select {
	case <-time.After(pause):
	case <-ctx.Done():
	}
}

// watch begins the trace as late as it can: when the request is about to be sent.
// That it cannot be traced does not keep it from being sent.
func (r *traceRecord) watch(ctx context.Context) *api.Watch {
	return &api.Watch{
		Sending: func(replica, key string) error {
			if !r.begun {
				r.begun = true
				r.begin = r.start(ctx)
			}
			try := &traceTry{replica: replica, key: key}
			try.called, _ = topologies.MachineTime()
			r.tries = append(r.tries, try)
			return nil
		},
		Ended: func(replica string, failure *api.Error) {
			try := r.tries[len(r.tries)-1]
			try.endedAt, _ = topologies.MachineTime()
			try.failure = failure
		},
	}
}

func (r *traceRecord) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, traceBeginLimit)
	defer cancel()
	var err error
	if r.status, err = r.cluster.Status(ctx); err != nil {
		return err
	}
	begun, err := r.cluster.TraceBegin(ctx, r.number, r.limit)
	if err != nil {
		return err
	}
	r.missing = begun.Missing
	return nil
}

// end has the replicas tell. Who was missing before is missing now for the
// reason that was given first.
func (r *traceRecord) end(ctx context.Context) error {
	if r.status == nil {
		return r.begin
	}
	ctx, cancel := context.WithTimeout(ctx, traceEndLimit)
	defer cancel()
	told, err := r.cluster.TraceEnd(ctx, r.number)
	if err != nil {
		return err
	}
	r.events = told.Events
	known := make(map[string]bool)
	for _, s := range r.missing {
		known[s.Replica] = true
	}
	for _, s := range told.Missing {
		if !known[s.Replica] {
			r.missing = append(r.missing, s)
		}
	}
	return nil
}
