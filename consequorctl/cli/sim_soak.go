package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"consequor/sim"
)

// simSoakCmd runs seeds as long as it may, over many starts.
type simSoakCmd struct {
	simSetting
	For   time.Duration `help:"For how long (default: until interrupted)." placeholder:"DURATION"`
	State string        `help:"The file that remembers what was run." required:"" placeholder:"FILE"`
	Table bool          `help:"Run nothing, and print what was run as a table in markdown; more states may be named behind it."`
	More  []string      `arg:"" optional:"" name:"state" help:"With --table: more states."`
}

// Help is shown with the command's flags.
func (simSoakCmd) Help() string {
	return `The state is replaced as a whole, now and then and at the end, also of one that Ctrl-C brings about; the next start goes on with the next
seed. A state that was made with another mode, other options, faults or so many replicas is refused. Violations are counted, and kept
with their seeds; none ends the soak.

  consequorctl sim soak --mode quorum --for 8h --state quorum.json
  consequorctl sim soak --state quorum.json --table sequential.json

Exit codes: 0 no run of the state has failed, 1 one has, 2 usage.`
}

// Validate is called by the parser.
func (c *simSoakCmd) Validate() error {
	if c.For < 0 {
		return fmt.Errorf("--for %v: want more than 0", c.For)
	}
	if len(c.More) > 0 && !c.Table {
		return fmt.Errorf("%s: more than one state is for --table", c.More[0])
	}
	return nil
}

type simSoakResult struct {
	State string   `json:"state"`
	Rates simRates `json:"rates"`
	*sim.Soak
}

func (c *simSoakCmd) Run(ctx context.Context, console *Console) error {
	if c.Table {
		return c.table(console)
	}
	if err := writable(console, "--state", c.State); err != nil {
		return err
	}
	s, err := c.open(ctx, console, runtime.GOMAXPROCS(0))
	if err != nil {
		return err
	}
	defer s.close()
	path := console.Path(c.State)
	soak, err := sim.LoadSoak(path, sim.SettingOf(s.config))
	var other *sim.SettingError
	switch {
	case errors.As(err, &other):
		return &Failure{Code: ExitUsage, Kind: "other_state", Message: err.Error(), Hint: "give another --state, or the flags that this one was made with"}
	case err != nil:
		return usagef("--%v", err)
	}
	unsaved := c.soak(ctx, console, s, soak)
	result := simSoakResult{c.State, simRates{soak.Totals.SeedsPerCoreSecond(), soak.Totals.EventsPerCoreSecond(), soak.Totals.EventsPerRun()}, soak}
	end := console.Result(result, func(w io.Writer) { c.print(w, s, soak) })
	if end == nil && soak.Totals.Failed > 0 {
		end = &Failure{Code: ExitFailed, Kind: "violated", Message: fmt.Sprintf("%d of %d runs failed", soak.Totals.Failed, soak.Totals.Runs)}
	}
	return besides(end, unsaved)
}

// soak runs until the time is over or the user interrupts it: to both it is the
// end that was meant.
func (c *simSoakCmd) soak(ctx context.Context, console *Console, s *simulation, soak *sim.Soak) error {
	if c.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.For)
		defer cancel()
	}
	console.Note("%s: from seed %d on", s.place(), soak.Next)
	sweep := s.sweep(0, 0)
	progress := console.progress("seeds", 0)
	defer progress.end()
	sweep.Done = func(r *sim.Result) {
		progress.step(r.Failed())
		if r.Failed() {
			progress.end()
			console.Note("seed %d fails: %s: %s\n  %s", r.Plan.Seed, r.Failure(), inertLine(r.Sentence()), s.command(r.Plan.Seed, nil))
		}
	}
	return soak.Run(ctx, sweep, commit(), console.Path(c.State))
}

// commit is what this program was built from.
func commit() string {
	v := versionOf()
	text := cmp.Or(v.Commit, "unknown")
	if v.Changed {
		text += "+"
	}
	return text
}

func (c *simSoakCmd) print(w io.Writer, s *simulation, soak *sim.Soak) {
	fmt.Fprintf(w, "%s: %d seeds, %d failed; the next one is %d\n", s.place(), soak.Totals.Runs, soak.Totals.Failed, soak.Next)
	for _, v := range soak.Violations {
		fmt.Fprintf(w, "seed %d: %s: %s\n  %s\n", v.Seed, v.Failure, inertLine(v.Sentence), s.command(v.Seed, nil))
	}
	fmt.Fprint(w, sim.SoakTable(soak))
}

// table prints states, a row for each.
func (c *simSoakCmd) table(console *Console) error {
	states := []*sim.Soak{}
	for _, path := range append([]string{c.State}, c.More...) {
		one, err := sim.ReadSoak(console.Path(path))
		if err != nil {
			return usagef("--state %s: %v", path, err)
		}
		states = append(states, one)
	}
	return console.Result(states, func(w io.Writer) { fmt.Fprint(w, sim.SoakTable(states...)) })
}
