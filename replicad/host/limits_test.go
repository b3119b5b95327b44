package host_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"consequor/modes"
	"consequor/replicad/host"
)

// Modes that would keep themselves busy without end: each batch is refused,
// whole, before the host's memory is theirs.
func TestAModeThatFloodsItself(t *testing.T) {
	for name, flood := range map[string]func(*modes.Effects){
		"messages to itself and lookups": func(out *modes.Effects) {
			for range host.OwnCountMax/2 + 1 {
				out.Send(1, nil)
				out.SendNow(1, nil)
			}
		},
		"timers, the limit is": func(out *modes.Effects) {
			for i := range host.TimerCountMax + 1 {
				out.SetTimer(fmt.Sprint(i), time.Second)
			}
		},
	} {
		c, n, _ := solo(t, func(_ *scripted, e modes.Event, out *modes.Effects) {})
		c.settle()
		n.post("go", "")
		n.h.Pump()
		s := n.stepped
		var out modes.Effects
		flood(&out)
		if err := n.h.Stepped(s.life, s.batch.Number, &out); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The same few timers may be set as often as a mode likes.
func TestOneTimerSetOftenIsOneTimer(t *testing.T) {
	rang := 0
	c, _, _ := solo(t, func(_ *scripted, e modes.Event, out *modes.Effects) {
		switch e.(type) {
		case modes.Start:
			for range 2 * host.TimerCountMax {
				out.SetTimer("tick", time.Second)
			}
		case modes.Timer:
			rang++
		}
	})
	c.settle()
	c.advance(2 * time.Second)
	if rang != 1 {
		t.Errorf("it ran out %d times", rang)
	}
}

// A timer of no time runs out a thousand times a second, and no more often; one
// of all the time there is, never.
func TestTimersOfNoTime(t *testing.T) {
	rang := map[string]int{}
	c, _, _ := solo(t, func(_ *scripted, e modes.Event, out *modes.Effects) {
		switch e := e.(type) {
		case modes.Start:
			out.SetTimer("zeal", 0)
			out.SetTimer("never", math.MaxInt64)
		case modes.Timer:
			rang[e.Name]++
			out.SetTimer(e.Name, -time.Second)
		}
	})
	c.settle()
	c.advance(20 * time.Millisecond)
	if rang["zeal"] < 10 || rang["zeal"] > 21 || rang["never"] != 0 {
		t.Errorf("in 20ms: %v", rang)
	}
}
