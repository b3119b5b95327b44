package board

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// Ids read back as they were written, sort as integers, and other texts are
// refused.
func TestArticleID(t *testing.T) {
	ids := []ArticleID{{9, 0}, {10, 0}, {10, 2}, {10, 11}, {math.MaxUint64, math.MaxUint32}}
	if !slices.IsSortedFunc(ids, ArticleID.Compare) {
		t.Errorf("%v do not rise", ids)
	}
	for _, id := range ids {
		if got, err := ParseArticleID(id.String()); err != nil || got != id {
			t.Errorf("%s reads back as %v, %v", id, got, err)
		}
	}
	for _, text := range []string{"", "0", "-1", "+1", "01", "1.", "1.0", "1.01", ".1", "1.2.3", " 1", "1e3", "x", "18446744073709551616", "1.4294967296"} {
		if id, err := ParseArticleID(text); err == nil {
			t.Errorf("%q was read as %v", text, id)
		}
	}
}

func vector(t *testing.T, text string) Vector {
	t.Helper()
	v, err := ParseVector(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Join, meet, cover and raise, by example.
func TestVector(t *testing.T) {
	tests := []struct{ a, b, join, meet string }{
		{"-", "-", "-", "-"},
		{"-", "4.1", "4.1", "-"},
		{"4", "4.1", "4,4.1", "-"},
		{"4,4.1", "3,9.1,2.3", "4,9.1,2.3", "3,4.1"},
		{"1.2,1.4", "1.1,1.3,1.5", "1.1,1.2,1.3,1.4,1.5", "-"},
	}
	for _, test := range tests {
		for _, pair := range [][2]string{{test.a, test.b}, {test.b, test.a}} {
			a, b := vector(t, pair[0]), vector(t, pair[1])
			join, meet := a.Join(b), a.Meet(b)
			if join.String() != test.join || meet.String() != test.meet {
				t.Errorf("%s and %s: join %s, meet %s; want %s, %s", a, b, join, meet, test.join, test.meet)
			}
			if !join.Covers(a) || !a.Covers(meet) || a.Covers(b) != join.Equal(a) {
				t.Errorf("%s and %s: covering does not agree with join and meet", a, b)
			}
		}
	}
	v := vector(t, "4,4.1")
	for id, want := range map[ArticleID]string{{3, 0}: "4,4.1", {5, 0}: "5,4.1", {1, 2}: "4,4.1,1.2"} {
		if got := v.With(id).String(); got != want {
			t.Errorf("%s with %s: %s, want %s", v, id, got, want)
		}
	}
	if v.String() != "4,4.1" {
		t.Errorf("a method changed its receiver to %s", v)
	}
	for _, text := range []string{"", "1,1", "2.1,1", "1.2,1.2", "0", "1,"} {
		if v, err := ParseVector(text); err == nil {
			t.Errorf("%q was read as %v", text, v)
		}
	}
}

// A list by rising id that has come to an article has shown what lies at or
// below it, of every origin.
func TestVectorThrough(t *testing.T) {
	for _, test := range []struct {
		vector string
		last   ArticleID
		want   string
	}{
		{"9", ArticleID{4, 0}, "4"},
		{"9", ArticleID{9, 0}, "9"},
		{"9,7.1,7.2,3.3", ArticleID{7, 1}, "7,7.1,6.2,3.3"},
		{"9,7.1,7.2,3.3", ArticleID{7, 0}, "7,6.1,6.2,3.3"},
		{"1.1,1.2,1.3", ArticleID{1, 1}, "1.1"},
		{"1.1,1.2,1.3", ArticleID{1, 3}, "1.1,1.2,1.3"},
		{"-", ArticleID{5, 1}, "-"},
	} {
		if got := vector(t, test.vector).Through(test.last).String(); got != test.want {
			t.Errorf("%s through %s: %s, want %s", test.vector, test.last, got, test.want)
		}
	}
}

// Read a board by pages, each going on from what the one before has shown: all
// articles come, none twice, however small the pages are.
func TestThroughSkipsNothing(t *testing.T) {
	b := &Board{}
	for i := range 60 { // three origins that share seqs, with holes
		if id := (ArticleID{uint64(i/3 + 1), ReplicaID(i % 3)}); i*i%7 != 2 {
			if err := b.Put(Article{ID: id, Title: "t"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for count := 1; count <= 7; count++ {
		var seen []ArticleID
		var since Vector
		for more := true; more; {
			q := all(b)
			q.Count, q.Since = count, since
			page := b.Page(q)
			for _, e := range page.Entries {
				seen = append(seen, e.ID)
			}
			if more = page.More; more {
				since = since.Join(b.Vector().Through(seen[len(seen)-1]))
			}
		}
		if !slices.Equal(seen, b.order) {
			t.Errorf("pages of %d: %v, want %v", count, seen, b.order)
		}
	}
}

// A vector covers another if it has each of its ids, however long the two are.
func TestCovers(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	draw := func(origins int) (v Vector) {
		for origin := range ReplicaID(origins) {
			if seq := random.Uint64N(4); seq > 0 {
				v = append(v, ArticleID{seq, origin})
			}
		}
		return v
	}
	covered := 0
	for range 3000 {
		v, other := draw(1+random.IntN(40)), draw(1+random.IntN(6))
		want := true
		for _, id := range other {
			want = want && v.Has(id)
		}
		if v.Covers(other) != want {
			t.Fatalf("%s covers %s: %v, want %v", v, other, !want, want)
		}
		if want {
			covered++
		}
	}
	if covered < 100 || covered > 2900 {
		t.Errorf("%d of 3000 are covered: too few of one kind", covered)
	}
}

// A session that hops joins what it sees; tokens of two clusters never mix.
func TestToken(t *testing.T) {
	a := Token{"c1", 2, vector(t, "7")}
	b := Token{"c1", 1, vector(t, "5,3.2")}
	joined, err := a.Join(b)
	if err != nil || joined.String() != "c1:2:7,3.2" {
		t.Errorf("joined: %s, %v", joined, err)
	}
	back, err := ParseToken(joined.String())
	if err != nil || back.String() != joined.String() {
		t.Errorf("read back: %s, %v", back, err)
	}
	if zero, err := (Token{}).Join(a); err != nil || zero.String() != a.String() {
		t.Errorf("first token of a session: %s, %v", zero, err)
	}
	if _, err := a.Join(Token{"c2", 1, nil}); err == nil {
		t.Error("tokens of two clusters were joined")
	}
	for _, text := range []string{"x", ":1:1", "c:1", "c:x:1", "c:1:x", "c:1:1:1"} {
		if tok, err := ParseToken(text); err == nil {
			t.Errorf("%q was read as %v", text, tok)
		}
	}
}

// A made key tells its mark and home; a user's own key has neither.
func TestKey(t *testing.T) {
	k := MakeKey("7f3a", 41, 2)
	if k.Text != "7f3a~41.2" || ParseKey(k.Text) != k {
		t.Errorf("made %+v, read back %+v", k, ParseKey(k.Text))
	}
	for _, text := range []string{"", "mine", "a~b", "a~1", "~", "a~1.x", "a~-1.2"} {
		if got := ParseKey(text); got != (Key{Text: text}) {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

// Each limit holds at its last byte and breaks at the next.
func TestValidate(t *testing.T) {
	ok := Article{
		Title: strings.Repeat("t", TitleLenMax), Body: strings.Repeat("b", BodyLenMax),
		Author: strings.Repeat("a", AuthorLenMax), Key: strings.Repeat("k", KeyLenMax),
	}
	if err := ok.Validate(); err != nil {
		t.Fatal(err)
	}
	for part, change := range map[string]func(*Article){
		"title":  func(a *Article) { a.Title += "t" },
		"body":   func(a *Article) { a.Body += "b" },
		"author": func(a *Article) { a.Author = "\xff" },
		"key":    func(a *Article) { a.Key += "k" },
	} {
		a := ok
		change(&a)
		if err := a.Validate(); err == nil || !strings.HasPrefix(err.Error(), part+": ") {
			t.Errorf("%s: %v", part, err)
		}
	}
	if err := (&Article{Author: "a"}).Validate(); err == nil {
		t.Error("an article without title and body is valid")
	}
}
