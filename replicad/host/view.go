package host

import (
	"consequor/board"
	"consequor/modes"
)

// View is what lets a driver answer a read without the mode: see
// modes.LocalReads.
type View struct {
	Epoch     uint64
	Mode      string // of that epoch
	Guarantee string // empty: the mode must be asked
	Board     board.Vector
	Behind    uint64
}

// Answers reports whether a request can be answered from the view alone, on a
// cluster of that id. has tells whether an article is on the board: that there
// is none, only the mode may say, which first looks further.
func (v *View) Answers(r *Request, cluster string, has func(board.ArticleID) bool) bool {
	switch {
	case v.Guarantee == "", r.Fresh, r.Token.Epoch > v.Epoch, !v.Board.Covers(r.Token.Seen):
		return false
	case r.Token.Cluster != "" && r.Token.Cluster != cluster:
		return false
	case r.Verb == modes.VerbChoose:
		return v.Board.Has(r.Target) && has(r.Target)
	}
	return r.Verb == modes.VerbRead
}

// Answer is the answer to a request that the view Answers.
func (v *View) Answer() Answer {
	return Answer{Outcome: OK, Epoch: v.Epoch, Mode: v.Mode, Board: v.Board, Guarantee: v.Guarantee, Behind: v.Behind}
}
