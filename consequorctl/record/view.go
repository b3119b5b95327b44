package record

import (
	"consequor/board"
	"consequor/replicad/api"
	"consequor/sim/history"
)

// viewOf is what the answer to a read claims to show. Whoever follows the board
// is given a token that stops where the page did; how far the replica looked
// stands in the page's end.
func (d *digests) viewOf(r *api.Request, a *api.Answer) *history.View {
	v := &history.View{UpTo: a.Token.Seen, Roots: !r.All && r.Since == ""}
	if since, err := board.ParseToken(r.Since); err == nil {
		v.Since = since.Seen
	}
	if from, err := api.ParseCursor(r.After); err == nil {
		v.After = from.After
	}
	if end, err := api.ParseCursor(a.Next); err == nil && a.Next != "" {
		v.UpTo, v.Through = end.UpTo, end.After
	}
	v.Count = len(a.Articles)
	if v.Count <= listedMax {
		v.Articles = make([]board.ArticleID, 0, v.Count)
	}
	for i := range a.Articles {
		article := &a.Articles[i].Article
		v.Sum += d.of(article)
		if v.Articles != nil {
			v.Articles = append(v.Articles, article.ID)
		}
	}
	return v
}

// threadOf is what the answer to a choose claims to show; nil: nothing that can
// be held against the board.
func (d *digests) threadOf(r *api.Request, a *api.Answer) *history.View {
	t := &history.Thread{Article: a.Article.ID}
	v := &history.View{UpTo: a.Token.Seen, Thread: t, Count: 1 + len(a.Articles), Sum: d.of(&a.Article.Article)}
	if from, err := api.ParseCursor(r.After); err == nil {
		v.After = from.After
		if from.UpTo != nil { // its further pages keep to what the first one showed
			v.UpTo = v.UpTo.Meet(from.UpTo)
		}
	}
	if end, err := api.ParseCursor(a.Next); err == nil && a.Next != "" {
		v.UpTo, v.Through = end.UpTo, end.After
	}
	if a.Parent != nil {
		t.Parent = a.Parent.ID
		v.Count++
		v.Sum += d.of(&a.Parent.Article)
	}
	for i := range a.Articles {
		t.Replies = append(t.Replies, a.Articles[i].ID)
		v.Sum += d.of(&a.Articles[i].Article)
	}
	if !v.UpTo.Has(t.Article) || !t.Parent.IsZero() && !v.UpTo.Has(t.Parent) {
		return nil // the list was begun before there was such an article
	}
	return v
}
