package modetest

import (
	"consequor/board"
	"consequor/modes"
)

// A host halts a replica that would put another article under an id that is
// taken: two boards that claim the same would differ for ever. A mode that
// keeps its promise never comes to that; one that breaks it shows it so.

// takesAll reports whether all that a step stores can be put on the board; if
// not, the replica has halted, and nothing of the step is done.
func (r *replica) takesAll(effects []modes.Effect) bool {
	for _, effect := range effects {
		if e, ok := effect.(modes.Store); ok && !r.takes("its mode", e.Articles) {
			return false
		}
	}
	return true
}

// takes is takesAll for articles that come from somewhere.
func (r *replica) takes(from string, articles []board.Article) bool {
	for _, a := range articles {
		if old, taken := r.under(a.ID); taken && old != a {
			r.trace("halts: %s gives %s %q, and here %s is %q", from, a.ID, a.Title, old.ID, old.Title)
			r.cluster.halts = append(r.cluster.halts, r.id.String()+": another article under "+a.ID.String())
			r.leave()
			return false
		}
	}
	return true
}

// under finds an article that is written, visible or not.
func (r *replica) under(id board.ArticleID) (board.Article, bool) {
	if a, ok := r.board.Get(id); ok {
		return a, true
	}
	for _, w := range r.disk.writes[r.disk.synced:] {
		for _, a := range w.articles {
			if a.ID == id {
				return a, true
			}
		}
	}
	return board.Article{}, false
}
