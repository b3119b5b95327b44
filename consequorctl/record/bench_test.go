package record

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"consequor/board"
	"consequor/replicad/api"
)

// What writing down one request costs its client: of a post, and of a read of a
// page of 50 articles.
func BenchmarkAsk(b *testing.B) {
	folder := b.TempDir()
	if err := os.WriteFile(filepath.Join(folder, fileName), nil, 0o600); err != nil {
		b.Fatal(err)
	}
	post := api.Request{Verb: api.Post, Author: "bench", Title: "bench", Body: strings.Repeat("x", 350)}
	posted := &api.Answer{Replica: "r1", Mode: "sequential", Epoch: 1, ID: board.ArticleID{Seq: 17}}
	page := &api.Answer{Replica: "r1", Mode: "sequential", Epoch: 1, Token: board.Token{Cluster: "c", Epoch: 1, Seen: board.Vector{{Seq: 50}}}}
	for i := range 50 {
		page.Articles = append(page.Articles, board.Entry{Article: board.Article{ID: board.ArticleID{Seq: uint64(i + 1)}, Author: "bench", Body: post.Body, Key: "0123456789abcdef~50.1"}})
	}
	for _, c := range []struct {
		name    string
		request api.Request
		answer  *api.Answer
	}{{"post", post, posted}, {"page", api.Request{Verb: api.Read}, page}} {
		b.Run(c.name, func(b *testing.B) {
			pen := Open(folder)
			defer pen.Close()
			b.ReportAllocs()
			for b.Loop() {
				_, asked, err := pen.Ask(context.Background(), "session 1", 0, &c.request)
				if err != nil {
					b.Fatal(err)
				}
				if err := asked.sending("r1", "0123456789abcdef~50.1"); err != nil {
					b.Fatal(err)
				}
				asked.tried("r1", nil)
				if err := asked.Ended(c.answer, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
