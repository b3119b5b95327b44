package replica

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"consequor/board"
	"consequor/modes"
	"consequor/modes/builtin"
	"consequor/modes/modeplugin"
	"consequor/replicad/api"
)

// BenchmarkPost measures acknowledged posts on three replicas, closed loop,
// clients spread over all replicas: TLS, disk and all, but the three replicad
// in one process. Each mode runs in plugins, and for comparison right here.
func BenchmarkPost(b *testing.B) {
	for _, mode := range []string{"sequential", "quorum", "read-your-write"} {
		for _, where := range []string{"plugin", "here"} {
			for _, clients := range []int{1, 16, 64} {
				b.Run(fmt.Sprintf("mode=%s/runs=%s/clients=%d", mode, where, clients), func(b *testing.B) {
					benchmarkPosts(b, mode, where == "here", clients)
				})
			}
		}
	}
}

func benchmarkPosts(b *testing.B, mode string, here bool, clients int) {
	c := newCluster(b, 3, mode)
	for i := range c.config {
		o := c.options(i)
		if here {
			o.open = openHere(mode)
		}
		c.startWith(i, o)
	}
	client := c.client()
	body := strings.Repeat("x", 350)
	for _, r := range c.config {
		c.do(client, api.Request{Verb: api.Post, Replica: r.Name, Title: "t", Key: "first" + r.Name})
	}
	b.ResetTimer()
	var next atomic.Int64
	var group sync.WaitGroup
	for k := range clients {
		at := c.config[k%3]
		group.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				key := board.MakeKey(fmt.Sprint("k", n), 0, at.ID).Text
				_, err := client.Do(context.Background(), api.Request{Verb: api.Post, Replica: at.Name, Body: body, Key: key})
				if err != nil {
					b.Errorf("post %d: %v", n, err)
					return
				}
			}
		})
	}
	group.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "posts/s")
}

// here steps a mode on a goroutine of its own in this process.
type here struct {
	mode    modes.Mode
	batches chan modes.Batch // capacity 1: there is never more than one
	closed  chan struct{}
	close   sync.Once
}

func openHere(mode string) func(*modeplugin.Process, board.ReplicaID) (steps, error) {
	return func(*modeplugin.Process, board.ReplicaID) (steps, error) {
		newMode, ok := builtin.Lookup(mode)
		if !ok {
			return nil, errors.New("no mode " + mode)
		}
		return &here{mode: newMode.New(), batches: make(chan modes.Batch, 1), closed: make(chan struct{})}, nil
	}
}

func (h *here) Send(b modes.Batch) error {
	h.batches <- b
	return nil
}

func (h *here) Recv() (uint64, *modes.Effects, error) {
	select {
	case b := <-h.batches:
		var out modes.Effects
		h.mode.Step(b, &out)
		return b.Number, &out, nil
	case <-h.closed:
		return 0, nil, errors.New("closed")
	}
}

func (h *here) Close() error {
	h.close.Do(func() { close(h.closed) })
	return nil
}
