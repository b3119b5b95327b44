package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"consequor/board"
)

// randomArticles returns a board's articles in an order in which they can be
// put: with origins, replies of replies, keys and large bodies.
func randomArticles(rng *rand.Rand, n int, origins []board.ReplicaID) []board.Article {
	var articles []board.Article
	seq := make(map[board.ReplicaID]uint64)
	for range n {
		a := board.Article{Author: "ann", Title: fmt.Sprint("t", rng.IntN(100)), Time: rng.Int64N(1e18)}
		a.ID.Origin = origins[rng.IntN(len(origins))]
		lowest := seq[a.ID.Origin]
		if len(articles) > 0 && rng.IntN(3) > 0 {
			a.Parent = articles[rng.IntN(len(articles))].ID
			lowest = max(lowest, a.Parent.Seq)
		}
		a.ID.Seq = lowest + 1 + rng.Uint64N(3)
		seq[a.ID.Origin] = a.ID.Seq
		if rng.IntN(3) > 0 {
			a.Key = fmt.Sprintf("k%d~0.1", len(articles))
		}
		if rng.IntN(10) == 0 {
			a.Body = strings.Repeat("b", rng.IntN(board.BodyLenMax))
		}
		articles = append(articles, a)
	}
	return articles
}

func randomVector(rng *rand.Rand, full board.Vector) board.Vector {
	var v board.Vector
	for _, id := range full {
		if seq := rng.Uint64N(id.Seq + 2); seq > 0 && rng.IntN(5) > 0 {
			v = append(v, board.ArticleID{Seq: seq, Origin: id.Origin})
		}
	}
	return v
}

func randomQuery(rng *rand.Rand, articles []board.Article, full board.Vector) board.Query {
	q := board.Query{All: rng.IntN(2) == 0, Count: rng.IntN(20), UpTo: full}
	if rng.IntN(2) == 0 {
		q.UpTo = randomVector(rng, full)
	}
	if rng.IntN(2) == 0 {
		q.Since = randomVector(rng, full)
	}
	if len(articles) > 0 && rng.IntN(2) == 0 {
		q.Under = articles[rng.IntN(len(articles))].ID
	}
	if len(articles) > 0 && rng.IntN(2) == 0 {
		q.After = articles[rng.IntN(len(articles))].ID
	}
	if rng.IntN(10) == 0 {
		q.Count = 1000
	}
	return q
}

// Random boards are put in random batches, into Pebble and into the reference
// in memory, with other replicas' boards beside them; every question must get
// the same answer from both, also after a reopen.
func TestBoardAnswersLikeReference(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			origins := []board.ReplicaID{0}
			if seed%2 == 1 {
				origins = []board.ReplicaID{1, 2, 3, 1<<32 - 1}
			}
			fs := vfs.NewMem()
			s := open(t, fs, Options{})
			articles := randomArticles(rng, rng.IntN(120), origins)
			var want board.Board
			for rest := articles; len(rest) > 0; {
				n := 1 + rng.IntN(len(rest))
				putBoth(t, s.Replica(2), &want, rest[:n])
				rest = rest[n:]
			}
			for _, neighbour := range []board.ReplicaID{1, 3, 1<<32 - 1} {
				putBoth(t, s.Replica(neighbour), new(board.Board), randomArticles(rng, 10, origins))
			}
			compareBoards(t, rng, s.Replica(2), &want, articles)
			closeStore(t, s)
			s = open(t, fs, Options{})
			compareBoards(t, rng, s.Replica(2), &want, articles)
			closeStore(t, s)
		})
	}
}

func putBoth(t *testing.T, r *Replica, want *board.Board, articles []board.Article) {
	t.Helper()
	r.Journal(articles)
	if err := r.Put(articles); err != nil {
		t.Fatal(err)
	}
	for _, a := range articles {
		if err := want.Put(a); err != nil {
			t.Fatal(err)
		}
	}
}

func compareBoards(t *testing.T, rng *rand.Rand, r *Replica, want *board.Board, articles []board.Article) {
	t.Helper()
	if !r.Vector().Equal(want.Vector()) || r.Len() != uint64(want.Len()) {
		t.Fatalf("vector %s and %d articles, want %s and %d", r.Vector(), r.Len(), want.Vector(), want.Len())
	}
	for range 100 {
		q := randomQuery(rng, articles, want.Vector())
		got, err := r.Page(q)
		if diff := cmp.Diff(want.Page(q), got); diff != "" || err != nil {
			t.Fatalf("page %+v (-want +got): %v\n%s", q, err, diff)
		}
	}
	for range 20 {
		n := rng.IntN(130)
		got, from, err := r.Keys(n)
		keys, wantFrom := want.Keys(n)
		if diff := cmp.Diff(keys, got); diff != "" || err != nil || from != wantFrom {
			t.Fatalf("keys %d from %d, want %d (-want +got): %v\n%s", n, from, wantFrom, err, diff)
		}
		compareSpan(t, r, want, randomVector(rng, want.Vector()), randomVector(rng, want.Vector()))
	}
	for seq := range uint64(50) {
		id := board.ArticleID{Seq: seq, Origin: board.ReplicaID(rng.IntN(4))}
		wantArticle, wantOK := want.Get(id)
		got, ok, err := r.Get(id)
		has, err2 := r.Has(id)
		if got != wantArticle || ok != wantOK || has != wantOK || err != nil || err2 != nil {
			t.Fatalf("get %s: %v %v %v %v %v, want %v %v", id, got, ok, err, has, err2, wantArticle, wantOK)
		}
	}
}

func compareSpan(t *testing.T, r *Replica, reference *board.Board, since, upTo board.Vector) {
	t.Helper()
	want := slices.DeleteFunc(reference.Span(since), func(a board.Article) bool { return !upTo.Has(a.ID) })
	const chunkBytes = 2000
	var got []board.Article
	err := r.Span(since, upTo, chunkBytes, func(chunk []board.Article) error {
		size := 0
		for i := range chunk {
			size += chunk[i].Size()
		}
		if len(chunk) == 0 || len(chunk) > 1 && size > chunkBytes {
			t.Errorf("a chunk of %d articles, %d bytes", len(chunk), size)
		}
		got = append(got, chunk...)
		return nil
	})
	if err != nil || !slices.Equal(want, got) {
		t.Fatalf("span %s to %s: %v, %d articles, want %d", since, upTo, err, len(got), len(want))
	}
}

// What contradicts the board is refused with the reference's own words, and
// then nothing of the batch is there.
func TestPutConflicts(t *testing.T) {
	changed := root(1, "changed")
	orphan := root(7, "no parent")
	orphan.Parent = board.ArticleID{Seq: 6}
	unborn := root(0, "no seq")
	for _, c := range []struct {
		name string
		bad  board.Article
	}{{"changed", changed}, {"orphan", orphan}, {"unborn", unborn}} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, vfs.NewMem(), Options{})
			defer closeStore(t, s)
			r := s.Replica(1)
			var reference board.Board
			putBoth(t, r, &reference, []board.Article{root(1, "one")})
			want := reference.Put(c.bad)
			err := r.Put([]board.Article{root(1, "one"), root(5, "five"), c.bad})
			var conflict *board.ConflictError
			if !errors.As(err, &conflict) || err.Error() != want.Error() {
				t.Errorf("put: %v, want %v", err, want)
			}
			if has, err := r.Has(board.ArticleID{Seq: 5}); has || err != nil || r.Len() != 1 {
				t.Errorf("part of a refused batch is on the board: %v, %v, %d articles", has, err, r.Len())
			}
		})
	}
}

// A reader pages and spans while a writer puts replies: whatever a reader
// sees is a whole board of one moment.
func TestReadsWhilePutting(t *testing.T) {
	s := open(t, vfs.NewMem(), Options{})
	defer closeStore(t, s)
	r := s.Replica(1)
	putBoth(t, r, new(board.Board), []board.Article{root(1, "one")})
	const replies = 500
	done := make(chan error)
	go func() {
		for seq := uint64(2); seq < 2+replies; seq++ {
			a := root(seq, "reply")
			a.Parent = board.ArticleID{Seq: 1}
			r.Journal([]board.Article{a})
			if err := r.Put([]board.Article{a}); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for ended := false; !ended; {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			ended = true
		default:
		}
		v := r.Vector()
		page, err := r.Page(board.Query{UpTo: v})
		if err != nil || len(page.Entries) != 1 || page.Entries[0].Replies != int(v.SeqMax()-1) {
			t.Fatalf("page at %s: %v, %+v", v, err, page)
		}
		n := 0
		err = r.Span(nil, v, 1000, func(chunk []board.Article) error { n += len(chunk); return nil })
		if err != nil || n != int(v.SeqMax()) {
			t.Fatalf("span to %s: %v, %d articles", v, err, n)
		}
	}
}
