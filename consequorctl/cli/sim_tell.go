package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"consequor/sim"
	"consequor/sim/history"
)

// simResult is what a sweep, or one run, came to.
type simResult struct {
	Holds    bool         `json:"holds"`
	Mode     string       `json:"mode"`
	Place    string       `json:"place"` // mode, replicas, faults, mutant, in words
	Replicas int          `json:"replicas"`
	Faults   string       `json:"faults"`
	From     uint64       `json:"from"`
	Seeds    int          `json:"seeds"` // that were asked for
	Drawn    string       `json:"drawn,omitempty"`
	Rates    *simRates    `json:"rates,omitempty"`
	Totals   sim.Totals   `json:"totals"`
	Failures []simFailure `json:"failures"` // the first ones
	Report   string       `json:"report,omitempty"`
	History  string       `json:"history,omitempty"`
}

type simRates struct {
	SeedsPerCoreSecond  float64 `json:"seeds_per_core_second"`
	EventsPerCoreSecond float64 `json:"events_per_core_second"`
	EventsPerRun        float64 `json:"events_per_run"`
}

// simFailure is one run that failed. What it takes is known of the first alone.
type simFailure struct {
	Seed     uint64      `json:"seed"`
	Failure  sim.Failure `json:"failure"`
	Sentence string      `json:"sentence"`
	Ops      []string    `json:"ops"`     // that prove it, in words
	Actions  []simAction `json:"actions"` // that it takes; not listed if it was not shrunk
	Of       int         `json:"of"`      // actions there were
	Runs     int         `json:"runs"`    // that shrinking took
	Minimal  bool        `json:"minimal"` // without any one of the actions it does not fail
	Command  string      `json:"command"` // that repeats it
}

type simAction struct {
	Number  int     `json:"number"`
	Seconds float64 `json:"seconds"`
	Text    string  `json:"text"`
}

func (s *simulation) result() *simResult {
	return &simResult{Holds: true, Mode: s.config.Mode, Place: s.place(), Replicas: s.config.Replicas, Faults: s.config.Faults.String(), Failures: []simFailure{}}
}

// tell is the result of one run, of some of its actions if only lists them.
func (c *simRunCmd) tell(s *simulation, r *sim.Result, only []int) *simResult {
	told := s.result()
	told.From, told.Drawn = *c.Seed, r.Plan.Drawn
	told.Totals = sim.Totals{Runs: 1, Events: int64(r.Events), Virtual: r.Virtual, Coverage: r.Coverage}
	if r.Failed() {
		told.Holds, told.Totals.Failed = false, 1
		told.Failures = []simFailure{s.failure(r, only)}
	}
	return told
}

// sum is the result of a sweep.
func (c *simRunCmd) sum(s *simulation, o *sim.Outcome) *simResult {
	told := s.result()
	told.Totals = o.Totals
	told.From, told.Seeds = c.stretch()
	told.Rates = &simRates{o.SeedsPerCoreSecond(), o.EventsPerCoreSecond(), o.EventsPerRun()}
	told.Holds = o.Failed == 0
	for _, r := range o.Failures {
		told.Failures = append(told.Failures, s.failure(r, nil))
	}
	return told
}

func (s *simulation) failure(r *sim.Result, only []int) simFailure {
	f := simFailure{
		Seed: r.Plan.Seed, Failure: r.Failure(), Sentence: r.Sentence(), Ops: []string{}, Actions: []simAction{},
		Of: len(r.Plan.Actions), Command: s.command(r.Plan.Seed, only),
	}
	if v := r.Verdicts.First(); r.Err == nil && v != nil {
		f.Ops = opsInWords(r.History, v)
	}
	return f
}

// opsInWords tells the operations that prove a verdict, by their calls.
func opsInWords(h *history.History, v *history.Verdict) []string {
	ops := []string{}
	for i := range h.Ops {
		if op := &h.Ops[i]; slices.Contains(v.Ops, op.Number) {
			ops = append(ops, op.String())
		}
	}
	return ops
}

// fail puts the shrunk run in the place of the first failure: its operations
// are those that can be seen when it is repeated.
func (t *simResult) fail(s *simulation, whole *sim.Result, shrunk *sim.Shrunk) {
	var only []int
	if len(shrunk.Plan.Actions) < len(whole.Plan.Actions) {
		only = numbersOf(shrunk.Plan)
	}
	f := s.failure(shrunk.Result, only)
	f.Of, f.Runs, f.Minimal = len(whole.Plan.Actions), shrunk.Runs, shrunk.Minimal
	if shrunk.Runs > 0 {
		for _, a := range shrunk.Plan.Actions {
			f.Actions = append(f.Actions, simAction{a.Number, a.At.Seconds(), a.Text})
		}
	}
	t.Failures[0] = f
}

// end prints a result, and makes of a failure exit code 1.
func (c *Console) end(t *simResult) error {
	unprinted := c.Result(t, func(w io.Writer) { t.print(w, c.Quiet) })
	if t.Holds {
		return unprinted
	}
	return besides(&Failure{Code: ExitFailed, Kind: "violated", Message: t.summary()}, unprinted)
}

func (t *simResult) summary() string {
	if t.Totals.Runs == 1 {
		return fmt.Sprintf("seed %d fails: %s", t.Failures[0].Seed, kindOfFailure(t.Failures[0].Failure))
	}
	return fmt.Sprintf("%d of %d seeds failed, the first is %d: %s", t.Totals.Failed, t.Totals.Runs, t.Failures[0].Seed, kindOfFailure(t.Failures[0].Failure))
}

// kindOfFailure says what found it; what it has found is told by the sentence.
func kindOfFailure(f sim.Failure) string {
	if f.Assertion != "" {
		return "an assertion broke"
	}
	return f.String()
}

func (t *simResult) print(w io.Writer, quiet bool) {
	if quiet {
		for _, f := range t.Failures {
			fmt.Fprintln(w, f.Command)
		}
		return
	}
	for i, f := range t.Failures {
		if i == 0 {
			f.print(w)
			t.printFiles(w)
		} else {
			fmt.Fprintf(w, "seed %d: %s: %s\n", f.Seed, kindOfFailure(f.Failure), inertLine(f.Sentence))
		}
	}
	if t.Holds {
		fmt.Fprintf(w, "%s: %s\n", t.Place, t.holdsInWords())
		t.printFiles(w)
	}
	t.printTotals(w)
}

func (t *simResult) holdsInWords() string {
	if t.Seeds == 1 && t.Totals.Runs == 1 {
		return fmt.Sprintf("seed %d holds", t.From)
	}
	return fmt.Sprintf("%d of %d seeds run, all hold", t.Totals.Runs, t.Seeds)
}

func (t *simResult) printFiles(w io.Writer) {
	for _, file := range []struct{ what, path string }{{"report", t.Report}, {"history", t.History}} {
		if file.path != "" {
			fmt.Fprintf(w, "%-9s %s\n", file.what+":", file.path)
		}
	}
}

// print tells a failure: the sentence, what proves it, what it takes, and the
// command that repeats it.
func (f *simFailure) print(w io.Writer) {
	fmt.Fprintf(w, "seed %d fails: %s\n\n  %s\n", f.Seed, kindOfFailure(f.Failure), inertLines(f.Sentence))
	if len(f.Ops) > 0 {
		fmt.Fprintf(w, "\nthe operations that prove it:\n")
		for _, op := range f.Ops {
			fmt.Fprintf(w, "  %s\n", inertLine(op))
		}
	}
	if f.Runs > 0 {
		fmt.Fprintf(w, "\nwhat it takes: %d of %d actions (%s in %d runs)\n", len(f.Actions), f.Of, f.found(), f.Runs)
		for _, a := range f.Actions {
			fmt.Fprintf(w, "  %5d %9.3f s  %s\n", a.Number, a.Seconds, inertLine(a.Text))
		}
	}
	fmt.Fprintf(w, "\nagain:    %s\ntrace:    the same with --trace\n", f.Command)
}

// found says whether the shortest story was found.
func (f *simFailure) found() string {
	switch {
	case !f.Minimal:
		return "perhaps fewer, the search was not ended; found"
	case len(f.Actions) == 0:
		return "the posts, reads and syncs that end each run are enough; found"
	}
	return "none can be left out; found"
}

func (t *simResult) printTotals(w io.Writer) {
	c := &t.Totals.Coverage
	fmt.Fprintf(w, "\nposts %d, reads %d, refused %d, unknown %d, retries %d; elections %d, mode changes %d (%d called off)\n",
		c.Posts, c.Reads, c.Refused, c.Unknown, c.Retries, c.Elections, c.Changes, c.CalledOff)
	if faults := t.faultCounts(); faults != "" {
		fmt.Fprintf(w, "faults: %s\n", faults)
	}
	if t.Drawn != "" {
		fmt.Fprintf(w, "drawn: %s\n", inertLine(t.Drawn))
	}
	if r := t.Rates; r != nil {
		fmt.Fprintf(w, "%.1f seeds and %.0f events a core second, %.0f events a run; %d runs were made twice and compared\n",
			r.SeedsPerCoreSecond, r.EventsPerCoreSecond, r.EventsPerRun, t.Totals.Again)
	}
}

// faultCounts tells how often each fault was dealt out, in the order in which
// they are listed.
func (t *simResult) faultCounts() string {
	var counts []string
	for line := range strings.Lines(sim.FaultHelp()) {
		name, _, _ := strings.Cut(line, " ")
		f, err := sim.ParseFaults(name)
		if n := t.Totals.Coverage.Faults[f]; err == nil && n > 0 {
			counts = append(counts, fmt.Sprintf("%s %d", name, n))
		}
	}
	return strings.Join(counts, ", ")
}
