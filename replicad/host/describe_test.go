package host

import (
	"testing"

	"consequor/board"
)

// What hosts say to each other, in words.
func TestDescribe(t *testing.T) {
	words := func(message []byte) string { return string(message) }
	articles := make([]board.Article, namedMax+1)
	for i := range articles {
		articles[i].ID = board.ArticleID{Seq: uint64(4 + i)}
	}
	span := func(n int, last bool, message string) []byte {
		c := SpanChunk{Since: board.Vector{{Seq: 3}}, UpTo: board.Vector{{Seq: uint64(3 + n)}}, Articles: articles[:n], Last: last, Message: []byte(message)}
		return c.Encode()
	}
	for want, f := range map[string]Frame{
		"have 7":                                              {Kind: kindMessage, Body: []byte("have 7")},
		"":                                                    {Kind: kindMessage},
		"my mode runs, life 2":                                {Kind: kindUp, Incarnation: 2},
		"my mode runs, life 2; does yours?":                   {Kind: kindUp, Incarnation: 2, Body: []byte{answerMe}},
		"my mode has ended, life 2":                           {Kind: kindDown, Incarnation: 2},
		"malformed pull, 1 bytes":                             {Kind: kindPull, Body: []byte{9}},
		"malformed span, 0 bytes":                             {Kind: kindSpan},
		"brings no article (beyond 3, up to 3)":               {Kind: kindFill, Body: span(0, true, "")},
		"brings 4 5; a (beyond 3, up to 5)":                   {Kind: kindSpan, Body: span(2, true, "a")},
		"brings 4 (beyond 3, up to 4)":                        {Kind: kindSpan, Body: span(1, true, "")},
		"brings 4; more follows (beyond 3, up to 4)":          {Kind: kindSpan, Body: span(1, false, "")},
		"brings 7 articles, 4 to 10; b (beyond 3, up to 10)":  {Kind: kindSpan, Body: span(7, true, "b")},
		"my sealed board holds 7,2.1: what has yours beyond?": {Kind: kindPull, Body: board.AppendVector(nil, board.Vector{{Seq: 7}, {Seq: 2, Origin: 1}})},
	} {
		if got := f.Describe(words); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
