package web

import (
	"slices"
	"sync/atomic"
	"time"

	"consequor/board"
	"consequor/replicad/api"
)

// The limits of a listing.
const (
	listCount      = 25     // articles on a page
	windowFirst    = 100    // seqs that are looked at first; four times as many each time that too few articles come
	windowMax      = 5000   // seqs that a search looks at next
	windowsMax     = 40     // looked at for one page; 4^40 is beyond any board
	searchCountMax = 20_000 // articles that one search looks at

	searchTime = 3 * time.Second // of one search; then it says how far it came
)

// seqMax is the highest seq that any answer has shown: where a list that
// begins with the newest begins.
type seqMax struct{ atomic.Uint64 }

func (m *seqMax) raise(seq uint64) {
	for {
		old := m.Load()
		if seq <= old || m.CompareAndSwap(old, seq) {
			return
		}
	}
}

// backward lists a board from the newest article down.
type backward struct {
	v      *visit
	all    bool // replies too
	want   func(*board.Entry) bool
	before board.ArticleID // only those below; zero: from the newest
	count  int             // so many are enough

	first  *api.Answer   // says where it is from, and what it is worth
	found  []board.Entry // newest first
	looked int           // articles
	lowest board.ArticleID
	more   bool // there are articles below lowest, which nobody has looked at
}

// run lists window by window, each below the one before:
//
//	    lo            hi             newest
//	────(── window 2 ──](── window 1 ──]
func (b *backward) run() error {
	hi, err := b.begin()
	if err != nil {
		return err
	}
	began, width := time.Now(), uint64(windowFirst)
	for range windowsMax {
		lo := hi.Seq - min(width, hi.Seq)
		entries, err := b.window(lo, hi, int(min(2*width, board.PageCountMax)))
		if err != nil {
			return err
		}
		if left, enough := b.take(entries); enough {
			b.more = left > 0 || lo > 0
			return nil
		}
		if b.more = lo > 0; !b.more {
			return nil
		}
		if b.all && (b.looked >= searchCountMax || time.Since(began) > searchTime) {
			return nil
		}
		if hi, width = (board.ArticleID{Seq: lo}), width*4; b.all {
			width = min(width, windowMax)
		}
	}
	return nil
}

// begin finds out where to begin. Somebody may have posted since the highest
// seq was heard of: what is above it is found with the first window.
func (b *backward) begin() (hi board.ArticleID, err error) {
	if !b.before.IsZero() {
		return b.before.Before(), nil
	}
	if b.v.s.top.Load() == 0 {
		if _, err := b.v.ask(api.Request{Verb: api.Read, Count: 1}); err != nil {
			return hi, err
		}
	}
	return board.ArticleID{Seq: b.v.s.top.Load()}, nil
}

// window lists the articles above seq lo up to hi, by rising id; the first
// window of a list that begins with the newest has no end.
func (b *backward) window(lo uint64, hi board.ArticleID, count int) ([]board.Entry, error) {
	open := b.first == nil && b.before.IsZero()
	at := api.Cursor{After: board.ArticleID{Seq: lo}}
	if b.first != nil {
		at.UpTo = b.first.Token.Seen
	}
	after := at.String()
	var entries []board.Entry
	for {
		r := api.Request{Verb: api.Read, All: b.all, After: after, Count: count}
		if b.first != nil {
			r.Replica = b.first.Replica
		}
		answer, err := b.v.ask(r)
		if err != nil {
			return nil, err
		}
		if b.first == nil {
			b.first = answer
		}
		for _, e := range answer.Articles {
			if !open && e.ID.Compare(hi) > 0 {
				return entries, nil
			}
			entries = append(entries, e)
		}
		if after = answer.Next; after == "" {
			return entries, nil
		}
		if n := len(entries) - windowFirst*4; open && n > 0 && !b.all {
			entries = slices.Delete(entries, 0, n) // many are newer than expected: the list is of the last of them
		}
	}
}

// take looks at a window's articles, newest first, until there are enough, and
// tells how many are left.
func (b *backward) take(entries []board.Entry) (left int, enough bool) {
	for i := len(entries) - 1; i >= 0; i-- {
		b.looked++
		b.lowest = entries[i].ID
		if b.want != nil && !b.want(&entries[i]) {
			continue
		}
		if b.found = append(b.found, entries[i]); len(b.found) == b.count {
			return i, true
		}
	}
	return 0, false
}
