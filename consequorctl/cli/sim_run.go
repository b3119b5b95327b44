package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"

	"consequor/sim"
	"consequor/sim/cluster"
)

// simRunCmd runs seeds, or one of them.
type simRunCmd struct {
	simSetting
	Seeds      *int    `help:"How many (default: 1000)." placeholder:"N" xor:"seeds"`
	From       *uint64 `help:"The first one (default: 1)." placeholder:"SEED" xor:"from"`
	Seed       *uint64 `help:"Run this one alone." placeholder:"SEED" xor:"seeds,from"`
	Only       *string `help:"With --seed: only these of its actions, as in 3,7-9; or none." placeholder:"LIST"`
	Trace      bool    `help:"With --seed: print what happens, an event on a line; with -v the heartbeats, batches and fsyncs too."`
	KeepGoing  bool    `help:"Run all seeds though some fail."`
	ShrinkRuns int     `help:"How many runs a failure may take to be shrunk (0: it is not)." default:"2000" placeholder:"N"`
	History    string  `help:"Write what its clients saw as JSON lines: consequorctl check judges it." placeholder:"FILE"`
	Report     string  `help:"Write the run that failed (with --seed: the run) as one HTML page." placeholder:"FILE"`
}

const (
	simSeedsDefault  = 1000
	simShrinkRunsMax = 100_000
)

// Validate is called by the parser.
func (c *simRunCmd) Validate() error {
	from, seeds := c.stretch()
	switch {
	case seeds < 1 || seeds > simSeedsMax:
		return fmt.Errorf("--seeds %d: want 1 to %d", seeds, simSeedsMax)
	case c.ShrinkRuns < 0 || c.ShrinkRuns > simShrinkRunsMax:
		return fmt.Errorf("--shrink-runs %d: want 0 to %d", c.ShrinkRuns, simShrinkRunsMax)
	case from > math.MaxUint64-uint64(seeds-1):
		return fmt.Errorf("--from %d --seeds %d: the last seed there is is %d", from, seeds, uint64(math.MaxUint64))
	case c.Seed == nil && (c.Only != nil || c.Trace):
		return fmt.Errorf("--only and --trace are for one run: name its --seed")
	}
	if c.Only != nil {
		if _, err := sim.ParseNumbers(*c.Only); err != nil {
			return fmt.Errorf("--only: %w", err)
		}
	}
	return nil
}

// stretch is the seeds of a sweep: the first, and how many.
func (c *simRunCmd) stretch() (from uint64, seeds int) {
	from, seeds = 1, simSeedsDefault
	if c.From != nil {
		from = *c.From
	}
	if c.Seeds != nil {
		seeds = *c.Seeds
	}
	return from, seeds
}

func (c *simRunCmd) Run(ctx context.Context, console *Console) error {
	workers := runtime.GOMAXPROCS(0)
	if c.Seed != nil {
		workers = 1
	}
	if err := errors.Join(writable(console, "--history", c.History), writable(console, "--report", c.Report)); err != nil {
		return err
	}
	s, err := c.open(ctx, console, workers)
	if err != nil {
		return err
	}
	defer s.close()
	if c.Seed != nil {
		return c.one(ctx, console, s)
	}
	return c.sweep(ctx, console, s)
}

// one runs a single seed, or some of its actions. Without a trace it is run
// twice and compared.
func (c *simRunCmd) one(ctx context.Context, console *Console, s *simulation) error {
	plan, err := sim.Draw(s.config, *c.Seed)
	if err != nil {
		return usagef("%v", err)
	}
	var only []int
	if c.Only != nil {
		if plan, err = c.part(plan); err != nil {
			return err
		}
		only = numbersOf(plan)
	}
	var r *sim.Result
	if c.Trace && !console.JSON {
		r, err = trace(console, plan)
	} else {
		r = sim.RunTwice(plan)
	}
	if err != nil {
		return err
	}
	if r.CutOff() {
		return cmp.Or(ctx.Err(), r.Err)
	}
	told := c.tell(s, r, only)
	told.Seeds = 1
	var unwritten error
	if c.Only == nil && r.Failed() {
		unwritten = c.shrink(ctx, console, s, told, r)
	} else {
		unwritten = c.write(console, s, told, r, s.command(*c.Seed, only))
	}
	return besides(console.end(told), unwritten)
}

// part leaves out of a plan what --only does not list.
func (c *simRunCmd) part(plan *sim.Plan) (*sim.Plan, error) {
	numbers, err := sim.ParseNumbers(*c.Only)
	if err != nil {
		return nil, usagef("--only: %v", err)
	}
	last := 0
	for _, a := range plan.Actions {
		last = max(last, a.Number)
	}
	if n := len(numbers); n > 0 && numbers[n-1] > last {
		most := numbers[n-1]
		return nil, usagef("--only: there is no action %d, the plan of seed %d has %d", most, plan.Seed, last)
	}
	return plan.Only(numbers), nil
}

// simStoryMax is up to how many actions are listed before their trace.
const simStoryMax = 40

// trace runs a plan and prints its events; with --verbose, every one of them.
func trace(console *Console, plan *sim.Plan) (*sim.Result, error) {
	w := console.Stdout
	fmt.Fprintln(w, plan.Drawn)
	if n := len(plan.Actions); n <= simStoryMax || console.Verbose {
		fmt.Fprint(w, plan.Story())
	} else {
		fmt.Fprintf(w, "%d actions, each told when it comes; heartbeats, batches and fsyncs are left out: -v shows all\n", n)
	}
	text := sim.NewTraceText(w, plan.Replicas)
	text.All = console.Verbose
	if console.Terminal {
		text.Columns = console.Columns
	}
	r := sim.Run(plan, text.Event)
	if err := text.Flush(); err != nil {
		return nil, fmt.Errorf("print the trace: %w", err)
	}
	return r, nil
}

// sweep runs many seeds.
func (c *simRunCmd) sweep(ctx context.Context, console *Console, s *simulation) error {
	from, seeds := c.stretch()
	console.Note("%s: seeds %d to %d", s.place(), from, from+uint64(seeds)-1)
	sweep := s.sweep(from, seeds)
	sweep.KeepGoing = c.KeepGoing
	progress := console.progress("seeds", seeds)
	sweep.Done = func(r *sim.Result) { progress.step(r.Failed()) }
	o, err := sweep.Run(ctx)
	progress.end()
	if err != nil && ctx.Err() == nil {
		return usagef("%v", err) // no plan can be drawn
	}
	told := c.sum(s, o)
	var unwritten error
	if len(o.Failures) > 0 {
		unwritten = c.shrink(ctx, console, s, told, o.Failures[0])
	}
	if err := besides(console.end(told), unwritten); err != nil {
		return err
	}
	return ctx.Err() // the totals so far are told
}

// shrink makes of the first failure the shortest story, and writes that down.
// An error is that of a file: what was found is told nevertheless.
func (c *simRunCmd) shrink(ctx context.Context, console *Console, s *simulation, told *simResult, r *sim.Result) error {
	shrunk := &sim.Shrunk{Result: r}
	if c.ShrinkRuns > 0 && shrinks(r) {
		console.Note("seed %d fails; leaving out what that does not take", r.Plan.Seed)
		shrunk = sim.Shrink(ctx, r, c.ShrinkRuns)
	}
	told.fail(s, r, shrunk)
	return c.write(console, s, told, shrunk.Result, told.Failures[0].Command)
}

// shrinks: a run that is not the same twice, or has no end, cannot be made
// shorter.
func shrinks(r *sim.Result) bool {
	switch r.Err.(type) {
	case *sim.NotDeterministicError, *sim.EndlessError:
		return false
	}
	return true
}

// write writes the history and the report of a run, which the command repeats.
func (c *simRunCmd) write(console *Console, s *simulation, told *simResult, r *sim.Result, command string) error {
	if c.History != "" {
		if err := writeHistory(console.Path(c.History), r.History); err != nil {
			return err
		}
		told.History = c.History
	}
	if c.Report != "" && shrinks(r) {
		var events []cluster.Event
		again := sim.Run(r.Plan, func(e cluster.Event) { events = append(events, e) })
		if again.CutOff() {
			return fmt.Errorf("the report %s is not written: interrupted", c.Report)
		}
		if err := writeReport(console.Path(c.Report), s.report(again, command, events)); err != nil {
			return err
		}
		told.Report = c.Report
	}
	return nil
}
