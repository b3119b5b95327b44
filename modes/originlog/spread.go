package originlog

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"consequor/board"
)

// The pace of spreading.
const (
	slowPause  = 100 * time.Millisecond // before a peer gets what is not waited for; and up to twice that
	tellPause  = 50 * time.Millisecond  // before others are told what a span has brought
	greetAgain = 500 * time.Millisecond // a greeting without an answer
	pullAgain  = 500 * time.Millisecond // a pull without an answer; doubles, as spans may be large ...
	pullMax    = 8 * time.Second        // ... up to this
	pullPause  = 100 * time.Millisecond // after one that was answered
	pushAgain  = 500 * time.Millisecond // a push without an answer; doubles, as spans may be large ...
	pushMax    = 8 * time.Second        // ... up to this
	largeAgain = 2 * time.Second        // either, from the first, when one is far behind the other
)

// peer is what is known of another replica.
type peer struct {
	id        board.ReplicaID
	near      bool // what it lacks is pushed to it from here: see choose
	pushes    bool // likewise from there, while all are connected
	connected bool
	ups       int           // how often it has come up
	known     board.Vector  // on its disk; only grows
	grewAt    time.Duration // when it last did, by its own word
	compared  uint64        // the growth of this board at which it was compared with known; 0: not since known grew
	even      bool          // known covered it then
	heard     bool          // it has told since it came up
	silent    bool          // it has let a round's whole patience pass, and said nothing since
	told      bool          // it has told in this life
	merges    bool          // a sync waits for it, in this step

	greetAt  time.Duration // not before
	push     uint64        // number of the push under way; 0: none
	pushEnds time.Duration
	pushWait time.Duration // how long the next one may take
	pushAt   time.Duration // not before
	lacksAt  time.Duration // since when it is known to lack something; 0: it is not
	slow     time.Duration // how long that may last
	pull     uint64        // number of the pull under way; 0: none
	pullEnds time.Duration
	pullWait time.Duration // how long the next one may take
	pullAt   time.Duration // not before
	gave     uint64        // number of the last pull that it answered, and whose span was taken
}

func (p *peer) up() {
	p.connected, p.heard, p.silent = true, false, false
	p.ups++
	p.greetAt, p.push, p.pushAt, p.pushWait, p.lacksAt = 0, 0, 0, pushAgain, 0
	p.pull, p.pullAt, p.pullWait = 0, 0, pullAgain
}

// learn takes a vector that covers what was known.
func (p *peer) learn(known board.Vector) { p.known, p.compared = known, 0 }

func (p *peer) down() { p.connected, p.push, p.pull = false, 0, 0 }

// spreading is what this replica has to push and to tell.
type spreading struct {
	wanted   board.Vector  // somebody waits for this to be on more disks
	chosen   bool          // who is near was settled since connections changed
	everyone bool          // all are, here as elsewhere: others' articles need not be passed on at once
	untold   bool          // spans have brought something of which those that push here were not told
	tellAt   time.Duration // when they are; 0: not set
}

// near lists those that a replica pushes to: all others that are connected, up
// to mesh replicas; in a larger cluster those at the distances 1, 2, 4, 8 ...
// around the ring, and everyone passes on what it gets. Who is not connected is
// stood in for by the next one that is: so whoever is left gets everything.
func near(from board.ReplicaID, replicas []board.ReplicaID, mesh int, connected func(board.ReplicaID) bool) []board.ReplicaID {
	var found []board.ReplicaID
	n, at := len(replicas), slices.Index(replicas, from)
	for distance := 1; distance < n; distance++ {
		due := n <= mesh || distance >= 1<<len(found)
		if id := replicas[(at+distance)%n]; due && connected(id) {
			found = append(found, id)
		}
	}
	return found
}

// choose settles whom this replica pushes to, when connections have changed. Of
// who is chosen anew it asks first what that has by now.
func (l *Log) choose() {
	l.spreads.chosen = true
	ids := near(l.self, l.replicas, l.limits.mesh, func(id board.ReplicaID) bool { return l.peer(id).connected })
	l.spreads.everyone = l.toEveryone(ids)
	for _, p := range l.peers {
		chosen := l.spreads.everyone || contains(ids, p.id)
		if chosen && !p.near {
			p.heard, p.greetAt = false, 0
		}
		p.near = chosen
	}
}

// toEveryone reports whether a replica for which these are near pushes to all
// others all the same: it is told to, or they are all, or too few disks.
func (l *Log) toEveryone(near []board.ReplicaID) bool {
	return l.config.Everyone || len(l.replicas) <= l.limits.mesh || 1+len(near) < l.config.Copies
}

// spread greets who was not heard yet, pushes to others what they lack, and tells
// those that push here what has come from elsewhere.
func (l *Log) spread() {
	if !l.spreads.chosen {
		l.choose()
	}
	for _, p := range l.peers {
		switch {
		case !p.connected:
		case !p.heard:
			l.greet(p)
		case p.push != 0 && l.now < p.pushEnds:
			l.wake(p.pushEnds)
		case p.near || p.merges:
			l.pushTo(p)
		}
	}
	l.tell()
}

func (l *Log) greet(p *peer) {
	if p.greetAt <= l.now {
		p.greetAt = l.now + greetAgain
		l.out.SendNow(p.id, appendAsk(nil, ask{l.incarnation, 0, false, l.board}))
	}
	l.wake(p.greetAt)
}

// pushTo pushes to a peer what it lacks: at once when somebody waits for it, or
// it comes on no other way, else a while later, when it may have come from
// another side.
func (l *Log) pushTo(p *peer) {
	p.push = 0
	if l.isEven(p) {
		p.lacksAt = 0
		return
	}
	if p.lacksAt == 0 {
		p.lacksAt, p.slow = l.now, slowPause+time.Duration(l.random.Int64N(int64(slowPause)))
	}
	due := p.lacksAt + p.slow
	if !p.known.Covers(l.spreads.wanted) || !l.spreads.everyone {
		due = p.pushAt
	}
	if due > l.now {
		l.wake(due)
		return
	}
	l.number++
	p.push, p.lacksAt = l.number, 0
	if lacking(p.known, l.board) >= l.limits.farBehind {
		p.pushWait = max(p.pushWait, largeAgain)
	}
	p.pushEnds = l.now + p.pushWait
	p.pushWait = min(2*p.pushWait, pushMax)
	l.out.SendBoard(p.id, p.known, appendPush(nil, push{l.incarnation, p.push}))
	l.wake(p.pushEnds)
}

// isEven reports whether a peer has all that this board holds. It is asked of
// each in every step, and mostly neither of the two has grown since the last.
func (l *Log) isEven(p *peer) bool {
	if p.compared != l.growth {
		p.compared, p.even = l.growth, p.known.Covers(l.board)
	}
	return p.even
}

// tell keeps others from pushing what has come already.
func (l *Log) tell() {
	s := &l.spreads
	if !s.untold {
		return
	}
	if s.tellAt == 0 {
		s.tellAt = l.now + tellPause
	}
	if l.now < s.tellAt {
		l.wake(s.tellAt)
		return
	}
	s.untold, s.tellAt = false, 0
	for _, p := range l.peers {
		if p.connected && p.pushes {
			l.out.Send(p.id, appendHave(nil, have{board: l.board}))
		}
	}
}

// onAsk answers with what this board holds, and sends what the asker's lacks if
// that was asked for.
func (l *Log) onAsk(p *peer, a ask) {
	answer := appendHave(nil, have{a.incarnation, a.number, l.board})
	if a.span && !a.board.Covers(l.board) {
		l.out.SendBoard(p.id, a.board, answer)
	} else {
		l.out.Send(p.id, answer)
	}
}

// onPush thanks for a span, or tells what this board holds so that the next one
// leaves no gap.
func (l *Log) onPush(p *peer, m push) {
	l.out.Send(p.id, appendHave(nil, have{m.incarnation, m.number, l.board}))
}

// onHave notes what is on a peer's disk, and what that answers.
func (l *Log) onHave(p *peer, h have, gap bool) {
	l.checkOwn(p.id, h.board)
	grew := !p.known.Covers(h.board)
	if grew {
		p.learn(p.known.Join(h.board))
		l.told = l.told.Join(h.board)
		p.grewAt = l.now
	}
	p.heard, p.told = true, true
	if h.number == 0 || h.incarnation != l.incarnation {
		return
	}
	switch h.number {
	case p.push:
		p.push, p.pushWait = 0, pushAgain
		if !grew { // it was not taken
			p.pushAt = l.now + slowPause
		}
	case p.pull:
		p.pull, p.pullAt, p.pullWait = 0, l.now+pullPause, pullAgain
		if !gap {
			p.gave = h.number
		}
	default:
		l.onAnswer(p.id, h, gap)
	}
}

// Fetch asks for what this board lacks of v: those that gave it its ids, and
// everybody, if that is wanted or they cannot be reached. It may be called as
// often as one likes while it is lacking.
func (l *Log) Fetch(v board.Vector, everybody bool) {
	for _, id := range v {
		if !l.board.Has(id) {
			if origin := l.peer(id.Origin); origin == nil || !origin.connected {
				everybody = true
			}
		}
	}
	for _, p := range l.peers {
		if p.connected && (everybody || v.Seq(p.id) > l.board.Seq(p.id)) {
			l.pull(p)
		}
	}
}

// pull asks one peer for what this board lacks, once at a time.
func (l *Log) pull(p *peer) {
	if p.pull != 0 && p.pullEnds <= l.now {
		p.pull = 0
	}
	switch {
	case p.pull != 0:
		l.wake(p.pullEnds)
	case p.pullAt > l.now:
		l.wake(p.pullAt)
	default:
		l.number++
		if lacking(l.board, p.known) >= l.limits.farBehind {
			p.pullWait = max(p.pullWait, largeAgain)
		}
		p.pull, p.pullEnds = l.number, l.now+p.pullWait
		p.pullWait = min(2*p.pullWait, pullMax)
		l.out.SendNow(p.id, appendAsk(nil, ask{l.incarnation, p.pull, true, l.board}))
		l.wake(p.pullEnds)
	}
}

// Missing says in words whose part of v is not here.
func (l *Log) Missing(v board.Vector) string {
	var parts []string
	for _, id := range v {
		if l.board.Has(id) {
			continue
		}
		part := fmt.Sprintf("%s's articles up to %s are not here", id.Origin, id)
		if id.Origin == board.Cluster {
			part = fmt.Sprintf("the articles up to %s are not here", id)
		}
		if p := l.peer(id.Origin); p != nil && !p.connected {
			part += fmt.Sprintf(", and %s is not connected", id.Origin)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "; ")
}
