package host

import (
	"fmt"

	"consequor/board"
	"consequor/modes"
	"consequor/mutants"
)

// Stepped brings the effects of the batch that was in the plugin of that life.
// A number that does not match is a broken plugin: the driver must end it.
func (h *Host) Stepped(life, number uint64, effects *modes.Effects) error {
	if h.phase != phaseRunning {
		return nil
	}
	if life != h.life {
		h.lastWords(effects)
		return nil
	}
	if !h.stepping || number != h.batchNumber {
		return fmt.Errorf("effects of batch %d, want %d", number, h.batchNumber)
	}
	if err := h.check(effects); err != nil {
		return err // and no other batch goes to this plugin
	}
	h.stepping = false
	if h.Mutant == mutants.M35 && len(effects.List) >= halfMin {
		effects = &modes.Effects{List: effects.List[:len(effects.List)/2]}
	}
	h.apply(effects)
	return nil
}

// halfMin is how many effects a batch must have for mutant M35 to apply the first
// half alone, as if a frame had a limit that nobody looks at. What it saved or
// stored last is then not on disk, and the mode goes on as if it were: it gives
// out the next id, or counts itself among those that have an entry, and a crash
// shows the truth.
const halfMin = 8

// lastWords drops the effects of a plugin that has died. The next one knows
// nothing of them: the requests that they answer have been given to it again, and
// the ids that they mint are free for it. Mutant M34 applies them:
//
//  1. r1's plugin mints 7.1 for post a and dies; its effects are on their way.
//  2. The next one starts on a board without 7.1 and mints 7.1 for post b.
//  3. The first one's effects arrive: 7.1 is post a as well.
func (h *Host) lastWords(effects *modes.Effects) {
	if h.Mutant == mutants.M34 && h.check(effects) == nil {
		h.apply(effects)
	}
}

// check looks at all effects before any is applied: a batch is applied whole
// or not at all.
func (h *Host) check(effects *modes.Effects) error {
	for _, effect := range effects.List {
		var to board.ReplicaID
		switch e := effect.(type) {
		case modes.Send:
			to = e.To
		case modes.SendNow:
			to = e.To
		case modes.SendBoard:
			to = e.To
		default:
			continue
		}
		if to != h.Self && h.peers[to] == nil {
			return fmt.Errorf("effect for replica %d, which is not in the cluster", to)
		}
	}
	return h.checkOwn(effects)
}

// apply does what the effects say, in call order; what must wait for the disk
// is held behind all that the whole batch writes.
func (h *Host) apply(effects *modes.Effects) {
	var held []modes.Effect
	sealed, before := h.seal.said, h.holdAt
	for _, effect := range effects.List {
		if h.phase == phaseHalted {
			return
		}
		switch e := effect.(type) {
		case modes.Save:
			h.end = h.Disk.Save(e.Record)
			h.holdAt = h.end
		case modes.Forget:
			h.end = h.Disk.Forget(e.UpTo)
		case modes.Store:
			h.onStore(e)
		case modes.Sealed:
			sealed = true
			held = append(held, effect)
		case modes.Send, modes.Reply, modes.Serve, modes.SendBoard, modes.Stopped:
			held = append(held, effect)
		case modes.SendNow:
			h.send(e.To, e.Message)
		case modes.Refuse:
			h.onRefuse(e)
		case modes.LocalReads:
			h.setGuarantee(e.Guarantee)
		case modes.LookUp:
			h.onLookUp(e.ID)
		case modes.SetTimer:
			h.pending.removeTimer(e.Name)
			h.timers.set(e.Name, h.now+bounded(e.After, h.now))
		case modes.ClearTimer:
			h.pending.removeTimer(e.Name)
			h.timers.remove(e.Name)
		case modes.Report:
			h.onReport(e.Status)
		case modes.Note:
			h.Clients.Note(e.Text)
		case modes.Halt:
			h.halt(e.Why)
		}
	}
	if len(held) > 0 && h.phase != phaseHalted {
		h.hold(h.holdSince(before), heldBatch{life: h.life, effects: held, board: h.written, sealed: h.seal.said})
	}
	h.seal.said = sealed
}

func (h *Host) onReport(s modes.Status) {
	behind := h.status.Behind
	h.status = s
	h.Clients.Status(s)
	if behind != s.Behind {
		h.publish()
	}
}

// onStore writes articles to the journal and, unless they must be durable
// first, shows them.
func (h *Host) onStore(e modes.Store) {
	fresh, err := h.newArticles(e.Articles)
	if err != nil {
		h.halt(err.Error())
		return
	}
	if len(fresh) == 0 {
		return
	}
	if h.seal.said && h.Mutant != mutants.M38 { // the boards of a sealed epoch are being merged, and another mode may have begun elsewhere
		h.halt(fmt.Sprintf("the mode stores article %s after it has sealed epoch %d", fresh[0].ID, h.state.Epoch))
		return
	}
	h.journal(fresh)
	if e.Durable || len(h.shown) > 0 { // never above what is hidden
		h.holdAt = h.end
		h.showLater(h.end, fresh)
		h.sync(h.end)
		return
	}
	h.show(fresh)
}

// journal writes articles that are not on the board yet.
func (h *Host) journal(fresh []board.Article) {
	h.end = h.Disk.Journal(fresh)
	for _, a := range fresh {
		h.written = h.written.With(a.ID)
	}
	h.checkMerged()
}

// newArticles returns those that are not on the board yet. One that is there
// with other content, or whose parent is missing, is an error: the mode is
// broken, and going on would spread it.
func (h *Host) newArticles(articles []board.Article) ([]board.Article, error) {
	var fresh []board.Article
	added := make(map[board.ArticleID]bool, len(articles))
	for _, a := range articles {
		if old, ok, err := h.lookUp(a.ID); err != nil {
			return nil, err
		} else if ok {
			if old != a {
				return nil, &board.ConflictError{ID: a.ID, Why: "stored twice with different content"}
			}
			continue
		}
		if a.ID.Seq == 0 {
			return nil, &board.ConflictError{ID: a.ID, Why: "has no seq"}
		}
		if !a.IsRoot() && !added[a.Parent] {
			if _, ok, err := h.lookUp(a.Parent); err != nil {
				return nil, err
			} else if !ok {
				return nil, &board.ConflictError{ID: a.ID, Why: "its parent " + a.Parent.String() + " is not on the board"}
			}
		}
		if !added[a.ID] {
			added[a.ID] = true
			fresh = append(fresh, a)
		}
	}
	return fresh, nil
}

// lookUp finds an article on the board or among those not visible yet.
func (h *Host) lookUp(id board.ArticleID) (board.Article, bool, error) {
	if !h.written.Has(id) {
		return board.Article{}, false, nil
	}
	if a, ok := h.hidden[id]; ok {
		return a, true, nil
	}
	return h.Disk.Get(id)
}

// onLookUp tells the mode whether the board has an article. The answers are
// what the mode causes itself, as many as it asks for: they are not turned
// away, but they count, so that others' events are.
func (h *Host) onLookUp(id board.ArticleID) {
	_, onBoard, err := h.lookUp(id)
	if err != nil {
		h.halt(fmt.Sprintf("look up article %s: %v", id, err))
		return
	}
	h.pending.push(modes.Looked{ID: id, OnBoard: onBoard})
}

// show makes articles visible.
func (h *Host) show(articles []board.Article) {
	if err := h.Disk.Put(articles); err != nil {
		h.halt(err.Error())
		return
	}
	h.publish()
}
