package sim

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"consequor/board"
	"consequor/sim/cluster"
	"consequor/sim/history"
)

// fakePlan has so many actions.
func fakePlan(c Config, seed uint64, actions int) *Plan {
	p := &Plan{Config: c, Seed: seed}
	for n := 1; n <= actions; n++ {
		p.Actions = append(p.Actions, Action{Number: n, At: time.Duration(n) * time.Millisecond, Text: "does nothing"})
	}
	return p
}

func fakeDraw(c Config, seed uint64) (*Plan, error) { return fakePlan(c, seed, 3), nil }

func violated(p *Plan, checker, property string) *Result {
	return &Result{Plan: p, Verdicts: history.Verdicts{{Checker: checker, Property: property, Outcome: history.Violated}}}
}

// failing fails at the seeds given, and takes ten events for each run.
func failing(seeds ...uint64) Runner {
	return func(p *Plan, trace func(cluster.Event)) *Result {
		for _, seed := range seeds {
			if p.Seed == seed {
				return violated(p, "C0", "durability")
			}
		}
		return &Result{Plan: p, Events: 10, Virtual: time.Second, Coverage: Coverage{Posts: 2, Faults: map[Fault]int{Loss: 1}}}
	}
}

// A sweep that holds has run each of its seeds once, and one in a hundred twice.
func TestSweepHolds(t *testing.T) {
	seen := make(map[uint64]int)
	s := Sweep{From: 5, Seeds: 250, Workers: 4, Done: func(r *Result) { seen[r.Plan.Seed]++ }, draw: fakeDraw, run: failing()}
	o, err := s.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if o.Runs != 250 || o.Again != 3 || o.Events != 2500 || o.Virtual != 250*time.Second || o.Failed != 0 || o.Next != 255 {
		t.Errorf("%+v", o)
	}
	if c := o.Coverage; c.Posts != 500 || c.Faults[Loss] != 250 {
		t.Errorf("coverage %+v", c)
	}
	for seed := uint64(5); seed < 255; seed++ {
		if seen[seed] != 1 {
			t.Errorf("seed %d was told %d times", seed, seen[seed])
		}
	}
}

// Seeds 30 and 31 fail: whichever worker ends first, the first failure is 30.
func TestSweepStopsAtTheLowest(t *testing.T) {
	for range 50 {
		s := Sweep{From: 1, Seeds: 1000, Workers: 4, draw: fakeDraw, run: failing(30, 31, 900)}
		o, err := s.Run(t.Context())
		if err != nil || len(o.Failures) == 0 || o.Failures[0].Plan.Seed != 30 || o.Next > 40 {
			t.Fatalf("%+v (%v)", o, err)
		}
	}
}

func TestSweepKeepsGoing(t *testing.T) {
	s := Sweep{From: 1, Seeds: 40, Workers: 3, KeepGoing: true, draw: fakeDraw, run: failing(30, 3, 17, 4, 5, 6, 7, 8, 9, 10, 11, 12)}
	o, err := s.Run(t.Context())
	if err != nil || o.Runs != 40 || o.Failed != 12 || len(o.Failures) != failuresKeptMax {
		t.Fatalf("%+v (%v)", o, err)
	}
	if first, last := o.Failures[0].Plan.Seed, o.Failures[9].Plan.Seed; first != 3 || last != 12 {
		t.Errorf("kept are seeds %d to %d", first, last)
	}
}

// Ctrl-C in the middle: what has begun is finished, and Next goes on behind it.
func TestSweepEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := Sweep{From: 1, Workers: 2, draw: fakeDraw, run: failing()}
	runs := 0
	s.Done = func(*Result) {
		if runs++; runs == 20 {
			cancel()
		}
	}
	o, err := s.Run(ctx)
	if !errors.Is(err, context.Canceled) || o.Runs < 20 || o.Next != uint64(o.Runs)+1 {
		t.Errorf("%+v (%v)", o, err)
	}
}

func TestSweepCannotDraw(t *testing.T) {
	bad := errors.New("no such option")
	s := Sweep{From: 1, Seeds: 10, draw: func(Config, uint64) (*Plan, error) { return nil, bad }, run: failing()}
	if o, err := s.Run(t.Context()); !errors.Is(err, bad) || o.Runs != 0 {
		t.Errorf("%+v (%v)", o, err)
	}
}

// A run that is cut off is no failure, and is still to be run.
func TestSweepCutOff(t *testing.T) {
	s := Sweep{From: 1, Seeds: 9, Workers: 1, KeepGoing: true, draw: fakeDraw}
	s.run = func(p *Plan, _ func(cluster.Event)) *Result {
		if p.Seed == 5 {
			return &Result{Plan: p, Err: fmt.Errorf("a step: %w", cluster.ErrCutOff)}
		}
		return &Result{Plan: p}
	}
	if o, err := s.Run(t.Context()); err != nil || o.Runs != 4 || o.Failed != 0 || o.Next != 5 {
		t.Errorf("%+v (%v)", o, err)
	}
	s.From = 5 // which is run twice
	if o, err := s.Run(t.Context()); err != nil || o.Runs != 0 || o.Next != 5 {
		t.Errorf("%+v (%v)", o, err)
	}
}

// Machines that run in processes: no two workers share one.
func TestSweepLaunchers(t *testing.T) {
	s := Sweep{From: 1, Seeds: 100, Workers: 8, draw: fakeDraw}
	busy := make([]chan struct{}, 2)
	for i := range busy {
		busy[i] = make(chan struct{}, 1)
		s.Launchers = append(s.Launchers, func(board.ReplicaID) (cluster.Machine, error) {
			select {
			case busy[i] <- struct{}{}:
			default:
				return nil, errors.New("another worker's machine runs here")
			}
			<-busy[i]
			return nil, nil
		})
	}
	s.run = func(p *Plan, _ func(cluster.Event)) *Result {
		_, err := p.Launch(1)
		return &Result{Plan: p, Err: err}
	}
	if o, err := s.Run(t.Context()); err != nil || o.Failed > 0 || o.Runs != 100 {
		t.Errorf("%+v (%v)", o, err)
	}
}

// A run that goes another way the second time names its seed and the event.
func TestSweepNotDeterministic(t *testing.T) {
	for _, test := range []struct {
		name          string
		first, second []string
		verdict       bool // the second run fails
		event         int  // 0: nothing differs
		says          string
	}{
		{"alike", []string{"a", "b"}, []string{"a", "b"}, false, 0, ""},
		{"another event", []string{"a", "b", "c"}, []string{"a", "x", "c"}, false, 2, `event 2 was first "0.000000 s, r1, note: b", then "0.000000 s, r1, note: x"`},
		{"longer", []string{"a"}, []string{"a", "b"}, false, 2, "event 2 was first none, as the run was over, then"},
		{"shorter", []string{"a", "b"}, []string{"a"}, false, 2, "then none, as the run was over"},
		{"verdicts", []string{"a"}, []string{"a"}, true, 2, `first "judged none", then "judged C0, durability"`},
	} {
		runs := [][]string{test.first, test.second}
		s := Sweep{From: 7, Seeds: 1, draw: fakeDraw}
		s.run = func(p *Plan, trace func(cluster.Event)) *Result {
			for _, text := range runs[0] {
				trace(cluster.Event{Replica: 1, Kind: cluster.Noted, Text: text})
			}
			runs = runs[1:]
			if test.verdict && len(runs) == 0 {
				return violated(p, "C0", "durability")
			}
			return &Result{Plan: p}
		}
		o, err := s.Run(t.Context())
		if err != nil || (o.Failed > 0) != (test.event > 0) {
			t.Errorf("%s: %+v (%v)", test.name, o, err)
			continue
		}
		if test.event == 0 {
			continue
		}
		var differs *NotDeterministicError
		if !errors.As(o.Failures[0].Err, &differs) || differs.Seed != 7 || differs.Event != test.event || !strings.Contains(differs.Error(), test.says) {
			t.Errorf("%s: %v", test.name, o.Failures[0].Err)
		}
	}
}

// A step without an end: the run is given up, and told as a failure.
func TestSweepGivesUpEndlessRuns(t *testing.T) {
	never := make(chan struct{})
	defer close(never)
	s := Sweep{From: 3, Seeds: 9, Workers: 1, draw: fakeDraw, runMax: time.Millisecond, run: func(p *Plan, _ func(cluster.Event)) *Result {
		<-never
		return &Result{Plan: p}
	}}
	o, err := s.Run(t.Context())
	var endless *EndlessError
	if err != nil || o.Runs != 1 || !errors.As(o.Failures[0].Err, &endless) || endless.Seed != 3 {
		t.Errorf("%+v (%v)", o, err)
	}
}
