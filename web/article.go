package web

import (
	"cmp"
	"html/template"
	"strings"
	"time"
	"unicode/utf8"

	"consequor/board"
)

// row is an article as a list shows it.
type row struct {
	ID      string
	Parent  string // empty for a root
	Author  string
	Title   string // or what stands for one
	Snippet string // of the body, where the title does not show it
	Time    string // for machines
	When    string // for people
	Replies int
}

// How much of a text a list shows, in characters.
const (
	titleShown   = 140
	snippetShown = 160
)

func rowOf(e *board.Entry) row {
	at := time.Unix(0, e.Time).UTC()
	r := row{ID: e.ID.String(), Author: cmp.Or(e.Author, "-"), Time: at.Format(time.RFC3339), When: at.Format("2006-01-02 15:04"), Replies: e.Replies}
	if !e.IsRoot() {
		r.Parent = e.Parent.String()
	}
	text := strings.Join(strings.Fields(cutBytes(e.Body, 4*snippetShown)), " ")
	r.Title = cut(strings.Join(strings.Fields(e.Title), " "), titleShown)
	if r.Title == "" {
		r.Title = cut(text, titleShown)
	} else {
		r.Snippet = cut(text, snippetShown)
	}
	r.Title = cmp.Or(r.Title, "(no words)")
	return r
}

func rowsOf(entries []board.Entry) []row {
	rows := make([]row, len(entries))
	for i := range entries {
		rows[i] = rowOf(&entries[i])
	}
	return rows
}

func cut(text string, max int) string {
	if utf8.RuneCountInString(text) <= max {
		return text
	}
	return string([]rune(text)[:max-1]) + "…"
}

// cutBytes cuts a text between two characters.
func cutBytes(text string, max int) string {
	if len(text) <= max {
		return text
	}
	for max > 0 && !utf8.RuneStart(text[max]) {
		max--
	}
	return text[:max]
}

// article is one with its body.
type article struct {
	row
	Whole string // the title, as it is; empty: none
	Body  template.HTML
	Cut   bool // Body is the beginning only
}

func articleOf(e *board.Entry) article {
	return article{row: rowOf(e), Whole: e.Title, Body: theMarkdown().render(e.Body)}
}

// branchBodyMax is how long a body may be that a thread shows whole, in bytes.
const branchBodyMax = 4 << 10

// branchOf is a reply within a thread: a long one has a page of its own.
func branchOf(e *board.Entry) article {
	if len(e.Body) <= branchBodyMax {
		return articleOf(e)
	}
	return article{row: rowOf(e), Whole: e.Title, Body: plain(cutBytes(e.Body, branchBodyMax/4) + " …"), Cut: true}
}
