package store

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"consequor/board"
)

// These run on the real disk, in the test's folder (set TMPDIR).

func openReal(b *testing.B) *Store {
	b.Helper()
	s, err := Open(b.TempDir()+"/data", Options{Fatal: func(err error) { b.Error(err) }})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// One writer, one record of 350 bytes at a time, each synced.
func BenchmarkLoneSync(b *testing.B) {
	s := openReal(b)
	r := newSyncer(s.Replica(1))
	record := make([]byte, 350)
	r.sync(r.r.Save(record))
	b.ReportAllocs()
	for b.Loop() {
		r.sync(r.r.Save(record))
	}
	closeStore(b, s)
}

// 64 replicas, each with one record of 350 bytes at a time.
func Benchmark64Writers(b *testing.B) {
	s := openReal(b)
	record := make([]byte, 350)
	b.ResetTimer()
	var writers sync.WaitGroup
	for id := range 64 {
		writers.Go(func() {
			r := newSyncer(s.Replica(board.ReplicaID(id + 1)))
			for range max(1, b.N/64) {
				r.sync(r.r.Save(record))
			}
		})
	}
	writers.Wait()
	b.StopTimer()
	closeStore(b, s)
}

func openFilled(b *testing.B, roots int) *Replica {
	b.Helper()
	s := open(b, vfs.NewMem(), Options{})
	b.Cleanup(func() { closeStore(b, s) })
	r := s.Replica(1)
	body := strings.Repeat("b", 300)
	var batch []board.Article
	for i := range roots {
		batch = append(batch, root(uint64(i+1), body))
	}
	r.Journal(batch)
	if err := r.Put(batch); err != nil {
		b.Fatal(err)
	}
	return r
}

// One article at a time, on a board of 10,000.
func BenchmarkPut(b *testing.B) {
	for _, kind := range []string{"root", "reply"} {
		b.Run(kind, func(b *testing.B) {
			r := openFilled(b, 10_000)
			b.ReportAllocs()
			for b.Loop() {
				a := root(r.Len()+1, strings.Repeat("b", 300))
				if kind == "reply" {
					a.Parent = board.ArticleID{Seq: 1 + a.ID.Seq%10_000}
				}
				articles := []board.Article{a}
				r.Journal(articles)
				if err := r.Put(articles); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// 50 roots of 10,000, from memory and from Pebble's tables.
func BenchmarkPage(b *testing.B) {
	for _, flushed := range []bool{false, true} {
		for _, all := range []bool{false, true} {
			b.Run(fmt.Sprintf("flushed=%v/all=%v", flushed, all), func(b *testing.B) {
				r := openFilled(b, 10_000)
				if flushed {
					if err := r.store.db.Flush(); err != nil {
						b.Fatal(err)
					}
				}
				q := board.Query{UpTo: r.Vector(), All: all, After: board.ArticleID{Seq: 9_900}}
				b.ReportAllocs()
				for b.Loop() {
					page, err := r.Page(q)
					if err != nil || len(page.Entries) != 50 {
						b.Fatal(len(page.Entries), err)
					}
				}
			})
		}
	}
}

// The keys of 200,000 articles, as at a start.
func BenchmarkKeys(b *testing.B) {
	r := openFilled(b, 200_000)
	if err := r.store.db.Flush(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if keys, _, err := r.Keys(200_000); err != nil || len(keys) != 200_000 {
			b.Fatal(len(keys), err)
		}
	}
}
