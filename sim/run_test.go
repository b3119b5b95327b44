package sim

import (
	"flag"
	"fmt"
	"reflect"
	"testing"
	"time"

	"consequor/board"
	"consequor/modes/sequential"
	"consequor/mutants"
	"consequor/sim/cluster"
	"consequor/sim/history"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "run TestSeeds with this seed only, and print its trace")
	firstFlag = flag.Uint64("first", 1, "the first seed for TestSeeds")
	seedsFlag = flag.Uint64("seeds", 15, "so many seeds for each mode in TestSeeds")
	modeFlag  = flag.String("mode", "", "the only mode for TestSeeds")
	sizeFlag  = flag.Int("replicas", 5, "in TestSeeds")
	faultFlag = flag.String("faults", "all", "that TestSeeds deals out")
	mutFlag   = flag.String("mutant", "", "for TestSeeds to run with: it fails when that shows")
	keepFlag  = flag.Bool("keep", false, "TestSeeds goes on after a failure")
)

var builtinModes = []string{"sequential", "quorum", "read-your-write"}

// told is what a failed run says of itself.
func told(r *Result) string {
	text := fmt.Sprintf("%s\n%s", r.History.Source, r.Plan.Drawn)
	if r.Err != nil {
		text += fmt.Sprintf("\n%v", r.Err)
	}
	for _, v := range r.Verdicts {
		if v.Outcome == history.Violated {
			text += fmt.Sprintf("\n%s, %s: %s %v", v.Checker, v.Property, v.Sentence, v.Ops)
		}
	}
	return text
}

func runSeed(t *testing.T, c Config, seed uint64, trace func(cluster.Event)) *Result {
	t.Helper()
	p, err := Draw(c, seed)
	if err != nil {
		t.Fatal(err)
	}
	return Run(p, trace)
}

// Scenario: every fault there is, in every mode. Whatever happens, the mode
// keeps its promise.
func TestSeeds(t *testing.T) {
	faults, err := ParseFaults(*faultFlag)
	if err != nil {
		t.Fatal(err)
	}
	mutant := mutants.None
	if *mutFlag != "" {
		if mutant, err = mutants.Parse(*mutFlag); err != nil {
			t.Fatal(err)
		}
	}
	for _, mode := range builtinModes {
		if *modeFlag != "" && mode != *modeFlag {
			continue
		}
		t.Run(mode, func(t *testing.T) {
			c := Config{Mode: mode, Replicas: *sizeFlag, Faults: faults, Mutant: mutant}
			if *seedFlag != 0 {
				r := runSeed(t, c, *seedFlag, func(e cluster.Event) {
					t.Logf("%12s r%d %-10s r%d %d op%d %s", e.At, e.Replica, e.Kind, e.Peer, e.Message, e.Op, e.Text)
				})
				t.Logf("%s\n%+v", told(r), r.Coverage)
				return
			}
			sweepSeeds(t, c)
		})
	}
}

func sweepSeeds(t *testing.T, c Config) {
	var sum Coverage
	events, start := 0, time.Now()
	for seed := *firstFlag; seed < *firstFlag+*seedsFlag; seed++ {
		r := runSeed(t, c, seed, nil)
		events += r.Events
		sum.Posts += r.Coverage.Posts
		sum.Reads += r.Coverage.Reads
		sum.Changes += r.Coverage.Changes
		sum.CalledOff += r.Coverage.CalledOff
		sum.Elections += r.Coverage.Elections
		sum.Unknown += r.Coverage.Unknown
		sum.Refused += r.Coverage.Refused
		if r.Failed() {
			t.Errorf("%s\nrepeat: go test ./sim -run TestSeeds -v -mode %s -replicas %d -faults %s -seed %d", told(r), c.Mode, c.Replicas, c.Faults, seed)
			if !*keepFlag {
				return
			}
		}
	}
	t.Logf("%.1f runs a second, %d events a run, %+v", float64(*seedsFlag)/time.Since(start).Seconds(), events/int(*seedsFlag), sum)
}

// Scenario: no faults at all, in clusters of some sizes. All is well, and nobody
// is refused by a replica that does not answer.
func TestWithoutFaults(t *testing.T) {
	for _, mode := range builtinModes {
		for _, replicas := range []int{1, 3, 5} {
			for seed := uint64(1); seed <= 5; seed++ {
				r := runSeed(t, Config{Mode: mode, Replicas: replicas}, seed, nil)
				if r.Failed() || r.Verdicts.Outcome() != history.Holds || r.Coverage.Posts == 0 || r.Coverage.Reads == 0 {
					t.Errorf("%s\n%+v", told(r), r.Coverage)
				}
			}
		}
	}
}

// Each fault alone is dealt out, and counted; no mode minds.
func TestEachFaultAlone(t *testing.T) {
	for _, w := range faultWords {
		for i := range uint64(6) {
			mode := builtinModes[i%3]
			met, seeds := 0, uint64(0)
			for ; seeds < 20 && (seeds < 3 || met == 0); seeds++ {
				r := runSeed(t, Config{Mode: mode, Replicas: 3, Faults: w.fault, Length: 40}, 100*i+seeds, nil)
				if r.Failed() {
					t.Errorf("%s alone: %s", w.name, told(r))
				}
				met += r.Coverage.Faults[w.fault]
			}
			budgeted := w.fault&(Rot|Wipes) != 0 || w.fault == Elections && mode != "sequential" // there are none
			if met == 0 && !budgeted {
				t.Errorf("%s in mode %s: dealt out never in %d seeds", w.name, mode, seeds)
			}
		}
	}
}

// One seed run twice gives one trace; another seed gives another.
func TestDeterminism(t *testing.T) {
	for _, mode := range builtinModes {
		met := make(map[uint64]uint64)
		for seed := uint64(1); seed <= 4; seed++ {
			var hashes [2]uint64
			var text [2]string
			for i := range hashes {
				r := runSeed(t, Config{Mode: mode, Faults: All}, seed, func(cluster.Event) {})
				hashes[i], text[i] = r.Hash, told(r)
			}
			if hashes[0] != hashes[1] || text[0] != text[1] {
				t.Errorf("%s, seed %d: two runs gave %x and %x, %q and %q", mode, seed, hashes[0], hashes[1], text[0], text[1])
			}
			if other, ok := met[hashes[0]]; ok {
				t.Errorf("%s: seeds %d and %d gave the same trace", mode, seed, other)
			}
			met[hashes[0]] = seed
		}
	}
}

// A run with a trace is the run without one, to whoever looks at its history.
func TestTraceChangesNothing(t *testing.T) {
	for _, mode := range builtinModes {
		c := Config{Mode: mode, Faults: All}
		quiet, traced := runSeed(t, c, 9, nil), runSeed(t, c, 9, func(cluster.Event) {})
		if quiet.Virtual != traced.Virtual || !reflect.DeepEqual(quiet.History, traced.History) {
			t.Errorf("%s: another history in %s without a trace than in %s with one", mode, quiet.Virtual, traced.Virtual)
		}
	}
}

// BenchmarkRun is one run with all faults.
func BenchmarkRun(b *testing.B) {
	for _, mode := range builtinModes {
		b.Run(mode, func(b *testing.B) {
			events := 0
			for i := range b.N {
				p, err := Draw(Config{Mode: mode, Faults: All}, uint64(i+1))
				if err != nil {
					b.Fatal(err)
				}
				events += Run(p, nil).Events
			}
			b.ReportMetric(float64(events)/float64(b.N), "events/op")
		})
	}
}

// Scenario: somebody's own mode, here sequential under another name. It is held
// to what its author says of it, starts in each of its lives, and is changed
// only to itself.
func TestOwnMode(t *testing.T) {
	lives := 0
	c := Config{Mode: "mine", Replicas: 3, Faults: All, Promise: history.Sequential, Launch: func(board.ReplicaID) (cluster.Machine, error) {
		lives++
		return direct{sequential.New()}, nil
	}}
	changes := 0
	for seed := uint64(1); seed <= 10; seed++ {
		r := runSeed(t, c, seed, nil)
		if r.Failed() || r.Plan.losses != 0 {
			t.Error(told(r))
		}
		for _, e := range r.History.Epochs {
			if e.Mode != "mine" || e.Promise != history.Sequential {
				t.Errorf("seed %d: epoch %d is of mode %s, held to %s", seed, e.Number, e.Mode, e.Promise)
			}
		}
		changes += r.Coverage.Changes
	}
	if lives <= 30 || changes == 0 {
		t.Errorf("%d lives of a state machine, %d changes", lives, changes)
	}
}

// Scenario: a session whose token is dropped when it goes elsewhere. The
// checkers say so, and say it again for the same seed.
func TestMutantShows(t *testing.T) {
	for seed := uint64(1); seed <= 100; seed++ {
		c := Config{Mode: "read-your-write", Replicas: 3, Faults: Hops | Delay | Partition, Mutant: mutants.M24}
		one := runSeed(t, c, seed, nil)
		if !one.Failed() {
			continue
		}
		if v := one.Verdicts.First(); v == nil || v.Checker != "C4" || len(v.Ops) < 2 {
			t.Errorf("not what M24 breaks: %s", told(one))
		}
		if other := runSeed(t, c, seed, nil); told(other) != told(one) {
			t.Errorf("two runs tell:\n%s\n%s", told(one), told(other))
		}
		return
	}
	t.Error("M24 was not found in 100 seeds")
}
