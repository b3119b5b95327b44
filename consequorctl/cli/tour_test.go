package cli

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

// A tour makes every change once, each from where the one before led, and ends
// where it began.
func TestTour(t *testing.T) {
	for n := 2; n <= 6; n++ {
		modes := []string{"a", "b", "c", "d", "e", "f"}[:n]
		made := make(map[leg]bool)
		here := "a"
		for _, l := range tour(modes) {
			if l.From != here || l.From == l.To || made[l] {
				t.Fatalf("of %v: %v from %s, made before: %t", modes, l, here, made[l])
			}
			made[l], here = true, l.To
		}
		if len(made) != n*(n-1) || here != "a" {
			t.Errorf("of %v: %d changes, ends at %s", modes, len(made), here)
		}
	}
	if alone := fmt.Sprint(tour([]string{"a"})); alone != "[{a a}]" {
		t.Errorf("of one mode: %s", alone)
	}
}

// Two clients: a gap counts when it touches the window, whole; one that ended
// before it, or began after it, does not.
func TestGapMeter(t *testing.T) {
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	g := newGapMeter(2, at(0))
	g.answered(0, at(900)) // before the window: 900 ms that nobody asked about
	g.answered(1, at(990))
	g.begin()
	g.answered(0, at(910))
	ended := make(chan time.Duration)
	go func() {
		longest, err := g.end(t.Context())
		if err != nil {
			t.Error(err)
		}
		ended <- longest
	}()
	for { // until end is waiting
		g.mu.Lock()
		waits := g.owed != nil
		g.mu.Unlock()
		if waits {
			break
		}
	}
	g.answered(0, at(930))
	g.answered(0, at(5000)) // its gap has ended: the next one is not the window's
	g.answered(1, at(1090))
	if longest := <-ended; longest != 100*time.Millisecond {
		t.Errorf("longest %v, want 100ms", longest)
	}
	g.begin()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.end(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody was answered, and end says %v", err)
	}
}
