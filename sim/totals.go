package sim

import (
	"syscall"
	"time"
)

// Totals sums up runs.
type Totals struct {
	Runs     int           `json:"runs"`
	Again    int           `json:"again"` // of them were run twice and compared
	Failed   int           `json:"failed"`
	Events   int64         `json:"events"`
	Virtual  time.Duration `json:"virtual_ns"`
	CPU      time.Duration `json:"cpu_ns"`  // of this process
	Wall     time.Duration `json:"wall_ns"` // that passed here
	Coverage Coverage      `json:"coverage"`
}

func (t *Totals) add(r *Result) {
	t.Runs++
	t.Events += int64(r.Events)
	t.Virtual += r.Virtual
	t.Coverage.add(r.Coverage)
	if r.Failed() {
		t.Failed++
	}
}

// Add sums up two sweeps.
func (t *Totals) Add(o *Totals) {
	t.Runs += o.Runs
	t.Again += o.Again
	t.Failed += o.Failed
	t.Events += o.Events
	t.Virtual += o.Virtual
	t.CPU += o.CPU
	t.Wall += o.Wall
	t.Coverage.add(o.Coverage)
}

// SeedsPerCoreSecond is how many runs a second of a core's time is enough for.
// What was run twice counts twice.
func (t *Totals) SeedsPerCoreSecond() float64 { return ratio(float64(t.Runs+t.Again), t.CPU.Seconds()) }

// EventsPerCoreSecond is the same for events.
func (t *Totals) EventsPerCoreSecond() float64 {
	return t.EventsPerRun() * t.SeedsPerCoreSecond()
}

// EventsPerRun is how many events take place in a run, on average.
func (t *Totals) EventsPerRun() float64 { return ratio(float64(t.Events), float64(t.Runs)) }

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func (c *Coverage) add(o Coverage) {
	c.Posts += o.Posts
	c.Reads += o.Reads
	c.Refused += o.Refused
	c.Unknown += o.Unknown
	c.Retries += o.Retries
	c.Changes += o.Changes
	c.CalledOff += o.CalledOff
	c.Elections += o.Elections
	for fault, n := range o.Faults { // sums: order does not matter
		if c.Faults == nil {
			c.Faults = make(map[Fault]int)
		}
		c.Faults[fault] += n
	}
}

// stopwatch measures what this process takes of the machine.
type stopwatch struct {
	began time.Time
	cpu   time.Duration
}

func startWatch() stopwatch { return stopwatch{time.Now(), cpuTime()} }

func (w stopwatch) stop() (cpu, wall time.Duration) {
	return cpuTime() - w.cpu, time.Since(w.began)
}

func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// MarshalText is String, so that sets of faults are told by name in JSON.
func (s Fault) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *Fault) UnmarshalText(text []byte) (err error) {
	*s, err = ParseFaults(string(text))
	return err
}
