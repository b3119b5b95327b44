package originlog

import (
	"fmt"
	"time"

	"consequor/board"
	"consequor/modes"
)

// behindInterval is how often a change of nothing but "behind" is reported.
const behindInterval = 250 * time.Millisecond

// statusKeeper remembers what was reported, and how far this replica has caught
// up.
type statusKeeper struct {
	reported modes.Status
	at       time.Duration
	target   board.Vector // what enough replicas held when they were first heard
	met      bool         // target is set
	caughtUp bool         // the board covers it; true for the rest of this life
}

// catchUp brings here what the others held when they were first heard.
func (l *Log) catchUp() {
	s := &l.status
	if s.caughtUp {
		return
	}
	told, known := 1, l.board
	for _, p := range l.peers {
		if p.told {
			told++
			known = known.Join(p.known)
		}
	}
	if !s.met && told >= l.config.Heard {
		s.met, s.target = true, known
	}
	alone := l.started + l.config.Alone
	switch {
	case s.met && l.board.Covers(s.target):
		s.caughtUp = true
	case s.met:
		l.Fetch(s.target, false)
	case l.config.Alone > 0 && l.now >= alone:
		s.caughtUp = true
	case l.config.Alone > 0:
		l.wake(alone)
	}
}

// report tells the status when it has changed.
func (l *Log) report() {
	s := &l.status
	now := l.currentStatus()
	if l.ended || now == s.reported {
		return
	}
	same := now
	same.Behind = s.reported.Behind
	if due := s.at + behindInterval; same == s.reported && l.now < due {
		l.wake(due)
		return
	}
	s.reported, s.at = now, l.now
	l.out.Report(now)
}

func (l *Log) currentStatus() modes.Status {
	return modes.Status{
		Role:     modes.RolePeer,
		Behind:   lacking(l.board, l.told),
		Joined:   l.Reachable() >= l.config.Contact,
		CaughtUp: l.status.caughtUp,
		Waiting:  l.waitsFor(),
	}
}

// waitsFor says in words what keeps this replica from its promise.
func (l *Log) waitsFor() string {
	alone := l.config.Alone > 0 && l.status.caughtUp
	switch {
	case l.Reachable() < l.config.Contact && !alone:
		return fmt.Sprintf("%s (%d of %d)", l.config.Enough, l.Reachable(), l.config.Contact)
	case !l.status.caughtUp:
		return "what was posted before it came"
	}
	return ""
}
