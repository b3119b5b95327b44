package originlog

import (
	"fmt"

	"consequor/board"
	"consequor/modes"
)

// OnReceive takes a message, and what came with it.
func (l *Log) OnReceive(e modes.Receive) {
	if e.Span != nil {
		l.onSpan(e.From, e.Span)
	}
	if e.From == l.self { // recall's answer: the span says it all
		return
	}
	p := l.peer(e.From)
	r := board.Reader{Rest: e.Message}
	if p != nil {
		p.silent = false
	}
	if p == nil || !l.onMessage(p, &r, e.Span != nil && e.Span.Gap) {
		l.Note("a malformed message from %s", e.From)
	}
}

func (l *Log) onMessage(p *peer, r *board.Reader, gap bool) bool {
	switch r.Byte() {
	case messageAsk:
		if a := cutAsk(r); r.End() {
			l.onAsk(p, a)
		}
	case messageHave:
		if h := cutHave(r); r.End() {
			l.onHave(p, h, gap)
		}
	case messagePush:
		if push := cutPush(r); r.End() {
			l.onPush(p, push)
		}
	case messageForward:
		if f := cutForward(r); r.End() {
			l.onForward(p, &f)
		}
	case messageDone:
		if d := cutDone(r); r.End() {
			l.onDone(d)
		}
	case messageUnknown:
		if u := cutUnknown(r); r.End() {
			l.onUnknown(u)
		}
	case messageEarly:
		if before, a := r.Vector(), r.Article(); l.tampers() && r.End() {
			l.onEarly(before, a)
		} else {
			r.Fail()
		}
	default:
		r.Fail()
	}
	return r.End()
}

// onSpan notes what a peer's board has added to this one. In a gap nothing was,
// but the board may have grown otherwise.
func (l *Log) onSpan(from board.ReplicaID, s *modes.Span) {
	l.checkOwn(from, s.Board)
	if grown := l.board.Join(s.Board); !grown.Equal(l.board) {
		l.grow(grown)
		l.spreads.untold = true
		for _, last := range grown { // what a replica has minted was on its disk before anybody heard of it
			if p := l.peer(last.Origin); p != nil {
				p.learn(p.known.With(last))
			}
		}
	}
	for _, k := range s.Keys {
		l.keys.add(k)
	}
	l.brought += s.Count
}

// OnTimer runs when something is due; what that is, Finish finds out.
func (l *Log) OnTimer(name string) {
	if name == timerWake {
		l.wakeOn = false
	}
}

// OnPeerUp greets a peer, asks it what others were asked, and sends it again
// what it may have missed.
func (l *Log) OnPeerUp(id board.ReplicaID) {
	if p := l.peer(id); p != nil {
		p.up()
		l.spreads.chosen = false
		l.askToo(p)
	}
}

// OnPeerDown gives up what is on its way to a peer. What its disk holds stays
// true.
func (l *Log) OnPeerDown(id board.ReplicaID) {
	if p := l.peer(id); p != nil {
		p.down()
		l.spreads.chosen = false
	}
}

// checkOwn ends this replica when another has articles of it that it does not
// know itself: its disk is not what it was, and it would give out ids twice.
func (l *Log) checkOwn(from board.ReplicaID, v board.Vector) {
	if got, own := v.Seq(l.self), l.board.Seq(l.self); got > own && !l.ended {
		l.Halt(fmt.Sprintf("%s has articles of %s up to %d.%d, and this disk up to %d: it has lost what was on it", from, l.self, got, l.self, own))
	}
}
