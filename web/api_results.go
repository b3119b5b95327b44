package web

import (
	"time"

	"consequor/board"
	"consequor/replicad/api"
)

// The results, field by field those of the command line's --json, and one more:
// session.

// apiServed is what every answer says of where it came from and what it is worth.
type apiServed struct {
	Replica   string   `json:"replica"`
	Mode      string   `json:"mode"`
	Epoch     uint64   `json:"epoch"`
	Applied   uint64   `json:"applied"`
	Known     uint64   `json:"known"`
	Guarantee string   `json:"guarantee"`
	Asked     []string `json:"asked"`
	Missed    []string `json:"missed"`
	Token     string   `json:"token"`   // of this answer alone: since goes on from it
	Session   string   `json:"session"` // joined to the token that was sent: the next request's token
}

func servedFor(sent board.Token, a *api.Answer) apiServed {
	session, err := sent.Join(a.Token)
	if err != nil { // of another cluster: the replica has refused it before
		session = a.Token
	}
	return apiServed{a.Replica, a.Mode, a.Epoch, a.Applied, a.Known, a.Guarantee, orEmpty(a.Asked), orEmpty(a.Missed), a.Token.String(), session.String()}
}

// orEmpty makes a list that JSON shows as [] and not as null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

type apiArticle struct {
	ID      string  `json:"id"`
	Parent  *string `json:"parent"` // null for a root
	Author  string  `json:"author"`
	Title   string  `json:"title"`
	Body    string  `json:"body"`
	Time    string  `json:"time"` // RFC 3339, UTC
	Replies int     `json:"replies"`
}

func apiArticleOf(e *board.Entry) apiArticle {
	a := apiArticle{ID: e.ID.String(), Author: e.Author, Title: e.Title, Body: e.Body, Replies: e.Replies}
	a.Time = time.Unix(0, e.Time).UTC().Format(time.RFC3339Nano)
	if !e.IsRoot() {
		parent := e.Parent.String()
		a.Parent = &parent
	}
	return a
}

func apiArticlesOf(entries []board.Entry) []apiArticle {
	list := make([]apiArticle, len(entries))
	for i := range entries {
		list[i] = apiArticleOf(&entries[i])
	}
	return list
}

type apiListing struct {
	Articles []apiArticle `json:"articles"`
	Next     *string      `json:"next"` // null at the end
	apiServed
}

type apiChosen struct {
	Article apiArticle   `json:"article"`
	Parent  *apiArticle  `json:"parent"` // null for a root
	Replies []apiArticle `json:"replies"`
	Next    *string      `json:"next"` // of the replies; null at the end
	apiServed
}

type apiWritten struct {
	ID  string `json:"id"`
	Key string `json:"key"`
	apiServed
	Copies int `json:"copies"` // on how many disks it is known to be
}

type apiSynced struct {
	Reached []string `json:"reached"`
	Count   int      `json:"count"` // articles that it brought
	apiServed
}

func nextOf(a *api.Answer) *string {
	if a.Next == "" {
		return nil
	}
	return &a.Next
}
