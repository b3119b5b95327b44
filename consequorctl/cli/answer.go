package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"consequor/board"
	"consequor/replicad/api"
)

// served is what every answer says of where it came from and what it is worth.
type served struct {
	Replica   string   `json:"replica"`
	Mode      string   `json:"mode"`
	Epoch     uint64   `json:"epoch"`
	Applied   uint64   `json:"applied"`
	Known     uint64   `json:"known"`
	Guarantee string   `json:"guarantee"`
	Asked     []string `json:"asked"`
	Missed    []string `json:"missed"`
	Token     string   `json:"token"`
}

func servedBy(a *api.Answer) served {
	return served{a.Replica, a.Mode, a.Epoch, a.Applied, a.Known, a.Guarantee, orEmpty(a.Asked), orEmpty(a.Missed), a.Token.String()}
}

// orEmpty makes a list that JSON shows as [] and not as null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// line is the dim last line of an answer on a terminal:
//
//	r2 · quorum · epoch 4 · behind by 0 · regular · asked r1, r3 · without r3
func (s served) line() string {
	parts := []string{s.Replica, s.Mode, fmt.Sprintf("epoch %d", s.Epoch)}
	if s.Known > s.Applied {
		parts = append(parts, fmt.Sprintf("behind by %d", s.Known-s.Applied))
	} else {
		parts = append(parts, "behind by 0")
	}
	if s.Guarantee != "" {
		parts = append(parts, s.Guarantee)
	}
	if len(s.Asked) > 0 {
		parts = append(parts, "asked "+strings.Join(s.Asked, ", "))
	}
	if len(s.Missed) > 0 {
		parts = append(parts, "without "+strings.Join(s.Missed, ", "))
	}
	return inertLine(strings.Join(parts, " · "))
}

// shownArticle is an article as JSON has it.
type shownArticle struct {
	ID      string  `json:"id"`
	Parent  *string `json:"parent"` // null for a root
	Author  string  `json:"author"`
	Title   string  `json:"title"`
	Body    string  `json:"body"`
	Time    string  `json:"time"` // RFC 3339, UTC
	Replies int     `json:"replies"`
}

func shown(e *board.Entry) shownArticle {
	a := shownArticle{ID: e.ID.String(), Author: e.Author, Title: e.Title, Body: e.Body, Replies: e.Replies}
	a.Time = time.Unix(0, e.Time).UTC().Format(time.RFC3339Nano)
	if !e.IsRoot() {
		parent := e.Parent.String()
		a.Parent = &parent
	}
	return a
}

func shownAll(entries []board.Entry) []shownArticle {
	all := make([]shownArticle, len(entries))
	for i := range entries {
		all[i] = shown(&entries[i])
	}
	return all
}

// The width of a line in a list of articles, in characters.
const (
	listTitleMax  = 72
	listAuthorMax = 16
)

// printList prints articles, one a line:
//
//	3  alice  First  (2 replies)
//	4  bob    re 3: what a title is when there is none
func printList(w io.Writer, articles []shownArticle, short bool) {
	idWidth, authorWidth := 0, 0
	for _, a := range articles {
		idWidth = max(idWidth, len(a.ID))
		authorWidth = max(authorWidth, len([]rune(listAuthor(a))))
	}
	for _, a := range articles {
		if short {
			fmt.Fprintln(w, a.ID)
			continue
		}
		fmt.Fprintf(w, "%*s  %-*s  %s%s\n", idWidth, a.ID, authorWidth, listAuthor(a), listTitle(a), replyCount(a.Replies))
	}
}

func listAuthor(a shownArticle) string { return cut(inertLine(cmp.Or(a.Author, "-")), listAuthorMax) }

// listTitle stands in with the body's first line when there is no title.
func listTitle(a shownArticle) string {
	title := a.Title
	if title == "" {
		title, _, _ = strings.Cut(strings.TrimSpace(a.Body), "\n")
	}
	title = cut(inertLine(title), listTitleMax)
	if a.Parent != nil {
		return "re " + *a.Parent + ": " + title
	}
	return title
}

func replyCount(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return "  (1 reply)"
	}
	return fmt.Sprintf("  (%d replies)", n)
}

// counted is a number with its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func cut(text string, max int) string {
	runes := []rune(text)
	if len(runes) <= max {
		return text
	}
	return string(runes[:max-1]) + "…"
}

// toTheSecond shortens a time for a person to read; it is in UTC.
func toTheSecond(utc string) string {
	if whole, _, fraction := strings.Cut(utc, "."); fraction {
		return whole + "Z"
	}
	return utc
}

// printArticle prints one article in full.
func printArticle(w io.Writer, a shownArticle) {
	fmt.Fprintf(w, "%s  %s\n", a.ID, cmp.Or(inertLine(a.Title), "(no title)"))
	fmt.Fprintf(w, "by %s, %s\n", cmp.Or(inertLine(a.Author), "-"), toTheSecond(a.Time))
	if a.Body != "" {
		fmt.Fprintf(w, "\n%s\n", strings.TrimSuffix(inertLines(a.Body), "\n"))
	}
}
