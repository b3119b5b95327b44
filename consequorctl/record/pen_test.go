package record

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"consequor/board"
	"consequor/replicad/api"
	"consequor/sim/history"
)

// begun makes the record of a folder, as Begin does.
func begun(t *testing.T, folder string) {
	t.Helper()
	if err := create(folder, &Header{Version: version, Cluster: "c", Replicas: []string{"r1"}}); err != nil {
		t.Fatal(err)
	}
	pen := Open(folder)
	_, err := pen.on()
	if err := errors.Join(err, pen.add(line{Before: &before{board.Vector(nil).String()}}, true), pen.Close()); err != nil {
		t.Fatal(err)
	}
}

// post asks for one post, as far as a pen sees it.
func post(pen *Pen, title string) error {
	r := api.Request{Verb: api.Post, Title: title}
	_, asked, err := pen.Ask(context.Background(), "ann", 0, &r)
	if err != nil || asked == nil {
		return err
	}
	if err := asked.sending("r1", title); err != nil {
		return err
	}
	asked.tried("r1", nil)
	return asked.Ended(&api.Answer{Replica: "r1", Mode: "sequential", Epoch: 1, ID: board.ArticleID{Seq: 1}}, nil)
}

func readAll(t *testing.T, folder string) *taken {
	t.Helper()
	path := filepath.Join(folder, fileName)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	taken, err := read(path, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	return taken
}

// Many clients of several processes write into one record; every line is whole.
func TestManyPens(t *testing.T) {
	const pens, clients, posts = 3, 8, 50
	folder := t.TempDir()
	begun(t, folder)
	var wg sync.WaitGroup
	for p := range pens {
		pen := Open(folder)
		var ours sync.WaitGroup
		for c := range clients {
			ours.Go(func() {
				for n := range posts {
					if err := post(pen, fmt.Sprint(p, c, n)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Go(func() {
			ours.Wait()
			if err := pen.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	taken := readAll(t, folder)
	if len(taken.ops) != pens*clients*posts || taken.torn > 0 {
		t.Fatalf("%d operations, %d lines torn", len(taken.ops), taken.torn)
	}
	for _, w := range taken.ops {
		if w.ended == nil || w.ended.Outcome != history.OK || len(w.tries) != 1 {
			t.Fatalf("%+v", w)
		}
	}
}

// A request is in the record before it is sent: a process that dies then leaves
// it there.
func TestWrittenBeforeItIsSent(t *testing.T) {
	folder := t.TempDir()
	begun(t, folder)
	pen := Open(folder)
	defer pen.Close()
	_, asked, err := pen.Ask(context.Background(), "ann", 0, &api.Request{Verb: api.Post, Title: "t"})
	if err != nil {
		t.Fatal(err)
	}
	if taken := readAll(t, folder); len(taken.ops) != 0 {
		t.Errorf("%d operations before anything is sent", len(taken.ops))
	}
	if err := asked.sending("r1", "k"); err != nil {
		t.Fatal(err)
	}
	taken := readAll(t, folder)
	if len(taken.ops) != 1 || taken.ops[0].Key != "k" || taken.ops[0].ended != nil {
		t.Errorf("%+v", taken.ops)
	}
}

// A pen follows what is recorded: nothing, then a record, then another one.
func TestRecordsComeAndGo(t *testing.T) {
	folder := t.TempDir()
	pen := Open(folder)
	defer pen.Close()
	want := func(title string, count int) {
		t.Helper()
		if err := post(pen, title); err != nil {
			t.Fatal(err)
		}
		if count > 0 {
			if got := len(readAll(t, folder).ops); got != count {
				t.Errorf("%d operations, want %d", got, count)
			}
		}
	}
	want("not recorded", 0)
	begun(t, folder)
	want("first", 1)
	want("second", 2)
	if err := create(folder, &Header{}); !errors.As(err, new(*Error)) {
		t.Errorf("a second record: %v", err)
	}
	if was, err := Abandon(folder); !was || err != nil {
		t.Fatal(was, err)
	}
	want("not recorded", 0)
	begun(t, folder)
	want("of another record", 1)
}

// Nobody answered: the operation is refused, as nothing was sent.
func TestNothingSent(t *testing.T) {
	folder := t.TempDir()
	begun(t, folder)
	pen := Open(folder)
	_, asked, err := pen.Ask(context.Background(), "", 0, &api.Request{Verb: api.Post, Title: "t"})
	if err != nil {
		t.Fatal(err)
	}
	failed := &api.Error{Outcome: api.Refused, Kind: api.KindNotConnected, Message: "nobody there"}
	if err := errors.Join(asked.Ended(nil, failed), pen.Close()); err != nil {
		t.Fatal(err)
	}
	ops := readAll(t, folder).ops
	if len(ops) != 1 || ops[0].ended.Outcome != history.Refused || ops[0].ended.Kind != api.KindNotConnected || len(ops[0].tries) != 0 {
		t.Errorf("%+v", ops)
	}
}

// What a page claims to show is found in its answer: up to where, from where, and
// what of it is listed.
func TestViews(t *testing.T) {
	entry := func(seq uint64) board.Entry {
		return board.Entry{Article: board.Article{ID: board.ArticleID{Seq: seq}, Title: "t"}}
	}
	token := func(seq uint64) board.Token {
		return board.Token{Cluster: "c", Epoch: 1, Seen: board.Vector{{Seq: seq}}}
	}
	var d digests
	for name, test := range map[string]struct {
		request api.Request
		answer  api.Answer
		want    string
	}{
		"whole":     {api.Request{All: true}, api.Answer{Token: token(2), Articles: []board.Entry{entry(1), entry(2)}}, "2 articles up to 2"},
		"roots":     {api.Request{}, api.Answer{Token: token(2), Articles: []board.Entry{entry(1)}}, "1 root up to 2"},
		"page":      {api.Request{All: true}, api.Answer{Token: token(9), Articles: []board.Entry{entry(1)}, Next: "1@9"}, "1 article up to 9, through 1"},
		"goes on":   {api.Request{All: true, After: "1@9"}, api.Answer{Token: token(9), Articles: []board.Entry{entry(2)}}, "1 article up to 9, after 1"},
		"follows":   {api.Request{Since: token(3).String()}, api.Answer{Token: token(9), Articles: []board.Entry{entry(9)}}, "1 article up to 9, beyond 3"},
		"ends soon": {api.Request{Since: token(3).String()}, api.Answer{Token: token(4), Articles: []board.Entry{entry(4)}, Next: "4@9"}, "1 article up to 9, beyond 3, through 4"},
	} {
		if got := d.viewOf(&test.request, &test.answer); got.String() != test.want || len(got.Articles) != got.Count {
			t.Errorf("%s: %s (%v), want %s", name, got, got.Articles, test.want)
		}
	}
}

// An article that reads otherwise than before has another digest.
func TestDigests(t *testing.T) {
	var d digests
	a := board.Article{ID: board.ArticleID{Seq: 1}, Title: "t"}
	first := d.of(&a)
	if d.of(&a) != first || first != history.SumOf(a) {
		t.Error("the same article has another digest")
	}
	a.Body = "changed"
	if changed := d.of(&a); changed == first || changed != history.SumOf(a) {
		t.Error("a changed article has the digest of before")
	}
}
