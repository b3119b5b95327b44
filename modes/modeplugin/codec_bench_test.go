package modeplugin

import (
	"strings"
	"testing"

	"consequor/board"
	"consequor/modes"
)

// BenchmarkCodec measures each half of the conversion alone, with 64 posts of
// 350 bytes, and the store and reply that answer each.
func BenchmarkCodec(b *testing.B) {
	const posts = 64
	article := board.Article{Author: "ada", Title: "a title", Body: strings.Repeat("x", 350), Time: 1 << 60, Key: "7f3a9c01d2e4b5a6~41.2"}
	batch, effects := modes.Batch{Number: 1}, &modes.Effects{}
	for i := range modes.RequestID(posts) {
		batch.Events = append(batch.Events, modes.Request{ID: i + 1, Verb: modes.VerbPost, Article: article, Seen: board.Vector{{Seq: 4711}}, Deadline: 5e9})
		article.ID = board.ArticleID{Seq: uint64(i) + 1}
		effects.Store(article)
		effects.Reply(modes.Reply{Request: i + 1, Outcome: modes.OK, ID: article.ID, Copies: 2})
	}
	batchWire, err := appendBatch(nil, &batch)
	if err != nil {
		b.Fatal(err)
	}
	effectsWire, err := appendEffects(nil, 1, effects)
	if err != nil {
		b.Fatal(err)
	}
	var buf []byte
	for name, convert := range map[string]func() error{
		"batch/append":   func() (err error) { buf, err = appendBatch(buf[:0], &batch); return err },
		"batch/decode":   func() (err error) { _, err = decodeBatch(batchWire); return err },
		"effects/append": func() (err error) { buf, err = appendEffects(buf[:0], 1, effects); return err },
		"effects/decode": func() (err error) { _, err = decodeEffects(effectsWire); return err },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := convert(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*posts), "ns/post")
		})
	}
}
