package cli

import (
	"context"
	"sync"
	"time"
)

// gapMeter finds the longest time that any client went without an answer
// while something was being done to the cluster. Safe for concurrent use.
//
//	begin            end
//	  │───────────────│
//	──a─────a───────────────a──   one client's answers: the second gap counts,
//	                              though its end comes after the window's
type gapMeter struct {
	mu      sync.Mutex
	last    []time.Time // of each client's answers
	open    bool
	longest time.Duration
	owed    map[int]bool  // after the window: clients whose gap has not ended
	settled chan struct{} // closed when none is owed
}

func newGapMeter(clients int, now time.Time) *gapMeter {
	g := &gapMeter{last: make([]time.Time, clients)}
	for i := range g.last {
		g.last[i] = now
	}
	return g
}

// answered: the client had an answer.
func (g *gapMeter) answered(client int, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open && (g.owed == nil || g.owed[client]) {
		g.longest = max(g.longest, now.Sub(g.last[client]))
	}
	g.last[client] = now
	if g.owed == nil {
		return
	}
	if delete(g.owed, client); len(g.owed) == 0 && g.open {
		g.open = false
		close(g.settled)
	}
}

func (g *gapMeter) begin() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open, g.longest, g.owed, g.settled = true, 0, nil, make(chan struct{})
}

// end waits until each client has had an answer since, and gives the longest
// gap.
func (g *gapMeter) end(ctx context.Context) (time.Duration, error) {
	g.mu.Lock()
	g.owed = make(map[int]bool)
	for i := range g.last {
		g.owed[i] = true
	}
	settled := g.settled
	g.mu.Unlock()
	if _, err := await(ctx, "an answer to each client", settled); err != nil {
		return 0, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.longest, nil
}
