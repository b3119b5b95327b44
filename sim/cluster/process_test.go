package cluster_test

import (
	"errors"
	"testing"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/mutants"
	"consequor/replicad/host"
	"consequor/sim/cluster"
)

// A process crashes at each boundary of a post: who knows of the article then?
func TestCrashAt(t *testing.T) {
	for _, test := range []struct {
		boundary cluster.Boundary
		name     string
		outcome  host.Outcome
		onDisk   int
	}{
		{cluster.BeforeStep, "before the step", host.Unknown, 0},
		{cluster.AfterStep, "after the step", host.Unknown, 0},
		{cluster.AfterApply, "when it is applied", host.Unknown, 0},
		{cluster.AfterSync, "when it is on disk", host.Unknown, 1},
		{cluster.AfterRelease, "when it is acknowledged", host.OK, 1},
	} {
		s := newStage(t, 1, nil)
		r := s.Replica(1)
		r.CrashAt(test.boundary, cluster.Crash{})
		s.run(time.Second)
		if !r.Up() {
			t.Fatalf("%s: it crashes before the post", test.name)
		}
		a := s.do(1, "one")
		s.run(100 * time.Millisecond)
		if r.Up() || a.Outcome != test.outcome || r.Durable().Len() != test.onDisk {
			t.Errorf("%s: up %v, the post ends %d, and %d articles are on disk; want down, %d, %d",
				test.name, r.Up(), a.Outcome, r.Durable().Len(), test.outcome, test.onDisk)
		}
		r.Boot()
		s.run(time.Second)
		if !r.Up() || r.Board().Len() != test.onDisk {
			t.Errorf("%s: the next life is up %v with %d articles, want %d", test.name, r.Up(), r.Board().Len(), test.onDisk)
		}
	}
}

// A process that stands still answers when it goes on, and its disk does not wait.
func TestPause(t *testing.T) {
	s := newStage(t, 2, nil)
	r := s.Replica(1)
	s.do(1, "one")
	s.run(100 * time.Microsecond)
	r.Pause(s.Now() + 500*time.Millisecond)
	before := r.Durable().Len()
	a := s.do(1, "two")
	s.run(450 * time.Millisecond)
	if !r.Level().Paused || a.Outcome != 0 || r.Durable().Len() < before {
		t.Errorf("while it stands still: %+v, %+v", r.Level(), *a)
	}
	s.run(100 * time.Millisecond)
	if r.Level().Paused || a.Outcome != host.OK {
		t.Errorf("when it goes on: %+v, %+v", r.Level(), *a)
	}
	if s.count(2, cluster.LinkDown) > 0 {
		t.Error("a short pause breaks the connection")
	}
	r.Pause(s.Now() + 3*time.Second)
	s.run(2 * time.Second)
	if s.count(2, cluster.LinkDown) != 1 || s.count(1, cluster.LinkDown) != 0 {
		t.Error("a long pause is not noticed by the peer, or is by the process itself")
	}
	s.run(2 * time.Second)
	if s.count(1, cluster.LinkDown) != 1 || s.count(1, cluster.LinkUp) != 2 || s.count(2, cluster.LinkUp) != 2 {
		t.Error("the connection is not made again after a long pause")
	}
}

// A pause can be made longer, and not shorter.
func TestPauseLonger(t *testing.T) {
	s := newStage(t, 1, nil)
	r, began := s.Replica(1), s.Now()
	r.Pause(began + 200*time.Millisecond)
	r.Pause(began + 400*time.Millisecond)
	r.Pause(began + 100*time.Millisecond)
	s.run(390 * time.Millisecond)
	if !r.Level().Paused {
		t.Error("it goes on too early")
	}
	s.run(20 * time.Millisecond)
	if r.Level().Paused || s.count(1, cluster.Resumed) != 1 {
		t.Error("it does not go on, or more than once")
	}
}

// A request that is asked while the process stands still is answered once, even
// if the process dies.
func TestPauseThenCrash(t *testing.T) {
	s := newStage(t, 1, nil)
	s.Replica(1).Pause(s.Now() + time.Second)
	a := s.do(1, "one")
	s.run(100 * time.Millisecond)
	s.Replica(1).Crash(cluster.Crash{})
	if a.Outcome != host.Unknown {
		t.Errorf("it ends %+v, want unknown", *a)
	}
	if a := s.do(1, "two"); a.Outcome != host.Refused || a.Kind != "" {
		t.Errorf("a process that is down answers %+v", *a)
	}
	s.run(2 * time.Second)
}

func TestPlugin(t *testing.T) {
	s := newStage(t, 1, nil)
	r := s.Replica(1)
	r.KillPlugin()
	s.run(300 * time.Millisecond)
	if s.closed != 1 || s.count(1, cluster.PluginUp) != 2 || !r.Up() {
		t.Errorf("%d machines are closed, want 1; events %v", s.closed, s.events)
	}
	r.PausePlugin(s.Now() + time.Second)
	b := s.do(1, "one")
	s.run(900 * time.Millisecond)
	if b.Outcome != 0 {
		t.Error("a plugin that stands still answers")
	}
	s.run(200 * time.Millisecond)
	if b.Outcome != host.OK {
		t.Errorf("a plugin that goes on answers %+v", *b)
	}
	s.Close()
	if s.closed != s.count(1, cluster.PluginUp) {
		t.Errorf("of %d machines %d are closed", s.count(1, cluster.PluginUp), s.closed)
	}
}

func TestStop(t *testing.T) {
	s := soloStage(t, 1, true, nil)
	s.do(1, "one")
	s.run(time.Millisecond)
	s.Replica(1).Stop()
	s.run(50 * time.Millisecond)
	if s.Replica(1).Up() || s.count(1, cluster.Stopped) != 1 || s.count(1, cluster.Crashed) != 0 {
		t.Fatal("it does not stop")
	}
	s.Replica(1).Boot()
	s.hasTitles(1, "one")
}

// A clock that is fast, or jumps, makes timers run out early and deadlines not.
func TestClock(t *testing.T) {
	s := newStage(t, 1, nil)
	r := s.Replica(1)
	for _, test := range []struct {
		name   string
		change func()
		by     time.Duration
	}{
		{"true", func() {}, time.Second},
		{"twice as fast", func() { r.Clock(2000, 0) }, 500 * time.Millisecond},
		{"half as fast", func() { r.Clock(500, 0) }, 2 * time.Second},
		{"jumping", func() { r.Clock(1000, 700*time.Millisecond) }, 300 * time.Millisecond},
	} {
		before := s.timers(1)
		s.do(1, "timer")
		s.run(time.Millisecond)
		test.change()
		s.run(test.by - 10*time.Millisecond)
		if s.timers(1) != before {
			t.Errorf("%s: the timer runs out before %s", test.name, test.by)
		}
		s.run(20 * time.Millisecond)
		if s.timers(1) != before+1 {
			t.Errorf("%s: the timer does not run out by %s", test.name, test.by)
		}
		s.run(10 * time.Second)
	}
	r.Clock(3000, 5*time.Second)
	a := s.do(1, "ignore this")
	s.run(2900 * time.Millisecond)
	if a.Outcome != 0 {
		t.Errorf("3 s before its deadline it ends %+v", *a)
	}
	s.run(time.Second)
	if a.Outcome != host.Unknown {
		t.Errorf("after its deadline it ends %+v", *a)
	}
}

// What must never happen ends the run, with its sentence.
func TestWhiteBox(t *testing.T) {
	for _, test := range []struct{ name, at1, at2, want string }{
		{"panic", "panic in vain", "ignore", "the mode panics: in vain"},
		{"an error", "die of something", "ignore", "r1: of something"},
		{"halt", "halt it is broken", "ignore", "halted: it is broken"},
		{"two articles of one id", "origin a", "origin b", "white box: article 1.9"},
		{"two coordinators", "lead", "lead", "both coordinate in term 7 of epoch 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStage(t, 2, nil)
			s.do(1, test.at1)
			s.do(2, test.at2)
			s.fails(test.want)
			s.fails(test.want) // and again
			if n := len(s.events); test.at1 != "origin a" && (n == 0 || s.events[n-1].Kind != cluster.Violation) {
				t.Error("the trace does not end with it")
			}
		})
	}
}

// A machine that is taken away ends the run, and nothing is said of the mode.
func TestCutOff(t *testing.T) {
	s := newStage(t, 2, nil)
	s.do(1, "vanish")
	if err := s.Run(s.Now() + time.Second); !errors.Is(err, cluster.ErrCutOff) {
		t.Errorf("the run ends with %v", err)
	}
	if s.count(1, cluster.Violation) > 0 {
		t.Error("the mode is blamed")
	}
}

// One id on two boards ends the run too, once who was about to hear of it has.
func TestContradiction(t *testing.T) {
	s := newStage(t, 2, nil)
	s.do(1, "origin a")
	s.do(2, "origin b")
	s.fails("white box: article 1.9")
	began, after := 0, 0
	for _, e := range s.events {
		if e.Kind == cluster.Violation {
			began++
		} else if began > 0 {
			after++
		}
	}
	if began != 1 || after == 0 || s.Err() == nil {
		t.Errorf("it is told %d times, and %d events come after it; error %v", began, after, s.Err())
	}
}

func TestCoordinator(t *testing.T) {
	s := newStage(t, 2, nil)
	if s.Coordinator() != nil {
		t.Error("there is a coordinator, and nobody was elected")
	}
	s.do(2, "lead")
	s.run(10 * time.Millisecond)
	if s.Coordinator() != s.Replica(2) {
		t.Error("the coordinator is not r2")
	}
	s.Replica(2).Crash(cluster.Crash{})
	if s.Coordinator() != nil {
		t.Error("a coordinator that is down is one")
	}
}

// A change of mode: seal, merge, activate, each as an order that may be lost.
func TestChange(t *testing.T) {
	s := newStage(t, 2, nil)
	s.do(1, "one")
	s.do(2, "two")
	s.run(50 * time.Millisecond)
	for _, r := range s.All() {
		r.Tell((*host.Host).Seal)
	}
	s.run(50 * time.Millisecond)
	var target board.Vector
	for _, r := range s.All() {
		if r.Level().Sealed == nil {
			t.Fatalf("%s is not sealed", r.ID)
		}
		target = target.Join(*r.Level().Sealed)
	}
	for _, r := range s.All() {
		r.Tell(func(h *host.Host) { h.Merge(target) })
	}
	s.run(500 * time.Millisecond)
	next := epoch(2, "solo")
	s.SetEpoch(next)
	for _, r := range s.All() {
		if m := r.Level().Merged; m == nil || !m.Equal(target) || r.Durable().Len() != 2 {
			t.Fatalf("%s is not merged: %v", r.ID, m)
		}
		r.Activate(next)
		r.Activate(next) // again changes nothing
	}
	s.run(500 * time.Millisecond)
	for _, r := range s.All() {
		if l := r.Level(); l.Epoch != 2 || !l.Serves || l.Sealed != nil || l.Merged != nil || l.Life != 1 {
			t.Errorf("%s: %+v", r.ID, l)
		}
		r.Crash(cluster.Crash{})
		r.Boot()
		s.hasTitles(r.ID, "one", "two")
	}
	s.run(50 * time.Millisecond)
	s.Replica(1).Crash(cluster.Crash{})
	s.SetEpoch(epoch(1, "solo"))
	s.Replica(1).Boot()
	s.fails("left in epoch 2")
}

// An order for one life does not reach the next.
func TestTellIsLost(t *testing.T) {
	s := newStage(t, 1, nil)
	told := false
	s.Replica(1).Tell(func(*host.Host) { told = true })
	s.Replica(1).Crash(cluster.Crash{})
	s.Replica(1).Boot()
	s.run(time.Second)
	if told {
		t.Error("an order reaches another life")
	}
	s.Replica(1).Tell(func(*host.Host) { told = true })
	s.run(time.Second)
	if !told {
		t.Error("an order is lost")
	}
}

// The last words of a plugin that has died come to the host, which drops them
// but under M34.
func TestLastWords(t *testing.T) {
	for _, mutant := range []mutants.Mutant{mutants.None, mutants.M34} {
		found := 0
		for seed := uint64(1); seed <= 20; seed++ {
			s := newStage(t, 1, func(c *cluster.Config) { c.Mutant, c.Seed, c.StepMax = mutant, seed, 20*time.Millisecond })
			post := func(title string) {
				s.Replica(1).Ask(host.Request{Verb: modes.VerbPost, Deadline: s.Now() + time.Second, Article: board.Article{Title: title}}, func(host.Answer) {})
			}
			post("one")
			s.run(time.Millisecond)
			s.Replica(1).KillPlugin()
			post("two")
			if s.Run(s.Now()+time.Second) != nil {
				found++
			}
		}
		if (found > 0) != (mutant == mutants.M34) {
			t.Errorf("%s: it is found in %d runs", mutant, found)
		}
	}
}
