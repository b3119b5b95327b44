package sim

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/replicad/host"
	"consequor/sim/cluster"
)

// changed is a cluster that nothing but its supervisor disturbs.
type changed struct {
	t *testing.T
	c *cluster.Cluster
	s *supervisor
}

func newChanged(t *testing.T, seed uint64, o supervisorOptions) *changed {
	first := host.Activation{Epoch: 1, ModeEpoch: 1, Mode: "sequential"}
	p := &Plan{Seed: seed}
	c := cluster.New(cluster.Config{Replicas: 3, Seed: seed, Epoch: first, Launch: p.launch(), Mutant: o.mutant})
	t.Cleanup(c.Close)
	o.random = rand.New(rand.NewPCG(seed, 1))
	x := &changed{t, c, newSupervisor(c, first, o)}
	x.s.start()
	return x
}

func (x *changed) pass(d time.Duration) {
	x.t.Helper()
	if err := x.c.Run(x.c.Now() + d); err != nil {
		x.t.Fatal(err)
	}
}

// until lets time pass until something is so.
func (x *changed) until(what string, is func() bool) {
	x.t.Helper()
	for range 2000 {
		if is() {
			return
		}
		x.pass(20 * time.Millisecond)
	}
	x.t.Fatalf("in %s it never came about that %s: %s; waits for %v", x.c.Now(), what, x.s.disk.String(), x.s.core.Waits())
}

// serves reports whether all serve in the recorded epoch, and nothing is under
// way.
func (x *changed) serves() bool {
	for _, r := range x.c.All() {
		if level := r.Level(); !level.Serves || level.Epoch != x.s.disk.Epoch {
			return false
		}
	}
	return !x.s.busy()
}

// post posts at each replica, and waits until all have answered.
func (x *changed) post(title string) {
	x.t.Helper()
	open := 0
	for _, r := range x.c.All() {
		open++
		key := board.MakeKey(title, r.Board().Vector().SeqMax(), r.ID).Text
		q := host.Request{Verb: modes.VerbPost, Article: board.Article{Title: title, Author: r.ID.String(), Key: key}, Deadline: x.c.Now() + 5*time.Second}
		r.Ask(q, func(a host.Answer) {
			open--
			if a.Outcome != host.OK {
				x.t.Errorf("%s at %s: %+v", title, r.ID, a)
			}
		})
	}
	x.until(title+" is answered", func() bool { return open == 0 })
}

// swap changes the mode.
func (x *changed) swap(mode string) {
	x.t.Helper()
	made := x.s.made
	x.until("a change begins", func() bool { return x.s.change(mode, nil) })
	x.until("the mode changes", func() bool { return x.s.made > made && x.serves() })
}

// From mode to mode and back, with posts in each: all are on all boards.
func TestSupervisorChanges(t *testing.T) {
	x := newChanged(t, 1, supervisorOptions{})
	x.until("all serve", x.serves)
	posts := 0
	for i, mode := range []string{"quorum", "read-your-write", "sequential", "sequential", "quorum"} {
		x.post(fmt.Sprint("before change ", i))
		posts += 3
		x.swap(mode)
		if epochs := x.s.began(); len(epochs) != i+2 || epochs[i+1].Mode != mode || epochs[i+1].Epoch != uint64(i+2) {
			t.Fatalf("after change %d the epochs are %+v", i, epochs)
		}
	}
	x.until("boards are equal", func() bool {
		for _, r := range x.c.All() {
			if r.Board().Len() != posts {
				return false
			}
		}
		return true
	})
	if x.s.calledOff != 0 {
		t.Errorf("%d changes were called off", x.s.calledOff)
	}
}

// A change with a supervisor that dies at each of its steps: the next one calls
// it off, or goes on with it, and after that another change goes through.
func TestSupervisorDies(t *testing.T) {
	outcomes := map[string]int{}
	for step := 1; step <= 10; step++ {
		for seed := range uint64(6) {
			x := newChanged(t, seed, supervisorOptions{})
			x.until("all serve", x.serves)
			x.post("before")
			x.s.crashAtStep(step)
			life := x.s.life
			x.s.change("quorum", nil)
			x.until("it has come back", func() bool { return x.s.life > life || !x.s.busy() })
			x.until("all serve again", x.serves)
			x.post("after")
			switch {
			case x.s.life == life:
				outcomes["alive"]++
			case x.s.made > 0:
				outcomes["made"]++
			case x.s.calledOff > 0:
				outcomes["called off"]++
			default:
				outcomes["as if nothing had been"]++
			}
			x.s.calm()
			x.swap("read-your-write")
			x.post("in the end")
		}
	}
	for _, outcome := range []string{"alive", "made", "called off", "as if nothing had been"} {
		if outcomes[outcome] == 0 {
			t.Errorf("no run ended %s: %v", outcome, outcomes)
		}
	}
}

// A supervisor whose orders get lost and whose disk fails comes to an end with
// every change.
func TestSupervisorTrouble(t *testing.T) {
	calledOff := 0
	for seed := range uint64(40) {
		x := newChanged(t, seed, supervisorOptions{trouble: 80})
		x.until("all serve", x.serves)
		for _, mode := range []string{"quorum", "sequential"} {
			x.s.change(mode, nil)
			x.c.At(x.c.Now()+x.s.within(time.Second), func() { x.c.Replica(2).Crash(cluster.Crash{}) })
			x.c.At(x.c.Now()+1500*time.Millisecond, func() { x.s.boot(x.c.Replica(2)) })
			x.pass(1500 * time.Millisecond)
			x.until("all serve again", x.serves)
		}
		x.s.calm()
		x.post("after")
		x.swap("read-your-write")
		calledOff += x.s.calledOff
	}
	if calledOff == 0 {
		t.Error("no change was called off: the runs prove nothing")
	}
}

// A supervisor that is down starts nothing, and begins nothing.
func TestSupervisorDown(t *testing.T) {
	x := newChanged(t, 1, supervisorOptions{})
	x.until("all serve", x.serves)
	x.s.crash(time.Second)
	r := x.c.Replica(1)
	x.s.boot(r)
	if r.Up() || x.s.change("quorum", nil) || !x.s.busy() {
		t.Errorf("up: %t, busy: %t", r.Up(), x.s.busy())
	}
	x.pass(900 * time.Millisecond)
	if r.Up() {
		t.Error("a process runs without its supervisor")
	}
	x.until("all serve again", x.serves)
}
