package wire_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"consequor/replicad/wire"
)

var oneTwo, twoOne = wire.Direction{From: 1, To: 2}, wire.Direction{From: 2, To: 1}

// The fates of some frames, written down: another version of this program, or
// another program, gives the same ones.
func TestFateIsWhatItWas(t *testing.T) {
	f := wire.Fault{Loss: 0.5, Delay: 50 * time.Millisecond, Jitter: 10 * time.Millisecond}
	for i, want := range []struct {
		lost  bool
		delay time.Duration
	}{
		{true, 54_164_743}, {false, 59_033_950}, {false, 50_197_556},
		{false, 46_363_906}, {true, 56_312_426}, {true, 42_891_571},
	} {
		if lost, delay := f.Fate(42, oneTwo, wire.MessageStream, uint64(i+1)); lost != want.lost || delay != want.delay {
			t.Errorf("frame %d: lost %v, delay %v; want %v, %v", i+1, lost, delay, want.lost, want.delay)
		}
	}
}

// Of 10,000 frames a loss of p takes p of them, give or take five standard
// deviations; delays lie evenly between their ends.
func TestFateIsFair(t *testing.T) {
	const count = 10_000
	for _, p := range []float64{0, 0.01, 0.1, 0.5, 0.9, 1} {
		f := wire.Fault{Loss: p, Delay: time.Second, Jitter: time.Second}
		lost, total := 0, time.Duration(0)
		for n := range uint64(count) {
			gone, delay := f.Fate(7, oneTwo, wire.BulkStream, n)
			if gone {
				lost++
			}
			total += delay
			if delay < 0 || delay > 2*time.Second {
				t.Fatalf("a delay of %v", delay)
			}
		}
		if limit := 5 * math.Sqrt(p*(1-p)*count); math.Abs(float64(lost)-p*count) > limit {
			t.Errorf("%d of %d lost, at %v", lost, count, p)
		}
		if mean := total / count; mean < 970*time.Millisecond || mean > 1030*time.Millisecond {
			t.Errorf("the mean delay is %v", mean)
		}
	}
}

// Seed, either end, stream and number: each alone gives half of the frames
// another fate, at a loss of a half. More loss loses the same frames, and more.
func TestFatesAreIndependent(t *testing.T) {
	const count = 10_000
	half := wire.Fault{Loss: 0.5}
	for what, other := range map[string]func(n uint64) (bool, time.Duration){
		"seed":      func(n uint64) (bool, time.Duration) { return half.Fate(2, oneTwo, wire.MessageStream, n) },
		"direction": func(n uint64) (bool, time.Duration) { return half.Fate(1, twoOne, wire.MessageStream, n) },
		"receiver": func(n uint64) (bool, time.Duration) {
			return half.Fate(1, wire.Direction{From: 1, To: 3}, wire.MessageStream, n)
		},
		"stream": func(n uint64) (bool, time.Duration) { return half.Fate(1, oneTwo, wire.BulkStream, n) },
		"number": func(n uint64) (bool, time.Duration) { return half.Fate(1, oneTwo, wire.MessageStream, n+1) },
	} {
		differ := 0
		for n := range uint64(count) {
			a, _ := half.Fate(1, oneTwo, wire.MessageStream, n)
			if b, _ := other(n); a != b {
				differ++
			}
		}
		if differ < count/2-250 || differ > count/2+250 {
			t.Errorf("another %s: %d of %d fates differ", what, differ, count)
		}
	}
	more := wire.Fault{Loss: 0.6}
	for n := range uint64(count) {
		a, _ := half.Fate(1, oneTwo, wire.MessageStream, n)
		if b, _ := more.Fate(1, oneTwo, wire.MessageStream, n); a && !b {
			t.Fatalf("frame %d is lost at 50 %% and not at 60 %%", n)
		}
	}
}

// A table that makes no sense is refused, with all that is wrong, and changes
// nothing.
func TestFaultsThatMakeNoSense(t *testing.T) {
	m := newRig(t, 2).startAll()
	for want, f := range map[string]wire.Fault{
		"a loss of -0.1": {Loss: -0.1}, "a loss of 1.5": {Loss: 1.5}, "a loss of NaN": {Loss: math.NaN()},
		"a delay of -1ns": {Delay: -1}, "jitter of -1ns": {Jitter: -1}, "want 0 to 1h0m0s in all": {Delay: wire.DelayMax, Jitter: 1},
	} {
		faults := wire.Faults{Links: map[wire.Direction]wire.Fault{oneTwo: f, twoOne: {Cut: true}, {From: 1, To: 1}: {Cut: true}}}
		err := m[0].SetFaults(t.Context(), faults)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "from r1 to r1") {
			t.Errorf("%+v: %v, want %s", f, err, want)
		}
	}
	m[1].Send(m[1].frame(1, 0))
	checkNumbers(t, m[1], m[0].awaitFrames(1))
}
