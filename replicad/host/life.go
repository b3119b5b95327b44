package host

import (
	"fmt"

	"consequor/board"
	"consequor/modes"
)

// PluginUp tells that a new state machine waits for its first batch. One that
// there was before it has ended.
func (h *Host) PluginUp() {
	if h.phase == phaseHalted {
		return
	}
	h.PluginDown()
	h.life++
	h.phase = phaseStarting
	h.state.Incarnation++
	h.startAt = h.saveState()
	h.sync(h.startAt)
	h.tryStart()
}

// PluginDown tells that the state machine has ended. What it had in hand is
// given to the next one, but for posts without a key, which nobody can repeat
// safely.
func (h *Host) PluginDown() {
	if h.phase == phaseHalted || h.phase == phaseIdle {
		return
	}
	h.endLife()
	h.redeliver("the mode's process died and the post has no key")
}

// endLife forgets all that was between the host and the state machine.
func (h *Host) endLife() {
	h.phase = phaseIdle
	h.stepping = false
	h.urgent, h.untold, h.untoldNew = nil, nil, 0
	h.seal.said, h.seal.told = false, nil
	h.timers.clear()
	h.pending.dropAll()
	h.setGuarantee("")
	h.dropHeldOfDeadLife()
	h.announce(kindDown)
}

// tryStart gives the mode its past, once this life's incarnation is durable and
// all of the board is visible: the keys are read from what is.
func (h *Host) tryStart() {
	if h.phase != phaseStarting || h.synced < h.startAt || len(h.shown) > 0 {
		return
	}
	past, err := h.Disk.Past()
	if err != nil {
		h.halt(fmt.Sprintf("read the journal: %v", err))
		return
	}
	keys, from, err := h.Disk.Keys(2 * board.KeyCountMax)
	if err != nil {
		h.halt(fmt.Sprintf("read the keys: %v", err))
		return
	}
	h.phase = phaseRunning
	h.batchNumber = 0
	h.urgent = append(keyPieces(keys), recordPieces(past)...)
	h.pending.push(modes.Start{
		Epoch: h.state.Epoch, Incarnation: h.state.Incarnation,
		Seed:    mix(h.Seed, uint64(h.Self), h.state.Incarnation),
		Options: h.Options, Self: h.Self, Replicas: h.Replicas, Voters: h.Voters,
		Board: h.written, Served: h.state.Incarnation > 1, KeysFrom: from,
	})
	if h.state.Sealed && h.seal.at <= h.synced { // else it comes when it is durable
		h.giveSeal()
	}
	h.announceAll()
	for _, id := range h.Replicas {
		if p := h.peers[id]; p != nil && p.up {
			h.pending.push(modes.PeerUp{Peer: id})
		}
	}
	h.requests.each(h.deliver)
	if h.stopping {
		h.pending.push(modes.Stop{})
	}
}

// mix derives a seed of its own for each life of each replica (SplitMix64).
func mix(parts ...uint64) uint64 {
	var z uint64
	for _, p := range parts {
		z += p + 0x9e3779b97f4a7c15
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		z ^= z >> 31
	}
	return z
}
