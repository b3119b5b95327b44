package cli

import (
	"errors"
	"strings"
	"testing"

	"consequor/board"
	"consequor/replicad/api"
)

func ids(t *testing.T, text string) board.Vector {
	t.Helper()
	v, err := board.ParseVector(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// told is the answer of a read at r2 that claims to show the vector, and lists
// these articles.
func told(t *testing.T, vector string, list ...string) *api.Answer {
	t.Helper()
	a := &api.Answer{Replica: "r2", Token: board.Token{Cluster: "c", Epoch: 1, Seen: ids(t, vector)}}
	for _, text := range list {
		a.Articles = append(a.Articles, board.Entry{Article: board.Article{ID: articleID(t, text)}})
	}
	return a
}

func articleID(t *testing.T, text string) board.ArticleID {
	t.Helper()
	id, err := board.ParseArticleID(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

var (
	notFound = &api.Error{Outcome: api.Refused, Kind: api.KindNotFound, Message: "no article 4 at r2"}
	behind   = &api.Error{Outcome: api.Refused, Kind: api.KindBehind, Message: "r2 is behind"}
)

// Sequences of answers that break nothing, though a careless witness might
// think so.
func TestWitnessAccepts(t *testing.T) {
	for name, script := range map[string]func(*witness){
		"reads that rise": func(w *witness) { w.onRead(told(t, "3")); w.onRead(told(t, "3")); w.onRead(told(t, "9")) },
		"a post, then a read that has it": func(w *witness) {
			w.onPosted(articleID(t, "4"))
			w.onRead(told(t, "4"))
		},
		"a post of another's board after a read": func(w *witness) { w.onRead(told(t, "3")); w.onPosted(articleID(t, "4.2")) },
		"origins rise one by one": func(w *witness) {
			w.onRead(told(t, "3.1"))
			w.onRead(told(t, "3.1,2.2"))
			w.onPosted(articleID(t, "4.3"))
			w.onRead(told(t, "5.1,2.2,4.3"))
		},
		"a page ends before its own post": func(w *witness) {
			w.onPosted(articleID(t, "4"))
			page := told(t, "4", "1", "2")
			page.Next = "2@4"
			w.onSample(page)
		},
		"samples list more and more": func(w *witness) {
			w.onPosted(articleID(t, "2"))
			w.onSample(told(t, "2", "1", "2"))
			w.onSample(told(t, "3", "1", "2", "3"))
		},
		"a choice refused for another reason": func(w *witness) {
			w.onPosted(articleID(t, "4"))
			w.onChosen(articleID(t, "4"), true, nil, behind)
			w.onChosen(articleID(t, "4"), true, nil, errors.New("interrupted"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			var w witness
			if script(&w); w.count() != 0 {
				t.Errorf("broken, says the witness: %q", w.Told)
			}
		})
	}
}

// Each sequence breaks one guarantee, and must be counted for that one, in
// words that name the replica and the article.
func TestWitnessRejects(t *testing.T) {
	for _, c := range []struct {
		name     string
		script   func(*witness)
		own, mon int
		says     string
	}{
		{"an own post is not claimed", func(w *witness) { w.onPosted(articleID(t, "4")); w.onRead(told(t, "3")) },
			1, 0, "r2 showed 3 to a client that had posted 4"},
		{"the first of two posts is not claimed", func(w *witness) {
			w.onPosted(articleID(t, "4.1"))
			w.onPosted(articleID(t, "9.2"))
			w.onRead(told(t, "3.1,9.2"))
		}, 1, 0, "had posted 4.1,9.2"},
		{"a read goes back", func(w *witness) { w.onRead(told(t, "7")); w.onRead(told(t, "6")) },
			0, 1, "r2 showed 6 to a client that had read 7"},
		{"a read has one origin more and one less", func(w *witness) { w.onRead(told(t, "7.1")); w.onRead(told(t, "9.2")) },
			0, 1, "r2 showed 9.2 to a client that had read 7.1"},
		{"both at once", func(w *witness) { w.onPosted(articleID(t, "8")); w.onRead(told(t, "9")); w.onRead(told(t, "6")) },
			1, 1, "r2 showed 6"},
		{"it stays broken for each read that goes back", func(w *witness) { w.onRead(told(t, "7")); w.onRead(told(t, "6")); w.onRead(told(t, "6")) },
			0, 2, ""},
		{"an own post is claimed, and not there", func(w *witness) { w.onPosted(articleID(t, "4")); w.onSample(told(t, "5", "1", "2", "3", "5")) },
			1, 0, "r2 claims 5, but does not list 4, which the client had posted"},
		{"what was shown is claimed, and gone", func(w *witness) { w.onSample(told(t, "2", "1", "2")); w.onSample(told(t, "3", "1", "3")) },
			0, 1, "r2 claims 3, but does not list 2, which the client had been shown"},
		{"a page leaves out what it reaches over", func(w *witness) {
			w.onPosted(articleID(t, "4"))
			page := told(t, "9", "3", "5")
			page.Next = "5@9"
			w.onSample(page)
		}, 1, 0, "does not list 4"},
		{"a sample goes back", func(w *witness) { w.onRead(told(t, "3")); w.onSample(told(t, "2", "1", "2")) },
			0, 1, "r2 showed 2"},
		{"an own post is not found", func(w *witness) {
			w.onPosted(articleID(t, "4"))
			w.onChosen(articleID(t, "4"), true, nil, notFound)
		}, 1, 0, "the client had posted 4: no article 4 at r2"},
		{"what was shown is not found", func(w *witness) { w.onChosen(articleID(t, "4"), false, nil, notFound) },
			0, 1, "the client had been shown 4: no article 4 at r2"},
		{"another article is opened", func(w *witness) { w.onChosen(articleID(t, "4"), true, told(t, "9"), nil) },
			1, 0, "r2 opened 0 when asked for 4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var w witness
			c.script(&w)
			if w.ReadYourWrites != c.own || w.MonotonicReads != c.mon {
				t.Errorf("read-your-writes %d, monotonic reads %d, want %d and %d: %q", w.ReadYourWrites, w.MonotonicReads, c.own, c.mon, w.Told)
			}
			if all := strings.Join(w.Told, "\n"); !strings.Contains(all, c.says) {
				t.Errorf("said %q, want %q", all, c.says)
			}
		})
	}
}

// A client that lives long: what lies below its base is given up, and a post
// that is lost above it is still missed.
func TestWitnessMovesItsBase(t *testing.T) {
	var w witness
	for n := uint64(1); n <= listedMax+50; n++ {
		w.onPosted(seq(n))
		a := &api.Answer{Replica: "r1", Token: board.Token{Cluster: "c", Epoch: 1, Seen: board.Vector{seq(n)}}}
		for id := w.base.Seq + 1; id <= n; id++ {
			a.Articles = append(a.Articles, board.Entry{Article: board.Article{ID: seq(id)}})
		}
		w.onSample(a)
	}
	if w.count() != 0 {
		t.Fatalf("broken, says the witness: %q", w.Told)
	}
	if w.base != seq(listedMax+1) || len(w.listed) != 49 || len(w.own) != 49 || w.sample().After != w.base.String() {
		t.Fatalf("base %v, %d listed, %d own, asks for what lies above %s", w.base, len(w.listed), len(w.own), w.sample().After)
	}
	w.onPosted(seq(1000))
	if w.onSample(told(t, "1000", "999")); w.ReadYourWrites != 1 || w.MonotonicReads != 1 {
		t.Errorf("what is not listed was not missed: %+v", w.breaches)
	}
}

// What many clients saw is summed up, and the words kept are few.
func TestBreachesAdd(t *testing.T) {
	all := &breaches{}
	for range 3 {
		one := breaches{}
		for range 2 * breachesToldMax {
			one.judge("own", "")
		}
		all.add(&one)
	}
	if all.count() != 60 || len(all.Told) != breachesToldMax {
		t.Errorf("%d breaches, %d told", all.count(), len(all.Told))
	}
}

// The milestones of an odometer are told once, in any order.
func TestOdometer(t *testing.T) {
	var o odometer
	second, first := o.after(2), o.after(1)
	reached := func(c <-chan struct{}) bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
	if o.add(); !reached(first) || reached(second) {
		t.Error("after one")
	}
	if o.add(); !reached(second) || len(o.waiters) != 0 {
		t.Error("after two")
	}
}
