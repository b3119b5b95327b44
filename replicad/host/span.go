package host

import (
	"fmt"
	"slices"

	"consequor/board"
	"consequor/modes"
	"consequor/mutants"
)

// onSpan takes a span, or one chunk of it, if the board covers what it builds
// on, and there is room for it: what waits for a full disk keeps all that is held
// behind it waiting too, answers to reads among it. Mutant M31 takes any:
//
//  1. r2 pushes 4.2 to 9.2 to r1 in three chunks; the middle one is lost.
//  2. r1 takes the third, and its vector says 9.2. It tells that to everybody.
//  3. Nobody sends it 6.2 and 7.2 ever again. It counts as a copy of them, and
//     does not show them.
func (h *Host) onSpan(f Frame) {
	chunk, err := DecodeSpanChunk(f.Body)
	if err != nil {
		h.Clients.Note(fmt.Sprintf("span from %s: %v", h.ReplicaName(f.From), err))
		return
	}
	if h.phase != phaseRunning || h.pending.full() || h.Disk.Full() {
		return // lost; the sender's mode times it out
	}
	if !h.written.Covers(chunk.Since) && h.Mutant != mutants.M31 {
		if chunk.Last {
			h.pending.push(modes.Receive{From: f.From, Message: chunk.Message, Span: &modes.Span{Gap: true, Board: h.written}})
		}
		return
	}
	h.takeSpan(f.From, &chunk)
}

func (h *Host) takeSpan(from board.ReplicaID, chunk *SpanChunk) {
	fresh, ok := h.take(from, chunk)
	if !ok {
		return
	}
	h.untoldNew += len(fresh)
	for _, a := range fresh {
		if a.Key != "" {
			h.untold = append(h.untold, board.KeyedID{ID: a.ID, Key: a.Key})
		}
	}
	if !chunk.Last {
		h.sync(h.holdAt)
		return
	}
	if h.Mutant == mutants.M32 {
		h.replace(chunk.UpTo)
	}
	keys := h.untold[max(0, len(h.untold)-2*board.KeyCountMax):]
	h.hold(h.holdAt, heldSpan{life: h.life, from: from, message: chunk.Message, keys: keys, count: h.untoldNew})
	h.untold, h.untoldNew = nil, 0
}

// take writes what a span brings that is new, to be shown once it is durable.
// When the span contradicts the board, or itself, the replica halts: false.
func (h *Host) take(from board.ReplicaID, chunk *SpanChunk) (fresh []board.Article, ok bool) {
	fresh, err := h.newArticles(chunk.Articles)
	if err != nil {
		h.halt(fmt.Sprintf("span from %s: %v", h.ReplicaName(from), err))
		return nil, false
	}
	for _, a := range fresh {
		if !chunk.UpTo.Has(a.ID) { // the vector would claim what was never sent
			h.halt(fmt.Sprintf("span from %s up to %s has article %s", h.ReplicaName(from), chunk.UpTo, a.ID))
			return nil, false
		}
	}
	if len(fresh) > 0 {
		h.journal(fresh)
		h.holdAt = h.end
		h.showLater(h.end, fresh)
	}
	if h.Mutant == mutants.M31 { // what it lacks is believed to be there
		h.written = h.written.Join(chunk.UpTo)
	}
	if !h.written.Covers(chunk.UpTo) {
		h.halt(fmt.Sprintf("span from %s up to %s left the board at %s", h.ReplicaName(from), chunk.UpTo, h.written))
		return nil, false
	}
	return fresh, true
}

// replacer is what a simulated disk has more: it drops from the board all that
// upTo does not have.
type replacer interface{ Replace(upTo board.Vector) }

// replace makes the board what the sender of a span had, as mutant M32 does and
// this project's predecessor did: what was posted here alone, acknowledged or on
// its way, is gone.
func (h *Host) replace(upTo board.Vector) {
	disk, ok := h.Disk.(replacer)
	if !ok || upTo.Covers(h.written) {
		return
	}
	gone := func(a board.Article) bool { return !upTo.Has(a.ID) }
	for i, s := range h.shown {
		h.shown[i].articles = slices.DeleteFunc(slices.Clone(s.articles), gone)
	}
	disk.Replace(upTo)
	h.written = h.written.Meet(upTo)
	h.publish()
}
