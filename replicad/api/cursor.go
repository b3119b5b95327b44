package api

import (
	"fmt"
	"strings"

	"consequor/board"
)

// Cursor is where a listing goes on: above one article, and within what the
// first page's replica held, so that pages fit together while the board grows.
//
//	17          above article 17, no bound
//	17@40,3.1   above article 17, within the vector 40,3.1
type Cursor struct {
	After board.ArticleID // zero: from the first
	UpTo  board.Vector    // nil: whatever the board holds
}

// String writes the cursor; the zero Cursor is the empty string.
func (c Cursor) String() string {
	after := ""
	if !c.After.IsZero() {
		after = c.After.String()
	}
	if c.UpTo == nil {
		return after
	}
	return after + "@" + c.UpTo.String()
}

// ParseCursor reads what String writes, and so also a plain article id.
func ParseCursor(text string) (Cursor, error) {
	var c Cursor
	afterText, upToText, bounded := strings.Cut(text, "@")
	if afterText != "" {
		after, err := board.ParseArticleID(afterText)
		if err != nil {
			return Cursor{}, err
		}
		c.After = after
	}
	if bounded {
		upTo, err := board.ParseVector(upToText)
		if err != nil {
			return Cursor{}, fmt.Errorf("cursor %q: %w", text, err)
		}
		c.UpTo = upTo
	}
	return c, nil
}
