package api

import (
	"cmp"
	"errors"
	"fmt"
	"unicode/utf8"

	"consequor/board"
)

// The limits of a request's parts, in bytes. One article and three tokens stay
// below what a server takes in one message (ServerOptions.MessageSizeMax).
const (
	TokenLenMax = 60 << 10 // a token or cursor: names 4,000 origins at least
	NameLenMax  = 63       // of a replica
)

// check says what is wrong with r, nil if nothing is. Client and server both
// ask: the one to spare the way, the other because it trusts nobody.
func (r *Request) check() *Error {
	err := cmp.Or(r.checkVerb(), r.checkTexts(), r.checkPlace())
	if err == nil {
		return nil
	}
	return &Error{Outcome: Refused, Kind: KindInvalid, Message: err.Error()}
}

// checkVerb checks the verb and what it cannot do without.
func (r *Request) checkVerb() error {
	switch r.Verb {
	case Read, Sync:
		return nil
	case Choose:
		return r.checkTarget()
	case Post:
		return r.checkArticle()
	case Reply:
		return cmp.Or(r.checkTarget(), r.checkArticle())
	}
	return fmt.Errorf("verb %q: want read, post, choose, reply or sync", r.Verb)
}

func (r *Request) checkTarget() error {
	if r.Target.IsZero() {
		return errors.New("target: no article is named")
	}
	return nil
}

func (r *Request) checkArticle() error {
	a := board.Article{Author: r.Author, Title: r.Title, Body: r.Body, Key: r.Key}
	return a.Validate()
}

// checkTexts bounds every text, whether the verb has a use for it or not.
func (r *Request) checkTexts() error {
	texts := [...]struct {
		name, text string
		lenMax     int
	}{
		{"replica", r.Replica, NameLenMax},
		{"author", r.Author, board.AuthorLenMax},
		{"title", r.Title, board.TitleLenMax},
		{"body", r.Body, board.BodyLenMax},
		{"key", r.Key, board.KeyLenMax},
		{"token", r.Token.Cluster, NameLenMax},
		{"after", r.After, TokenLenMax},
		{"since", r.Since, TokenLenMax},
	}
	for i := range texts {
		t := &texts[i]
		if len(t.text) > t.lenMax {
			return fmt.Errorf("%s: %d bytes, the limit is %d", t.name, len(t.text), t.lenMax)
		}
		if !utf8.ValidString(t.text) {
			return fmt.Errorf("%s: not valid UTF-8", t.name)
		}
	}
	return nil
}

// checkPlace checks where a page begins and ends.
func (r *Request) checkPlace() error {
	if r.Count < 0 {
		return fmt.Errorf("count: %d, want 0 (the default) or more", r.Count)
	}
	if id := r.Target; id.Seq == 0 && !id.IsZero() {
		return fmt.Errorf("target: article id %s: want a number from 1", id)
	}
	if _, err := ParseCursor(r.After); err != nil {
		return fmt.Errorf("after: %w", err)
	}
	if _, err := board.ParseToken(r.Since); err != nil {
		return fmt.Errorf("since: %w", err)
	}
	return nil
}
