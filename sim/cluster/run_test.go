package cluster_test

import (
	"testing"
	"time"

	"consequor/sim/cluster"
)

// What causes itself again and again ends the run, whether it lets a little
// time pass or none at all.
func TestLivelock(t *testing.T) {
	for name, test := range map[string]struct {
		pause     time.Duration
		eventsMax int
		want      string
	}{
		"in small steps": {time.Microsecond, 20_000, "livelock: 20001 events and no end"},
		"at one moment":  {0, 2_000_000, "time stands still"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, 2, func(c *cluster.Config) { c.EventsMax = test.eventsMax })
			var again func()
			again = func() { s.At(s.Now()+test.pause, again) }
			again()
			s.fails(test.want)
		})
	}
}
