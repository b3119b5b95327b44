package sim

import (
	"fmt"
	"slices"
	"time"

	"consequor/board"
	"consequor/sim/cluster"
)

// direction is a link, one way.
type direction struct{ from, to board.ReplicaID }

// The faults of links.
type (
	cutting struct {
		links []direction
		long  time.Duration
	}

	// isolating cuts one replica off from all: it does not hear them (deaf), or
	// is not heard (dumb). At 0 is whoever leads.
	isolating struct {
		at         board.ReplicaID
		deaf, dumb bool
		long       time.Duration

		// So many others it stays connected to, beginning with the one that is
		// so many after it.
		keeps, skips int
	}

	breaking struct{ a, b board.ReplicaID }

	// window is weather on one link, or on all, for a while.
	window struct {
		cluster.Weather
		a, b board.ReplicaID // 0: all links
		long time.Duration
	}
)

func (c cutting) do(r *run, a *Action) {
	r.emit(cluster.Event{Kind: cluster.Fault}, "%s", a.Text)
	r.cut(c.links)
	r.over(c.long, 0, a, func() { r.heals(c.links) })
}

func (i isolating) do(r *run, a *Action) {
	at := r.target(i.at, a).ID
	var links []direction
	for _, other := range r.cluster.All() {
		if other.ID == at || i.stays(at, other.ID, r.plan.Replicas) {
			continue
		}
		if i.deaf {
			links = append(links, direction{other.ID, at})
		}
		if i.dumb {
			links = append(links, direction{at, other.ID})
		}
	}
	r.cut(links)
	r.over(i.long, at, a, func() { r.heals(links) })
}

// stays reports whether the link to another replica stays.
func (i isolating) stays(at, other board.ReplicaID, replicas int) bool {
	after := (int(other) - int(at) + replicas - 1) % replicas // of the others, from 0
	return (after-i.skips+replicas-1)%(replicas-1) < i.keeps
}

func (i isolating) words() string {
	return fmt.Sprintf("is cut off from all%s (hears them: %s, is heard: %s) for %s", pick(i.keeps > 0, " but one", ""), yes(!i.deaf), yes(!i.dumb), i.long)
}

func (b breaking) do(r *run, a *Action) {
	r.emit(cluster.Event{Replica: b.a, Peer: b.b, Kind: cluster.Fault}, "%s", a.Text)
	r.cluster.Break(b.a, b.b)
}

func (r *run) cut(links []direction) {
	for _, l := range links {
		r.cuts[l]++
		r.cluster.Cut(l.from, l.to)
	}
}

func (r *run) heals(links []direction) {
	for _, l := range links {
		if r.cuts[l] > 0 {
			r.cuts[l]--
			r.cluster.Heal(l.from, l.to)
		}
	}
}

// healCuts takes back all cuts.
func (r *run) healCuts() {
	for _, a := range r.cluster.All() {
		for _, b := range r.cluster.All() {
			l := direction{a.ID, b.ID}
			for r.cuts[l] > 0 {
				r.heals([]direction{l})
			}
		}
	}
}

func (w window) do(r *run, a *Action) {
	r.emit(cluster.Event{Replica: w.a, Peer: w.b, Kind: cluster.Fault}, "%s", a.Text)
	r.weather.open(&w)
	r.over(w.long, w.a, a, func() { r.weather.close(&w) })
}

// weather is that of all windows that are open: their sum.
type weather struct {
	run     *run
	windows []*window
	touched []direction // links that had weather of their own
}

func (w *weather) open(one *window) {
	w.windows = append(w.windows, one)
	if l := (direction{one.a, one.b}); one.a != 0 && !slices.Contains(w.touched, l) {
		w.touched = append(w.touched, l)
	}
	w.tell()
}

func (w *weather) close(one *window) {
	w.windows = slices.DeleteFunc(w.windows, func(other *window) bool { return other == one })
	w.tell()
}

func (w *weather) clear() {
	w.windows = nil
	w.tell()
}

func (w *weather) tell() {
	w.run.cluster.SetWeather(w.over(direction{}))
	for _, l := range w.touched {
		w.run.cluster.SetLinkWeather(l.from, l.to, w.over(l))
	}
}

// over is the weather over one link.
func (w *weather) over(l direction) cluster.Weather {
	var sum cluster.Weather
	for _, one := range w.windows {
		if one.a == 0 || one.a == l.from && one.b == l.to || one.a == l.to && one.b == l.from {
			sum.Loss = min(900, sum.Loss+one.Loss)
			sum.Double = min(900, sum.Double+one.Double)
			sum.Late = min(900, sum.Late+one.Late)
			sum.CutSpans = min(900, sum.CutSpans+one.CutSpans)
			sum.LateMax = max(sum.LateMax, one.LateMax)
			sum.Delay += one.Delay
		}
	}
	return sum
}
