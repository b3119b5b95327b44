package cluster

import "time"

// entry is one thing that will happen.
type entry struct {
	at    time.Duration
	order uint64 // of being put on: what is due at one time happens in this order
	do    func()
}

func (e *entry) before(other *entry) bool {
	return e.at < other.at || e.at == other.at && e.order < other.order
}

// agenda is what will happen, as a binary heap; written out because every event
// of a run passes through it.
type agenda struct {
	heap  []entry
	count uint64
}

func (a *agenda) put(at time.Duration, do func()) {
	a.count++
	a.heap = append(a.heap, entry{at, a.count, do})
	i := len(a.heap) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if !a.heap[i].before(&a.heap[parent]) {
			return
		}
		a.heap[i], a.heap[parent] = a.heap[parent], a.heap[i]
		i = parent
	}
}

// due reports whether something is to happen until end.
func (a *agenda) due(end time.Duration) bool { return len(a.heap) > 0 && a.heap[0].at <= end }

func (a *agenda) take() entry {
	first, last := a.heap[0], len(a.heap)-1
	a.heap[0] = a.heap[last]
	a.heap[last] = entry{}
	a.heap = a.heap[:last]
	a.sink()
	return first
}

// sink brings the entry at the top to its place.
func (a *agenda) sink() {
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(a.heap); child++ {
			if a.heap[child].before(&a.heap[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		a.heap[i], a.heap[least] = a.heap[least], a.heap[i]
		i = least
	}
}
