package replica

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"consequor/replicad/api"
)

// BenchmarkPost measures acknowledged posts on three replicas, closed loop,
// clients spread over all replicas: plugin processes, TLS, disk and all, but
// the three replicad in one process.
func BenchmarkPost(b *testing.B) {
	for _, clients := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			c := newCluster(b, 3, "sequential")
			for i := range c.config {
				c.start(i)
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
				at := c.config[k%3].Name
				group.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						_, err := client.Do(context.Background(), api.Request{Verb: api.Post, Replica: at, Body: body, Key: fmt.Sprint("k", n)})
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
		})
	}
}
