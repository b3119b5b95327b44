package cluster_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"consequor/board"
	"consequor/sim/cluster"
)

// send lets r1 send r2 so many messages, all at once.
func (s *stage) send(from board.ReplicaID, n int) {
	for i := range n {
		s.do(from, fmt.Sprintf("send %d", i))
	}
}

// Frames of one connection are in order, unless they are late.
func TestOrder(t *testing.T) {
	for _, late := range []int{0, 300} {
		s := newStage(t, 2, nil)
		s.SetWeather(cluster.Weather{Late: late, LateMax: 50 * time.Millisecond})
		for i := range 100 {
			s.do(1, fmt.Sprintf("send %03d", i))
			s.run(time.Millisecond)
		}
		s.run(time.Second)
		got := s.received(2)
		if len(got) != 100 || slices.IsSorted(got) != (late == 0) {
			t.Errorf("with %d per mille late, r2 gets %q", late, got)
		}
	}
}

func TestLossAndDoubling(t *testing.T) {
	for _, test := range []struct {
		weather     cluster.Weather
		least, most int
	}{
		{cluster.Weather{Loss: 1000}, 0, 0},
		{cluster.Weather{Loss: 300}, 50, 90},
		{cluster.Weather{Double: 1000}, 200, 200},
		{cluster.Weather{Double: 300}, 110, 150},
		{cluster.Weather{Delay: 700 * time.Millisecond}, 0, 0}, // not yet
	} {
		s := newStage(t, 2, nil)
		s.SetLinkWeather(1, 2, test.weather)
		s.send(1, 100)
		s.run(500 * time.Millisecond)
		if n := len(s.received(2)); n < test.least || n > test.most {
			t.Errorf("with %+v, of 100 frames %d arrive, want %d to %d", test.weather, n, test.least, test.most)
		}
	}
}

// A span travels in chunks, and may break off.
func TestCutSpans(t *testing.T) {
	for _, cut := range []int{0, 1000} {
		s := newStage(t, 2, nil)
		s.SetWeather(cluster.Weather{CutSpans: cut})
		for i := range 10 {
			s.do(1, fmt.Sprint("post ", i))
		}
		s.run(100 * time.Millisecond)
		s.do(1, "board is whole")
		s.run(100 * time.Millisecond)
		want := 10
		if cut > 0 {
			want = 0
		}
		if got := s.Replica(2).Board().Len(); got != want || len(s.received(2)) != want/10 {
			t.Errorf("with %d per mille cut, %d articles and %q arrive", cut, got, s.received(2))
		}
	}
}

// What goes one way is lost at once, and the other way not; both ends see it
// after DetectAfter, and the connection comes back when the last cut is healed.
func TestCut(t *testing.T) {
	s := newStage(t, 2, nil)
	began := s.Now()
	s.Cut(1, 2)
	s.Cut(1, 2)
	s.send(1, 3)
	s.send(2, 3)
	s.run(cluster.DetectAfter - 10*time.Millisecond)
	if a, b := len(s.received(1)), len(s.received(2)); a != 3 || b != 0 {
		t.Errorf("r1 gets %d messages and r2 %d, want 3 and 0", a, b)
	}
	if s.count(1, cluster.LinkDown)+s.count(2, cluster.LinkDown) > 0 {
		t.Errorf("a cut is noticed within %s", s.Now()-began)
	}
	s.run(cluster.DetectAfter)
	if s.count(1, cluster.LinkDown) != 1 || s.count(2, cluster.LinkDown) != 1 {
		t.Error("a cut is not noticed at both ends")
	}
	s.Heal(1, 2)
	s.run(time.Second)
	if s.count(1, cluster.LinkUp) != 1 {
		t.Error("a link comes back though one cut is left")
	}
	s.Heal(1, 2)
	s.run(time.Second)
	if s.count(1, cluster.LinkUp) != 2 || s.count(2, cluster.LinkUp) != 2 {
		t.Error("a link that is whole does not come back")
	}
	s.Heal(1, 2) // one too many
	s.send(1, 3)
	s.run(100 * time.Millisecond)
	if n := len(s.received(2)); n != 3 {
		t.Errorf("after all, r2 gets %d messages, want 3", n)
	}
}

// A short cut is never noticed.
func TestShortCut(t *testing.T) {
	s := newStage(t, 2, nil)
	for range 5 {
		s.Cut(2, 1)
		s.run(300 * time.Millisecond)
		s.Heal(2, 1)
		s.run(10 * time.Millisecond)
	}
	s.run(2 * time.Second)
	if s.count(1, cluster.LinkDown)+s.count(2, cluster.LinkDown) > 0 {
		t.Error("cuts of 300 ms break a connection")
	}
}

func TestBreak(t *testing.T) {
	s := newStage(t, 3, nil)
	s.Break(1, 3)
	s.run(200 * time.Millisecond)
	for r, want := range map[board.ReplicaID]int{1: 1, 2: 0, 3: 1} {
		if got := s.count(r, cluster.LinkDown); got != want || s.count(r, cluster.LinkUp) != 2+want {
			t.Errorf("%s sees %d connections break and %d made", r, got, s.count(r, cluster.LinkUp))
		}
	}
}

// What a process has sent before it dies arrives before its end is seen; and its
// next life is connected again.
func TestCrashIsSeen(t *testing.T) {
	s := newStage(t, 2, nil)
	s.send(1, 5)
	s.run(450 * time.Microsecond)
	s.Replica(1).Crash(cluster.Crash{})
	s.run(20 * time.Millisecond)
	if s.count(2, cluster.LinkDown) != 1 {
		t.Error("the end of a process is not seen")
	}
	if sent, got := s.count(1, cluster.Sent), s.count(2, cluster.Arrived); got != sent {
		t.Errorf("of %d frames that have left, %d arrive", sent, got)
	}
	s.Replica(1).Boot()
	s.run(200 * time.Millisecond)
	if s.count(1, cluster.LinkUp) != 2 || s.count(2, cluster.LinkUp) != 2 {
		t.Error("the next life is not connected")
	}
}

// Each end's news alternate, and no frame comes outside of a connection, however
// rough it gets.
func TestNewsAlternate(t *testing.T) {
	for seed := uint64(1); seed <= 10; seed++ {
		up := map[[2]board.ReplicaID]bool{}
		var wrong []string
		trace := func(e cluster.Event) {
			end := [2]board.ReplicaID{e.Replica, e.Peer}
			switch e.Kind {
			case cluster.LinkUp, cluster.LinkDown:
				if up[end] == (e.Kind == cluster.LinkUp) {
					wrong = append(wrong, fmt.Sprintf("%+v", e))
				}
				up[end] = e.Kind == cluster.LinkUp
			case cluster.Arrived:
				if !up[end] {
					wrong = append(wrong, fmt.Sprintf("%+v", e))
				}
			case cluster.Crashed, cluster.Stopped:
				for other := range up {
					if other[0] == e.Replica {
						up[other] = false
					}
				}
			}
		}
		c := start(t, 4, seed, "read-your-write", trace)
		if err := rough(c, 100); err != nil {
			t.Fatal(err)
		}
		if len(wrong) > 0 {
			t.Errorf("seed %d: %s", seed, strings.Join(wrong, "\n"))
		}
	}
}
