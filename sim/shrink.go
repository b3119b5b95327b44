package sim

import (
	"context"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"

	"consequor/sim/history"
)

// Failure is how a run failed, so far that two runs can be said to have failed
// alike; the zero Failure is none.
type Failure struct {
	Checker   string `json:"checker,omitempty"`  // "C2"
	Property  string `json:"property,omitempty"` // "session order"
	Assertion string `json:"assertion,omitempty"`
}

// String gives "C2, session order", or the assertion.
func (f Failure) String() string {
	switch {
	case f.Assertion != "":
		return "assertion: " + f.Assertion
	case f.Checker != "":
		return f.Checker + ", " + f.Property
	}
	return "none"
}

// Failure is the first one of a run: what broke an assertion, else what a
// checker found first.
func (r *Result) Failure() Failure {
	if r.Err != nil {
		return Failure{Assertion: assertionOf(r.Err)}
	}
	if v := r.Verdicts.First(); v != nil {
		return Failure{Checker: v.Checker, Property: v.Property}
	}
	return Failure{}
}

const assertionLenMax = 60

// numberPattern fits numbers, durations and ids.
var numberPattern = regexp.MustCompile(`\d[\d.]*((h|m|s|ms|µs|ns)\b|[hm]\d[\dms.]*)?`)

var whenAndWhere = regexp.MustCompile(`^(at #: )?(r#: )?`)

// assertionOf is the beginning of an assertion's words, with # for every
// number: replicas, times and ids differ from run to run. When it broke, and
// where, is not looked at.
func assertionOf(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	text = whenAndWhere.ReplaceAllString(numberPattern.ReplaceAllString(text, "#"), "")
	if runes := []rune(text); len(runes) > assertionLenMax {
		text = string(runes[:assertionLenMax])
	}
	return text
}

// contradiction is how the assertion begins that one id is on two boards.
const contradiction = "white box: article "

// failsAs reports whether a run has this failure, perhaps among others. Two
// clients who are told one id for two posts are more than two boards that
// contradict each other: the same failure, seen from outside.
func (r *Result) failsAs(f Failure) bool {
	if f.Assertion != "" && r.Err != nil {
		return assertionOf(r.Err) == f.Assertion
	}
	if strings.HasPrefix(f.Assertion, contradiction) {
		f = Failure{Checker: "C0", Property: "one id, one key"}
	}
	return slices.ContainsFunc(r.Verdicts, func(v history.Verdict) bool {
		return v.Outcome == history.Violated && v.Checker == f.Checker && v.Property == f.Property
	})
}

// Shrunk is what Shrink has found.
type Shrunk struct {
	*Result      // of the shortest plan
	Runs    int  // that it took
	Minimal bool // without any one of its actions it does not fail
}

// Shrink returns the shortest plan found, within so many runs, that fails as
// the result's does: by the same checker and property, or by the same
// assertion. It is delta debugging (Zeller and Hildebrandt 2002) over the
// plan's actions, after some guesses at what a failure needs. When ctx ends, what
// has been found by then counts.
func Shrink(ctx context.Context, r *Result, runs int) *Shrunk {
	return shrinkWith(ctx, Run, r, runs)
}

func shrinkWith(ctx context.Context, run Runner, r *Result, runs int) *Shrunk {
	s := &shrinker{ctx: ctx, run: run, whole: r.Plan, failure: r.Failure(), runsMax: runs, best: r, workers: runtime.GOMAXPROCS(0)}
	if r.Plan.Launch != nil {
		s.workers = 1 // they would share one process
	}
	minimal := s.shrink()
	return &Shrunk{Result: s.best, Runs: s.runs, Minimal: minimal}
}

// shrinker holds the shortest plan so far.
type shrinker struct {
	ctx           context.Context
	run           Runner
	whole         *Plan
	failure       Failure
	best          *Result
	runs, runsMax int
	workers       int
}

// numbers lists the actions that are left.
func (s *shrinker) numbers() []int {
	var numbers []int
	for _, a := range s.best.Plan.Actions {
		numbers = append(numbers, a.Number)
	}
	return numbers
}

// shrink guesses, then looks for the end, and reports whether that is 1-minimal.
func (s *shrinker) shrink() (minimal bool) {
	s.first(s.guesses())
	if !s.retell(retellingsFirst) {
		s.leaveOut(s.groups())
	}
	minimal = s.halve()
	for minimal && (s.retell(retellingsLast) || s.leavesOutPair()) {
		minimal = s.halve()
	}
	return minimal
}

// halve leaves out larger parts first, then smaller ones, down to single
// actions; and begins with the largest again whenever one could be left out
// (of single actions: goes on with those). It reports whether the end is
// 1-minimal.
func (s *shrinker) halve() (minimal bool) {
	for parts := 2; ; {
		numbers := s.numbers()
		if len(numbers) == 0 {
			return true
		}
		parts = min(parts, len(numbers))
		found, over := s.first(without(numbers, parts))
		switch {
		case over && found < 0:
			return false
		case found >= 0:
			parts = max(parts-1, 2)
		case parts == len(numbers):
			return true
		default:
			parts = min(2*parts, len(numbers))
		}
	}
}

// without lists what is left of the numbers without each of so many parts, the
// last part first: what comes after the failure is needed least. With two parts
// these are the halves themselves.
func without(numbers []int, parts int) [][]int {
	var left [][]int
	for i := parts - 1; i >= 0; i-- {
		from, to := i*len(numbers)/parts, (i+1)*len(numbers)/parts
		left = append(left, slices.Concat(numbers[:from], numbers[to:]))
	}
	return left
}

// first finds the first of the candidates that fails as before, and keeps it.
// So many are run at once as there are workers, and only those up to the first
// one count: what is found does not depend on the machine. found is negative if
// there is none; over says that no more runs are allowed.
func (s *shrinker) first(candidates [][]int) (found int, over bool) {
	for from := 0; from < len(candidates); from += s.workers {
		to := min(from+s.workers, len(candidates), from+s.runsMax-s.runs)
		if to <= from || s.ctx.Err() != nil {
			return -1, true
		}
		for i, r := range s.together(candidates[from:to]) {
			s.runs++
			if r.failsAs(s.failure) {
				s.best = r
				return from + i, s.runs >= s.runsMax
			}
		}
		if to < min(from+s.workers, len(candidates)) {
			return -1, true
		}
	}
	return -1, s.ctx.Err() != nil // the last ones may have been cut off
}

func (s *shrinker) together(candidates [][]int) []*Result {
	results := make([]*Result, len(candidates))
	var running sync.WaitGroup
	for i, numbers := range candidates {
		running.Go(func() {
			p := s.whole.Only(numbers)
			results[i] = bounded(p, runTimeMax, func() ran { return ran{s.run(p, nil), false} }).Result
		})
	}
	running.Wait()
	return results
}

// Story tells a plan's actions, one to a line.
func (p *Plan) Story() string {
	var b strings.Builder
	for _, a := range p.Actions {
		fmt.Fprintf(&b, "%5d  %9.3f s  %s\n", a.Number, a.At.Seconds(), a.Text)
	}
	return b.String()
}
