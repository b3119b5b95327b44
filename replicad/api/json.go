package api

import (
	"time"

	"consequor/board"
)

// What answers look like as JSON, on the command line and over HTTP. The fields
// are fixed; others may be added.

// ServedJSON is what every answer says of where it came from and what it is worth.
type ServedJSON struct {
	Replica   string   `json:"replica"`
	Mode      string   `json:"mode"`
	Epoch     uint64   `json:"epoch"`
	Applied   uint64   `json:"applied"`
	Known     uint64   `json:"known"`
	Guarantee string   `json:"guarantee"`
	Asked     []string `json:"asked"`
	Missed    []string `json:"missed"`
	Token     string   `json:"token"` // of this answer alone: since goes on from it
}

// Served is the JSON of where a came from.
func (a *Answer) Served() ServedJSON {
	return ServedJSON{a.Replica, a.Mode, a.Epoch, a.Applied, a.Known, a.Guarantee, OrEmpty(a.Asked), OrEmpty(a.Missed), a.Token.String()}
}

// OrEmpty makes a list that JSON shows as [] and not as null.
func OrEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// ArticleJSON is an article.
type ArticleJSON struct {
	ID      string  `json:"id"`
	Parent  *string `json:"parent"` // null for a root
	Author  string  `json:"author"`
	Title   string  `json:"title"`
	Body    string  `json:"body"`
	Time    string  `json:"time"` // RFC 3339, UTC
	Replies int     `json:"replies"`
}

// JSONOf is the JSON of an article.
func JSONOf(e *board.Entry) ArticleJSON {
	a := ArticleJSON{ID: e.ID.String(), Author: e.Author, Title: e.Title, Body: e.Body, Replies: e.Replies}
	a.Time = time.Unix(0, e.Time).UTC().Format(time.RFC3339Nano)
	if !e.IsRoot() {
		parent := e.Parent.String()
		a.Parent = &parent
	}
	return a
}

// JSONOfAll is the JSON of a list of articles.
func JSONOfAll(entries []board.Entry) []ArticleJSON {
	all := make([]ArticleJSON, len(entries))
	for i := range entries {
		all[i] = JSONOf(&entries[i])
	}
	return all
}
