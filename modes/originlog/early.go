package originlog

import (
	"consequor/board"
	"consequor/mutants"
)

// Articles that do not go by spans. A host sends a span only when all in it is
// on disk, and its receiver's mode hears of it only when it is on disk there. To
// leave out one of these two rules, a mutant has to bring what was minted to its
// peers by messages of its own.
//
//	M21  r1 mints 5.1 and sends it at once. r2 stores it; r1 crashes before 5.1
//	     is on its disk, and then gives out 5.1 again.
//	M22  r1 mints 5.1, and sends it when it is on its disk. r2 stores it, and
//	     says at once that it has it. r1 acknowledges; r2 crashes before 5.1 is
//	     on its disk. A read that asks r2 and r3 does not find it.

// messageEarly is one article that was minted, and what the board of its origin
// held before it.
const messageEarly byte = 0xff

func appendEarly(dst []byte, before board.Vector, a *board.Article) []byte {
	dst = append(dst, messageEarly)
	dst = board.AppendVector(dst, before)
	return board.AppendArticle(dst, a)
}

// mintedEarly sends an article that was just minted to everybody, if a mutant
// wants that.
func (l *Log) mintedEarly(before board.Vector, a *board.Article) {
	for _, p := range l.peers {
		switch {
		case !p.connected:
		case l.mutant == mutants.M21: // it may not be on this disk yet
			l.out.SendNow(p.id, appendEarly(nil, before, a))
		case l.mutant == mutants.M22:
			l.out.Send(p.id, appendEarly(nil, before, a))
		}
	}
}

// onEarly stores an article that came so, unless something before it is missing.
func (l *Log) onEarly(before board.Vector, a board.Article) {
	if l.board.Has(a.ID) || !l.board.Covers(before) || l.leaving.sealWanted {
		return
	}
	l.out.Store(a)
	l.grow(l.board.With(a.ID))
	l.keys.add(board.KeyedID{ID: a.ID, Key: a.Key})
	if p := l.peer(a.ID.Origin); p != nil {
		p.learn(p.known.Join(part(l.board, p.id)))
		told := appendHave(nil, have{board: l.board})
		if l.mutant == mutants.M22 { // it may not be on this disk yet
			l.out.SendNow(p.id, told)
		} else {
			l.out.Send(p.id, told)
		}
	}
}
