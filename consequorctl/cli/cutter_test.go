package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"consequor/board"
	"consequor/replicad/api"
)

// frame is one HTTP/2 frame.
func frame(kind byte, stream byte, payload string) []byte {
	n := len(payload)
	return append([]byte{byte(n >> 16), byte(n >> 8), byte(n), kind, 0, 0, 0, 0, stream}, payload...)
}

// A greeting and what is no answer pass; of the answers the second is cut, and
// not a byte of it or of what follows gets through.
func TestCutterCutsTheAnswer(t *testing.T) {
	const settings, headers, ping = 0x4, 0x1, 0x6
	parts := [][]byte{
		frame(settings, 0, "settings"), frame(headers, 1, "headers"), frame(frameTypeData, 1, "greeting"), frame(ping, 0, "12345678"),
		frame(frameTypeData, 1, ""), frame(headers, 3, "another stream"), frame(frameTypeData, 3, "its greeting"), frame(frameTypeData, 1, "answer 1"),
		frame(frameTypeData, 1, "answer 2"), frame(ping, 0, "12345678"),
	}
	answers := 0
	c := &cutter{cut: func() bool { answers++; return answers == 2 }}
	var got bytes.Buffer
	if err := c.carryBack(&got, bytes.NewReader(bytes.Join(parts, nil))); !errors.Is(err, errCut) {
		t.Fatalf("ended with %v", err)
	}
	if want := bytes.Join(parts[:8], nil); !bytes.Equal(got.Bytes(), want) {
		t.Errorf("let through\n%q, want\n%q", got.Bytes(), want)
	}
}

// A replica that breaks off within a frame, or sends an endless one.
func TestCutterEndsWithTheReplica(t *testing.T) {
	c := &cutter{cut: func() bool { return true }}
	for _, sent := range [][]byte{nil, frame(frameTypeData, 1, "greeting")[:12], {0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1}} {
		if err := c.carryBack(io.Discard, bytes.NewReader(sent)); err == nil || errors.Is(err, errCut) {
			t.Errorf("%q: ended with %v", sent, err)
		}
	}
}

// board1 gives each new key the next id, and counts how often it was asked.
type board1 struct {
	mu    sync.Mutex
	ids   map[string]board.ArticleID
	asked int
}

func (b *board1) Do(_ context.Context, r api.Request) (*api.Answer, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked++
	id, known := b.ids[r.Key]
	if !known {
		id = seq(uint64(len(b.ids) + 1))
		b.ids[r.Key] = id
	}
	return &api.Answer{Replica: "r1", ID: id, Key: r.Key, Token: board.Token{Cluster: "c", Seen: board.Vector{id}}}, nil
}

func (b *board1) Status(context.Context) ([]api.Status, error) {
	return []api.Status{{Name: "r1", Vector: "-"}}, nil
}

// With the real client and the real server at either end: the replica has done
// what it was asked when the connection is lost, and the client asks again.
func TestCutterOnTheRealProtocol(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	service := &board1{ids: map[string]board.ArticleID{}}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- api.NewServer(service, api.ServerOptions{}).Run(ctx, listener) }()
	defer func() { stop(); <-served }()
	var answers atomic.Int64
	c, err := newCutter(listener.Addr().String(), func() bool { return answers.Add(1)%2 == 1 })
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	client, err := api.Dial(api.Target{Replicas: []api.Endpoint{{Name: "r1", Addr: c.addr()}}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	const posts = 5
	for n := range uint64(posts) {
		a, err := client.DoAny(t.Context(), api.Request{Verb: api.Post, Author: "a", Title: "t", Body: "b"})
		if err != nil || a.ID != seq(n+1) {
			t.Fatalf("post %d: %v, %v", n+1, a, err)
		}
	}
	if service.asked != 2*posts || len(service.ids) != posts {
		t.Errorf("asked %d times for %d posts", service.asked, len(service.ids))
	}
}
