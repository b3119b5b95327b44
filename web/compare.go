package web

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"consequor/board"
	"consequor/replicad/api"
	"consequor/supervisor"
)

// The limits of a comparison.
const (
	compareListed  = 100             // of the articles that one side lacks, the first
	compareCounted = 10_000          // of them; beyond, there are "more"
	compareNewest  = 40              // seqs below the newest that are shown and compared in content as well
	compareTimeout = 5 * time.Second // for both boards
)

// comparePage is two boards side by side.
type comparePage struct {
	Names   []string
	A, B    *sidePage
	Rows    []compareRow
	Verdict string // empty: they could not be compared
	Equal   bool
	Newest  int // seqs whose articles' content was compared
}

// sidePage is what is known of one board.
type sidePage struct {
	Name   string
	Vector string
	Only   int    // articles that the other one lacks
	More   bool   // there are more of these
	Failed string // why nothing is known
}

// compareRow is one article on both boards.
type compareRow struct {
	ID    string
	A, B  *row // nil: this board lacks it
	Class string
	Word  string // what is with it, for who sees no colours
}

// side is one replica's board as it was at one moment. It is read raw: for any
// other read a mode could first bring the board up to date, and the difference
// would be gone before it is seen.
type side struct {
	client  *api.Client
	replica string
	cluster string
	vector  board.Vector
	only    []board.Entry // the first that the other one lacks
	count   int
	more    bool
	newest  []board.Entry
	err     error
}

// onCompare shows two boards.
func onCompare(v *visit) {
	p := &comparePage{}
	if v.status == nil || v.client == nil {
		v.fail(describe(errAbsent))
		return
	}
	for _, r := range v.status.Replicas {
		p.Names = append(p.Names, r.Name)
	}
	q := v.r.URL.Query()
	a, b := q.Get("a"), q.Get("b")
	if a == "" && b == "" && len(p.Names) > 1 {
		a, b = p.Names[0], p.Names[len(p.Names)-1]
	}
	for _, name := range []string{a, b} {
		if v.status.Replica(name) == nil {
			v.fail(&trouble{http.StatusNotFound, "No such replica", fmt.Sprintf("There is no replica %q to compare.", cut(name, 40)), "Choose two at /compare."})
			return
		}
	}
	ctx, cancel := context.WithTimeout(v.ctx, compareTimeout)
	defer cancel()
	p.fill(compareSides(ctx, v.side(a), v.side(b)))
	v.show("compare", "Compare "+a+" and "+b, p, nil)
}

// side says at once when nobody can see a board: a process that is paused would
// let us wait.
func (v *visit) side(name string) *side {
	s := &side{client: v.client, replica: name}
	r := v.status.Replica(name)
	if v.s.config.Source.Control() != nil && r.State != supervisor.StateServing && r.State != supervisor.StateStarting {
		s.err = fmt.Errorf("%s is %s: nobody can see its board", name, r.State)
	}
	return s
}

// compareSides takes both vectors, one right after the other, and then lists what
// lies between them: boards that grow meanwhile change nothing any more.
func compareSides(ctx context.Context, a, b *side) (*side, *side) {
	both := func(do func(mine, other *side)) {
		var looking sync.WaitGroup
		for _, pair := range [][2]*side{{a, b}, {b, a}} {
			if pair[0].err == nil {
				looking.Go(func() { do(pair[0], pair[1]) })
			}
		}
		looking.Wait()
	}
	both(func(mine, _ *side) { mine.look(ctx) })
	if a.err != nil || b.err != nil {
		return a, b
	}
	top := max(a.vector.SeqMax(), b.vector.SeqMax())
	lowest := top - min(top, compareNewest)
	both(func(mine, other *side) { mine.err = mine.list(ctx, other.vector, lowest) })
	return a, b
}

func (s *side) look(ctx context.Context) {
	answer, err := s.client.Do(ctx, api.Request{Verb: api.Read, Replica: s.replica, Raw: true, All: true, Count: 1})
	if err != nil {
		s.err = err
		return
	}
	s.cluster, s.vector = answer.Token.Cluster, answer.Token.Seen
}

// list takes what the other board lacks, and the newest articles of this one.
func (s *side) list(ctx context.Context, other board.Vector, lowest uint64) error {
	if !other.Covers(s.vector) {
		since := board.Token{Cluster: s.cluster, Seen: other}.String()
		err := s.each(ctx, api.Request{Since: since, After: api.Cursor{UpTo: s.vector}.String(), Count: 500}, func(e *board.Entry) bool {
			if s.count++; s.count <= compareListed {
				s.only = append(s.only, *e)
			}
			s.more = s.count == compareCounted
			return !s.more
		})
		if err != nil {
			return err
		}
	}
	after := api.Cursor{After: board.ArticleID{Seq: lowest}, UpTo: s.vector}.String()
	return s.each(ctx, api.Request{After: after, Count: 500}, func(e *board.Entry) bool {
		s.newest = append(s.newest, *e)
		return len(s.newest) < compareCounted
	})
}

// each visits a board's articles by rising id until visit has had enough.
func (s *side) each(ctx context.Context, r api.Request, visit func(*board.Entry) bool) error {
	r.Verb, r.Replica, r.Raw, r.All = api.Read, s.replica, true, true
	for {
		page, err := s.client.Do(ctx, r)
		if err != nil {
			return err
		}
		for i := range page.Articles {
			if !visit(&page.Articles[i]) {
				return nil
			}
		}
		if r.After = page.Next; r.After == "" {
			return nil
		}
	}
}

func (p *comparePage) fill(a, b *side) {
	p.A, p.B, p.Newest = pageOfSide(a), pageOfSide(b), compareNewest
	if a.err != nil || b.err != nil {
		return
	}
	unlike := 0
	for _, pair := range pairs(a, b) {
		r := pair.row()
		if r.Class == "unlike" {
			unlike++
		}
		p.Rows = append(p.Rows, r)
	}
	p.Equal = a.vector.Equal(b.vector) && a.count+b.count+unlike == 0
	switch {
	case p.Equal:
		p.Verdict = fmt.Sprintf("%s and %s have the same board.", a.replica, b.replica)
	case a.count+b.count+unlike == 0:
		p.Verdict = fmt.Sprintf("%s and %s list the same articles, but are not equally far.", a.replica, b.replica)
	default:
		var parts []string
		if b.count > 0 {
			parts = append(parts, fmt.Sprintf("%s lacks %s", a.replica, countOf(b)))
		}
		if a.count > 0 {
			parts = append(parts, fmt.Sprintf("%s lacks %s", b.replica, countOf(a)))
		}
		if unlike > 0 {
			parts = append(parts, fmt.Sprintf("%d shown %s not the same on both", unlike, plural(unlike, "article")))
		}
		p.Verdict = fmt.Sprintf("%s and %s differ: %s.", a.replica, b.replica, strings.Join(parts, ", "))
	}
}

func pageOfSide(s *side) *sidePage {
	p := &sidePage{Name: s.replica, Vector: s.vector.String(), Only: s.count, More: s.more}
	if s.err != nil {
		p.Failed, p.Vector = s.err.Error(), ""
	}
	return p
}

func countOf(s *side) string {
	text := fmt.Sprintf("%d %s", s.count, plural(s.count, "article"))
	if s.more {
		text += " or more"
	}
	return text
}

// pair is an article as each board has it; nil: not.
type pair struct {
	id   board.ArticleID
	a, b *board.Entry
}

// pairs are what one of the boards lacks, as far as it is listed, and the newest
// articles; the newest first.
func pairs(a, b *side) []pair {
	byID := make(map[board.ArticleID]*pair)
	at := func(id board.ArticleID) *pair {
		if byID[id] == nil {
			byID[id] = &pair{id: id}
		}
		return byID[id]
	}
	for _, list := range [][]board.Entry{a.newest, a.only} {
		for i := range list {
			at(list[i].ID).a = &list[i]
		}
	}
	for _, list := range [][]board.Entry{b.newest, b.only} {
		for i := range list {
			at(list[i].ID).b = &list[i]
		}
	}
	var list []pair
	for _, p := range byID { // sorted below
		list = append(list, *p)
	}
	slices.SortFunc(list, func(x, y pair) int { return y.id.Compare(x.id) })
	if len(list) > compareListed*3 {
		list = list[:compareListed*3]
	}
	return list
}

func (p pair) row() compareRow {
	r := compareRow{ID: p.id.String()}
	if p.a != nil {
		a := rowOf(p.a)
		r.A = &a
	}
	if p.b != nil {
		b := rowOf(p.b)
		r.B = &b
	}
	switch {
	case p.a == nil || p.b == nil:
		r.Class, r.Word = "lacking", "on one board only"
	case contentOf(p.a) != contentOf(p.b):
		r.Class, r.Word = "unlike", "not the same on both"
	}
	return r
}

// contentOf is one for all that an article has, its key included.
func contentOf(e *board.Entry) [sha256.Size]byte {
	return sha256.Sum256(board.AppendArticle(nil, &e.Article))
}

// Sides are both, in the order in which they are shown.
func (p *comparePage) Sides() []*sidePage { return []*sidePage{p.A, p.B} }
