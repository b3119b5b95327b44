package host

import (
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/mutants"
)

// peer is what is known of another replica's mode.
type peer struct {
	linked      bool   // there is a connection to its process
	up          bool   // its mode runs
	incarnation uint64 // the highest seen; frames of lower ones are dropped
	pulls       bool   // a pull of its board waits for this disk
}

// LinkUp tells that there is a connection to the process of replica id.
func (h *Host) LinkUp(id board.ReplicaID) {
	p := h.peers[id]
	if p == nil || p.linked {
		return
	}
	p.linked = true
	h.unheard++
	if h.phase == phaseRunning {
		h.Network.Send(h.frame(id, kindUp, nil))
	}
}

// LinkDown tells that the connection has ended.
func (h *Host) LinkDown(id board.ReplicaID) {
	p := h.peers[id]
	if p == nil || !p.linked {
		return
	}
	h.peerDown(id, p)
	p.linked = false
	h.unheard--
}

// nextAnnouncement is when those that may not have heard of this replica's mode
// are told again; false if there is none.
func (h *Host) nextAnnouncement() (time.Duration, bool) {
	return h.announced + AnnounceEvery, h.unheard > 0
}

// announceAgain tells the peers that have not announced themselves, and asks
// them to: both announcements may have been lost.
func (h *Host) announceAgain() {
	h.announced = h.now
	for _, id := range h.Replicas {
		if p := h.peers[id]; p != nil && p.linked && !p.up {
			h.Network.Send(h.frame(id, kindUp, []byte{answerMe}))
		}
	}
}

// answerMe is the body of an announcement that is to be answered by one.
const answerMe = 1

// announceAll tells all connected peers of a new life, and asks those that have
// not announced themselves to do so: they may have while this replica was still
// in another epoch.
func (h *Host) announceAll() {
	h.announced = h.now
	for _, id := range h.Replicas {
		switch p := h.peers[id]; {
		case p == nil || !p.linked:
		case p.up:
			h.Network.Send(h.frame(id, kindUp, nil))
		default:
			h.Network.Send(h.frame(id, kindUp, []byte{answerMe}))
		}
	}
}

// announce tells all connected peers how this replica's mode is.
func (h *Host) announce(kind Kind) {
	h.announced = h.now
	for _, id := range h.Replicas {
		if p := h.peers[id]; p != nil && p.linked {
			h.Network.Send(h.frame(id, kind, nil))
		}
	}
}

func (h *Host) frame(to board.ReplicaID, kind Kind, body []byte) Frame {
	return Frame{From: h.Self, To: to, Kind: kind, Epoch: h.state.Epoch, Incarnation: h.state.Incarnation, Body: body}
}

// Frame takes a frame from a peer. What does not belong here and now is
// dropped: every protocol above survives loss. Mutant M36 takes what an older
// incarnation said: r2's plugin dies, the next one is up, and then a message of
// the first is overtaken no more. It may tell of a promise that was never kept.
func (h *Host) Frame(f Frame) {
	p := h.peers[f.From]
	if p == nil || !p.linked || f.To != h.Self || f.Epoch != h.state.Epoch || h.phase == phaseHalted {
		return
	}
	if f.Incarnation < p.incarnation && h.Mutant != mutants.M36 {
		return
	}
	switch f.Kind {
	case kindUp:
		if len(f.Body) == 1 && f.Body[0] == answerMe && h.phase == phaseRunning {
			h.Network.Send(h.frame(f.From, kindUp, nil))
		}
		h.peerUp(f.From, p, f.Incarnation)
	case kindDown:
		h.peerDown(f.From, p)
	case kindMessage:
		h.peerUp(f.From, p, f.Incarnation) // its announcement may have been lost
		if h.phase == phaseRunning && !h.pending.full() {
			h.pending.push(modes.Receive{From: f.From, Message: f.Body})
		}
	case kindSpan:
		h.peerUp(f.From, p, f.Incarnation)
		h.onSpan(f)
	case kindPull: // says nothing of the sender's mode; nor does its answer
		h.onPull(f.From, p, f.Body)
	case kindFill:
		h.onFill(f)
	}
}

// peerUp notes that the peer's mode runs, in that incarnation.
func (h *Host) peerUp(id board.ReplicaID, p *peer, incarnation uint64) {
	if p.up && p.incarnation == incarnation {
		return
	}
	h.peerDown(id, p)
	h.setUp(p, true)
	p.incarnation = incarnation
	if h.phase == phaseRunning {
		h.pending.push(modes.PeerUp{Peer: id})
	}
}

func (h *Host) peerDown(id board.ReplicaID, p *peer) {
	if !p.up {
		return
	}
	h.setUp(p, false)
	if h.phase == phaseRunning {
		h.pending.push(modes.PeerDown{Peer: id})
	}
}

// setUp keeps the count of those that are linked and not up. Only a linked one
// is ever up.
func (h *Host) setUp(p *peer, up bool) {
	switch {
	case up == p.up:
	case up:
		h.unheard--
	default:
		h.unheard++
	}
	p.up = up
}
