package host

import (
	"fmt"

	"consequor/board"
	"consequor/modes"
	"consequor/mutants"
)

// A mode change, as one replica sees it. The driver of it tells all replicas,
// and is durable about what it decides.
//
//	Seal ──────> the mode takes no more posts; new ones wait here ──> Sealed
//	Merge ─────> what other boards have beyond this one is pulled ──> Merged
//	Activate ──> the epoch ends; the next one's mode begins, with the next PluginUp
//
// Activate comes without the other two when the change is called off: then the
// same mode goes on with its own journal, in a new epoch all the same, so that
// nothing that was said in the sealed one counts any more.

// seal is how far the end of the present epoch has come.
type seal struct {
	at   Position     // where the wish stands in the journal
	said bool         // the mode has said Sealed, in this life: no more of its stores are taken
	told *sealedBoard // what it said, once it was durable
}

type sealedBoard struct{ vector board.Vector }

// Seal asks the mode to take no more posts in this epoch. The wish is durable
// before the mode hears of it, and it is given again to each new life; from now
// on posts wait for the next epoch. Asked again, the host tells Sealed again.
func (h *Host) Seal() {
	switch {
	case h.phase == phaseHalted:
	case !h.state.Sealed:
		h.state.Sealed = true
		h.seal.at = h.saveState()
		h.hold(h.seal.at, heldSeal{})
	case h.seal.told != nil:
		h.Clients.Sealed(h.seal.told.vector)
	}
}

// giveSeal tells the mode to take no more posts. Mutant M38 does not tell it and
// answers in its place: boards are then called sealed, and merged, while the mode
// goes on and acknowledges posts.
//
//  1. All three are sealed at 5, says the host, and merged at 5.
//  2. r1 posts 6, which r2 has as well: ok.
//  3. Epoch 2 begins. Its log starts with 6 at r3, and with 7 elsewhere.
func (h *Host) giveSeal() {
	if h.Mutant == mutants.M38 {
		h.onSealed(h.written)
		return
	}
	h.pending.push(modes.Seal{})
}

func (h *Host) onSealed(v board.Vector) {
	h.seal.told = &sealedBoard{v}
	h.Clients.Sealed(v)
}

// Activation begins an epoch.
type Activation struct {
	Epoch     uint64
	ModeEpoch uint64 // lower than Epoch: the mode goes on with what it saved since that epoch
	Mode      string // its name
	Options   []modes.Option
}

// Activate ends the present epoch and the life of its mode, and begins a later
// one; asked for one that is not later, it does nothing. The next PluginUp must
// be that of the new mode's state machine. Requests that are open go to it, but
// for posts without a key that the old one knew: those end unknown.
func (h *Host) Activate(a Activation) {
	if a.Epoch <= h.state.Epoch || h.phase == phaseHalted {
		return
	}
	h.endLife()
	if err := h.begin(a); err != nil {
		h.halt(err.Error())
		return
	}
	h.Epoch, h.ModeEpoch, h.Mode, h.Options = a.Epoch, a.ModeEpoch, a.Mode, a.Options
	h.seal, h.merging, h.status = seal{}, nil, modes.Status{}
	h.held = nil                // of spans only the messages: what they brought is shown when it is durable
	for _, p := range h.peers { // order does not matter: each for itself
		h.setUp(p, false)
		p.pulls = false
	}
	h.sync(h.end)
	h.publish()
	h.redeliver("the mode was changed and the post has no key")
}

// enterEpoch compares the epoch that the disk was left in with the cluster's,
// when this replica starts. It may have missed the end of a mode change.
func (h *Host) enterEpoch() error {
	name := h.ReplicaName(h.Self)
	switch {
	case h.ModeEpoch > h.Epoch:
		return fmt.Errorf("%s: mode %s cannot have begun with epoch %d, the cluster is in epoch %d", name, h.Mode, h.ModeEpoch, h.Epoch)
	case h.state.Epoch > h.Epoch:
		return fmt.Errorf("%s was left in epoch %d, the cluster is in epoch %d", name, h.state.Epoch, h.Epoch)
	case h.state.Epoch == 0:
		h.state.Epoch = h.Epoch
	case h.state.Epoch < h.Epoch:
		return h.begin(Activation{Epoch: h.Epoch, ModeEpoch: h.ModeEpoch})
	}
	return nil
}

// begin makes a later epoch this replica's. When another mode, or the same one
// anew, began since the epoch that was, what the journal has of a mode is void:
// before that was decided, all boards were equal and on disk. Otherwise a
// change was called off, and the mode finds its journal as it left it.
func (h *Host) begin(a Activation) error {
	from := h.state.Epoch
	anew := from < a.ModeEpoch
	if anew && !h.state.Sealed {
		return fmt.Errorf("epoch %d cannot begin in another mode on %s: epoch %d was not sealed there", a.Epoch, h.ReplicaName(h.Self), from)
	}
	h.state.Epoch, h.state.Sealed = a.Epoch, false
	if anew {
		h.end = h.Disk.Reset(h.state.encode())
		return nil
	}
	h.saveState()
	return nil
}
