package replica

import (
	"log/slog"
	"time"
)

// bucket bounds what goes out in the long run, and lets through what comes in
// bursts. It belongs to one goroutine.
type bucket struct {
	size      float64 // how much may go at once
	perSecond float64
	left      float64
	since     time.Time // when left was true
}

func newBucket(size, perSecond float64) bucket {
	return bucket{size: size, perSecond: perSecond, left: size, since: time.Now()}
}

// take takes one out, if there is one.
func (b *bucket) take() bool {
	if b.wait() > 0 {
		return false
	}
	b.left--
	return true
}

// wait is how long it takes until there is one.
func (b *bucket) wait() time.Duration {
	now := time.Now()
	b.left = min(b.size, b.left+b.perSecond*now.Sub(b.since).Seconds())
	b.since = now
	if b.left >= 1 {
		return 0
	}
	return time.Duration((1 - b.left) / b.perSecond * float64(time.Second))
}

// A mode may cause throttleBurst lines of one kind in the log at once, and
// throttleRate of them a second in the long run.
const (
	throttleBurst = 1000
	throttleRate  = 20
)

// throttle keeps a mode from flooding the log. It belongs to one goroutine.
type throttle struct {
	bucket  bucket
	leftOut int
}

func newThrottle() throttle { return throttle{bucket: newBucket(throttleBurst, throttleRate)} }

// allow reports whether one more line may be written; if it may, and others were
// left out before, it says so first.
func (t *throttle) allow(log *slog.Logger) bool {
	if !t.bucket.take() {
		t.leftOut++
		return false
	}
	if t.leftOut > 0 {
		log.Warn("lines left out: the mode causes too many", "lines", t.leftOut)
		t.leftOut = 0
	}
	return true
}
