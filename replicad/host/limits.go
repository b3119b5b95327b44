package host

import (
	"fmt"
	"math"
	"time"

	"consequor/modes"
)

// What a mode may cause itself. One that is correct comes nowhere near; one
// that floods is refused before it fills this process's memory or time.
const (
	TimerMin      = time.Millisecond // a timer set to less takes as long
	TimerCountMax = 1024             // timers, by name
	OwnCountMax   = 1 << 16          // own messages and lookups, with all that waits for the plugin already
)

// checkOwn says whether the effects cause the mode itself too much.
func (h *Host) checkOwn(effects *modes.Effects) error {
	own, timers := 0, 0
	for _, effect := range effects.List {
		switch e := effect.(type) {
		case modes.Send:
			if e.To == h.Self {
				own++
			}
		case modes.SendNow:
			if e.To == h.Self {
				own++
			}
		case modes.SendBoard:
			if e.To == h.Self {
				own++
			}
		case modes.LookUp:
			own++
		case modes.SetTimer:
			timers++
		}
	}
	if waiting := len(h.pending.events); own > 0 && own+waiting > OwnCountMax {
		return fmt.Errorf("%d messages to itself and lookups while %d events wait, the limit is %d", own, waiting, OwnCountMax)
	}
	if timers+len(h.timers.list) > TimerCountMax {
		return h.checkTimers(effects)
	}
	return nil
}

// bounded keeps a timer from running out at once, and the sum of now and after
// from being no time.
func bounded(after, now time.Duration) time.Duration {
	return min(max(after, TimerMin), math.MaxInt64-now)
}

// checkTimers counts names: most often the same few are set again and again.
func (h *Host) checkTimers(effects *modes.Effects) error {
	names := make(map[string]bool)
	for _, t := range h.timers.list {
		names[t.name] = true
	}
	for _, effect := range effects.List {
		if e, ok := effect.(modes.SetTimer); ok {
			names[e.Name] = true
		}
	}
	if len(names) > TimerCountMax {
		return fmt.Errorf("%d timers, the limit is %d", len(names), TimerCountMax)
	}
	return nil
}
