package history

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"consequor/board"
)

// A story is a history as a person writes it down, an operation to a line:
//
//	epoch 1 sequential                    what follows is answered by this epoch
//	s1 post r1 0-10: 1                    session 1, at r1, from 0 to 10 ms: ok, id 1
//	s1 reply 1 r2 20-30 key=k: 2          under article 1, with a key
//	s2 post r1 20-30: unknown 3           nobody answered, and it is on the board as 3
//	s2 post r1 20-30: refused no_majority
//	s1 read r2 40-41 fresh: 3             a read of the board up to 3; of "-": empty
//	s1 read r2 40-41 since=1 through=2 list: 3
//	s2 choose 1 r3 50-51: 3               with its parent and its replies up to 3
//	s2 choose 9 r3 50-51: refused not_found
//	board r3 without 2                    what is not on r3 at the end
//	board all other 2                     what is everywhere with another body; also key, parent
//	again 2.1 1.2                         the article 2.1 is on the boards as 1.2 too
//	healed 60, terms 4, replicas 3, extra 7 (on the boards, posted by nobody)
//	live                                  of a real run
//	before 2,1.1                          what the boards held when it began
//
// Views are right unless told otherwise: count=N, bad (another sum), list=1+2,
// thread=PARENT/REPLY+REPLY, each "-" for none.
type story struct {
	t      *testing.T
	h      *History
	epoch  uint64
	all    map[board.ArticleID]board.Article
	boards []string // lines, for the end
	views  []func()
}

func readStory(t *testing.T, text string) *History {
	t.Helper()
	s := &story{t: t, h: &History{Replicas: 3}, all: map[board.ArticleID]board.Article{}}
	for line := range strings.SplitSeq(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line != "" {
			s.line(line)
		}
	}
	return s.end()
}

func (s *story) line(line string) {
	words := strings.Fields(line)
	switch words[0] {
	case "epoch":
		s.epoch = uint64(s.number(words[1]))
		e := Epoch{Number: s.epoch, Mode: words[2], Promise: Promise(words[2])}
		if len(words) > 3 {
			e.ModeEpoch = uint64(s.number(words[3]))
		}
		if i := slices.IndexFunc(s.h.Epochs, func(e Epoch) bool { return e.Number == s.epoch }); i < 0 {
			s.h.Epochs = append(s.h.Epochs, e)
		}
	case "board":
		s.boards = append(s.boards, line)
	case "extra":
		s.put(board.Article{ID: s.id(words[1]), Title: "nobody's"})
	case "again":
		a := s.all[s.id(words[1])]
		a.ID = s.id(words[2])
		s.put(a)
	case "healed":
		s.h.Healed = s.ms(words[1])
	case "terms":
		s.h.Terms = s.number(words[1])
	case "live":
		s.h.Live = true
	case "before":
		s.h.Before = s.vector(words[1])
	case "replicas":
		s.h.Replicas = s.number(words[1])
	default:
		s.op(line)
	}
}

func (s *story) op(line string) {
	asked, answered, ok := strings.Cut(line, ": ")
	if !ok {
		s.t.Fatalf("%q: no answer", line)
	}
	words := strings.Fields(asked)
	op := Op{Verb: Verb(words[1]), Outcome: OK, Epoch: s.epoch}
	op.Session = s.number(strings.TrimPrefix(words[0], "s"))
	words = words[2:]
	var about board.ArticleID
	if op.Verb == Reply || op.Verb == Choose {
		about, words = s.id(words[0]), words[1:]
	}
	op.Replica = board.ReplicaID(s.number(strings.TrimPrefix(words[0], "r")))
	from, to, _ := strings.Cut(words[1], "-")
	op.Call, op.Return = s.ms(from), s.ms(to)
	a := board.Article{Parent: about, Author: "ann", Title: line}
	view, list := &View{}, ""
	for _, word := range words[2:] {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "key":
			op.Key, a.Key = value, value
		case "content": // not its own
			a.Title = value
		case "epoch":
			op.Epoch = uint64(s.number(value))
		case "fresh":
			op.Fresh = true
		case "tries":
			op.Tries = make([]Try, s.number(value))
			for i := range op.Tries {
				op.Tries[i].Replica = op.Replica
			}
		case "since":
			view.Since = s.vector(value)
		case "after":
			view.After = s.id(value)
		case "through":
			view.Through = s.id(value)
		case "roots":
			view.Roots = true
		default:
			list += " " + word
		}
	}
	op.Content = ContentOf(&a)
	i := len(s.h.Ops)
	s.h.Ops = append(s.h.Ops, op)
	s.answer(&s.h.Ops[i], &a, view, strings.Fields(answered))
	if op := &s.h.Ops[i]; op.Verb == Choose {
		op.Target = about
	} else if op.Verb == Reply {
		op.Parent = about
	}
	if s.h.Ops[i].View != nil {
		s.views = append(s.views, func() { s.fill(&s.h.Ops[i], strings.Fields(list)) })
	}
}

func (s *story) answer(op *Op, a *board.Article, view *View, words []string) {
	switch words[0] {
	case "unknown":
		op.Outcome, op.Return, op.Epoch = Unknown, 0, 0
		words = words[1:]
	case "refused":
		op.Outcome, op.Kind = Refused, words[1]
		words = words[2:]
	case "ok":
		return
	default:
		if !op.Verb.Writes() {
			view.UpTo = s.vector(words[0])
			op.View = view
			return
		}
	}
	for _, word := range words { // ids
		a.ID = s.id(word)
		s.put(*a)
		if op.Outcome == OK {
			op.IDs = append(op.IDs, a.ID)
		}
	}
}

func (s *story) put(a board.Article) {
	if _, ok := s.all[a.ID]; !ok {
		s.all[a.ID] = a
	}
}

// fill makes a view what it says it is, the slow and obvious way.
func (s *story) fill(op *Op, changes []string) {
	v := op.View
	var shown []board.Article
	for _, a := range s.sorted() {
		inThread := op.Verb != Choose || a.Parent == op.Target
		in := v.UpTo.Has(a.ID) && !v.Since.Has(a.ID) && (v.After.IsZero() || a.ID.Compare(v.After) > 0) &&
			(v.Through.IsZero() || a.ID.Compare(v.Through) <= 0) && (!v.Roots || a.IsRoot())
		if in && inThread {
			shown = append(shown, a)
		}
	}
	if op.Verb == Choose {
		v.Thread = &Thread{Article: op.Target, Parent: s.all[op.Target].Parent}
		for _, a := range shown {
			v.Thread.Replies = append(v.Thread.Replies, a.ID)
		}
		shown = append(shown, s.all[op.Target])
		if parent, ok := s.all[v.Thread.Parent]; ok {
			shown = append(shown, parent)
		}
	}
	v.Count, v.Sum = len(shown), SumOf(shown...)
	for _, change := range changes {
		name, value, _ := strings.Cut(change, "=")
		switch name {
		case "count":
			v.Count = s.number(value)
		case "bad":
			v.Sum++
		case "list":
			v.Articles = []board.ArticleID{}
			for _, a := range shown {
				v.Articles = append(v.Articles, a.ID)
			}
			if value != "" {
				v.Articles = s.ids(value)
			}
		case "thread":
			parent, replies, _ := strings.Cut(value, "/")
			v.Thread.Parent, v.Thread.Replies = s.idOrNone(parent), s.ids(replies)
		case "shown":
			v.Thread.Article = s.id(value)
		default:
			s.t.Fatalf("%q is not in the language of stories", change)
		}
	}
}

func (s *story) sorted() []board.Article {
	var all []board.Article
	for _, a := range s.all {
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b board.Article) int { return a.ID.Compare(b.ID) })
	return all
}

func (s *story) end() *History {
	for _, fill := range s.views {
		fill()
	}
	all := s.sorted()
	for _, line := range s.boards {
		if words := strings.Fields(line); words[1] == "all" {
			all = s.edit(all, words[2:])
		}
	}
	for r := range s.h.Replicas {
		s.h.Boards = append(s.h.Boards, Board{board.ReplicaID(r + 1), all})
	}
	for _, line := range s.boards {
		if words := strings.Fields(line); words[1] != "all" {
			b := &s.h.Boards[s.number(strings.TrimPrefix(words[1], "r"))-1]
			b.Articles = s.edit(b.Articles, words[2:])
		}
	}
	slices.SortStableFunc(s.h.Ops, func(a, b Op) int { return compareTimes(a.Call, b.Call) })
	for i := range s.h.Ops {
		s.h.Ops[i].Number = i + 1
	}
	if err := s.h.Validate(); err != nil {
		s.t.Fatal(err)
	}
	return s.h
}

func (s *story) edit(articles []board.Article, words []string) []board.Article {
	articles = slices.Clone(articles)
	i := slices.IndexFunc(articles, func(a board.Article) bool { return a.ID.String() == words[1] })
	if i < 0 {
		s.t.Fatalf("no article %s to edit", words[1])
	}
	switch words[0] {
	case "without":
		return slices.Delete(articles, i, i+1)
	case "other":
		articles[i].Body = "another"
	case "key":
		articles[i].Key = words[2]
	case "parent":
		articles[i].Parent = s.id(words[2])
	default:
		s.t.Fatalf("%q is not in the language of stories", words[0])
	}
	return articles
}

func (s *story) number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		s.t.Fatalf("%q: %v", text, err)
	}
	return n
}

func (s *story) ms(text string) time.Duration {
	return time.Duration(s.number(text)) * time.Millisecond
}

func (s *story) id(text string) board.ArticleID {
	id, err := board.ParseArticleID(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

func (s *story) idOrNone(text string) board.ArticleID {
	if text == "-" {
		return board.ArticleID{}
	}
	return s.id(text)
}

func (s *story) ids(text string) (ids []board.ArticleID) {
	for part := range strings.SplitSeq(text, "+") {
		if part != "-" {
			ids = append(ids, s.id(part))
		}
	}
	return ids
}

func (s *story) vector(text string) board.Vector {
	v, err := board.ParseVector(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return v
}

// verdict is what a test compares: "C2 prefix [1 3]: sentence".
func verdict(v Verdicts) string {
	first := v.First()
	if first == nil {
		return string(v.Outcome())
	}
	return fmt.Sprintf("%s %s %v: %s", first.Checker, first.Property, first.Ops, first.Sentence)
}
