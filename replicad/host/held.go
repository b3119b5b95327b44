package host

import (
	"consequor/board"
	"consequor/modes"
	"consequor/mutants"
)

// What can be held until the disk has caught up.
type (
	// heldBatch is the effects of one batch, and the board as it stands then.
	heldBatch struct {
		life    uint64
		effects []modes.Effect
		board   board.Vector
		sealed  bool // the mode had said Sealed before
	}
	// heldSpan is a span that was received: its message is delivered when the
	// articles are durable and visible.
	heldSpan struct {
		life    uint64
		from    board.ReplicaID
		message []byte
		keys    []board.KeyedID
		count   int // of articles
	}
	// heldSeal is the wish to seal.
	heldSeal struct{}
	// heldPull is a peer's wish for what this board has, and the board as it
	// stood then.
	heldPull struct {
		to           board.ReplicaID
		since, board board.Vector
	}
	// heldMerged is the word that the board is where Merge wanted it.
	heldMerged struct{ target board.Vector }
)

type heldEffects struct {
	at   Position
	what any // one of the above
}

// shownAt is articles that become visible when at is on disk.
type shownAt struct {
	at       Position
	articles []board.Article
}

// holdSince is what the effects of a batch wait for that began when holdAt was
// before: for what earlier batches wrote as well. Mutant M12 has a batch that
// writes nothing wait for nothing:
//
//  1. An entry of the log comes to r2, which saves it; the ack is held.
//  2. It comes again, before the disk is there. r2 has it, and has nothing to
//     save: the ack to this one leaves at once, and with r1 makes a majority.
//  3. r1 acknowledges the post. r1 dies, r2 dies and loses the entry; r2 and r3
//     go on without it.
func (h *Host) holdSince(before Position) Position {
	if h.Mutant == mutants.M12 && h.holdAt == before {
		return 0
	}
	return h.holdAt
}

// hold keeps what until everything before at, and before what is held already,
// is on disk: the queue is in order of both call and position.
func (h *Host) hold(at Position, what any) {
	n := len(h.held)
	if h.Mutant == mutants.M12 {
		n = 0
	}
	if n > 0 {
		at = max(at, h.held[n-1].at)
	}
	if at <= h.synced && n == 0 {
		h.release(what)
		return
	}
	h.held = append(h.held, heldEffects{at, what})
	h.sync(at)
}

// sync asks for the disk, once for each position.
func (h *Host) sync(at Position) {
	if at > h.asked && at > h.synced {
		h.asked = at
		h.Disk.Sync(at)
	}
}

func (h *Host) showLater(at Position, articles []board.Article) {
	for _, a := range articles {
		h.hidden[a.ID] = a
	}
	h.shown = append(h.shown, shownAt{at, articles})
}

// Synced tells that everything before pos is on disk.
func (h *Host) Synced(pos Position) {
	if pos <= h.synced {
		return
	}
	h.synced = pos
	h.showDurable()
	n := 0
	for n < len(h.held) && h.held[n].at <= pos {
		n++
	}
	ready := h.held[:n:n]
	h.held = h.held[n:]
	for _, held := range ready {
		if h.phase == phaseHalted {
			return
		}
		h.release(held.what)
	}
	h.tryStart()
}

func (h *Host) showDurable() {
	n := 0
	var articles []board.Article
	for n < len(h.shown) && h.shown[n].at <= h.synced {
		articles = append(articles, h.shown[n].articles...)
		n++
	}
	if n == 0 {
		return
	}
	h.shown = h.shown[n:]
	for _, a := range articles {
		delete(h.hidden, a.ID)
	}
	h.show(articles)
}

// release lets go of what was held. Of a dead life nothing is let go.
func (h *Host) release(what any) {
	switch held := what.(type) {
	case heldBatch:
		if held.life != h.life {
			return
		}
		for _, effect := range held.effects {
			if h.phase == phaseHalted {
				return
			}
			h.releaseEffect(effect, &held)
		}
	case heldSpan:
		if held.life == h.life && h.phase == phaseRunning {
			h.pending.push(modes.Receive{From: held.from, Message: held.message, Span: &modes.Span{Board: h.written, Keys: held.keys, Count: held.count}})
		}
	case heldSeal:
		if h.phase == phaseRunning {
			h.giveSeal()
		}
	case heldPull:
		h.peers[held.to].pulls = false
		h.Network.SendSpan(held.to, h.frame(held.to, kindFill, nil), held.since, held.board, nil)
	case heldMerged:
		h.Clients.Merged(held.target)
	}
}

func (h *Host) releaseEffect(effect modes.Effect, of *heldBatch) {
	switch e := effect.(type) {
	case modes.Send:
		h.send(e.To, e.Message)
	case modes.SendBoard:
		if e.To == h.Self {
			h.sendSelf(modes.Receive{From: h.Self, Message: e.Message, Span: &modes.Span{Board: of.board}})
			return
		}
		h.Network.SendSpan(e.To, h.frame(e.To, kindSpan, nil), e.Since, of.board, e.Message)
	case modes.Reply:
		h.onReply(e, of.sealed)
	case modes.Serve:
		h.onServe(e)
	case modes.Sealed:
		h.onSealed(e.Board)
	case modes.Stopped:
		h.Clients.Stopped()
	}
}

// dropHeldOfDeadLife forgets what a dead plugin wanted said. What it wrote
// stays written. Spans that peers sent stay as well: they only wait to be
// shown, and their messages are dropped by release.
func (h *Host) dropHeldOfDeadLife() {
	kept := h.held[:0]
	for _, held := range h.held {
		if _, ofPlugin := held.what.(heldBatch); !ofPlugin {
			kept = append(kept, held)
		}
	}
	h.held = kept
}

// send delivers a mode's message, to a peer or to this replica itself.
func (h *Host) send(to board.ReplicaID, message []byte) {
	if to == h.Self {
		h.sendSelf(modes.Receive{From: h.Self, Message: message})
		return
	}
	h.Network.Send(h.frame(to, kindMessage, message))
}

// sendSelf gives a mode its own message back. It is how a mode learns that
// something is on disk, and nobody repeats it: it must not get lost. Mutant M14
// drops it while other events wait, as peers' messages are dropped: 1. r3 saves an
// entry and tells itself so, in a busy moment. 2. Its log never hears that the
// entry is on disk, and no later one comes. 3. r1 and r2 have acknowledged the
// post; at r3 it does not appear.
func (h *Host) sendSelf(e modes.Receive) {
	if h.Mutant != mutants.M14 || len(h.pending.events) == 0 {
		h.pending.push(e)
	}
}
