package modetest

import (
	"slices"

	"consequor/board"
	"consequor/modes"
)

// apply does what a step wants done, and judges it. First what is written,
// then what leaves: so all that is held is done after every write before it.
func (r *labReplica) apply(effects *modes.Effects) {
	if r.crashing { // between SendNow and the disk
		for _, effect := range effects.List {
			r.leave(effect, false)
		}
		r.crashing = false
		r.crash()
		return
	}
	for _, effect := range effects.List {
		r.write(effect)
	}
	for _, effect := range effects.List {
		r.leave(effect, true)
		r.set(effect)
	}
	if r.halted != "" {
		r.lab.fault("%s halts: %s", r.id, r.halted)
	}
}

func (r *labReplica) write(effect modes.Effect) {
	switch e := effect.(type) {
	case modes.Save:
		r.records = append(r.records, slices.Clone(e.Record))
	case modes.Forget:
		if saved := r.forgotten + uint64(len(r.records)); e.UpTo > saved {
			r.lab.fault("%s forgets records up to %d, but has saved %d", r.id, e.UpTo, saved)
		}
		if e.UpTo > r.forgotten {
			r.records = r.records[e.UpTo-r.forgotten:]
			r.forgotten = e.UpTo
		}
	case modes.Store:
		for _, a := range e.Articles {
			r.store(a)
		}
	}
}

func (r *labReplica) store(a board.Article) {
	l := r.lab
	if err := a.Validate(); err != nil {
		l.fault("%s stores an invalid article %s: %v", r.id, a.ID, err)
	}
	if _, old := l.stored[a.ID]; !old && r.sealed {
		l.fault("%s stores a new article, %s, after it was sealed", r.id, a.ID)
	}
	r.put(a, "the mode")
}

// put puts an article on the board, and compares it with what other boards
// have, and with what was posted.
func (r *labReplica) put(a board.Article, from string) {
	l := r.lab
	if err := r.board.Put(a); err != nil {
		l.fault("%s: from %s: %v", r.id, from, err)
	}
	if old, ok := l.stored[a.ID]; ok && old != a {
		l.fault("%s: from %s: article %s is %+v, elsewhere it is %+v", r.id, from, a.ID, a, old)
	}
	l.stored[a.ID] = a
	if !slices.ContainsFunc(l.requests, func(q *labRequest) bool { return q.isFor(a) }) {
		l.fault("%s: from %s: article %s is what nobody posted: %+v", r.id, from, a.ID, a)
	}
}

// leave does what leaves the replica. What is held is not done when the disk
// did not get there.
func (r *labReplica) leave(effect modes.Effect, durable bool) {
	switch e := effect.(type) {
	case modes.SendNow:
		r.send(e.To, e.Message, nil)
	case modes.Refuse:
		r.onRefuse(e)
	}
	if !durable {
		return
	}
	switch e := effect.(type) {
	case modes.Send:
		r.send(e.To, e.Message, nil)
	case modes.SendBoard:
		r.send(e.To, e.Message, &labSpan{since: e.Since, upTo: r.board.Vector(), articles: r.board.Span(e.Since)})
	case modes.Reply:
		r.onReply(e)
	case modes.Serve:
		r.onServe(e)
	case modes.Sealed:
		r.onSealed(e)
	case modes.Stopped:
		r.stopped = true
	}
}

func (r *labReplica) send(to board.ReplicaID, message []byte, span *labSpan) {
	l := r.lab
	switch {
	case to == r.id && span == nil:
		r.pending = append(r.pending, modes.Receive{From: r.id, Message: message})
	case to == r.id || to == 0 || int(to) > len(l.replicas):
		l.fault("%s sends to %s", r.id, to)
	default:
		l.send(labPacket{labLink: labLink{r.id, to}, incarnation: r.incarnation, message: message, span: span})
	}
}

// set does what stays within the replica.
func (r *labReplica) set(effect modes.Effect) {
	switch e := effect.(type) {
	case modes.LocalReads:
		r.localReads = e.Guarantee
	case modes.LookUp:
		_, there := r.board.Get(e.ID)
		r.pending = append(r.pending, modes.Looked{ID: e.ID, OnBoard: there})
	case modes.SetTimer:
		r.clearTimer(e.Name)
		if e.After < 0 {
			r.lab.fault("%s sets timer %q to %v", r.id, e.Name, e.After)
		}
		r.timers = append(r.timers, labTimer{e.Name, r.lab.now + e.After})
	case modes.ClearTimer:
		r.clearTimer(e.Name)
	case modes.Report:
		r.onReport(e.Status)
	case modes.Halt:
		r.halted = e.Why
	}
}

func (r *labReplica) clearTimer(name string) {
	r.timers = slices.DeleteFunc(r.timers, func(t labTimer) bool { return t.name == name })
	r.pending = slices.DeleteFunc(r.pending, func(e modes.Event) bool { return e == modes.Event(modes.Timer{Name: name}) })
}

func (r *labReplica) onSealed(e modes.Sealed) {
	if !r.sealGiven {
		r.lab.fault("%s is sealed without a Seal", r.id)
	}
	if !r.board.Vector().Covers(e.Board) {
		r.lab.fault("%s is sealed with %s, but its board is %s", r.id, e.Board, r.board.Vector())
	}
	r.sealed = true
}

func (r *labReplica) onReport(s modes.Status) {
	l := r.lab
	if s.Role == "" {
		l.fault("%s reports no role", r.id)
	}
	for _, id := range []board.ReplicaID{s.Coordinator, s.Backup} {
		if int(id) > len(l.replicas) {
			l.fault("%s reports %s, which is not in the cluster", r.id, id)
		}
	}
}
