package web

import (
	"context"
	"sync"
	"time"

	"consequor/supervisor"
)

// linkReplicasMax is how many replicas a cluster may have whose links are asked
// for: their number grows with its square. Of a larger one, the faults alone are
// shown.
const linkReplicasMax = 24

// links is how all links are.
type links struct {
	list    []supervisor.Link
	rates   map[direction]float64 // messages per second that come through; none of a direction of which that is not known
	missing []supervisor.Silent
}

type direction struct{ from, to string }

// sampler asks for links, for all who want to know, at most once in linksPause.
type sampler struct {
	control Control // nil: none

	mu    sync.Mutex // held while it asks
	asked time.Time
	last  *links
}

// sample returns how links are, as of a second ago at most; nil: not known. The
// rates are those since the question before.
func (s *sampler) sample(ctx context.Context, status *supervisor.ClusterStatus) *links {
	if s.control == nil || status == nil || len(status.Replicas) > linkReplicasMax {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	passed := time.Since(s.asked)
	if passed < linksPause*9/10 { // a pause that is measured a little short is one all the same
		return s.last
	}
	ctx, cancel := context.WithTimeout(ctx, linksTimeout)
	defer cancel()
	result, err := s.control.Links(ctx)
	now := time.Now()
	if err != nil {
		s.asked, s.last = now, nil
		return nil
	}
	found := &links{list: result.Links, missing: result.Missing, rates: make(map[direction]float64)}
	if s.last != nil && passed < ratesOver {
		found.rate(s.last, now.Sub(s.asked))
	}
	s.asked, s.last = now, found
	return found
}

// ratesOver is the longest time over which a rate is still one of now.
const ratesOver = 10 * time.Second

func (l *links) rate(before *links, passed time.Duration) {
	had := make(map[direction]uint64)
	for i := range before.list {
		if n := before.list[i].Received; n != nil {
			had[direction{before.list[i].From, before.list[i].To}] = *n
		}
	}
	for i := range l.list {
		at := direction{l.list[i].From, l.list[i].To}
		n, old := l.list[i].Received, uint64(0)
		if n == nil {
			continue
		}
		old, ok := had[at]
		if ok && *n >= old { // else its process has begun anew
			l.rates[at] = float64(*n-old) / passed.Seconds()
		}
	}
}
