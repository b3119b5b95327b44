package cluster_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/mutants"
	"consequor/replicad/host"
	"consequor/sim/cluster"
)

// Of what was not synced a crash keeps a prefix, as long as it is told.
func TestCrashKeepsPrefix(t *testing.T) {
	for keep, want := range map[int]int{0: 0, 300: 3, 999: 9, 1000: 10} {
		s := soloStage(t, 1, true, nil)
		r := s.Replica(1)
		for i := range 10 {
			s.do(1, fmt.Sprint("post ", i))
			s.run(time.Millisecond)
		}
		if shown, durable := r.Board().Len(), r.Durable().Len(); shown != 10 || durable != 0 {
			t.Fatalf("%d articles are visible and %d on disk, want 10 and 0", shown, durable)
		}
		r.Crash(cluster.Crash{Keep: keep})
		r.Boot()
		if got := r.Board().Len(); got != want || r.Durable().Len() != want {
			t.Errorf("of 10 writes %d survive a crash that keeps %d per mille, want %d", got, keep, want)
		}
		if got := r.Board().Vector().SeqMax(); got != uint64(want) {
			t.Errorf("the last of %d articles is number %d: not a prefix", want, got)
		}
	}
}

// What is torn is cut off, and what was acknowledged is there.
func TestTornTail(t *testing.T) {
	s := newStage(t, 1, nil)
	s.do(1, "one")
	s.run(50 * time.Millisecond)
	s.Replica(1).SlowDisk(time.Hour, s.Now()+time.Hour)
	a := s.do(1, "two")
	s.run(5 * time.Millisecond)
	s.Replica(1).Crash(cluster.Crash{Tear: true})
	if a.Outcome != host.Unknown {
		t.Errorf("the post under way ends %+v, want unknown", *a)
	}
	before := s.count(1, cluster.Noted)
	s.Replica(1).SlowDisk(0, s.Now())
	s.Replica(1).Boot()
	if s.count(1, cluster.Noted) != before+1 {
		t.Error("nobody finds the torn write")
	}
	s.hasTitles(1, "one")
	s.run(200 * time.Millisecond)
	s.do(1, "three")
	s.run(50 * time.Millisecond)
	s.hasTitles(1, "one", "three")
}

// A replica whose disk is damaged or gone stays down; under M37 one whose disk
// is gone starts as if it were new.
func TestLostDisk(t *testing.T) {
	for _, test := range []struct {
		crash  cluster.Crash
		mutant mutants.Mutant
		why    string
	}{
		{cluster.Crash{Rot: true}, mutants.None, "quarantined"},
		{cluster.Crash{Wipe: true}, mutants.None, "its data is gone"},
		{cluster.Crash{Rot: true}, mutants.M37, "quarantined"},
		{cluster.Crash{Wipe: true}, mutants.M37, ""},
	} {
		s := newStage(t, 1, func(c *cluster.Config) { c.Mutant = test.mutant })
		s.do(1, "one")
		s.run(50 * time.Millisecond)
		r := s.Replica(1)
		r.Crash(test.crash)
		if why := r.Failed(); test.why == "" && why != "" || !strings.Contains(why, test.why) {
			t.Errorf("after %+v, it has failed: %q, want %q", test.crash, why, test.why)
		}
		r.Boot()
		if r.Up() != (test.why == "") {
			t.Errorf("after %+v, its process runs: %v", test.crash, r.Up())
		}
		if r.Up() && r.Board().Len() > 0 {
			t.Errorf("after %+v, it has %d articles", test.crash, r.Board().Len())
		}
		if r.Boot(); s.count(1, cluster.Failed) > 1 {
			t.Error("that it has failed is told twice")
		}
	}
}

// While the disk is full, posts are refused, what is written waits, and reads go on.
func TestFullDisk(t *testing.T) {
	s := newStage(t, 1, nil)
	r := s.Replica(1)
	waits := s.do(1, "waits")
	r.FillDisk(s.Now() + 400*time.Millisecond)
	refused := s.do(1, "refused")
	var read host.Answer
	r.Ask(host.Request{Verb: modes.VerbRead, Deadline: s.Now() + time.Second}, func(a host.Answer) { read = a })
	s.run(390 * time.Millisecond)
	if refused.Outcome != host.Refused || refused.Kind != modes.DiskFull {
		t.Errorf("a post at a full disk ends %+v", *refused)
	}
	if read.Outcome != host.OK || read.Guarantee != "local" {
		t.Errorf("a read at a full disk ends %+v", read)
	}
	if waits.Outcome != 0 || r.Board().Len() > 0 {
		t.Errorf("before there is room, what waits ends %+v", *waits)
	}
	s.run(100 * time.Millisecond)
	if waits.Outcome != host.OK {
		t.Errorf("when there is room, what waits ends %+v", *waits)
	}
}

func TestSlowDisk(t *testing.T) {
	s := newStage(t, 1, nil)
	s.Replica(1).SlowDisk(10*time.Second, s.Now()+time.Second)
	a := s.do(1, "slow")
	s.run(50 * time.Millisecond)
	if a.Outcome != 0 {
		t.Errorf("a slow disk lets out %+v", *a)
	}
	s.run(10 * time.Second)
	if a.Outcome == 0 {
		t.Error("a slow disk never ends")
	}
}

// lost posts a lot while a replica crashes again and again, and counts what was
// acknowledged and is gone. M33 trims the journal before the flush is on disk.
func lost(t *testing.T, mutant mutants.Mutant, seed uint64) int {
	s := newStage(t, 1, func(c *cluster.Config) { c.Mutant, c.Seed, c.Trace = mutant, seed, nil })
	acknowledged, r := map[board.ArticleID]bool{}, s.Replica(1)
	for i := range 600 {
		r.Boot()
		r.Ask(host.Request{Verb: modes.VerbPost, Deadline: s.Now() + time.Second, Article: board.Article{Title: fmt.Sprint(i)}},
			func(a host.Answer) {
				if a.Outcome == host.OK {
					acknowledged[a.ID] = true
				}
			})
		if s.Run(s.Now()+3*time.Millisecond) != nil {
			return 1 // an assertion has found it
		}
		if i%40 == 39 {
			r.Crash(cluster.Crash{})
			r.Boot()
			s.run(200 * time.Millisecond)
		}
	}
	n, durable := 0, r.Durable()
	for id := range acknowledged {
		if _, ok := durable.Get(id); !ok {
			n++
		}
	}
	if len(acknowledged) < 400 {
		t.Fatalf("only %d posts were acknowledged", len(acknowledged))
	}
	return n
}

func TestFlush(t *testing.T) {
	caught := 0
	for seed := uint64(1); seed <= 5; seed++ {
		if n := lost(t, mutants.None, seed); n > 0 {
			t.Errorf("seed %d: %d acknowledged articles are lost", seed, n)
		}
		if lost(t, mutants.M33, seed) > 0 {
			caught++
		}
	}
	if caught == 0 {
		t.Error("M33 loses nothing")
	}
}

// Replace, which only M32 asks for, drops from memory and disk.
func TestReplace(t *testing.T) {
	s := newStage(t, 1, nil)
	for _, title := range []string{"one", "two", "three"} {
		s.do(1, title)
		s.run(20 * time.Millisecond)
	}
	s.Replica(1).Disk().Replace(board.Vector{{Seq: 2, Origin: 1}})
	s.hasTitles(1, "one", "two")
	s.Replica(1).Crash(cluster.Crash{Keep: 1000})
	s.Replica(1).Boot()
	s.hasTitles(1, "one", "two")
}
