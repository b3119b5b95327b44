package api_test

import (
	"context"
	"sync/atomic"
	"testing"

	"consequor/board"
	"consequor/replicad/api"
)

// A client without a session posts once and is idle while others post more than
// a hundred thousand articles: its next posts, with keys of its own making, are
// not too old.
func TestMarkOfAnIdleClient(t *testing.T) {
	var seq atomic.Uint64
	service := &fake{
		do: func(_ context.Context, r api.Request) (*api.Answer, error) {
			id := seq.Add(1)
			if k := board.ParseKey(r.Key); id > board.KeyCountMax && k.Mark < id-board.KeyCountMax {
				return nil, &api.Error{Outcome: api.Unknown, Kind: api.KindKeyTooOld, Message: "key too old"}
			}
			return &api.Answer{Replica: "r1", ID: board.ArticleID{Seq: id}, Key: r.Key, Token: board.Token{Cluster: "c", Epoch: 1, Seen: board.Vector{{Seq: id}}}}, nil
		},
		status: func(context.Context) ([]api.Status, error) {
			return []api.Status{{Name: "r1", Vector: board.Vector{{Seq: seq.Load()}}.String()}}, nil
		},
	}
	seq.Store(1) // a vector names no seq 0
	c := dial(t, api.Target{Replicas: []api.Endpoint{{Name: "r1", Addr: serve(t, service, api.ServerOptions{})}}})
	post := func() {
		t.Helper()
		if _, err := c.Do(context.Background(), api.Request{Verb: api.Post, Replica: "r1", Title: "t"}); err != nil {
			t.Errorf("a post with a key of the client's own making: %v", err)
		}
	}
	post()
	for range 2 {
		seq.Add(board.KeyCountMax + 500)
		post()
		post()
	}
	// A key of the user's own is the user's to judge.
	_, err := c.Do(context.Background(), api.Request{Verb: api.Post, Replica: "r1", Title: "t", Key: "mine"})
	if e, ok := err.(*api.Error); !ok || e.Kind != api.KindKeyTooOld {
		t.Errorf("an old key of the user's own: %v", err)
	}
}
