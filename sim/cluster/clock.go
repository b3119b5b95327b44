package cluster

import (
	"math"
	"time"
)

// clock is a replica's own idea of the time: since some moment it runs at a
// rate of its own. It never falls, as a process reads a monotonic clock.
type clock struct {
	since time.Duration // virtual
	shown time.Duration // by this clock then
	rate  int64         // per mille of the virtual time's
}

// rateMin keeps a slow clock from standing still.
const rateMin = 10

func newClock() clock { return clock{rate: 1000} }

// read is what the clock shows at a virtual time.
func (c *clock) read(now time.Duration) time.Duration {
	return c.shown + time.Duration(int64(now-c.since)*c.rate/1000)
}

// when is the first virtual time at which the clock shows at least local.
func (c *clock) when(local time.Duration) time.Duration {
	if local > math.MaxInt64/2000 { // as good as never, and it must not overflow
		local = math.MaxInt64 / 2000
	}
	left := int64(local-c.shown) * 1000
	if left > 0 {
		left += c.rate - 1
	}
	return c.since + time.Duration(left/c.rate)
}

// change sets another rate, and jumps ahead.
func (c *clock) change(now time.Duration, rate int, jump time.Duration) {
	c.shown = c.read(now) + max(jump, 0)
	c.since, c.rate = now, max(int64(rate), rateMin)
}
