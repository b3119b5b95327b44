package sim

import (
	"flag"
	"fmt"
	"testing"
	"time"

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
	for _, mode := range builtinModes {
		if *modeFlag != "" && mode != *modeFlag {
			continue
		}
		t.Run(mode, func(t *testing.T) {
			c := Config{Mode: mode, Replicas: *sizeFlag, Faults: faults}
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
