package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"consequor/board"
	"consequor/modes/builtin"
	"consequor/supervisor"
)

// benchSwap shows what a change of modes costs those who use the board. Under
// a load of posts and reads every mode is swapped for every other one; then the
// judge looks at all boards. No request may fail before its own deadline, none
// of the posts may be lost, doubled or renamed, and no session may miss what it
// has written or read, across all the changes.
//
// For each change two times are measured. The pause is the longest that any
// client went without an answer; a client works in a closed loop, so an answer
// that came late for another reason counts as well. The supervisor's own is
// from its first order to take no more posts until the last replica serves in
// the new mode.
type benchSwap struct {
	Rounds   int           `help:"How many times each mode is swapped for each other one." default:"5"`
	Clients  int           `help:"How many clients work at once." default:"8"`
	Modes    []string      `help:"Which modes: built-in ones, or any that the topology file names (default: all that are built in)." placeholder:"MODE,..."`
	Articles int           `help:"How many articles to put on the board first." default:"0"`
	Size     int           `help:"Bytes in an article's body." default:"350"`
	Timeout  time.Duration `help:"How long one request may take." default:"10s"`
	recording
}

const (
	roundsMax         = 10_000
	acksBeforeSwapMin = 20 // acknowledged posts between two changes: a change meets a cluster at work
	preloadClients    = 64
	preloadMax        = 10_000_000
)

type swapBenchResult struct {
	Modes    []string     `json:"modes"`
	Rounds   int          `json:"rounds"`
	Clients  int          `json:"clients"`
	Articles int          `json:"articles"` // put on the board first
	Seconds  float64      `json:"seconds"`
	Swaps    int          `json:"swaps"`
	Pairs    []pairResult `json:"pairs"`
	PauseMax float64      `json:"pause_max_ms"`
	loadResult
	*verdict
}

// pairResult sums up the changes from one mode to another.
type pairResult struct {
	From     string  `json:"from"`
	To       string  `json:"to"`
	Swaps    int     `json:"swaps"`
	PauseMax float64 `json:"pause_max_ms"` // the longest that a client went without an answer
	OwnMax   float64 `json:"own_max_ms"`   // the longest by the supervisor's clock
}

func (c *benchSwap) Run(ctx context.Context, console *Console, name clusterFlag) error {
	return c.recorded(ctx, console, name, func() error { return c.perform(ctx, console, name) })
}

func (c *benchSwap) perform(ctx context.Context, console *Console, name clusterFlag) error {
	if err := c.check(); err != nil {
		return err
	}
	cluster, err := name.find()
	if err != nil {
		return err
	}
	requests, err := swapRequests(ctx, console, cluster, c.Modes)
	if err != nil {
		return err
	}
	if err := awaitStatus(ctx, cluster, "all replicas serve", whole); err != nil {
		return err
	}
	crowd, err := gather(ctx, console, name, "", c.Clients)
	if err != nil {
		return err
	}
	defer crowd.close()
	b := &swapBench{benchSwap: c, cluster: cluster, console: console, name: name, load: newSwapLoad(crowd, c.Timeout, c.Size), requests: requests}
	result, err := b.run(ctx)
	if err != nil {
		return err
	}
	if err := console.Result(result, result.print); err != nil {
		return err
	}
	return result.judge()
}

func (c *benchSwap) check() error {
	c.Modes = modesOrBuiltIn(c.Modes)
	for i, mode := range c.Modes {
		if slices.Contains(c.Modes[:i], mode) {
			return usagef("--modes: %s is named twice", mode)
		}
	}
	switch {
	case c.Rounds < 1 || c.Rounds > roundsMax:
		return usagef("--rounds %d: want 1 to %d", c.Rounds, roundsMax)
	case c.Clients < 1 || c.Clients > clientCountMax:
		return usagef("--clients %d: want 1 to %d", c.Clients, clientCountMax)
	case c.Articles < 0 || c.Articles > preloadMax:
		return usagef("--articles %d: want 0 to %d", c.Articles, preloadMax)
	case c.Size < 1 || c.Size > board.BodyLenMax:
		return usagef("--size %d: want 1 to %d", c.Size, board.BodyLenMax)
	case c.Timeout <= timeoutMargin:
		return usagef("--timeout %v: want more than %v", c.Timeout, timeoutMargin)
	}
	return nil
}

// swapRequests resolves the modes by name, as mode swap does.
func swapRequests(ctx context.Context, console *Console, cluster *supervisor.Client, modes []string) (map[string]supervisor.SwapRequest, error) {
	status, err := cluster.Status(ctx)
	if err != nil {
		return nil, err
	}
	requests := make(map[string]supervisor.SwapRequest)
	for _, name := range modes {
		mode, err := resolveMode(ctx, console, status, name, nil)
		if err != nil {
			return nil, err
		}
		requests[name] = supervisor.SwapRequest{Mode: *mode}
	}
	return requests, nil
}

// modesOrBuiltIn is what --modes says, or all modes that are built in.
func modesOrBuiltIn(modes []string) []string {
	if len(modes) > 0 {
		return modes
	}
	for _, m := range builtin.Modes() {
		modes = append(modes, m.Description.Name)
	}
	return modes
}

func (r *swapBenchResult) judge() error {
	switch {
	case !r.OK():
		return failedf("%d violations: %s", len(r.Violations), r.Violations[0])
	case r.Failed > 0:
		return failedf("%d requests failed, the first: %s", r.Failed, r.Failures[0])
	case r.Broken.count() > 0:
		return failedf("%d guarantees of a session were broken, the first: %s", r.Broken.count(), r.Broken.Told[0])
	}
	return nil
}

// swapBench is one run of it.
type swapBench struct {
	*benchSwap
	cluster *supervisor.Client
	console *Console
	name    clusterFlag
	load    *swapLoad
	pairs   []pairResult
	swaps   int

	requests map[string]supervisor.SwapRequest // by mode
}

func (b *swapBench) run(ctx context.Context) (*swapBenchResult, error) {
	started := time.Now()
	if err := b.preload(ctx); err != nil {
		return nil, err
	}
	status, err := b.cluster.Status(ctx)
	if err != nil {
		return nil, err
	}
	b.load.start(ctx)
	err = b.changeAll(ctx, status.Mode)
	b.load.stop()
	if err != nil {
		return nil, err
	}
	boards, err := b.load.crowd.readBack(ctx)
	if err != nil {
		return nil, err
	}
	r := &swapBenchResult{
		Modes: b.Modes, Rounds: b.Rounds, Clients: b.Clients, Articles: b.Articles, Seconds: time.Since(started).Seconds(),
		Swaps: b.swaps, Pairs: b.pairs, loadResult: b.load.result, verdict: judge(evidence{b.load.recorder.posts, boards}),
	}
	for _, p := range r.Pairs {
		r.PauseMax = max(r.PauseMax, p.PauseMax)
	}
	return r, nil
}

func (b *swapBench) preload(ctx context.Context) error {
	if b.Articles == 0 {
		return nil
	}
	crowd, err := gather(ctx, b.console, b.name, "", min(preloadClients, b.Articles))
	if err != nil {
		return err
	}
	defer crowd.close()
	if err := b.load.preload(ctx, crowd, b.Articles); err != nil {
		return fmt.Errorf("put %d articles on the board: %w", b.Articles, err)
	}
	return nil
}

// changeAll makes the tour of all modes, so many rounds. A mode that runs and is
// none of them is left first, by a change that counts as well.
func (b *swapBench) changeAll(ctx context.Context, running string) error {
	modes := slices.Clone(b.Modes)
	if at := slices.Index(modes, running); at >= 0 {
		modes = append(modes[at:], modes[:at]...)
	} else if err := b.change(ctx, leg{running, modes[0]}); err != nil {
		return err
	}
	for range b.Rounds {
		for _, l := range tour(modes) {
			if err := b.change(ctx, l); err != nil {
				return err
			}
		}
	}
	return nil
}

// change makes one change and measures it.
func (b *swapBench) change(ctx context.Context, l leg) error {
	doing := func(err error) error { return fmt.Errorf("swap %d, %s for %s: %w", b.swaps+1, l.From, l.To, err) }
	if err := b.load.recorder.awaitAcks(ctx, acksBeforeSwapMin); err != nil {
		return doing(err)
	}
	before, _ := b.load.recorder.seqs()
	b.load.gaps.begin()
	swapped, err := b.cluster.Swap(ctx, b.requests[l.To], nil)
	if err != nil {
		return doing(err)
	}
	if len(swapped.Missing) > 0 {
		return doing(fmt.Errorf("%s did not begin the new mode", strings.Join(swapped.Missing, ", ")))
	}
	pause, err := b.load.gaps.end(ctx)
	if err != nil {
		return doing(err)
	}
	b.load.recorder.raiseFloor(before)
	if err := awaitStatus(ctx, b.cluster, "all replicas serve in mode "+l.To, func(s *supervisor.ClusterStatus) bool { return whole(s) && s.Mode == l.To }); err != nil {
		return doing(err)
	}
	b.swaps++
	b.note(l, pause, swapped.PauseMS)
	return nil
}

func (b *swapBench) note(l leg, pause time.Duration, own float64) {
	at := slices.IndexFunc(b.pairs, func(p pairResult) bool { return p.From == l.From && p.To == l.To })
	if at < 0 {
		at = len(b.pairs)
		b.pairs = append(b.pairs, pairResult{From: l.From, To: l.To})
	}
	p := &b.pairs[at]
	p.Swaps++
	p.PauseMax = max(p.PauseMax, millis(pause))
	p.OwnMax = max(p.OwnMax, own)
	b.console.Note("swap %d: %s for %s, longest pause of a client %v", b.swaps, l.From, l.To, pause.Round(10*time.Microsecond))
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (r *swapBenchResult) print(w io.Writer) {
	fmt.Fprintf(w, "%d swaps, %d clients, %d articles first, %.1f s\n", r.Swaps, r.Clients, r.Articles, r.Seconds)
	fmt.Fprintf(w, "acknowledged %d, lost %d, doubled %d, ids changed %d, unknown %d, refused %d\n", r.Acknowledged, r.Lost, r.Doubled, r.Changed, r.Unknown, r.Refused)
	fmt.Fprintf(w, "requests %d, failed %d, beyond their own deadline %d\n", r.Requests, r.Failed, r.TimedOut)
	fmt.Fprintf(w, "sessions: read-your-writes broken %d, monotonic reads broken %d\n", r.Broken.ReadYourWrites, r.Broken.MonotonicReads)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "FROM\tTO\tSWAPS\tLONGEST PAUSE\tBY THE SUPERVISOR")
	for _, p := range r.Pairs {
		fmt.Fprintf(table, "%s\t%s\t%d\t%.1f ms\t%.1f ms\n", p.From, p.To, p.Swaps, p.PauseMax, p.OwnMax)
	}
	table.Flush()
	fmt.Fprintf(w, "longest pause %.1f ms\n", r.PauseMax)
	for _, text := range slices.Concat(r.Violations, r.Failures, r.Broken.Told) {
		fmt.Fprintln(w, inertLine(text))
	}
}
