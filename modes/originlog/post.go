package originlog

import (
	"fmt"
	"slices"

	"consequor/board"
	"consequor/modes"
)

// The way of a post: its article is here already (Adopt); or its parent must
// come first (ParentHere); or its home is elsewhere (Forward); or it is minted
// (Mint), when the mode says so. Then it waits for its copies (Adopt).

// Adopt sees to a post that has its article: it is acknowledged as soon as that
// is on enough disks. It returns false when there is none yet.
func (l *Log) Adopt(q *Request) bool {
	if q.given.IsZero() {
		id, ok := l.keys.find(q.Article.Key)
		if !ok {
			return false
		}
		l.Leave(q)
		q.given = id
	}
	switch v := (board.Vector{q.given}); {
	case l.enough(q.given):
		l.acknowledge(q, q.given, l.copies(q.given))
	case q.forwarded && l.peer(q.home).connected: // which sees to the copies, and answers
	default:
		l.want(v)
	}
	return true
}

// ParentHere reports whether a post may be minted or sent on as far as its
// parent goes: that is on the board, and known to be. A forwarded one's parent
// exists, as its asker's board has it. The host may have more than is known:
//
//  1. r3's host takes a span with 9.2 in it, which is not on its disk yet.
//  2. A reply to 9.2 comes to r3. 9.2 is looked up, and found.
//  3. Were 10.3 minted now, the board would be thought to hold 8.1 and 10.3; and
//     a read that is shown that much sees a reply without its parent.
func (l *Log) ParentHere(q *Request) bool {
	switch {
	case q.Target.IsZero():
		return true
	case q.from == l.self && !q.OnBoard: // what is not there is covered, too, where seqs have holes
	case l.board.Has(q.Target):
		q.OnBoard = true
		return true
	case q.OnBoard:
		l.recall()
	default:
		l.Fetch(board.Vector{q.Target}, true)
	}
	return false
}

// recall has the host tell what the board holds. A span does that when it is on
// disk; but one that has broken off half-way, at no time.
func (l *Log) recall() {
	if l.now >= l.recallAt {
		l.recallAt = l.now + recallAgain
		l.out.SendBoard(l.self, l.board, appendHave(nil, have{board: l.board}))
	}
	l.wake(l.recallAt)
}

// LookUpParent has the board looked at for a reply's parent, after it was
// brought up to date: if it is not there now, there is none.
func (l *Log) LookUpParent(q *Request) {
	if !q.looking {
		q.looking = true
		l.looks = append(l.looks, q)
		l.out.LookUp(q.Target)
	}
}

// OnLooked lets a reply go on whose parent is here. Of several that name one
// parent, each has its own answer: an earlier one may be from before the round
// that a later one waited for.
func (l *Log) OnLooked(e modes.Looked) {
	i := slices.IndexFunc(l.looks, func(q *Request) bool { return q.Target == e.ID })
	if i < 0 {
		return
	}
	q := l.looks[i]
	l.looks = slices.Delete(l.looks, i, i+1)
	q.looking, q.OnBoard = false, e.OnBoard
	if q.done || e.OnBoard {
		return
	}
	why := "no article " + q.Target.String()
	if len(q.Missed) > 0 {
		why += ", as far as replicas have answered: not " + Names(q.Missed)
	}
	l.End(q, modes.NotFound, why)
}

// Looking reports whether q waits for its parent to be looked up, or to be told
// what came with it.
func (l *Log) Looking(q *Request) bool { return q.looking || q.OnBoard }

// Mint gives q's article its id: one above all that is known here, and above
// least. It may find that another request has minted for that key meanwhile.
func (l *Log) Mint(q *Request, least uint64) {
	if l.leaving.sealWanted || l.leaving.stopping || q.home != l.self || !q.given.IsZero() {
		panic(fmt.Sprintf("%s is to mint for request %d of %s: sealed %v, stopping %v, home %s, given %s",
			l.self, q.ID, q.from, l.leaving.sealWanted, l.leaving.stopping, q.home, q.given))
	}
	if l.Adopt(q) {
		return
	}
	if l.tooOld(q) { // it has become so while it waited
		l.unknown(q, modes.KeyTooOld)
		return
	}
	highest := l.board.SeqMax()
	a := q.Article
	a.ID = board.ArticleID{Seq: 1 + max(highest, q.Seen.SeqMax(), q.Mark, q.Target.Seq, least), Origin: l.self}
	if a.ID.Seq <= highest {
		panic(fmt.Sprintf("%s is to mint %s, and its board holds %s", l.self, a.ID, l.board))
	}
	l.mintedEarly(l.board, &a)
	l.minted = append(l.minted, a)
	l.grow(l.board.With(a.ID))
	l.further = true
	l.keys.add(board.KeyedID{ID: a.ID, Key: a.Key})
	l.Leave(q)
	q.given = a.ID
	l.Adopt(q)
}

// ExpirePost says the last word on a post that is out of this replica's hands;
// false: it is surely not done, and the mode knows better why.
func (l *Log) ExpirePost(q *Request) bool {
	switch {
	case !q.given.IsZero():
		l.unknown(q, fmt.Sprintf("article %s is known to be on %d of the %d disks that it needs", q.given, l.copies(q.given), l.config.Copies))
	case q.from != l.self:
		l.forget(q) // its asker's deadline has passed as well
	case q.home != l.self && l.peer(q.home).connected:
		l.unknown(q, fmt.Sprintf("its home, %s, has not answered in time", q.home))
	case q.home != l.self:
		l.unknown(q, fmt.Sprintf("its home, %s, is not connected, and no copy was found", q.home))
	default:
		return false
	}
	return true
}
