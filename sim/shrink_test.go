package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"consequor/sim/cluster"
)

func numbersOf(p *Plan) []int {
	var numbers []int
	for _, a := range p.Actions {
		numbers = append(numbers, a.Number)
	}
	return numbers
}

// needing fails as soon as a plan has all of these actions.
func needing(numbers ...int) Runner {
	return func(p *Plan, _ func(cluster.Event)) *Result {
		have := numbersOf(p)
		for _, n := range numbers {
			if !slices.Contains(have, n) {
				return &Result{Plan: p}
			}
		}
		return violated(p, "C2", "session order")
	}
}

// Of 500 actions those are left that the failure needs, and no other.
func TestShrink(t *testing.T) {
	for _, needed := range [][]int{{1}, {500}, {3, 4, 5}, {1, 250, 500}, {10, 100, 200, 300, 400}, nil} {
		run := needing(needed...)
		whole := run(fakePlan(Config{}, 17, 500), nil)
		s := shrinkWith(t.Context(), run, whole, 2000)
		if got := numbersOf(s.Plan); !slices.Equal(got, needed) || !s.Minimal || !s.Failed() {
			t.Errorf("needed %v: got %v after %d runs, minimal %t", needed, got, s.Runs, s.Minimal)
		}
		if s.Runs > 200 {
			t.Errorf("needed %v: took %d runs", needed, s.Runs)
		}
	}
}

// However many workers there are, the same is found in as many runs.
func TestShrinkDependsOnNoMachine(t *testing.T) {
	run := needing(10, 11, 90)
	whole := run(fakePlan(Config{}, 17, 128), nil)
	var want string
	for _, workers := range []int{1, 2, 3, 16} {
		for _, most := range []int{10, 25, 1000} {
			s := &shrinker{ctx: t.Context(), run: run, whole: whole.Plan, failure: whole.Failure(), runsMax: most, best: whole, workers: workers}
			minimal := s.shrink()
			got := fmt.Sprint(most, s.numbers(), s.runs, minimal)
			if s.runs > most {
				t.Errorf("%d workers: %d runs of %d", workers, s.runs, most)
			}
			if workers == 1 {
				want += got + "\n"
			} else if !slices.Contains(linesOf(want), got) {
				t.Errorf("%d workers: got %s, want one of\n%s", workers, got, want)
			}
		}
	}
}

func linesOf(text string) (lines []string) {
	for len(text) > 0 {
		end := slices.Index([]byte(text), '\n')
		lines, text = append(lines, text[:end]), text[end+1:]
	}
	return lines
}

// Without action 2 the plan fails in another way: that is not the failure that
// is looked for.
func TestShrinkKeepsTheFailure(t *testing.T) {
	run := func(p *Plan, _ func(cluster.Event)) *Result {
		if slices.Contains(numbersOf(p), 2) {
			return &Result{Plan: p, Err: fmt.Errorf("r%d: 7 is above %d", len(p.Actions), len(p.Actions))}
		}
		return violated(p, "C0", "durability")
	}
	s := shrinkWith(t.Context(), run, run(fakePlan(Config{}, 1, 40), nil), 500)
	if got := numbersOf(s.Plan); !slices.Equal(got, []int{2}) || s.Failure().Assertion != "# is above #" {
		t.Errorf("got %v, %v", got, s.Failure())
	}
}

// No runs, or no time: what there is comes back, and says that it is not
// minimal.
func TestShrinkIsBounded(t *testing.T) {
	run := needing(1, 40)
	whole := run(fakePlan(Config{}, 1, 40), nil)
	if s := shrinkWith(t.Context(), run, whole, 0); s.Result != whole || s.Minimal || s.Runs != 0 {
		t.Errorf("no runs: %+v", s)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s := shrinkWith(ctx, run, whole, 100); s.Result != whole || s.Minimal {
		t.Errorf("no time: %+v", s)
	}
}

func TestFailureInWords(t *testing.T) {
	for _, test := range []struct {
		r    *Result
		want string
	}{
		{&Result{}, "none"},
		{violated(nil, "C0", "durability"), "C0, durability"},
		{&Result{Err: errors.New("at 1.203s: r3: applied 17 > committed 16\ngoroutine 7")}, "assertion: applied # > committed #"},
		{&Result{Err: errors.New("at 1m3.203s: applied 17.2 after 400ms")}, "assertion: applied # after #"},
		{&Result{Err: errors.New("at 203.5µs: r17: r3 has 7.2, and 5 more")}, "assertion: r# has #, and # more"},
	} {
		if got := test.r.Failure().String(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

// One id on two boards, and one id told to two clients, are one failure; the
// latter says more, and is not mistaken for the former.
func TestFailsAsContradiction(t *testing.T) {
	p := fakePlan(Config{}, 17, 3)
	boards := &Result{Plan: p, Err: errors.New(`at 3s: r1: white box: article 4 is "op 2" by session 1 here, and "op 1" by session 2 elsewhere`)}
	clients := violated(p, "C0", "one id, one key")
	other := &Result{Plan: p, Err: errors.New("at 3s: r1: white box: r1 and r2 both coordinate in term 2 of epoch 1")}
	for _, test := range []struct {
		of, as *Result
		want   bool
	}{
		{clients, boards, true}, {boards, boards, true}, {boards, clients, false}, {other, boards, false}, {clients, other, false}, {violated(p, "C0", "durability"), boards, false},
	} {
		if got := test.of.failsAs(test.as.Failure()); got != test.want {
			t.Errorf("%s as %s: %t", test.of.Failure(), test.as.Failure(), got)
		}
	}
}
