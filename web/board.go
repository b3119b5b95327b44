package web

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"consequor/board"
	"consequor/replicad/api"
)

// queryLenMax bounds what is searched for, in bytes.
const queryLenMax = 200

// boardPage is the list of roots, or what a search has found.
type boardPage struct {
	Rows   []row
	Oldest bool   // first
	Query  string // what is searched for; empty: nothing
	Older  string // link to the next page; empty: this is the last
	First  bool   // this page is the first
	Looked int    // search: articles
	Back   string // search: the lowest id that was looked at
	All    bool   // search: nothing is left to look at
}

// onBoard is READ.
func onBoard(v *visit) {
	query := strings.TrimSpace(v.r.FormValue("q"))
	p := &boardPage{Oldest: v.r.FormValue("order") == "oldest", Query: query}
	if len(query) > queryLenMax || !utf8.ValidString(query) {
		v.fail(&trouble{http.StatusBadRequest, "Too long to search for", "A search has 200 bytes at most.", "Search for fewer words."})
		return
	}
	at, err := boundary(v.r)
	if err != nil {
		v.fail(&trouble{http.StatusBadRequest, "No such page", err.Error(), "Begin at the board's first page."})
		return
	}
	p.First = at.IsZero()
	var answer *api.Answer
	switch {
	case query != "":
		answer, err = p.search(v, at)
	case p.Oldest:
		answer, err = p.forward(v, at)
	default:
		answer, err = p.newest(v, at)
	}
	if err != nil {
		v.fail(describe(err))
		return
	}
	v.show("board", p.title(), p, answer)
}

func (p *boardPage) title() string {
	if p.Query != "" {
		return "Search: " + p.Query
	}
	return "Board"
}

// boundary is the article that the page before ended with.
func boundary(r *http.Request) (board.ArticleID, error) {
	text := r.FormValue("from")
	if text == "" {
		return board.ArticleID{}, nil
	}
	return board.ParseArticleID(text)
}

// link is this list from another article on.
func (p *boardPage) link(from board.ArticleID) string {
	q := url.Values{"from": {from.String()}}
	if p.Query != "" {
		q.Set("q", p.Query)
	}
	if p.Oldest {
		q.Set("order", "oldest")
	}
	return "/?" + q.Encode()
}

func (p *boardPage) forward(v *visit, after board.ArticleID) (*api.Answer, error) {
	answer, err := v.ask(api.Request{Verb: api.Read, After: api.Cursor{After: after}.String(), Count: listCount})
	if err != nil {
		return nil, err
	}
	p.Rows = rowsOf(answer.Articles)
	if n := len(answer.Articles); answer.Next != "" && n > 0 {
		p.Older = p.link(answer.Articles[n-1].ID)
	}
	return answer, nil
}

func (p *boardPage) newest(v *visit, before board.ArticleID) (*api.Answer, error) {
	list := backward{v: v, before: before, count: listCount}
	if err := list.run(); err != nil {
		return nil, err
	}
	p.Rows = rowsOf(list.found)
	if list.more {
		p.Older = p.link(list.lowest)
	}
	return list.first, nil
}

// search looks at titles and bodies of roots and replies, the newest first.
func (p *boardPage) search(v *visit, before board.ArticleID) (*api.Answer, error) {
	p.Oldest = false
	words := strings.Fields(strings.ToLower(p.Query))
	list := backward{v: v, all: true, before: before, count: listCount, want: func(e *board.Entry) bool { return matches(e, words) }}
	if err := list.run(); err != nil {
		return nil, err
	}
	p.Rows = rowsOf(list.found)
	p.Looked, p.All = list.looked, !list.more
	if !list.lowest.IsZero() {
		p.Back = list.lowest.String()
	}
	if list.more {
		p.Older = p.link(list.lowest)
	}
	return list.first, nil
}

// matches reports whether every word is in the title or in the body; case does
// not matter.
func matches(e *board.Entry, words []string) bool {
	text := strings.ToLower(e.Title + "\n" + e.Body)
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}
