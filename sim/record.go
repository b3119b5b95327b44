package sim

import (
	"cmp"
	"slices"

	"consequor/board"
	"consequor/modes"
	"consequor/replicad/host"
	"consequor/sim/cluster"
	"consequor/sim/history"
)

// The part of reads whose articles are listed one by one.
const (
	sampleEvery = 8  // of reads of the whole board
	listedMax   = 32 // pages up to this are always listed
)

// take records what an answer showed, and joins it to what the session has
// seen, as replicad's api does: a read's token is what its listing shows. An
// answer may turn out to be none: the article to open is not there.
func (o *asked) take(at board.ReplicaID, a host.Answer) host.Answer {
	s, op := o.session, o.op()
	shown := s.run.cluster.Replica(at).Board()
	token := board.Token{Cluster: cluster.Name, Epoch: a.Epoch, Seen: a.Board}
	switch o.request.Verb {
	case modes.VerbPost, modes.VerbReply:
		token.Seen = board.Vector{a.ID}
		if !slices.Contains(op.IDs, a.ID) {
			op.IDs = append(op.IDs, a.ID)
			s.knows(a.ID)
			s.run.hears(a.ID)
		}
		s.run.toldTwice(at)
	case modes.VerbChoose:
		thread, view := threadOf(shown, o.request.Target, a.Board)
		if thread == nil {
			return host.Answer{Outcome: host.Refused, Kind: modes.NotFound, Why: "no article " + o.request.Target.String(), Epoch: a.Epoch}
		}
		op.View = view
		s.knows(thread.Article)
	case modes.VerbRead:
		token.Seen = o.takeRead(op, at, shown, a)
	case modes.VerbSync:
		o.takeSync(op, at, a)
	}
	s.join(token, at)
	return a
}

// toldTwice ends a run whose boards contradict each other as soon as clients
// have been told what cannot be.
func (r *run) toldTwice(at board.ReplicaID) {
	if err := r.cluster.Err(); err != nil && history.CheckAnswers(r.history) != nil {
		r.after(0, func() { r.cluster.Fail(at, "%v", err) })
	}
}

// takeRead records a read, and returns what its token covers.
func (o *asked) takeRead(op *history.Op, at board.ReplicaID, shown *board.Board, a host.Answer) board.Vector {
	s := o.session
	if o.query == nil {
		op.View = &history.View{UpTo: a.Board}
		op.View.Count, op.View.Sum = s.run.sums[at-1].upTo(shown, a.Board)
		if o.random.IntN(sampleEvery) == 0 {
			op.View.Articles = idsUpTo(shown, a.Board)
		}
		s.since = board.Token{Epoch: a.Epoch, Seen: a.Board}
		if n := len(a.Board); n > 0 {
			s.knows(a.Board[o.random.IntN(n)])
		}
		return a.Board
	}
	q := *o.query
	begun := q.UpTo
	if q.UpTo = a.Board; begun != nil {
		q.UpTo = a.Board.Meet(begun)
	}
	page := shown.Page(q)
	seen := q.UpTo
	if q.Since != nil && page.More { // who follows goes on where the page has ended
		seen = q.Since.Join(q.UpTo.Through(page.Entries[len(page.Entries)-1].ID))
	}
	op.View = viewOf(&q, &page)
	s.goOn(&q, &page, board.Token{Epoch: cmp.Or(o.began, a.Epoch), Seen: seen})
	return seen
}

// goOn remembers where a listing stands.
func (s *session) goOn(q *board.Query, page *board.Page, seen board.Token) {
	for _, e := range page.Entries[max(0, len(page.Entries)-4):] {
		s.knows(e.ID)
	}
	if q.Since != nil {
		s.since = seen
	}
	s.listing = nil
	if page.More && q.All && q.Since == nil {
		s.listing = &listing{page.Entries[len(page.Entries)-1].ID, q.UpTo, seen.Epoch}
	}
}

// viewOf records a page.
func viewOf(q *board.Query, page *board.Page) *history.View {
	v := &history.View{UpTo: q.UpTo, Since: q.Since, After: q.After, Roots: !q.All, Count: len(page.Entries)}
	for i := range page.Entries {
		v.Sum += history.SumOf(page.Entries[i].Article)
	}
	if page.More {
		v.Through = page.Entries[len(page.Entries)-1].ID
	}
	if len(page.Entries) <= listedMax {
		v.Articles = make([]board.ArticleID, len(page.Entries))
		for i := range page.Entries {
			v.Articles[i] = page.Entries[i].ID
		}
	}
	return v
}

// threadOf records what opening an article shows; nil: it is not there.
func threadOf(b *board.Board, id board.ArticleID, upTo board.Vector) (*history.Thread, *history.View) {
	article, ok := b.Get(id)
	if !ok || !upTo.Has(id) {
		return nil, nil
	}
	t := &history.Thread{Article: id}
	v := &history.View{UpTo: upTo, Thread: t, Count: 1, Sum: history.SumOf(article)}
	if parent, ok := b.Get(article.Parent); ok && !article.IsRoot() && upTo.Has(parent.ID) {
		t.Parent = parent.ID
		v.Count++
		v.Sum += history.SumOf(parent)
	}
	q := board.Query{Under: id, UpTo: upTo, Count: board.PageCountMax}
	for more := true; more; {
		page := b.Page(q)
		for i := range page.Entries {
			t.Replies = append(t.Replies, page.Entries[i].ID)
			v.Count++
			v.Sum += history.SumOf(page.Entries[i].Article)
		}
		if more = page.More; more {
			q.After = page.Entries[len(page.Entries)-1].ID
		}
	}
	return t, v
}

func idsUpTo(b *board.Board, upTo board.Vector) []board.ArticleID {
	ids := []board.ArticleID{}
	for _, a := range b.Span(nil) {
		if upTo.Has(a.ID) {
			ids = append(ids, a.ID)
		}
	}
	return ids
}

// sums is the digest of one replica's whole board, brought up to date by what
// has been added since, so that a read does not digest the board anew.
type sums struct {
	board  *board.Board
	vector board.Vector
	count  int
	sum    history.Sum
}

// upTo digests what the board shows up to a vector.
func (s *sums) upTo(b *board.Board, v board.Vector) (count int, sum history.Sum) {
	s.follow(b)
	beyond := b.Span(v)
	return s.count - len(beyond), s.sum - history.SumOf(beyond...)
}

// follow takes in what was added. A board that is another one, or has changed
// otherwise than by growing beyond its vector, is digested anew.
func (s *sums) follow(b *board.Board) {
	if b == s.board {
		added := b.Span(s.vector)
		if s.count+len(added) == b.Len() {
			s.count, s.sum, s.vector = b.Len(), s.sum+history.SumOf(added...), b.Vector()
			return
		}
	}
	*s = sums{b, b.Vector(), b.Len(), history.SumOf(b.Span(nil)...)}
}
