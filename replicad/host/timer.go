package host

import (
	"cmp"
	"slices"
	"time"
)

// timerTable keeps a mode's timers. There are few of them, one for each name.
type timerTable struct{ list []timer }

type timer struct {
	name string
	at   time.Duration
}

func (t *timerTable) set(name string, at time.Duration) {
	t.remove(name)
	t.list = append(t.list, timer{name, at})
}

func (t *timerTable) remove(name string) {
	t.list = slices.DeleteFunc(t.list, func(x timer) bool { return x.name == name })
}

func (t *timerTable) clear() { t.list = nil }

func (t *timerTable) next() (time.Duration, bool) {
	if len(t.list) == 0 {
		return 0, false
	}
	return slices.MinFunc(t.list, compareTimers).at, true
}

// expired removes and returns the names of the timers due at now, by time and
// then name.
func (t *timerTable) expired(now time.Duration) []string {
	due := slices.Clone(t.list)
	due = slices.DeleteFunc(due, func(x timer) bool { return x.at > now })
	slices.SortFunc(due, compareTimers)
	names := make([]string, len(due))
	for i, x := range due {
		names[i] = x.name
		t.remove(x.name)
	}
	return names
}

func compareTimers(a, b timer) int {
	if c := cmp.Compare(a.at, b.at); c != 0 {
		return c
	}
	return cmp.Compare(a.name, b.name)
}
