package cluster

import (
	"time"

	"consequor/board"
	"consequor/replicad/host"
)

// How long it takes until a connection is made, or known to be lost.
const (
	// DetectAfter is how long nothing must come through until an end takes its
	// connection for dead. replicad/wire takes up to 7 s (its KeepAlive and
	// WriteLimit); here it is less, so that short runs get to see it.
	DetectAfter = time.Second

	redialMin = 2 * time.Millisecond // until a connection is made again
	redialMax = 60 * time.Millisecond
	newsMax   = 3 * time.Millisecond // until an end hears that it is made or lost
)

// link is what is between two replicas: at most one connection at a time, and
// each has a number.
type link struct {
	c          *Cluster
	ends       [2]end // of the lower replica, and of the higher
	random     random
	connection uint64 // 0: there is none
	made       uint64 // so many connections so far
	weather    Weather
	dialing    bool // an attempt to connect is on the agenda
}

// end is one replica's, with what is on its way to it.
type end struct {
	r     *Replica
	peer  *Replica
	of    *process      // that knows of the connection
	told  uint64        // the connection that it knows of; 0: none
	upAt  time.Duration // when it hears of the newest
	cuts  int           // that lose what is on its way to here
	since uint64        // counts the times that a first cut has begun, to tell them apart

	random random
	last   [2]time.Duration // when the newest frame arrives: messages, bulk
}

func (c *Cluster) connectAll() {
	n := len(c.replicas)
	c.links = make([]*link, n*n)
	for i, a := range c.replicas {
		for j := i + 1; j < n; j++ {
			b := c.replicas[j]
			l := &link{c: c, random: newRandom(c.Seed, forLink, uint64(a.ID), uint64(b.ID))}
			l.ends[0] = end{r: a, peer: b, random: newRandom(c.Seed, forFrames, uint64(b.ID), uint64(a.ID))}
			l.ends[1] = end{r: b, peer: a, random: newRandom(c.Seed, forFrames, uint64(a.ID), uint64(b.ID))}
			c.links[i*n+j], c.links[j*n+i] = l, l
		}
	}
}

func (c *Cluster) link(a, b board.ReplicaID) *link {
	return c.links[int(a-1)*len(c.replicas)+int(b-1)]
}

// towards is the end at a replica.
func (l *link) towards(id board.ReplicaID) *end {
	if l.ends[0].r.ID == id {
		return &l.ends[0]
	}
	return &l.ends[1]
}

// reconnectAll dials all others that run.
func (c *Cluster) reconnectAll(r *Replica) {
	for _, other := range c.replicas {
		if other != r && other.process != nil {
			c.link(r.ID, other.ID).redial()
		}
	}
}

// redial makes a connection after a while, if nothing is in its way then; when
// what is in its way ends, redial is called again.
func (l *link) redial() {
	if l.dialing || l.connection != 0 {
		return
	}
	l.dialing = true
	l.c.after(l.random.between(redialMin, redialMax), func() {
		l.dialing = false
		if l.connection == 0 && l.open() {
			l.connect()
		}
	})
}

func (l *link) open() bool {
	for i := range l.ends {
		e := &l.ends[i]
		if e.cuts > 0 || e.r.process == nil || e.r.process.paused {
			return false
		}
	}
	return true
}

func (l *link) connect() {
	l.made++
	l.connection = l.made
	for i := range l.ends {
		e := &l.ends[i]
		e.last = [2]time.Duration{}
		e.upAt = l.c.now + l.random.between(0, newsMax)
		l.news(e, e.upAt, l.made, true)
	}
}

// lose ends the connection; each end hears of it by the given times.
func (l *link) lose(at [2]time.Duration) {
	number := l.connection
	l.connection = 0
	for i := range l.ends {
		l.news(&l.ends[i], at[i], number, false)
	}
}

// news tells an end that a connection is made or lost. Ups and downs alternate:
// a down of what it never knew is none, and if the next connection is there
// before the end has missed the last, it hears of both.
func (l *link) news(e *end, at time.Duration, number uint64, up bool) {
	p := e.r.process
	if p == nil {
		return
	}
	l.c.At(at, func() {
		p.touch(func(h *host.Host) {
			switch {
			case up && l.connection == number:
				l.down(e, p, h)
				e.of, e.told = p, number
				l.c.Emit(Event{Replica: e.r.ID, Kind: LinkUp, Peer: e.peer.ID})
				h.LinkUp(e.peer.ID)
			case !up && e.told == number:
				l.down(e, p, h)
			}
		})
	})
}

func (l *link) down(e *end, p *process, h *host.Host) {
	if e.told == 0 {
		return
	}
	e.told = 0
	if e.of == p {
		l.c.Emit(Event{Replica: e.r.ID, Kind: LinkDown, Peer: e.peer.ID})
		h.LinkDown(e.peer.ID)
	}
}

// hangUp ends the connections of a process that has died. Its peers hear of it
// behind what it has sent, or not at all where a cut is in the way.
func (c *Cluster) hangUp(r *Replica) {
	for _, other := range c.replicas {
		if other == r {
			continue
		}
		l := c.link(r.ID, other.ID)
		l.towards(r.ID).told = 0
		if l.connection == 0 {
			continue
		}
		e := l.towards(other.ID)
		number := l.connection
		l.connection = 0
		at := max(c.now+l.random.between(0, newsMax), e.last[laneMessages], e.last[laneBulk])
		if e.cuts > 0 {
			at = c.now + DetectAfter
		}
		l.news(e, at, number, false)
	}
}

// isolate breaks all connections of a process that says nothing.
func (c *Cluster) isolate(r *Replica) {
	for _, other := range c.replicas {
		if other != r {
			c.link(r.ID, other.ID).detect()
		}
	}
}

// detect breaks the connection, which says nothing: both ends see it soon.
func (l *link) detect() {
	if l.connection != 0 {
		spread := DetectAfter / 10
		l.lose([2]time.Duration{l.c.now + l.random.between(0, spread), l.c.now + l.random.between(0, spread)})
	}
}

// Cut loses, from now on, all that one replica sends to another. As with a
// real network nobody is told at once: both ends see their connection break
// after a while when nothing comes through (DetectAfter). Cuts are counted:
// each needs a Heal of its own.
func (c *Cluster) Cut(from, to board.ReplicaID) {
	l := c.link(from, to)
	e := l.towards(to)
	e.cuts++
	if e.cuts > 1 {
		return
	}
	c.Emit(Event{Replica: from, Kind: Cut, Peer: to})
	e.since++
	since := e.since
	c.after(DetectAfter, func() {
		if e.cuts > 0 && e.since == since {
			l.detect()
		}
	})
}

// Heal takes back one Cut. The link comes back after a while.
func (c *Cluster) Heal(from, to board.ReplicaID) {
	l := c.link(from, to)
	e := l.towards(to)
	if e.cuts == 0 {
		return
	}
	if e.cuts--; e.cuts == 0 {
		c.Emit(Event{Replica: from, Kind: Healed, Peer: to})
		l.redial()
	}
}

// Break breaks the connection of two replicas at once, and both see it; it is
// made again after a while unless a Cut is in its way.
func (c *Cluster) Break(a, b board.ReplicaID) {
	l := c.link(a, b)
	if l.connection != 0 {
		l.lose([2]time.Duration{c.now + l.random.between(0, newsMax), c.now + l.random.between(0, newsMax)})
		l.redial()
	}
}
