package modetest

import (
	"time"

	"consequor/board"
	"consequor/modes"
)

// spanSent is what SendBoard adds to a message.
type spanSent struct {
	since, upTo board.Vector
	articles    []board.Article
}

// send puts a message on its way. To oneself it is neither lost nor late.
func (c *Cluster) send(from *replica, to board.ReplicaID, message []byte, span *spanSent) {
	target, lives := c.replica(to), [2]int{from.life, c.replica(to).life}
	if to == from.id {
		c.after(0, false, func() {
			if target.up && target.life == lives[1] {
				target.tell(modes.Receive{From: to, Message: message})
			}
		})
		return
	}
	for _, delay := range c.fate(from.id, to) {
		c.after(delay, false, func() { c.deliver(from, target, lives, message, span) })
	}
}

// fate returns when copies of a message arrive.
func (c *Cluster) fate(from, to board.ReplicaID) []time.Duration {
	switch {
	case c.cuts[link{from, to}] || !c.replica(to).up:
		return nil
	case c.config.Link != nil:
		return c.config.Link(from, to)
	}
	return []time.Duration{linkDelayDefault}
}

// deliver hands a message over, unless the connection has broken meanwhile.
func (c *Cluster) deliver(from, to *replica, lives [2]int, message []byte, span *spanSent) {
	if c.cuts[link{from.id, to.id}] || !to.up || from.life != lives[0] || to.life != lives[1] {
		return
	}
	if text := c.describe(message); text != "" {
		to.trace("<- %s %s", from.id, text)
	}
	if span == nil {
		to.tell(modes.Receive{From: from.id, Message: message})
		return
	}
	to.takeSpan(from.id, message, span)
}

func (c *Cluster) describe(message []byte) string {
	if c.config.Message == nil {
		return ""
	}
	return c.config.Message(message)
}

// takeSpan puts a span on disk and then tells the mode, or tells of a gap.
func (r *replica) takeSpan(from board.ReplicaID, message []byte, span *spanSent) {
	if v := r.written(); !v.Covers(span.since) {
		r.trace("  the span from %s leaves a gap: it builds on %s, and this board holds %s", from, span.since, v)
		r.tell(modes.Receive{From: from, Message: message, Span: &modes.Span{Gap: true, Board: v}})
		return
	}
	if !r.takes(from.String(), span.articles) {
		return
	}
	var keys []board.KeyedID
	count := 0
	for _, a := range span.articles {
		if r.has(a.ID) {
			continue
		}
		count++
		if a.Key != "" {
			keys = append(keys, board.KeyedID{ID: a.ID, Key: a.Key})
		}
	}
	r.disk.writes = append(r.disk.writes, write{articles: span.articles, late: true, then: func() {
		r.tell(modes.Receive{From: from, Message: message, Span: &modes.Span{Board: r.written(), Keys: keys, Count: count}})
	}})
	r.disk.needed = len(r.disk.writes)
	r.sync()
}
