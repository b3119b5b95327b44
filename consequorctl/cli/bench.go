package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"consequor/board"
	"consequor/replicad/api"
)

// benchCmd measures a running cluster.
type benchCmd struct {
	Load     benchLoadCmd  `cmd:"" default:"withargs" help:"Posts or page reads in a closed loop (what bench alone does)."`
	Failover benchFailover `cmd:"" help:"Kill who coordinates, again and again, under a load of posts; check that nothing was lost."`
	Sessions benchSessions `cmd:"" help:"Clients that change replica on every request, with and without a session; check what each sees."`
	Faults   benchFaults   `cmd:"" help:"Kill, pause, cut and delay what the mode must survive, under everything that clients can ask; judge what they were told."`
	Lossy    benchLossy    `cmd:"" help:"Posts whose connections are cut before the answer comes, sent again with their keys; check that each is there once."`
	Swap     benchSwap     `cmd:"" help:"Swap every mode for every other one under load; check that nobody lost anything, and how long they waited."`
	SwapKill benchSwapKill `cmd:"" help:"Kill processes at each step of mode changes under load; check that the board works in one mode, with everything."`
}

const (
	clientCountMax  = 10_000
	durationDefault = 5 * time.Second
)

// benchLoadCmd is a closed loop: each client sends its next request when the
// last one is answered, to the next replica.
type benchLoadCmd struct {
	Clients  int           `help:"How many clients at once." default:"16"`
	Duration time.Duration `help:"For how long (default: 5s)." xor:"end"`
	Posts    int           `help:"Until so many requests are sent, instead." xor:"end" placeholder:"N"`
	Size     int           `help:"Bytes in an article's body." default:"350"`
	Reads    bool          `help:"Read a page instead of posting."`
	At       string        `help:"The replica to ask (default: each in turn)." placeholder:"REPLICA"`
	Timeout  time.Duration `help:"How long one request may take." default:"5s"`
	recording
}

type benchResult struct {
	Verb    api.Verb       `json:"verb"`
	Clients int            `json:"clients"`
	Size    int            `json:"size"`
	Seconds float64        `json:"seconds"`
	Count   int64          `json:"count"` // answered well
	Rate    float64        `json:"rate"`  // per second
	P50     int64          `json:"p50_us"`
	P90     int64          `json:"p90_us"`
	P99     int64          `json:"p99_us"`
	Max     int64          `json:"max_us"`
	Errors  map[string]int `json:"errors"` // by outcome and kind
}

func (c *benchLoadCmd) Run(ctx context.Context, console *Console, name clusterFlag) error {
	return c.recorded(ctx, console, name, func() error { return c.perform(ctx, console, name) })
}

func (c *benchLoadCmd) perform(ctx context.Context, console *Console, name clusterFlag) error {
	if err := c.check(); err != nil {
		return err
	}
	crowd, err := gather(ctx, console, name, c.At, c.Clients)
	if err != nil {
		return err
	}
	defer crowd.close()
	result, err := c.measure(ctx, crowd)
	if err != nil {
		return err
	}
	return console.Result(result, result.print)
}

func (c *benchLoadCmd) check() error {
	switch {
	case c.Clients < 1 || c.Clients > clientCountMax:
		return usagef("--clients %d: want 1 to %d", c.Clients, clientCountMax)
	case c.Size < 1 || c.Size > board.BodyLenMax:
		return usagef("--size %d: want 1 to %d", c.Size, board.BodyLenMax)
	case c.Posts < 0 || c.Duration < 0 || c.Timeout <= 0:
		return usagef("--duration, --posts and --timeout must be above 0")
	}
	return nil
}

// request is the load's only request; the client makes a key for each post.
func (c *benchLoadCmd) request() api.Request {
	if c.Reads {
		return api.Request{Verb: api.Read}
	}
	return api.Request{Verb: api.Post, Author: "bench", Title: "bench", Body: strings.Repeat("x", c.Size)}
}

func (c *benchLoadCmd) measure(ctx context.Context, crowd *crowd) (*benchResult, error) {
	request := c.request()
	tallies := make([]*tally, len(crowd.members))
	var left atomic.Int64
	left.Store(int64(c.Posts))
	started := time.Now()
	end := started.Add(cmp.Or(c.Duration, durationDefault))
	more := func() bool {
		if c.Posts > 0 {
			return left.Add(-1) >= 0
		}
		return time.Now().Before(end)
	}
	crowd.each(func(i int, m *member) {
		t := newTally()
		for ctx.Err() == nil && more() {
			t.time(func() error { return m.ask(ctx, c.Timeout, request) })
		}
		tallies[i] = t
	})
	elapsed := time.Since(started)
	return c.sum(tallies, elapsed, request.Verb), ctx.Err()
}

func (c *benchLoadCmd) sum(tallies []*tally, elapsed time.Duration, verb api.Verb) *benchResult {
	all := newTally()
	for _, t := range tallies {
		all.add(t)
	}
	h := all.latency
	return &benchResult{
		Verb: verb, Clients: len(tallies), Size: c.Size,
		Seconds: elapsed.Seconds(), Count: h.TotalCount(), Rate: float64(h.TotalCount()) / elapsed.Seconds(),
		P50: h.ValueAtPercentile(50), P90: h.ValueAtPercentile(90), P99: h.ValueAtPercentile(99), Max: h.Max(),
		Errors: all.errors,
	}
}

func (r *benchResult) print(w io.Writer) {
	what := fmt.Sprintf("posts of %d bytes", r.Size)
	if r.Verb == api.Read {
		what = "page reads"
	}
	fmt.Fprintf(w, "%d clients, %s, %.1f s\n", r.Clients, what, r.Seconds)
	fmt.Fprintf(w, "%.0f/s   p50 %v   p90 %v   p99 %v   max %v\n", r.Rate, micros(r.P50), micros(r.P90), micros(r.P99), micros(r.Max))
	for _, kind := range slices.Sorted(maps.Keys(r.Errors)) {
		fmt.Fprintf(w, "%d %s\n", r.Errors[kind], kind)
	}
}

func micros(n int64) time.Duration { return time.Duration(n) * time.Microsecond }

// tally counts what one client saw.
type tally struct {
	latency *hdrhistogram.Histogram // microseconds
	errors  map[string]int
}

const latencyMax = 10 * time.Minute // beyond every time-out that makes sense

func newTally() *tally {
	return &tally{hdrhistogram.New(1, latencyMax.Microseconds(), 3), map[string]int{}}
}

func (t *tally) time(request func() error) {
	started := time.Now()
	if err := request(); err != nil {
		t.errors[kindOf(err)]++
		return
	}
	took := min(max(time.Since(started).Microseconds(), 1), latencyMax.Microseconds())
	if err := t.latency.RecordValue(took); err != nil {
		panic("bench: a bounded latency is out of bounds: " + err.Error())
	}
}

func (t *tally) add(other *tally) {
	t.latency.Merge(other.latency)
	for kind, n := range other.errors {
		t.errors[kind] += n
	}
}

func kindOf(err error) string {
	var e *api.Error
	if errors.As(err, &e) {
		return string(e.Outcome) + " " + e.Kind
	}
	return describe(err).Kind
}
