package web

import (
	"consequor/board"
	"consequor/replicad/api"
)

// The results, field by field those of the command line's --json, and one more:
// session.

// apiServed is what every answer says of where it came from, and the session that
// it leads to.
type apiServed struct {
	api.ServedJSON
	Session string `json:"session"` // joined to the token that was sent: the next request's token
}

func servedFor(sent board.Token, a *api.Answer) apiServed {
	session, err := sent.Join(a.Token)
	if err != nil { // of another cluster: the replica has refused it before
		session = a.Token
	}
	return apiServed{a.Served(), session.String()}
}

type apiListing struct {
	Articles []api.ArticleJSON `json:"articles"`
	Next     *string           `json:"next"` // null at the end
	apiServed
}

type apiChosen struct {
	Article api.ArticleJSON   `json:"article"`
	Parent  *api.ArticleJSON  `json:"parent"` // null for a root
	Replies []api.ArticleJSON `json:"replies"`
	Next    *string           `json:"next"` // of the replies; null at the end
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
