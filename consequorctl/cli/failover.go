package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"consequor/board"
	"consequor/replicad/api"
	"consequor/supervisor"
)

// benchFailover shows what the death of a replica costs: clients post through
// all replicas, the target is killed, another coordinator is elected, the
// target is restarted and catches up; so many times; then the judge speaks.
//
// What is measured, per kill:
//
//	asked      the supervisor is asked for the SIGKILL; the clock starts
//	confirmed  the process is dead, its supervisor says
//	ack        the first answer to a post that was first sent after
//	           "confirmed", by any client at any replica
//	elected    status shows a coordinator that is not the one killed;
//	           in a mode that has none there is nothing to wait for
//
// An answer that was on its way when the coordinator died does not count as
// ack, so kill to ack contains an election and a whole post.
type benchFailover struct {
	Kills   int           `help:"How many times." default:"10"`
	Clients int           `help:"How many clients post at once." default:"8"`
	Target  string        `help:"Whom to kill: coordinator, backup, a replica, plugin: before any of these, or all (every replica at once)." default:"coordinator"`
	Pause   bool          `help:"Pause the target and let it go on after the election, instead of killing it."`
	Size    int           `help:"Bytes in an article's body." default:"350"`
	Timeout time.Duration `help:"How long one post may be tried." default:"10s"`
	recording
}

const (
	acksBeforeMin = 50 // acknowledged posts between two kills: a kill hits a cluster at work
	killsMax      = 10_000
)

type failoverResult struct {
	Target    string       `json:"target"`
	Kills     int          `json:"kills"`
	Clients   int          `json:"clients"`
	Seconds   float64      `json:"seconds"`
	KillToAck timesSummary `json:"kill_to_ack"`
	Elected   timesSummary `json:"kill_to_elected"`
	*verdict
}

// timesSummary sums up times in milliseconds.
type timesSummary struct {
	Min    float64   `json:"min_ms"`
	Median float64   `json:"median_ms"`
	Max    float64   `json:"max_ms"`
	All    []float64 `json:"all_ms"` // in the order of the kills
}

func summarize(times []time.Duration) timesSummary {
	s := timesSummary{All: []float64{}}
	for _, t := range times {
		s.All = append(s.All, float64(t.Microseconds())/1000)
	}
	if sorted := slices.Sorted(slices.Values(s.All)); len(sorted) > 0 {
		s.Min, s.Median, s.Max = sorted[0], sorted[len(sorted)/2], sorted[len(sorted)-1]
	}
	return s
}

func (c *benchFailover) Run(ctx context.Context, console *Console, name clusterFlag) error {
	return c.recorded(ctx, console, name, func() error { return c.perform(ctx, console, name) })
}

func (c *benchFailover) perform(ctx context.Context, console *Console, name clusterFlag) error {
	if c.Kills < 1 || c.Kills > killsMax || c.Clients < 1 || c.Clients > clientCountMax || c.Size < 1 || c.Size > board.BodyLenMax {
		return usagef("want --kills 1 to %d, --clients 1 to %d, --size 1 to %d", killsMax, clientCountMax, board.BodyLenMax)
	}
	cluster, err := name.find()
	if err != nil {
		return err
	}
	f := &failover{benchFailover: c, cluster: cluster, console: console, recorder: newRecorder()}
	if err := awaitStatus(ctx, f.cluster, "all replicas serve", whole); err != nil {
		return err
	}
	if f.crowd, err = gather(ctx, console, name, "", c.Clients); err != nil {
		return err
	}
	defer f.crowd.close()
	result, err := f.run(ctx)
	if err != nil {
		return err
	}
	if err := console.Result(result, result.print); err != nil {
		return err
	}
	if !result.OK() {
		return failedf("%d violations: %s", len(result.Violations), result.Violations[0])
	}
	return nil
}

// failover is one run of it.
type failover struct {
	*benchFailover
	cluster  *supervisor.Client
	console  *Console
	crowd    *crowd
	recorder *recorder
	acks     []time.Duration
	elected  []time.Duration
}

func (f *failover) run(ctx context.Context) (*failoverResult, error) {
	started := time.Now()
	load, stop := context.WithCancel(ctx)
	defer stop()
	loaded := make(chan struct{})
	go func() {
		defer close(loaded)
		f.load(load)
	}()
	var err error
	for round := 1; round <= f.Kills && err == nil; round++ {
		if err = f.round(ctx); err != nil {
			err = fmt.Errorf("kill %d of %d: %w", round, f.Kills, err)
			break
		}
		f.console.Note("kill %d of %d: %s", round, f.Kills, f.told())
	}
	stop()
	<-loaded
	if err != nil {
		return nil, err
	}
	boards, err := f.crowd.readBack(ctx)
	if err != nil {
		return nil, err
	}
	verdict := judge(evidence{f.recorder.posts, boards})
	return &failoverResult{f.Target, f.Kills, f.Clients, time.Since(started).Seconds(), summarize(f.acks), summarize(f.elected), verdict}, nil
}

// told is how the last round went.
func (f *failover) told() string {
	text := fmt.Sprintf("acknowledged again after %v", last(f.acks).Round(10*time.Microsecond))
	if len(f.elected) > 0 {
		text += fmt.Sprintf(", elected after %v", last(f.elected).Round(10*time.Microsecond))
	}
	return text
}

// namesReplica: the target is no office, so every mode has it.
func (f *failover) namesReplica(status *supervisor.ClusterStatus) bool {
	return f.Target == "all" || status.Replica(strings.TrimPrefix(f.Target, "plugin:")) != nil
}

// load posts from all clients until ctx ends. A post under way is then not
// given up: its outcome counts.
func (f *failover) load(ctx context.Context) {
	run, body := rand.Text(), strings.Repeat("x", f.Size)
	f.crowd.each(func(i int, m *member) {
		for n := 1; ctx.Err() == nil; n++ {
			r := api.Request{Verb: api.Post, Author: "bench", Title: fmt.Sprintf("%s %d %d", run, i, n), Body: body}
			sent := time.Now()
			answer, err := m.send(context.WithoutCancel(ctx), f.Timeout, r)
			f.recorder.add(r.Title, answer, err, sent)
		}
	})
}

// round is one kill, from a whole cluster to a whole cluster.
func (f *failover) round(ctx context.Context) error {
	if err := f.recorder.awaitAcks(ctx, acksBeforeMin); err != nil {
		return err
	}
	before, err := f.cluster.Status(ctx)
	if err != nil {
		return err
	}
	if leaderless(before) && !f.namesReplica(before) {
		return usagef("--target %s: mode %s has no coordinator; name a replica", f.Target, before.Mode)
	}
	asked := time.Now()
	hit, err := f.strike(ctx, before)
	if err != nil {
		return err
	}
	acked := f.recorder.firstAckOf(time.Now())
	if f.Target == "all" { // nobody is left to elect anybody
		if err := f.bringBack(ctx, hit); err != nil {
			return err
		}
	}
	if !leaderless(before) {
		if err := awaitStatus(ctx, f.cluster, "another coordinator", func(s *supervisor.ClusterStatus) bool { return f.elsewhere(before, s, hit) }); err != nil {
			return err
		}
		f.elected = append(f.elected, time.Since(asked))
	}
	at, err := await(ctx, "an acknowledged post", acked)
	if err != nil {
		return err
	}
	f.acks = append(f.acks, at.Sub(asked))
	if f.Target != "all" {
		if err := f.bringBack(ctx, hit); err != nil {
			return err
		}
	}
	return awaitStatus(ctx, f.cluster, "all replicas serve again", whole)
}

// strike does to the target what the run is about, and names whom it hit.
func (f *failover) strike(ctx context.Context, status *supervisor.ClusterStatus) ([]string, error) {
	verb, targets := supervisor.Kill, []string{f.Target}
	if f.Pause {
		verb = supervisor.Pause
	}
	if f.Target == "all" {
		targets = nil
		for _, r := range status.Replicas {
			targets = append(targets, r.Name)
		}
	}
	errs := make([]error, len(targets))
	hits := make([][]string, len(targets))
	var wg sync.WaitGroup
	for i, target := range targets {
		wg.Go(func() {
			done, err := f.cluster.Act(ctx, verb, target, supervisor.ActOptions{})
			if errs[i] = err; err == nil {
				hits[i] = done.Replicas
			}
		})
	}
	wg.Wait()
	return slices.Concat(hits...), errors.Join(errs...)
}

// bringBack undoes a strike. A killed plugin comes back by itself.
func (f *failover) bringBack(ctx context.Context, hit []string) error {
	verb, prefix := supervisor.Restart, ""
	if strings.HasPrefix(f.Target, "plugin:") {
		prefix = "plugin:"
	}
	if f.Pause {
		verb = supervisor.Resume
	} else if prefix != "" {
		return nil
	}
	for _, name := range hit {
		if _, err := f.cluster.Act(ctx, verb, prefix+name, supervisor.ActOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// elsewhere: there is a coordinator, and if the old one was hit by a process's
// death or pause, it is another one. A plugin may come back and win.
func (f *failover) elsewhere(before, now *supervisor.ClusterStatus, hit []string) bool {
	if now.Coordinator == nil {
		return false
	}
	if before.Coordinator == nil || !slices.Contains(hit, *before.Coordinator) || len(hit) > 1 {
		return true
	}
	return *now.Coordinator != *before.Coordinator || strings.HasPrefix(f.Target, "plugin:")
}

func (r *failoverResult) print(w io.Writer) {
	fmt.Fprintf(w, "target %s, %d times, %d clients, %.1f s\n", r.Target, r.Kills, r.Clients, r.Seconds)
	fmt.Fprintf(w, "acknowledged %d, lost %d, doubled %d, unknown %d, refused %d\n", r.Acknowledged, r.Lost, r.Doubled, r.Unknown, r.Refused)
	fmt.Fprintf(w, "ids changed %d, ids missing %d, refused yet there %d, unequal between replicas %d\n", r.Changed, r.Missing, r.Undead, r.Unequal)
	fmt.Fprintf(w, "kill to ack      min %.1f ms  median %.1f ms  max %.1f ms\n", r.KillToAck.Min, r.KillToAck.Median, r.KillToAck.Max)
	if len(r.Elected.All) > 0 {
		fmt.Fprintf(w, "kill to elected  min %.1f ms  median %.1f ms  max %.1f ms\n", r.Elected.Min, r.Elected.Median, r.Elected.Max)
	}
	for _, violation := range r.Violations {
		fmt.Fprintln(w, inertLine(violation))
	}
}
