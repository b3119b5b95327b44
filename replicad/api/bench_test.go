package api_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"consequor/board"
	"consequor/replicad/api"
	pb "consequor/replicad/api/consequorpb"
)

// instant answers posts at once: what is left is the API's own cost.
func instant(_ context.Context, r api.Request) (*api.Answer, error) {
	return &api.Answer{Replica: r.Replica, Mode: "sequential", Epoch: 1, Guarantee: "sequential", Key: r.Key, Copies: 2,
		ID:    board.ArticleID{Seq: 17},
		Token: board.Token{Cluster: "0123456789abcdef", Epoch: 1, Seen: board.Vector{{Seq: 17}}}}, nil
}

var benchPost = api.Request{Verb: api.Post, Author: "ann", Title: "bench", Body: strings.Repeat("x", 350)}

func BenchmarkDo(b *testing.B) {
	for _, load := range []struct {
		name                 string
		callers, connections int
	}{
		{"1", 1, 1}, {"64", 64, 1}, {"256", 256, 1}, {"256over4", 256, 4},
	} {
		b.Run(load.name, func(b *testing.B) {
			addr := serve(b, &fake{do: instant}, api.ServerOptions{})
			c := dial(b, api.Target{Replicas: []api.Endpoint{{Name: "r1", Addr: addr}}, Connections: load.connections})
			bench(b, load.callers, func(ctx context.Context) error {
				_, err := c.DoAny(ctx, benchPost)
				return err
			})
		})
	}
}

// BenchmarkUnary is what a client without the pipe pays.
func BenchmarkUnary(b *testing.B) {
	addr := serve(b, &fake{do: instant}, api.ServerOptions{})
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	client := pb.NewBoardClient(conn)
	request := &pb.Request{Verb: pb.Verb_VERB_POST, Author: "ann", Title: "bench", Body: benchPost.Body, Key: "7f3a9c01d2e4b5a6~41.2"}
	for name, callers := range map[string]int{"1": 1, "64": 64} {
		b.Run(name, func(b *testing.B) {
			bench(b, callers, func(ctx context.Context) error {
				_, err := client.Do(ctx, request)
				return err
			})
		})
	}
}

// bench shares b.N requests among callers that each wait for their answers.
func bench(b *testing.B, callers int, do func(context.Context) error) {
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	if err := do(ctx); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	var left atomic.Int64
	left.Store(int64(b.N))
	var callersDone sync.WaitGroup
	for range callers {
		callersDone.Go(func() {
			for left.Add(-1) >= 0 {
				if err := do(ctx); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	callersDone.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "posts/s")
}
