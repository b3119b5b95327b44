package web

import (
	"fmt"
	"net/http"
	"net/url"
	"sync"

	"consequor/board"
	"consequor/replicad/api"
)

// The limits of a thread on one page. What is beyond has a link.
const (
	repliesCount = 50  // direct replies of the article
	branchCount  = 20  // of each reply
	depthMax     = 6   // levels of replies
	branchesMax  = 250 // replies in all
	branchAskMax = 60  // replies whose own replies are asked for
	branchAsks   = 8   // at a time
)

// threadPage is one article with its parent and its thread.
type threadPage struct {
	Article  article
	Parent   *row
	Branches []*branch
	After    string // where this page of replies begins; empty: at the first
	More     string // link to further replies
	Form     *form
}

// branch is a reply with its own.
type branch struct {
	article
	id       board.ArticleID
	Depth    int
	Branches []*branch
	More     int  // own replies that are not shown; a link has them
	Failed   bool // own replies could not be had
}

// onArticle is CHOOSE.
func onArticle(v *visit) {
	id, ok := v.target()
	if !ok {
		return
	}
	f := v.newForm(replyTo(id))
	v.showThread(id, f)
}

// target is the article that the path names.
func (v *visit) target() (board.ArticleID, bool) {
	id, err := board.ParseArticleID(v.r.PathValue("id"))
	if err != nil {
		v.fail(&trouble{http.StatusNotFound, "No such article", err.Error(), "An id looks like 17, or 17.2."})
		return id, false
	}
	return id, true
}

func replyTo(id board.ArticleID) string { return "/a/" + id.String() + "/reply" }

// showThread shows an article with f beneath it.
func (v *visit) showThread(id board.ArticleID, f *form) {
	after := v.r.URL.Query().Get("after")
	answer, err := v.ask(api.Request{Verb: api.Choose, Target: id, After: after, Count: repliesCount})
	if err != nil {
		if v.trouble != nil { // the form's own trouble is worse: its words must not be lost
			v.show("post", "Reply", &postPage{Form: f}, nil)
			return
		}
		v.fail(describe(err))
		return
	}
	p := &threadPage{Article: articleOf(&answer.Article), After: after, Form: f}
	if answer.Parent != nil {
		parent := rowOf(answer.Parent)
		p.Parent = &parent
	}
	if answer.Next != "" {
		p.More = "/a/" + id.String() + "?" + url.Values{"after": {answer.Next}}.Encode() + "#replies"
	}
	t := &tree{v: v, first: answer, left: branchesMax}
	p.Branches = t.grow(answer.Articles, 1)
	t.run(p.Branches)
	v.show("thread", p.title(), p, answer)
}

func (p *threadPage) title() string { return fmt.Sprintf("%s · %s", p.Article.ID, p.Article.Title) }

// tree asks for a thread level by level, all of it at the replica and within
// what the first answer showed.
type tree struct {
	v     *visit
	first *api.Answer
	left  int // branches that may still be shown
	asked int // branches whose replies were asked for
}

func (t *tree) grow(entries []board.Entry, depth int) []*branch {
	var list []*branch
	for i := range entries[:min(len(entries), t.left)] {
		e := &entries[i]
		list = append(list, &branch{article: branchOf(e), id: e.ID, Depth: depth, More: e.Replies})
	}
	t.left -= len(list)
	return list
}

func (t *tree) run(level []*branch) {
	for depth := 1; depth < depthMax && len(level) > 0 && t.left > 0; depth++ {
		answers := t.ask(level)
		var next []*branch
		for i, b := range level {
			if answers[i] == nil {
				continue
			}
			b.Branches = t.grow(answers[i].Articles, depth+1)
			b.More = max(0, b.More-len(b.Branches))
			next = append(next, b.Branches...)
		}
		level = next
	}
}

// ask returns the answers for those of level that have replies, in its order;
// nil for those that were not asked for, or could not be had.
func (t *tree) ask(level []*branch) []*api.Answer {
	answers := make([]*api.Answer, len(level))
	slots := make(chan struct{}, branchAsks)
	var asking sync.WaitGroup
	for i, b := range level {
		if b.More == 0 || t.asked == branchAskMax {
			continue
		}
		t.asked++
		slots <- struct{}{}
		asking.Go(func() {
			defer func() { <-slots }()
			answer, err := t.v.ask(api.Request{Verb: api.Choose, Target: b.id, Replica: t.first.Replica, Count: branchCount,
				After: api.Cursor{UpTo: t.first.Token.Seen}.String()})
			if err != nil {
				b.Failed = true
				return
			}
			answers[i] = answer
		})
	}
	asking.Wait()
	return answers
}
