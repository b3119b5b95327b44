package web

import (
	"slices"

	"consequor/board"
	"consequor/replicad/api"
)

// threadAsksMax bounds the requests for one thread's feed; each brings up to
// board.PageCountMax replies. What lies further down is left out, which the feed
// says.
const threadAsksMax = 60

// threadWalk looks for the newest articles of a thread: level by level, at one
// replica, within what its first answer showed.
type threadWalk struct {
	v      *visit
	first  *api.Answer
	newest []board.Entry // newest first
	level  []board.ArticleID
	asks   int
	rest   bool // some replies were not looked at
}

func (w *threadWalk) run(id board.ArticleID) error {
	w.level = []board.ArticleID{id}
	for len(w.level) > 0 {
		next := w.level[0]
		w.level = w.level[1:]
		if err := w.replies(next); err != nil {
			return err
		}
	}
	return nil
}

// replies looks at an article's replies, page by page, and notes those that
// have replies of their own.
func (w *threadWalk) replies(to board.ArticleID) error {
	r := api.Request{Verb: api.Choose, Target: to, Count: board.PageCountMax}
	if w.first != nil {
		r.Replica, r.After = w.first.Replica, api.Cursor{UpTo: w.first.Token.Seen}.String()
	}
	for {
		if w.asks == threadAsksMax {
			w.rest, w.level = true, nil
			return nil
		}
		w.asks++
		answer, err := w.v.ask(r)
		if err != nil {
			return err
		}
		if w.first == nil {
			w.first = answer
			w.keep([]board.Entry{answer.Article})
		}
		w.keep(answer.Articles)
		for i := range answer.Articles {
			if e := &answer.Articles[i]; e.Replies > 0 {
				w.level = append(w.level, e.ID)
			}
		}
		if r.After = answer.Next; r.After == "" {
			return nil
		}
		r.Replica = w.first.Replica
	}
}

// keep keeps the newest of what was found so far.
func (w *threadWalk) keep(entries []board.Entry) {
	w.newest = append(w.newest, entries...)
	slices.SortFunc(w.newest, func(a, b board.Entry) int { return b.ID.Compare(a.ID) })
	w.newest = slices.Clip(w.newest[:min(len(w.newest), atomCount)])
}
