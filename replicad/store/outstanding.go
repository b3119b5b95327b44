package store

import (
	"slices"

	"consequor/board"
)

// outstanding knows which articles are in the journal but not on the board
// yet. Its floor is what the board never needs the journal below of.
type outstanding struct {
	entries     []*articlesEntry // in stream order; those at the front wait for articles
	waiting     int              // entries that wait
	last        Position         // behind the newest articles in the stream
	floorOnDisk Position         // a floor that the board was flushed at
}

// articlesEntry is one journal entry with articles.
type articlesEntry struct {
	start Position
	left  int // articles not yet on the board
}

// add notes articles that were journalled from start to end for r.
func (o *outstanding) add(r *Replica, articles []board.Article, start, end Position) {
	e := &articlesEntry{start: start}
	for i := range articles {
		if _, ok := r.afloat[articles[i].ID]; !ok {
			r.afloat[articles[i].ID] = e
			e.left++
		}
	}
	o.last = end
	if e.left > 0 {
		o.entries = append(o.entries, e)
		o.waiting++
	}
}

// settle notes that articles are on the board.
func (o *outstanding) settle(r *Replica, articles []board.Article) {
	for i := range articles {
		e, ok := r.afloat[articles[i].ID]
		if !ok {
			continue
		}
		delete(r.afloat, articles[i].ID)
		if e.left--; e.left == 0 {
			o.waiting--
		}
	}
	for len(o.entries) > 0 && o.entries[0].left == 0 {
		o.entries = o.entries[1:]
	}
	if len(o.entries) > 2*o.waiting+64 { // one in front waits for ever: its replica has halted
		o.entries = slices.DeleteFunc(o.entries, func(e *articlesEntry) bool { return e.left == 0 })
	}
}

// floor returns the position below which all articles are on the board, given
// that the stream ends at end.
func (o *outstanding) floor(end Position) Position {
	if len(o.entries) > 0 {
		return o.entries[0].start
	}
	return end
}
