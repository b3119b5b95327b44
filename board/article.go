package board

import (
	"fmt"
	"unicode/utf8"
)

// The limits of an article, in bytes. They are part of the board's promise:
// every replica and every store counts on them.
const (
	TitleLenMax  = 200
	BodyLenMax   = 64 << 10
	AuthorLenMax = 64
	KeyLenMax    = 64
)

// ArticleSizeMax bounds the encoded size of one valid article.
const ArticleSizeMax = TitleLenMax + BodyLenMax + AuthorLenMax + KeyLenMax + 128

// Article is one immutable entry on the board.
type Article struct {
	ID     ArticleID
	Parent ArticleID // zero for a root
	Author string    // self-declared
	Title  string
	Body   string
	Time   int64  // when its first replica took it: Unix nanoseconds, for people, never for order
	Key    string // the idempotency key it was posted with, if any
}

// IsRoot reports whether the article starts a thread of its own.
func (a *Article) IsRoot() bool { return a.Parent.IsZero() }

// InvalidError says which part of an article breaks which limit.
type InvalidError struct {
	Part string // "title", "body", "author", "key"
	Why  string
}

func (e *InvalidError) Error() string { return e.Part + ": " + e.Why }

// Validate checks an article's texts against the limits and for valid UTF-8.
// The error, if any, is an *InvalidError.
func (a *Article) Validate() error {
	parts := []struct {
		name, text string
		lenMax     int
	}{
		{"title", a.Title, TitleLenMax},
		{"body", a.Body, BodyLenMax},
		{"author", a.Author, AuthorLenMax},
		{"key", a.Key, KeyLenMax},
	}
	for _, p := range parts {
		if len(p.text) > p.lenMax {
			return &InvalidError{p.name, fmt.Sprintf("%d bytes, the limit is %d", len(p.text), p.lenMax)}
		}
		if !utf8.ValidString(p.text) {
			return &InvalidError{p.name, "not valid UTF-8"}
		}
	}
	if a.Title == "" && a.Body == "" {
		return &InvalidError{"body", "empty, and so is the title"}
	}
	return nil
}
