package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"consequor/replicad/api"
)

// served is what every answer says of where it came from and what it is worth.
type served struct{ api.ServedJSON }

func servedBy(a *api.Answer) served { return served{a.Served()} }

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

// The width of a line in a list of articles, in characters.
const (
	listTitleMax  = 72
	listAuthorMax = 16
)

// printList prints articles, one a line:
//
//	3  alice  First  (2 replies)
//	4  bob    re 3: what a title is when there is none
func printList(w io.Writer, articles []api.ArticleJSON, short bool) {
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

func listAuthor(a api.ArticleJSON) string {
	return cut(inertLine(cmp.Or(a.Author, "-")), listAuthorMax)
}

// listTitle stands in with the body's first line when there is no title.
func listTitle(a api.ArticleJSON) string {
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
func printArticle(w io.Writer, a api.ArticleJSON) {
	fmt.Fprintf(w, "%s  %s\n", a.ID, cmp.Or(inertLine(a.Title), "(no title)"))
	fmt.Fprintf(w, "by %s, %s\n", cmp.Or(inertLine(a.Author), "-"), toTheSecond(a.Time))
	if a.Body != "" {
		fmt.Fprintf(w, "\n%s\n", strings.TrimSuffix(inertLines(a.Body), "\n"))
	}
}
