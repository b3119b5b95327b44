package host_test

import (
	"testing"

	"consequor/board"
	"consequor/modes"
	"consequor/replicad/host"
)

// A view answers what it covers; that an article to open is nowhere, it cannot
// say: the mode may know of a board that has it.
func TestViewAnswers(t *testing.T) {
	here, elsewhere := board.ArticleID{Seq: 2, Origin: 1}, board.ArticleID{Seq: 1, Origin: 2}
	has := func(id board.ArticleID) bool { return id == here }
	on := host.View{Epoch: 3, Guarantee: "a promise", Board: board.Vector{here}}
	off := on
	off.Guarantee = ""
	token := func(epoch uint64, seen ...board.ArticleID) board.Token {
		return board.Token{Cluster: "test", Epoch: epoch, Seen: seen}
	}
	for _, c := range []struct {
		what    string
		view    host.View
		request host.Request
		want    bool
	}{
		{"a read", on, host.Request{Verb: modes.VerbRead}, true},
		{"a read, local reads off", off, host.Request{Verb: modes.VerbRead}, false},
		{"a fresh read", on, host.Request{Verb: modes.VerbRead, Fresh: true}, false},
		{"a session that is covered", on, host.Request{Verb: modes.VerbRead, Token: token(3, here)}, true},
		{"a session that is not", on, host.Request{Verb: modes.VerbRead, Token: token(3, elsewhere)}, false},
		{"a session of a later epoch", on, host.Request{Verb: modes.VerbRead, Token: token(4)}, false},
		{"a session of another cluster", on, host.Request{Verb: modes.VerbRead, Token: board.Token{Cluster: "other", Epoch: 1}}, false},
		{"an article that is here", on, host.Request{Verb: modes.VerbChoose, Target: here}, true},
		{"an article in a hole below what is here", on, host.Request{Verb: modes.VerbChoose, Target: board.ArticleID{Seq: 1, Origin: 1}}, false},
		{"an article that is not here", on, host.Request{Verb: modes.VerbChoose, Target: elsewhere}, false},
		{"a post", on, host.Request{Verb: modes.VerbPost}, false},
		{"a sync", on, host.Request{Verb: modes.VerbSync}, false},
	} {
		if got := c.view.Answers(&c.request, "test", has); got != c.want {
			t.Errorf("%s: answered from the view: %v, want %v", c.what, got, c.want)
		}
	}
}
