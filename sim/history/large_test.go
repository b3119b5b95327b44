package history

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"consequor/board"
)

// right is a cluster that keeps the promise of one mode, without a mode: each
// operation takes effect when it is called, an operation a millisecond.
type right struct {
	random *rand.Rand
	h      *History
	all    []board.Article // as they were posted
	boards [5]board.Vector
	seen   [9]board.Vector
	done   board.Vector         // what has returned; quorum
	busy   []*Op                // not returned yet
	homes  map[*Op]board.Vector // of posts: the board where it was posted, with it
	top    uint64
}

// drawRight makes a right history of n operations of 8 sessions at 5 replicas.
func drawRight(promise Promise, n int, seed uint64) *History {
	r := &right{random: rand.New(rand.NewPCG(seed, 3)), h: &History{Source: "drawn", Replicas: 5}, homes: map[*Op]board.Vector{}}
	r.h.Epochs = []Epoch{{Number: 1, Mode: string(promise), Promise: promise}}
	r.h.Ops = make([]Op, n)
	for i := range n {
		op := &r.h.Ops[i]
		op.Number, op.Session, op.Epoch, op.Outcome = i+1, i%8+1, 1, OK
		op.Call = time.Duration(i) * time.Millisecond
		op.Return = op.Call + time.Duration(1+r.random.IntN(6000))*time.Microsecond
		at := r.random.IntN(5)
		op.Replica = board.ReplicaID(at + 1)
		r.settle(op.Call)
		if r.random.IntN(2) == 0 || len(r.all) == 0 {
			r.post(op, at, promise)
		} else {
			r.read(op, at, promise)
		}
		r.busy = append(r.busy, op)
		if to, from := r.random.IntN(5), r.random.IntN(5); promise == ReadYourWrite {
			r.boards[to] = r.boards[to].Join(r.boards[from])
		}
	}
	articles := slices.Clone(r.all)
	slices.SortFunc(articles, func(a, b board.Article) int { return a.ID.Compare(b.ID) })
	for i := range 5 {
		r.h.Boards = append(r.h.Boards, Board{board.ReplicaID(i + 1), articles})
	}
	x := newIndex(r.h)
	for i := range r.h.Ops {
		if v := r.h.Ops[i].View; v != nil {
			v.Count, v.Sum = x.part(v)
		}
	}
	return r.h
}

// settle lets time pass: what has returned is completed.
func (r *right) settle(now time.Duration) {
	r.busy = slices.DeleteFunc(r.busy, func(op *Op) bool {
		if op.Return >= now {
			return false
		}
		shown := op.shows().Join(r.homes[op])
		r.done = r.done.Join(shown)
		r.seen[op.Session] = r.seen[op.Session].Join(shown)
		return true
	})
}

func (r *right) post(op *Op, at int, promise Promise) {
	r.top++
	a := board.Article{ID: board.ArticleID{Seq: r.top}, Author: "ann", Title: fmt.Sprintf("title %d", op.Number), Key: fmt.Sprintf("key %d", op.Number)}
	if promise != Sequential {
		a.ID.Origin = op.Replica
	}
	before := r.boards[at].Join(r.seen[op.Session])
	if len(before) > 0 && r.random.IntN(2) == 0 {
		a.Parent = before[r.random.IntN(len(before))] // the last of an origin
	}
	op.Verb, op.Key, op.Parent, op.Content, op.IDs = Post, a.Key, a.Parent, ContentOf(&a), []board.ArticleID{a.ID}
	if !a.IsRoot() {
		op.Verb = Reply
	}
	r.boards[at] = before.With(a.ID)
	r.homes[op] = r.boards[at]
	r.all = append(r.all, a)
}

func (r *right) read(op *Op, at int, promise Promise) {
	v := &View{}
	switch promise {
	case Sequential:
		prefix := r.boards[at].Join(r.seen[op.Session]) // some time ago
		if op.Fresh = r.random.IntN(3) == 0; op.Fresh {
			prefix = board.Vector{{Seq: r.top}}
		}
		v.UpTo = prefix
	case Quorum:
		v.UpTo = r.done.Join(r.boards[at])
	default:
		v.UpTo = r.boards[at].Join(r.seen[op.Session])
	}
	r.boards[at] = r.boards[at].Join(v.UpTo)
	op.Verb, op.View = Read, v
}

// altered is a right history with one thing changed.
type altered struct {
	promise Promise
	name    string
	change  func(h *History) *Op // and which operation it is about
	want    string               // with ID, WHO, AT for those of the operation
}

// post finds the nth post, and views the nth view, that fit.
func nth(h *History, n int, fits func(op *Op) bool) *Op {
	for i := range h.Ops {
		if op := &h.Ops[i]; fits(op) {
			if n--; n == 0 {
				return op
			}
		}
	}
	panic("no such operation")
}

func isPost(op *Op) bool { return op.Verb.Writes() }

// show changes what a read has shown, and shows it right.
func show(h *History, op *Op, v board.Vector) {
	op.View = &View{UpTo: v}
	op.View.Count, op.View.Sum = newIndex(h).part(op.View)
}

// laterRead finds a read of the same session after an operation.
func laterRead(h *History, before *Op) *Op {
	return nth(h, 1, func(op *Op) bool {
		return op.Session == before.Session && op.View != nil && op.Call > before.Return
	})
}

var alterations = []altered{
	{Sequential, "a lost post", func(h *History) *Op {
		op := nth(h, 100, isPost)
		b := &h.Boards[2]
		b.Articles = slices.DeleteFunc(slices.Clone(b.Articles), func(a board.Article) bool { return a.ID == op.IDs[0] })
		return op
	}, "C0 durability [N]: Article ID, acknowledged to WHO by AT at RETURN, is not on r3, which holds 263 articles up to 264."},
	{Quorum, "a doubled id", func(h *History) *Op {
		op := nth(h, 100, isPost)
		op.IDs = nth(h, 99, isPost).IDs
		return op
	}, "C0 one id, one key [215 N]: Article ID was acknowledged twice: to session 7 by r3 at 0.216 s, and to WHO by AT at RETURN, for two posts."},
	{Sequential, "a read going back", func(h *History) *Op {
		early := nth(h, 80, func(op *Op) bool { return op.View != nil })
		op := laterRead(h, early)
		op.Fresh = false
		show(h, op, board.Vector{{Seq: 5}})
		return op
	}, "C2 session order [164 N]: Article 88 of WHO, acknowledged by r3 at 0.167 s, is not in the beginning of the order that AT showed it at RETURN: 5 articles up to 5."},
	{Quorum, "a read going back", func(h *History) *Op {
		op := nth(h, 80, func(op *Op) bool { return op.View != nil })
		show(h, op, h.Ops[20].View.UpTo)
		return op
	}, "C3 quorum reads [119 N]: Article 50.1, acknowledged to session 7 by r1 at 0.120 s, is not in the read that WHO called at CALL: AT showed 11 articles up to 9.1,8.2,7.3,4.4,11.5."},
	{ReadYourWrite, "the own post missing", func(h *History) *Op {
		post := nth(h, 120, isPost)
		op := laterRead(h, post)
		v := slices.Clone(op.View.UpTo)
		for i := range v {
			if v[i].Origin == post.IDs[0].Origin {
				v[i].Seq = post.IDs[0].Seq - 1
			}
		}
		show(h, op, v)
		return op
	}, "C4 read your writes [268 N]: Session 4 posted article 123.4 at r4, acknowledged at 0.272 s, and did not find it in what AT showed it at RETURN: 121 articles up to 121.1,122.2,116.3,119.4,113.5."},
	{Sequential, "the own post missing", func(h *History) *Op {
		post := nth(h, 120, isPost)
		op := laterRead(h, post)
		op.Fresh = false
		show(h, op, board.Vector{{Seq: post.IDs[0].Seq - 1}})
		return op
	}, "C2 session order [233 N]: Article 129 of WHO, acknowledged by r1 at 0.235 s, is not in the beginning of the order that AT showed it at RETURN: 119 articles up to 119."},
	{Sequential, "a fresh read behind", func(h *History) *Op {
		op := nth(h, 60, func(op *Op) bool { return op.Fresh })
		op.Session = 0
		show(h, op, board.Vector{{Seq: op.View.UpTo.SeqMax() - 9}})
		return op
	}, "C1 fresh [415 N]: Article 219, acknowledged to session 7 by r1 at 0.414 s, is not in the fresh read that WHO called at CALL: AT showed 211 articles up to 211."},
	{ReadYourWrite, "a reply without its parent", func(h *History) *Op {
		reply := nth(h, 50, func(op *Op) bool { return op.Verb == Reply && op.Parent.Origin != op.IDs[0].Origin })
		op := nth(h, 1, func(op *Op) bool { return op.View != nil && op.View.UpTo.Has(reply.IDs[0]) })
		v := slices.DeleteFunc(slices.Clone(op.View.UpTo), func(id board.ArticleID) bool { return id.Origin == reply.Parent.Origin })
		show(h, op, v)
		return op
	}, "C0 thread order [N]: At RETURN, AT showed WHO reply 12.1 and not its parent 10.4: 97 articles up to 121.1,122.2,128.3,113.5."},
	{Sequential, "a reply below its parent", func(h *History) *Op {
		op := nth(h, 50, isPost)
		for i := range h.Boards {
			h.Boards[i].Articles = slices.Clone(h.Boards[i].Articles)
			a := &h.Boards[i].Articles[op.IDs[0].Seq-1]
			a.Parent = board.ArticleID{Seq: a.ID.Seq + 1}
			op.Content = ContentOf(a)
		}
		return op
	}, "C0 thread order [N]: Reply ID has an id that is not above its parent's, 51."},
	{Quorum, "a refused post that is there", func(h *History) *Op {
		op := nth(h, 70, isPost)
		op.Outcome, op.Kind, op.IDs = Refused, "behind", nil
		return op
	}, "C0 outcome [N]: The post that AT refused to WHO (behind) is on the board: article 70.4."},
}

// A right history of 500 operations is accepted; with one operation changed,
// the change is what is found.
func TestOneAlteration(t *testing.T) {
	for _, a := range alterations {
		h := drawRight(a.promise, 500, 7)
		if got := verdict(Check(h, StepsDefault)); got != "ok" {
			t.Fatalf("%s: a right history is judged %s", a.promise, got)
		}
		op := a.change(h)
		id := ""
		if len(op.IDs) > 0 {
			id = op.IDs[0].String()
		}
		want := strings.NewReplacer("[N]", fmt.Sprintf("[%d]", op.Number), " N]", fmt.Sprintf(" %d]", op.Number),
			"ID", id, "WHO", op.who(), "AT", op.answerer(), "RETURN", seconds(op.Return), "CALL", seconds(op.Call)).Replace(a.want)
		if got := verdict(Check(h, StepsDefault)); got != want {
			t.Errorf("%s, %s (operation %d): judged\n  %s\nwant\n  %s", a.promise, a.name, op.Number, got, want)
		}
	}
}

// A checker that runs out of steps has not judged, for whatever number of
// steps; and with more steps nothing but the same verdict comes out.
func TestSteps(t *testing.T) {
	for _, promise := range []Promise{Sequential, Quorum, ReadYourWrite} {
		h := drawRight(promise, 300, 1)
		wrong := drawRight(promise, 300, 1)
		wrong.Ops[250].IDs = []board.ArticleID{{Seq: 9999}}
		for steps := 0; steps < 300_000; steps += 1 + steps/3 {
			for _, v := range Check(h, steps) {
				if v.Outcome == Violated || v.Outcome == Holds && steps == 0 {
					t.Fatalf("%s, %d steps: %+v", promise, steps, v)
				}
			}
		}
		if got := Check(h, 1000).Outcome(); got != Undecided {
			t.Errorf("%s in 1,000 steps: %s", promise, got)
		}
		begun := Check(h, newIndex(h).cost+10) // C0 has begun, and no more
		if begun[0].Outcome != Undecided || begun[0].Sentence == "" {
			t.Errorf("%s: C0 with 10 steps: %+v", promise, begun[0])
		}
		if got := Check(wrong, 1000).Outcome(); got != Undecided {
			t.Errorf("%s, wrong, in 1,000 steps: %s", promise, got)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	for _, n := range []int{500, 100_000} {
		for _, promise := range []Promise{Sequential, Quorum, ReadYourWrite} {
			h := drawRight(promise, n, 1)
			b.Run(fmt.Sprintf("%s/%d", promise, n), func(b *testing.B) {
				for b.Loop() {
					if got := Check(h, StepsDefault); got.Outcome() != Holds {
						b.Fatal(verdict(got))
					}
				}
			})
		}
	}
}
