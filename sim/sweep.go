package sim

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"consequor/board"
	"consequor/sim/cluster"
	"consequor/sim/history"
)

// Sweep runs seeds From, From+1, ... on all cores.
type Sweep struct {
	Config
	From    uint64
	Seeds   int // 0: until Stop
	Workers int // default one a core

	// KeepGoing runs all seeds though some fail. Without it no seed is begun
	// after a failure, and the lowest one that fails is found, however many
	// workers there are.
	KeepGoing bool

	// Done is called after each run, by one goroutine at a time, in no
	// particular order; a run that failed comes with its whole result.
	Done func(r *Result)

	// Launchers has a Launch for each worker, where machines run in processes:
	// one that dies takes no other worker's machines with it. Empty: all share
	// Config.Launch.
	Launchers []func(replica board.ReplicaID) (cluster.Machine, error)

	draw   func(Config, uint64) (*Plan, error) // nil: Draw
	run    Runner                              // nil: Run
	runMax time.Duration                       // default runTimeMax
}

// Runner is what runs a plan: Run, or a test's own.
type Runner func(p *Plan, trace func(cluster.Event)) *Result

const (
	// againEvery is how many runs there are to each that is run twice.
	againEvery = 100

	// runTimeMax is how long a run may take, in real time; most take a twentieth
	// of a second.
	runTimeMax = 2 * time.Minute

	// failuresKeptMax is how many failures a sweep keeps, of the lowest seeds;
	// further ones are counted.
	failuresKeptMax = 10
)

// Outcome is what a sweep came to.
type Outcome struct {
	Totals
	Failures []*Result // by seed
	Next     uint64    // the first seed that was not run
}

// Run runs the sweep until its seeds are run, one fails, or ctx ends. What has
// begun by then is finished: the seeds that were run are From up to, and without,
// Next. A run that is cut off (cluster.ErrCutOff) does not count, and none is
// begun after it; Next is its seed, though others behind that may have been run.
// The error says that a plan cannot be drawn, or that ctx ended.
func (s *Sweep) Run(ctx context.Context) (*Outcome, error) {
	d := &dealer{sweep: s, next: s.From}
	results := make(chan ran)
	watch := startWatch()
	var workers sync.WaitGroup
	for w := range s.workers() {
		c := s.Config
		if len(s.Launchers) > 0 {
			c.Launch = s.Launchers[w]
		}
		workers.Go(func() { s.work(ctx, d, c, results) })
	}
	go func() {
		workers.Wait()
		close(results)
	}()
	o := s.collect(results)
	o.CPU, o.Wall = watch.stop()
	o.Next = d.unrun()
	if d.err != nil {
		return o, d.err
	}
	return o, ctx.Err()
}

func (s *Sweep) workers() int {
	n := s.Workers
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	if len(s.Launchers) > 0 {
		n = min(n, len(s.Launchers))
	}
	return n
}

// ran is a run that is over.
type ran struct {
	*Result
	again bool // it was run twice
}

// collect takes the results as they come.
func (s *Sweep) collect(results <-chan ran) *Outcome {
	o := &Outcome{}
	for r := range results {
		o.add(r.Result)
		if r.again {
			o.Again++
		}
		if r.Failed() {
			o.keep(r.Result)
		}
		if s.Done != nil {
			s.Done(r.Result)
		}
	}
	return o
}

func (o *Outcome) keep(r *Result) {
	o.Failures = append(o.Failures, r)
	slices.SortFunc(o.Failures, func(a, b *Result) int {
		if a.Plan.Seed < b.Plan.Seed {
			return -1
		}
		return 1
	})
	o.Failures = o.Failures[:min(len(o.Failures), failuresKeptMax)]
}

// dealer gives each seed to one worker, in order: whoever fails at a seed knows
// that all lower ones are being run.
type dealer struct {
	sweep *Sweep

	mu   sync.Mutex
	next uint64
	over bool
	cut  []uint64 // seeds whose runs were cut off
	err  error    // the first one
}

func (d *dealer) deal(ctx context.Context) (seed uint64, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.sweep; d.over || ctx.Err() != nil || s.Seeds > 0 && d.next-s.From >= uint64(s.Seeds) {
		return 0, false
	}
	d.next++
	return d.next - 1, true
}

func (d *dealer) stop(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = true
	if d.err == nil {
		d.err = err
	}
}

// cutOff takes back a seed whose run does not count.
func (d *dealer) cutOff(seed uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = true
	d.cut = append(d.cut, seed)
}

// unrun is the first seed that was not run. All workers have ended.
func (d *dealer) unrun() uint64 { return slices.Min(append(d.cut, d.next)) }

// work is one worker.
func (s *Sweep) work(ctx context.Context, d *dealer, c Config, results chan<- ran) {
	draw := s.draw
	if draw == nil {
		draw = Draw
	}
	for {
		seed, ok := d.deal(ctx)
		if !ok {
			return
		}
		plan, err := draw(c, seed)
		if err != nil {
			d.stop(err)
			return
		}
		r := bounded(plan, cmp.Or(s.runMax, runTimeMax), func() ran { return s.one(plan) })
		if r.CutOff() {
			d.cutOff(seed)
			return
		}
		if r.Failed() && !s.KeepGoing {
			d.stop(nil)
		}
		results <- r
	}
}

// EndlessError says that a run was given up: something in it goes on for ever
// within one event, where no virtual time passes. Its goroutine goes on until
// the program ends.
type EndlessError struct {
	Seed uint64
	For  time.Duration
}

func (e *EndlessError) Error() string {
	return fmt.Sprintf("seed %d has not come to an end for %v of real time: one of its steps is endless", e.Seed, e.For)
}

// bounded waits for the end of a run no longer than the run may take.
func bounded(p *Plan, limit time.Duration, run func() ran) ran {
	done := make(chan ran, 1)
	go func() { done <- run() }()
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case r := <-done:
		return r
	case <-late.C:
		return ran{&Result{Plan: p, History: &history.History{}, Err: &EndlessError{p.Seed, limit}}, false}
	}
}

// one runs a plan, and one in againEvery twice, the first seed always.
func (s *Sweep) one(p *Plan) ran {
	run := s.run
	if run == nil {
		run = Run
	}
	if (p.Seed-s.From)%againEvery != 0 {
		return ran{run(p, nil), false}
	}
	return ran{runTwice(run, p), true}
}

// NotDeterministicError says that a plan was run twice, and not the same
// happened: what a failure shows could then not be shown again.
type NotDeterministicError struct {
	Seed          uint64
	Event         int    // the number of the first event that differs, from 1
	First, Second string // the event in each run; empty: it was over
}

func (e *NotDeterministicError) Error() string {
	return fmt.Sprintf("not deterministic: seed %d was run twice, and event %d was first %s, then %s", e.Seed, e.Event, orOver(e.First), orOver(e.Second))
}

func orOver(event string) string {
	if event == "" {
		return "none, as the run was over"
	}
	return fmt.Sprintf("%q", event)
}

// RunTwice runs a plan twice and compares the two runs event by event. The
// second one's result counts, and a difference is a failure of its own.
func RunTwice(p *Plan) *Result {
	return bounded(p, runTimeMax, func() ran { return ran{runTwice(Run, p), true} }).Result
}

func runTwice(run Runner, p *Plan) *Result {
	var first []cluster.Event
	one := run(p, func(e cluster.Event) { first = append(first, e) })
	var differs *NotDeterministicError
	count := 0
	two := run(p, func(e cluster.Event) {
		count++
		if differs == nil && (count > len(first) || first[count-1] != e) {
			differs = &NotDeterministicError{Seed: p.Seed, Event: count, Second: eventText(e)}
			if count <= len(first) {
				differs.First = eventText(first[count-1])
			}
		}
	})
	if differs == nil && count < len(first) {
		differs = &NotDeterministicError{Seed: p.Seed, Event: count + 1, First: eventText(first[count])}
	}
	if differs == nil && one.Failed() != two.Failed() {
		differs = &NotDeterministicError{Seed: p.Seed, Event: count + 1, First: "judged " + one.Failure().String(), Second: "judged " + two.Failure().String()}
	}
	if one.CutOff() {
		return one
	}
	if differs != nil && !two.CutOff() {
		two.Err = differs
	}
	return two
}
