package cli

import "slices"

// leg is one mode change of a tour.
type leg struct{ From, To string }

// tour begins at the first of modes and makes every change from one of them to
// another exactly once, so it ends where it began: a circuit of Euler in the
// graph in which every mode leads to every other. Of one mode alone the tour is
// the change to itself, as for a newer build of it.
func tour(modes []string) []leg {
	if len(modes) == 1 {
		return []leg{{modes[0], modes[0]}}
	}
	// Hierholzer: walk on while there is a change that was not made; where the
	// walk is stuck, the tour (built from its end) goes back one step.
	left := make(map[string][]string)
	for _, from := range modes {
		left[from] = slices.DeleteFunc(slices.Clone(modes), func(to string) bool { return to == from })
	}
	var stops []string
	for walk := modes[:1:1]; len(walk) > 0; {
		here := walk[len(walk)-1]
		if next := left[here]; len(next) > 0 {
			left[here] = next[1:]
			walk = append(walk, next[0])
			continue
		}
		stops = append(stops, here)
		walk = walk[:len(walk)-1]
	}
	slices.Reverse(stops)
	var legs []leg
	for i := range stops[1:] {
		legs = append(legs, leg{stops[i], stops[i+1]})
	}
	return legs
}
