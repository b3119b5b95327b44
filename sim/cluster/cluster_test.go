package cluster_test

import (
	"fmt"
	"hash/fnv"
	"slices"
	"testing"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/modes/builtin"
	"consequor/mutants"
	"consequor/replicad/host"
	"consequor/sim/cluster"
)

// direct is a mode in this process.
type direct struct{ modes.Mode }

func (d direct) Step(batch modes.Batch) (*modes.Effects, error) {
	out := new(modes.Effects)
	d.Mode.Step(batch, out)
	return out, nil
}

func (direct) Close() error { return nil }

// launchBuiltin starts state machines of the built-in modes.
func launchBuiltin(mode string, _ board.ReplicaID) (cluster.Machine, error) {
	entry, ok := builtin.Lookup(mode)
	if !ok {
		return nil, fmt.Errorf("no mode %s", mode)
	}
	return direct{entry.NewVariant(true, mutants.None)}, nil
}

func epoch(n uint64, mode string) host.Activation {
	return host.Activation{Epoch: n, ModeEpoch: n, Mode: mode}
}

// start boots a cluster of a built-in mode and waits until all of it serves.
func start(t *testing.T, n int, seed uint64, mode string, trace func(cluster.Event)) *cluster.Cluster {
	t.Helper()
	c := cluster.New(cluster.Config{Replicas: n, Seed: seed, Epoch: epoch(1, mode), Launch: launchBuiltin, Trace: trace})
	t.Cleanup(c.Close)
	for _, r := range c.All() {
		r.Boot()
	}
	until(t, c, "all serve", func() bool {
		return !slices.ContainsFunc(c.All(), func(r *cluster.Replica) bool { return !r.Level().Serves })
	})
	return c
}

// until lets time pass, 10 s at most.
func until(t *testing.T, c *cluster.Cluster, what string, done func() bool) {
	t.Helper()
	for end := c.Now() + 10*time.Second; !done(); {
		if c.Now() >= end {
			t.Fatalf("after 10 s it is still not so that %s", what)
		}
		run(t, c, 5*time.Millisecond)
	}
}

func run(t *testing.T, c *cluster.Cluster, d time.Duration) {
	t.Helper()
	if err := c.Run(c.Now() + d); err != nil {
		t.Fatal(err)
	}
}

// post begins a post and returns where its answer will be.
func post(c *cluster.Cluster, at board.ReplicaID, title string) *host.Answer {
	a := new(host.Answer)
	key := board.MakeKey(title, c.Replica(at).Board().Vector().SeqMax(), at)
	c.Replica(at).Ask(host.Request{
		Verb: modes.VerbPost, Deadline: c.Now() + 3*time.Second,
		Article: board.Article{Title: title, Author: "somebody", Key: key.Text},
	}, func(b host.Answer) { *a = b })
	return a
}

// posted posts and waits.
func posted(t *testing.T, c *cluster.Cluster, at board.ReplicaID, title string) board.ArticleID {
	t.Helper()
	a := post(c, at, title)
	until(t, c, title+" is answered", func() bool { return a.Outcome != 0 })
	if a.Outcome != host.OK {
		t.Fatalf("%s: %+v", title, *a)
	}
	return a.ID
}

// Whatever mode it is, what was posted at each replica comes to all, crashes
// and cuts notwithstanding.
func TestModes(t *testing.T) {
	for _, entry := range builtin.Modes() {
		t.Run(entry.Description.Name, func(t *testing.T) {
			c := start(t, 3, 7, entry.Description.Name, nil)
			for i := range 30 {
				posted(t, c, board.ReplicaID(1+i%3), fmt.Sprint("post ", i))
			}
			c.Replica(1).Crash(cluster.Crash{Tear: true})
			run(t, c, time.Second)
			c.Replica(1).Boot()
			until(t, c, "r1 serves again", func() bool { return c.Replica(1).Level().Serves })
			for i := range 3 {
				posted(t, c, board.ReplicaID(1+i), fmt.Sprint("last ", i))
			}
			until(t, c, "all boards have 33 articles", func() bool {
				return !slices.ContainsFunc(c.All(), func(r *cluster.Replica) bool { return r.Board().Len() != 33 })
			})
		})
	}
}

// rough lets everything happen at random.
func rough(c *cluster.Cluster, rounds int) error {
	n := uint64(1)
	draw := func(most int) int {
		n = n*6364136223846793005 + 1442695040888963407
		return int(n>>33) % most
	}
	any := func() *cluster.Replica { return c.All()[draw(len(c.All()))] }
	for round := range rounds {
		for i := range draw(8) {
			post(c, any().ID, fmt.Sprint("post ", round, " ", i))
		}
		a, b := any(), any()
		switch draw(12) {
		case 0:
			a.Crash(cluster.Crash{Keep: draw(1001), Tear: draw(2) == 0})
		case 1:
			a.CrashAt(cluster.Boundary(draw(int(cluster.BoundaryCount))), cluster.Crash{Keep: draw(1001)})
		case 2, 3, 4:
			for _, r := range c.All() {
				r.Boot()
			}
		case 5:
			a.KillPlugin()
		case 6:
			a.Pause(c.Now() + time.Duration(draw(1500))*time.Millisecond)
		case 7:
			if a != b {
				c.Cut(a.ID, b.ID)
				c.At(c.Now()+time.Duration(draw(1500))*time.Millisecond, func() { c.Heal(a.ID, b.ID) })
			}
		case 8:
			a.FillDisk(c.Now() + time.Duration(draw(300))*time.Millisecond)
		case 9:
			a.Clock(500+draw(1000), time.Duration(draw(1000))*time.Millisecond)
		case 10:
			c.SetWeather(cluster.Weather{Loss: draw(30), Double: draw(30), Late: draw(50), LateMax: 200 * time.Millisecond, CutSpans: draw(200)})
		case 11:
			a.Stop()
		}
		if err := c.Run(c.Now() + time.Duration(draw(60))*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// One seed gives one trace, and another seed another.
func TestRepeats(t *testing.T) {
	trace := func(seed uint64) uint64 {
		hash := fnv.New64a()
		c := start(t, 5, seed, "sequential", func(e cluster.Event) { fmt.Fprintf(hash, "%+v\n", e) })
		if err := rough(c, 60); err != nil {
			t.Fatal(err)
		}
		return hash.Sum64()
	}
	for seed := uint64(1); seed <= 3; seed++ {
		if a, b := trace(seed), trace(seed); a != b {
			t.Errorf("seed %d gives the traces %x and %x", seed, a, b)
		}
	}
	if trace(1) == trace(2) {
		t.Error("two seeds give one trace")
	}
}

// Under rough treatment nothing happens that must never happen; and after it all
// serve, and come to the same board.
func TestRough(t *testing.T) {
	for _, entry := range builtin.Modes() {
		for seed := uint64(1); seed <= 20; seed++ {
			c := start(t, 3+int(seed%3), seed, entry.Description.Name, nil)
			if err := rough(c, 120); err != nil {
				t.Errorf("%s, seed %d: %v", entry.Description.Name, seed, err)
				continue
			}
			c.SetWeather(cluster.Weather{})
			run(t, c, 2*time.Second)
			heal(t, c)
		}
	}
}

func heal(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	for _, r := range c.All() {
		r.Boot()
	}
	run(t, c, 2*time.Second)
	for _, r := range c.All() {
		r.Boot() // it was told to stop before
	}
	run(t, c, 2*time.Second)
	for _, r := range c.All() {
		posted(t, c, r.ID, "last at "+r.ID.String())
	}
	first := c.All()[0].Board()
	until(t, c, "all boards are equal", func() bool {
		return !slices.ContainsFunc(c.All(), func(r *cluster.Replica) bool {
			return !slices.Equal(r.Board().Span(nil), first.Span(nil))
		})
	})
	if first.Len() < len(c.All()) {
		t.Errorf("the board has %d articles", first.Len())
	}
}

func BenchmarkRun(b *testing.B) {
	for _, test := range []struct {
		mode     string
		replicas int
		rounds   int
	}{
		{"sequential", 5, 120}, {"quorum", 5, 120}, {"read-your-write", 5, 120}, {"read-your-write", 200, 10},
	} {
		b.Run(fmt.Sprint(test.mode, "/", test.replicas), func(b *testing.B) {
			events := 0
			for i := range b.N {
				c := cluster.New(cluster.Config{Replicas: test.replicas, Seed: uint64(i + 1), Epoch: epoch(1, test.mode), Launch: launchBuiltin})
				for _, r := range c.All() {
					r.Boot()
				}
				if err := c.Run(400 * time.Millisecond); err != nil {
					b.Fatal(err)
				}
				if err := rough(c, test.rounds); err != nil {
					b.Fatal(err)
				}
				events += c.Events()
				c.Close()
			}
			b.ReportMetric(float64(events)/float64(b.N), "events/op")
		})
	}
}
