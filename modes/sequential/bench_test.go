package sequential

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"consequor/board"
	"consequor/modes"
)

// BenchmarkPosts measures the mode alone: three replicas in one goroutine, no
// disk and no network, 350 bytes a post, so many posts posted in turn at all
// replicas and answered before the next round.
func BenchmarkPosts(b *testing.B) {
	for _, clients := range []int{1, 64, 256, 1024} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) { benchmarkPosts(b, clients) })
	}
}

func benchmarkPosts(b *testing.B, clients int) {
	l := newLoop(3)
	l.run(func() bool { return l.modes[0].leads() && l.modes[2].lead == 1 })
	body := strings.Repeat("x", 350)
	b.ReportAllocs()
	b.ResetTimer()
	for posted := 0; posted < b.N; posted += clients {
		for i := range clients {
			l.requests++
			l.events[i%3] = append(l.events[i%3], modes.Request{
				ID: modes.RequestID(l.requests), Verb: modes.VerbPost, Deadline: l.now + time.Hour,
				Article: board.Article{Author: "ann", Title: "title", Body: body, Key: fmt.Sprintf("key%d", l.requests)},
			})
		}
		l.run(func() bool { return l.answered == l.requests })
	}
	b.ReportMetric(float64(l.answered)/b.Elapsed().Seconds(), "posts/s")
}

// loop runs modes against each other: every effect takes place at once, and a
// millisecond passes per round.
type loop struct {
	modes    []*Mode
	events   [][]modes.Event
	now      time.Duration
	requests int
	answered int
	ticks    [][]time.Duration // when each mode's tick is due
}

func newLoop(n int) *loop {
	l := &loop{}
	var ids []board.ReplicaID
	for i := range n {
		ids = append(ids, board.ReplicaID(i+1))
	}
	for _, id := range ids {
		l.modes = append(l.modes, newMode(defaultLimits))
		events := []modes.Event{modes.Start{Epoch: 1, Incarnation: 1, Seed: 1, Self: id, Replicas: ids, Voters: ids}}
		for _, peer := range ids {
			if peer != id {
				events = append(events, modes.PeerUp{Peer: peer})
			}
		}
		l.events = append(l.events, events)
		l.ticks = append(l.ticks, nil)
	}
	return l
}

func (l *loop) run(done func() bool) {
	for rounds := 0; !done(); rounds++ {
		if rounds > 10_000 {
			panic("no progress in 10,000 rounds")
		}
		l.now += time.Millisecond
		for i, mode := range l.modes {
			l.step(i, mode)
		}
	}
}

func (l *loop) step(i int, mode *Mode) {
	for len(l.ticks[i]) > 0 && l.ticks[i][0] <= l.now {
		l.ticks[i] = l.ticks[i][1:]
		l.events[i] = append(l.events[i], modes.Timer{Name: timerTick})
	}
	events := l.events[i]
	if len(events) == 0 {
		return
	}
	l.events[i] = nil
	var out modes.Effects
	mode.Step(modes.Batch{Now: l.now, Events: events}, &out)
	for _, effect := range out.List {
		l.do(i, effect)
	}
}

func (l *loop) do(i int, effect modes.Effect) {
	from := board.ReplicaID(i + 1)
	switch e := effect.(type) {
	case modes.Send:
		l.events[e.To-1] = append(l.events[e.To-1], modes.Receive{From: from, Message: e.Message})
	case modes.SendNow:
		l.events[e.To-1] = append(l.events[e.To-1], modes.Receive{From: from, Message: e.Message})
	case modes.SetTimer:
		if e.Name == timerTick {
			l.ticks[i] = []time.Duration{l.now + e.After}
		}
	case modes.Reply:
		l.answered++
	case modes.Refuse:
		panic("refused: " + e.Why)
	}
}
