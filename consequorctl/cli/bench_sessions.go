package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"consequor/replicad/api"
	"consequor/supervisor"
)

// benchSessions shows what a session is worth. Two sets of clients work side
// by side, under the same faults; all of them read, post and open articles and
// go to another replica with every request. Those of the first set carry their
// session's token along, those of the second do not. A witness beside each
// client counts the reads that broke read-your-writes or monotonic reads.
//
// Now and then a replica is paused and goes on: it then has missed what the
// others have seen, and is the one to catch a client that carries no token.
// How often that happens depends on the mode and on luck; a run in which it
// never did has not shown that the token does anything.
type benchSessions struct {
	Requests       int           `help:"How many requests, by all clients of a set together." default:"20000"`
	Clients        int           `help:"How many clients each set has." default:"8"`
	PauseEvery     int           `help:"Pause a replica after so many requests, again and again; 0: never." default:"2000"`
	ExpectBreaches bool          `help:"Fail if no guarantee was broken without a session either: then the run proves nothing."`
	Timeout        time.Duration `help:"How long one request may take." default:"10s"`
	recording
}

const (
	requestsMax   = 10_000_000
	pauseTimeMax  = time.Second // of a replica; most clients wait for it by then
	sampleEvery   = 16          // requests of a client, between two reads whose content is looked at
	choiceEvery   = 8           // between two articles that it opens
	postEvery     = 3           // between two posts
	sessionsBytes = 100         // a post's body
)

type sessionsResult struct {
	Mode       string        `json:"mode"`
	Seconds    float64       `json:"seconds"`
	Pauses     int           `json:"pauses"`
	With       *sessionTally `json:"with_session"`
	Without    *sessionTally `json:"without_session"`
	Violations int           `json:"violations"` // breaches with a session
}

// sessionTally is what one set of clients saw.
type sessionTally struct {
	Requests int `json:"requests"`
	Posts    int `json:"posts"` // acknowledged
	Reads    int `json:"reads"` // answered, those of one article included
	Refused  int `json:"refused"`
	Unknown  int `json:"unknown"`
	Breaches int `json:"breaches"`
	breaches
}

func (c *benchSessions) Run(ctx context.Context, console *Console, name clusterFlag) error {
	return c.recorded(ctx, console, name, func() error { return c.perform(ctx, console, name) })
}

func (c *benchSessions) perform(ctx context.Context, console *Console, name clusterFlag) error {
	if c.Requests < 1 || c.Requests > requestsMax || c.Clients < 1 || c.Clients > clientCountMax/2 || c.PauseEvery < 0 || c.Timeout <= 0 {
		return usagef("want --requests 1 to %d, --clients 1 to %d, --pause-every 0 or more, --timeout above 0", requestsMax, clientCountMax/2)
	}
	cluster, err := name.find()
	if err != nil {
		return err
	}
	if err := awaitStatus(ctx, cluster, "all replicas serve", whole); err != nil {
		return err
	}
	crowd, err := gather(ctx, console, name, "", 2*c.Clients)
	if err != nil {
		return err
	}
	defer crowd.close()
	s := &sessions{benchSessions: c, cluster: cluster, console: console, crowd: crowd}
	result, err := s.run(ctx)
	if err != nil {
		return err
	}
	if err := console.Result(result, result.print); err != nil {
		return err
	}
	return c.judge(result)
}

func (c *benchSessions) judge(r *sessionsResult) error {
	switch {
	case r.Violations > 0:
		return failedf("%d guarantees were broken with a session, the first: %s", r.Violations, r.With.Told[0])
	case c.ExpectBreaches && r.Without.Breaches == 0:
		return failedf("nothing was broken without a session: the run proves nothing; give it more --requests")
	}
	return nil
}

// sessions is one run of it.
type sessions struct {
	*benchSessions
	cluster *supervisor.Client
	console *Console
	crowd   *crowd
	ended   odometer // requests of both sets
	pauses  int
}

func (s *sessions) run(ctx context.Context) (*sessionsResult, error) {
	status, err := s.cluster.Status(ctx)
	if err != nil {
		return nil, err
	}
	started := time.Now()
	load, over := context.WithCancel(ctx)
	defer over()
	var pausing error
	var wg sync.WaitGroup
	if s.PauseEvery > 0 && len(status.Replicas) > 1 {
		wg.Go(func() { pausing = s.pauseInTurn(ctx, load, status) })
	}
	with, without := s.load(load)
	seconds := time.Since(started).Seconds()
	over()
	wg.Wait()
	if err := errors.Join(ctx.Err(), pausing); err != nil {
		return nil, err
	}
	return &sessionsResult{status.Mode, seconds, s.pauses, with, without, with.Breaches}, nil
}

// load has both sets send their requests: the clients with an even number keep
// a session.
func (s *sessions) load(ctx context.Context) (with, without *sessionTally) {
	var left [2]atomic.Int64
	left[0].Store(int64(s.Requests))
	left[1].Store(int64(s.Requests))
	tallies := make([]*sessionTally, len(s.crowd.members))
	s.crowd.each(func(i int, m *member) {
		m.alone = i%2 == 1
		v := &sessionClient{member: m, timeout: s.Timeout, name: fmt.Sprintf("sessions %d", i)}
		for ctx.Err() == nil && left[i%2].Add(-1) >= 0 {
			v.next(ctx)
			s.ended.add()
		}
		tallies[i] = v.result()
	})
	with, without = newSessionTally(), newSessionTally()
	for i, t := range tallies {
		[]*sessionTally{with, without}[i%2].add(t)
	}
	return with, without
}

// pauseInTurn pauses one replica after the other, each until an eighth of the
// requests between two pauses have passed it by. It returns when load ends,
// with every replica going on.
func (s *sessions) pauseInTurn(ctx, load context.Context, status *supervisor.ClusterStatus) error {
	for {
		select {
		case <-s.ended.after(s.PauseEvery):
		case <-load.Done():
			return nil
		}
		name := status.Replicas[s.pauses%len(status.Replicas)].Name
		if err := s.pause(ctx, load, name); err != nil {
			return fmt.Errorf("pause %d, of %s: %w", s.pauses+1, name, err)
		}
		s.pauses++
	}
}

func (s *sessions) pause(ctx, load context.Context, name string) error {
	if _, err := s.cluster.Act(ctx, supervisor.Pause, name, supervisor.ActOptions{}); err != nil {
		return err
	}
	enough := time.NewTimer(pauseTimeMax)
	defer enough.Stop()
	select {
	case <-s.ended.after(s.PauseEvery / 8):
	case <-enough.C:
	case <-load.Done():
	}
	if _, err := s.cluster.Act(ctx, supervisor.Resume, name, supervisor.ActOptions{}); err != nil {
		return err
	}
	return awaitStatus(ctx, s.cluster, "all replicas serve again", whole)
}

// sessionClient is one client of a set, and its witness.
type sessionClient struct {
	*member
	witness witness
	tally   sessionTally
	timeout time.Duration
	name    string
	sent    int // requests
}

// next sends one request, to the next replica.
func (c *sessionClient) next(ctx context.Context) {
	c.sent++
	c.tally.Requests++
	switch id, own := c.witness.toChoose(c.sent / choiceEvery); {
	case c.sent%choiceEvery == 0 && !id.IsZero():
		answer, err := c.send(ctx, c.timeout, api.Request{Verb: api.Choose, Target: id, Count: 1})
		c.count(&c.tally.Reads, err)
		c.witness.onChosen(id, own, answer, err)
	case c.sent%sampleEvery == 1:
		answer, err := c.send(ctx, c.timeout, c.witness.sample())
		if c.count(&c.tally.Reads, err) {
			c.witness.onSample(answer)
		}
	case c.sent%postEvery == 0:
		c.post(ctx)
	default:
		answer, err := c.send(ctx, c.timeout, api.Request{Verb: api.Read, Count: 1})
		if c.count(&c.tally.Reads, err) {
			c.witness.onRead(answer)
		}
	}
}

func (c *sessionClient) post(ctx context.Context) {
	r := api.Request{Verb: api.Post, Author: "bench", Title: c.name, Body: fmt.Sprintf("%0*d", sessionsBytes, c.sent)}
	answer, err := c.send(ctx, c.timeout, r)
	if c.count(&c.tally.Posts, err) {
		c.witness.onPosted(answer.ID)
	}
}

// count reports whether a request ended well.
func (c *sessionClient) count(well *int, err error) bool {
	var e *api.Error
	switch {
	case err == nil:
		*well++
	case errors.As(err, &e) && e.Outcome == api.Refused:
		c.tally.Refused++
	default:
		c.tally.Unknown++
	}
	return err == nil
}

func (c *sessionClient) result() *sessionTally {
	c.tally.breaches = c.witness.breaches
	c.tally.Breaches = c.witness.count()
	return &c.tally
}

func newSessionTally() *sessionTally { return &sessionTally{breaches: breaches{Told: []string{}}} }

func (t *sessionTally) add(other *sessionTally) {
	t.Requests += other.Requests
	t.Posts += other.Posts
	t.Reads += other.Reads
	t.Refused += other.Refused
	t.Unknown += other.Unknown
	t.Breaches += other.Breaches
	t.breaches.add(&other.breaches)
}

func (r *sessionsResult) print(w io.Writer) {
	fmt.Fprintf(w, "mode %s, %.1f s, a replica paused %d times\n", r.Mode, r.Seconds, r.Pauses)
	r.With.print(w, "with a session")
	r.Without.print(w, "without")
}

const breachesShownMax = 2 // of each set; --json has more

func (t *sessionTally) print(w io.Writer, who string) {
	fmt.Fprintf(w, "%s: %d requests, %d breaches (read-your-writes %d, monotonic reads %d); %d posts, %d reads, %d refused, %d unknown\n",
		who, t.Requests, t.Breaches, t.ReadYourWrites, t.MonotonicReads, t.Posts, t.Reads, t.Refused, t.Unknown)
	for _, text := range t.Told[:min(len(t.Told), breachesShownMax)] {
		fmt.Fprintf(w, "  %s\n", inertLine(text))
	}
}
