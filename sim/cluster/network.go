package cluster

import (
	"fmt"
	"time"

	"consequor/board"
	"consequor/replicad/host"
)

// The lanes of a connection: frames on one are in order.
const (
	laneMessages = iota
	laneBulk
)

const (
	wireMin = 50 * time.Microsecond // of a frame's way

	// inFlightMax bounds a process's frames that wait while it stands still.
	inFlightMax = 4096
)

// SetWeather changes what all links do to frames.
func (c *Cluster) SetWeather(w Weather) {
	for i, l := range c.links {
		if l != nil && i/len(c.replicas) < i%len(c.replicas) {
			l.weather = w
		}
	}
	c.emitf(0, Noted, "all links: %s", w)
}

// SetLinkWeather changes what one does.
func (c *Cluster) SetLinkWeather(a, b board.ReplicaID, w Weather) {
	c.link(a, b).weather = w
	if c.Trace != nil {
		c.Emit(Event{Replica: a, Peer: b, Kind: Noted, Text: fmt.Sprintf("the link to %s: %s", b, w)})
	}
}

// Send implements host.Network.
func (p *process) Send(f host.Frame) { p.send(&f, laneMessages) }

// SendSpan implements host.Network; perhaps not all of its chunks get away.
func (p *process) SendSpan(to board.ReplicaID, header host.Frame, since, upTo board.Vector, message []byte) {
	l := p.r.c.link(p.r.ID, to)
	for _, chunk := range p.r.disk.span(since, upTo, message) {
		if l.towards(to).random.perMille(l.weather.CutSpans) {
			p.r.c.emitf(p.r.ID, Noted, "the span to %s breaks off at %s", to, chunk.Since)
			return
		}
		f := header
		f.To, f.Body = to, chunk.Encode()
		p.send(&f, laneBulk)
	}
}

// send brings a frame on its way.
func (p *process) send(f *host.Frame, lane int) {
	c := p.r.c
	l := c.link(f.From, f.To)
	e := l.towards(f.To)
	c.frames++
	words := p.words(f)
	c.tell(Sent, f.From, f.To, words)
	// Both are drawn in any case, so that one cut more changes little.
	lost, twice := e.random.perMille(l.weather.Loss), e.random.perMille(l.weather.Double)
	known := l.towards(f.From).told
	if lost || e.cuts > 0 || known == 0 || known != l.connection {
		c.tell(Lost, f.To, f.From, words)
		return
	}
	frame := *f
	l.carry(e, &frame, words, lane)
	if twice {
		l.carry(e, &frame, words, lane)
	}
}

// carry lets a frame arrive.
func (l *link) carry(e *end, f *host.Frame, words *words, lane int) {
	c := l.c
	at := max(c.now+l.weather.Delay+e.random.between(wireMin, c.WireMax), e.upAt)
	if e.random.perMille(l.weather.Late) {
		at += e.random.between(0, l.weather.LateMax)
	} else {
		at = max(at, e.last[lane])
		e.last[lane] = at
	}
	connection := l.connection
	c.At(at, func() { l.arrive(e, f, words, connection) })
}

// arrive gives the host a frame, if the connection that it came by is still the
// one that the host knows of.
func (l *link) arrive(e *end, f *host.Frame, words *words, connection uint64) {
	c := l.c
	p := e.r.process
	if p == nil || len(p.waiting) >= inFlightMax {
		c.tell(Lost, f.To, f.From, words)
		return
	}
	p.touch(func(h *host.Host) {
		if e.told != connection || e.of != p {
			c.tell(Lost, f.To, f.From, words)
			return
		}
		c.tell(Arrived, f.To, f.From, words)
		h.Frame(*f)
	})
}
