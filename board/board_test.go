package board

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

// grown makes a board of n articles by three origins, with threads.
func grown(t *testing.T, n int) *Board {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	b := &Board{}
	var ids []ArticleID
	for seq := 1; seq <= n; seq++ {
		a := Article{ID: ArticleID{uint64(seq), ReplicaID(random.IntN(3))}, Title: "t"}
		if len(ids) > 0 && random.IntN(2) == 0 {
			a.Parent = ids[random.IntN(len(ids))]
		}
		if seq%3 == 0 {
			a.Key = "key" + a.ID.String()
		}
		if err := b.Put(a); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, a.ID)
	}
	return b
}

func all(b *Board) Query { return Query{All: true, UpTo: b.Vector(), Count: PageCountMax} }

// Two boards exchange spans and become equal, in either order of exchange and
// also when a span is taken twice.
func TestSpansMakeBoardsEqual(t *testing.T) {
	full, part := grown(t, 200), &Board{}
	for _, a := range full.Span(nil)[:120] {
		if err := part.Put(a); err != nil {
			t.Fatal(err)
		}
	}
	span := full.Span(part.Vector())
	if len(span) != 80 {
		t.Errorf("span of %d articles, want 80", len(span))
	}
	for _, a := range append(span, span...) {
		if err := part.Put(a); err != nil {
			t.Fatal(err)
		}
	}
	if !part.Vector().Equal(full.Vector()) || !slices.Equal(part.Span(nil), full.Span(nil)) {
		t.Errorf("boards differ: %s, %s", part.Vector(), full.Vector())
	}
}

// A span is what the other board lacks, from wherever it starts.
func TestSpanBeyondAnything(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	b := grown(t, 60)
	for range 300 {
		var since Vector
		for origin := range ReplicaID(4) {
			if seq := random.Uint64N(70); seq > 5 {
				since = since.With(ArticleID{seq, origin})
			}
		}
		var want []Article
		for _, id := range b.order {
			if a, _ := b.Get(id); !since.Has(id) {
				want = append(want, a)
			}
		}
		if got := b.Span(since); !slices.Equal(got, want) {
			t.Fatalf("beyond %s: %d articles, want %d", since, len(got), len(want))
		}
	}
}

// What contradicts the board is refused, and changes nothing.
func TestPutConflict(t *testing.T) {
	b := &Board{}
	if err := b.Put(Article{ID: ArticleID{1, 0}, Title: "a"}); err != nil {
		t.Fatal(err)
	}
	for _, a := range []Article{
		{ID: ArticleID{1, 0}, Title: "other"},
		{ID: ArticleID{2, 0}, Parent: ArticleID{7, 0}, Title: "orphan"},
		{Title: "no id"},
	} {
		var conflict *ConflictError
		if err := b.Put(a); !errors.As(err, &conflict) {
			t.Errorf("%+v: %v", a, err)
		}
	}
	if b.Len() != 1 || b.Vector().String() != "1" {
		t.Errorf("the board has %d articles, vector %s", b.Len(), b.Vector())
	}
}

// Pages put together are the whole list, once each, in order, though the board
// grows between them.
func TestPagesWithinOneVector(t *testing.T) {
	b := grown(t, 100)
	want := b.Page(all(b)).Entries
	q := Query{All: true, UpTo: b.Vector(), Count: 7}
	var got []Entry
	for {
		page := b.Page(q)
		got = append(got, page.Entries...)
		if !page.More {
			break
		}
		q.After = got[len(got)-1].ID
		next := Article{ID: ArticleID{b.Vector().SeqMax() + 1, 1}, Parent: got[0].ID, Title: "new"}
		if err := b.Put(next); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d entries in pages, %d in one", len(got), len(want))
	}
}

// A page ends at its byte limit, and a single article always fits.
func TestPageSize(t *testing.T) {
	b := &Board{}
	for seq := range 40 {
		body := make([]byte, BodyLenMax)
		if err := b.Put(Article{ID: ArticleID{uint64(seq + 1), 0}, Body: string(body)}); err != nil {
			t.Fatal(err)
		}
	}
	page := b.Page(all(b))
	if n := len(page.Entries); !page.More || n != PageSizeMax/(BodyLenMax+64) {
		t.Errorf("%d entries, more: %v", n, page.More)
	}
}

// Since, roots and replies select what they say.
func TestPageSelects(t *testing.T) {
	b := grown(t, 100)
	whole := b.Page(all(b)).Entries
	since := Vector{{30, 0}, {50, 1}}
	q := all(b)
	q.Since = since
	for _, e := range b.Page(q).Entries {
		if since.Has(e.ID) {
			t.Errorf("%s is not beyond %s", e.ID, since)
		}
	}
	replies, roots := 0, b.Page(Query{UpTo: b.Vector(), Count: PageCountMax}).Entries
	for _, e := range whole {
		replies += len(b.Page(Query{Under: e.ID, UpTo: b.Vector(), Count: PageCountMax}).Entries)
	}
	if len(roots)+replies != len(whole) {
		t.Errorf("%d roots and %d replies, %d articles", len(roots), replies, len(whole))
	}
	for _, e := range whole {
		if n := len(b.Page(Query{Under: e.ID, UpTo: b.Vector(), Count: PageCountMax}).Entries); n != e.Replies {
			t.Errorf("%s counts %d replies and has %d", e.ID, e.Replies, n)
		}
	}
	if keys, from := b.Keys(30); len(keys) != 10 || keys[0].Key != "key"+keys[0].ID.String() || from == 0 {
		t.Errorf("keys: %v, from %d", keys, from)
	}
}

// Scenario: several origins share a seq. Keys reach back to a seq only when all
// articles of that seq are among them.
func TestKeysFrom(t *testing.T) {
	var b Board
	for _, id := range []ArticleID{{1, 1}, {4, 1}, {4, 2}, {9, 0}} {
		if err := b.Put(Article{ID: id, Title: "t", Key: "key" + id.String()}); err != nil {
			t.Fatal(err)
		}
	}
	for n, want := range []uint64{10, 5, 5, 2, 0, 0} {
		keys, from := b.Keys(n)
		if from != want || len(keys) != min(n, 4) {
			t.Errorf("the newest %d: %d keys from %d, want from %d", n, len(keys), from, want)
		}
	}
}

// Articles and vectors read back as they were written; cut short at any byte
// they are refused.
func TestCodec(t *testing.T) {
	a := Article{ArticleID{300, 7}, ArticleID{299, 3}, "ann", "title", "body\n", -5, "key~1.2"}
	buf := AppendArticle(nil, &a)
	got, rest, err := CutArticle(append(slices.Clone(buf), 1, 2))
	if err != nil || got != a || len(rest) != 2 {
		t.Errorf("%+v, %d left, %v", got, len(rest), err)
	}
	v := Vector{{9, 0}, {300, 2}}
	vbuf := AppendVector(nil, v)
	if got, _, err := CutVector(vbuf); err != nil || !got.Equal(v) {
		t.Errorf("%v, %v", got, err)
	}
	for i := range buf {
		if _, _, err := CutArticle(buf[:i]); err == nil {
			t.Errorf("an article of %d bytes was read from %d", len(buf), i)
		}
	}
	for i := range vbuf {
		if _, _, err := CutVector(vbuf[:i]); err == nil {
			t.Errorf("a vector of %d bytes was read from %d", len(vbuf), i)
		}
	}
}

// Whatever the bytes, decoding ends, and what it yields can be written again.
func FuzzCodec(f *testing.F) {
	a := Article{ArticleID{300, 7}, ArticleID{299, 3}, "ann", "title", "body\n", -5, "key"}
	f.Add(AppendArticle(nil, &a))
	f.Add(AppendVector(nil, Vector{{9, 0}, {300, 2}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, _, err := CutArticle(b); err == nil {
			again, rest, err := CutArticle(AppendArticle(nil, &a))
			if err != nil || again != a || len(rest) != 0 {
				t.Errorf("%+v became %+v, %v", a, again, err)
			}
		}
		if v, _, err := CutVector(b); err == nil {
			if again, _, err := CutVector(AppendVector(nil, v)); err != nil || !again.Equal(v) {
				t.Errorf("%v became %v, %v", v, again, err)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"17.2", "4,4.1", "c:1:4,4.1", "k~1.2", "-", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if id, err := ParseArticleID(s); err == nil && id.String() != s {
			t.Errorf("id %q became %q", s, id)
		}
		if v, err := ParseVector(s); err == nil && v.String() != s {
			t.Errorf("vector %q became %q", s, v)
		}
		if tok, err := ParseToken(s); err == nil {
			if again, err := ParseToken(tok.String()); err != nil || again.String() != tok.String() {
				t.Errorf("token %q became %q, %v", tok, again, err)
			}
		}
		ParseKey(s)
	})
}
