package host

import (
	"fmt"
	"strings"

	"consequor/board"
)

// Describe says what a frame brings, for traces; message says what a mode's
// message means, and is empty for one that says nothing new. Then, unless the
// frame brings more than that, so is this.
func (f *Frame) Describe(message func([]byte) string) string {
	switch f.Kind {
	case kindMessage:
		return message(f.Body)
	case kindUp:
		if len(f.Body) == 1 && f.Body[0] == answerMe {
			return fmt.Sprintf("my mode runs, life %d; does yours?", f.Incarnation)
		}
		return fmt.Sprintf("my mode runs, life %d", f.Incarnation)
	case kindDown:
		return fmt.Sprintf("my mode has ended, life %d", f.Incarnation)
	case kindPull:
		if holds, rest, err := board.CutVector(f.Body); err == nil && len(rest) == 0 {
			return fmt.Sprintf("my sealed board holds %s: what has yours beyond?", holds)
		}
	case kindSpan, kindFill:
		if chunk, err := DecodeSpanChunk(f.Body); err == nil {
			return chunk.describe(message)
		}
	}
	return fmt.Sprintf("malformed %s, %d bytes", f.Kind, len(f.Body))
}

// describe is "brings 4.1 5.1 6.1; my disk holds 6.1 (beyond 3.1, up to 6.1)".
func (c *SpanChunk) describe(message func([]byte) string) string {
	text := "brings " + c.articlesInWords()
	if !c.Last {
		text += "; more follows"
	} else if len(c.Message) > 0 {
		if words := message(c.Message); words != "" {
			text += "; " + words
		}
	}
	return text + fmt.Sprintf(" (beyond %s, up to %s)", c.Since, c.UpTo)
}

func (c *SpanChunk) articlesInWords() string {
	n := len(c.Articles)
	if n == 0 {
		return "no article"
	}
	if n > namedMax {
		return fmt.Sprintf("%d articles, %s to %s", n, c.Articles[0].ID, c.Articles[n-1].ID)
	}
	ids := make([]string, n)
	for i := range ids {
		ids[i] = c.Articles[i].ID.String()
	}
	return strings.Join(ids, " ")
}

// namedMax is how many articles of a span are named one by one.
const namedMax = 6
