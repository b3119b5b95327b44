package modetest

import (
	"fmt"
	"slices"
	"time"

	"consequor/board"
	"consequor/modes"
)

// replica is one replica of a Cluster: a mode, and the rules of a host around it.
type replica struct {
	cluster *Cluster
	id      board.ReplicaID
	up      bool
	paused  bool
	sealed  bool // its host was told to seal; told again at each start

	// Of this life.
	mode       modes.Mode
	life       int // tells what is on its way to an earlier life
	batch      uint64
	pending    []modes.Event
	timers     map[string]*item
	connected  map[board.ReplicaID]bool
	localReads string
	status     modes.Status
	saidSealed bool
	open       []*Call
	held       []heldEffect

	// Across lives.
	disk      disk
	board     *board.Board
	records   [][]byte // saved and not lost, forgotten ones too
	saved     uint64   // their number
	forgotten uint64   // up to here
}

// heldEffect waits until the disk has synced up to need.
type heldEffect struct {
	need   int
	effect modes.Effect
	upTo   board.Vector // SendBoard: the board as it stood
}

// disk is what was written, in call order. A crash keeps at least the first
// synced of it.
type disk struct {
	writes  []write
	needed  int // a held effect or a durable store waits for these
	synced  int
	writing bool
}

// write is one save, forget, store or span.
type write struct {
	record   []byte          // save
	forget   uint64          // forget
	articles []board.Article // store, span
	late     bool            // it is visible once synced
	then     func()          // span: when it is there
}

func newReplica(c *Cluster, id board.ReplicaID) *replica {
	return &replica{cluster: c, id: id, board: &board.Board{}}
}

// trace writes one line: time, replica, what happened.
func (r *replica) trace(format string, args ...any) {
	if trace := r.cluster.config.Trace; trace != nil {
		at := float64(r.cluster.now) / float64(time.Millisecond)
		trace(fmt.Sprintf("%7.1fms %s %s", at, r.id, fmt.Sprintf(format, args...)))
	}
}

// A life.

func (r *replica) start() {
	if r.up {
		return
	}
	r.up, r.paused = true, false
	r.life++
	r.mode, r.batch, r.pending = r.cluster.config.New(), 0, nil
	r.timers, r.connected = make(map[string]*item), make(map[board.ReplicaID]bool)
	r.localReads, r.status, r.saidSealed = "", modes.Status{}, false
	r.rebuild()
	if r.cluster.epoch > 1 {
		r.trace("epoch %d", r.cluster.epoch)
	}
	r.trace("start: incarnation %d, %d records, board %s", r.life, r.saved-r.forgotten, r.board.Vector())
	keys, keysFrom := r.board.Keys(keysArticlesMax)
	if len(keys) > 0 {
		r.tell(modes.Keys{Keys: keys})
	}
	if r.saved > r.forgotten {
		r.tell(modes.Saved{First: r.forgotten + 1, Records: r.records[r.forgotten:]})
	}
	r.tell(modes.Start{
		Epoch: r.cluster.epoch, Incarnation: uint64(r.life), Seed: r.cluster.config.Seed, Options: r.cluster.config.Options,
		Self: r.id, Replicas: r.cluster.ids(), Voters: r.cluster.ids(), Board: r.board.Vector(), Served: r.life > 1, KeysFrom: keysFrom,
	})
	if r.sealed {
		r.tell(modes.Seal{})
	}
	for _, peer := range r.cluster.ids() {
		r.cluster.connect(r.id, peer)
	}
}

// rebuild reads board and journal from the disk.
func (r *replica) rebuild() {
	r.board, r.records, r.saved, r.forgotten = &board.Board{}, nil, 0, 0
	for _, w := range r.disk.writes {
		r.put(w.articles)
		switch {
		case w.record != nil:
			r.records = append(r.records, w.record)
			r.saved++
		case w.forget > 0:
			r.forgotten = w.forget
		}
	}
}

func (r *replica) crash(keep int) {
	if !r.up {
		return
	}
	r.trace("crash: %d writes were not synced, %d of them survive", len(r.disk.writes)-r.disk.synced, min(keep, len(r.disk.writes)-r.disk.synced))
	r.disk.writes = r.disk.writes[:min(len(r.disk.writes), r.disk.synced+keep)]
	r.end()
}

// end is the end of a life. Clients of writes do not know what became of them.
func (r *replica) end() {
	r.up, r.paused = false, false
	r.mode, r.pending, r.held = nil, nil, nil
	for _, t := range r.timers {
		t.do = func() {}
	}
	r.disk = disk{writes: r.disk.writes, synced: len(r.disk.writes), needed: len(r.disk.writes)}
	for _, call := range slices.Clone(r.open) {
		r.cluster.end(call, "the replica has gone: "+lostOutcome(call), func() { call.Refused = !call.Request.Verb.Writes() })
	}
}

func lostOutcome(call *Call) string {
	if call.Request.Verb.Writes() {
		return "unknown"
	}
	return "refused"
}

// Events.

func (r *replica) tell(event modes.Event) { r.pending = append(r.pending, event) }

func (r *replica) peerUp(peer board.ReplicaID) {
	if r.up && !r.connected[peer] {
		r.connected[peer] = true
		r.trace("%s up", peer)
		r.tell(modes.PeerUp{Peer: peer})
	}
}

func (r *replica) peerDown(peer board.ReplicaID) {
	if r.up && r.connected[peer] {
		r.connected[peer] = false
		r.trace("%s down", peer)
		r.tell(modes.PeerDown{Peer: peer})
	}
}

// giveUp is the host's answer when the mode gave none.
func (r *replica) giveUp(call *Call) {
	if call.Done || !slices.Contains(r.open, call) {
		return
	}
	r.cluster.end(call, "no answer by the deadline: "+lostOutcome(call), func() { call.Refused = !call.Request.Verb.Writes() })
	r.tell(modes.Cancel{Request: call.Request.ID})
}

func (r *replica) answersAlone(request *modes.Request) bool {
	reads := request.Verb == modes.VerbRead || request.Verb == modes.VerbChoose && request.OnBoard
	return reads && r.localReads != "" && !request.Fresh && r.board.Vector().Covers(request.Seen)
}

// step gives the mode what has happened, as one batch, and does what it wants.
func (r *replica) step() {
	if !r.up || r.paused || len(r.pending) == 0 {
		return
	}
	r.batch++
	batch := modes.Batch{Number: r.batch, Now: r.cluster.now, Events: r.pending}
	r.pending = nil
	var out modes.Effects
	r.mode.Step(batch, &out)
	r.do(out.List)
}

// Effects.

// do writes first and then holds what must wait for it.
func (r *replica) do(effects []modes.Effect) {
	if !r.takesAll(effects) {
		return
	}
	for _, effect := range effects {
		r.write(effect)
	}
	need, upTo := r.disk.needed, r.written()
	if last := r.disk.lastSave(); last > need {
		need = last
	}
	for _, effect := range effects {
		if r.actNow(effect) {
			continue
		}
		switch effect.(type) {
		case modes.Send, modes.Reply, modes.Serve, modes.SendBoard, modes.Sealed, modes.Stopped:
			r.held = append(r.held, heldEffect{need, effect, upTo})
			r.disk.needed = max(r.disk.needed, need)
		}
	}
	r.release()
	r.sync()
}

// lastSave returns how much must be synced so that all saves are.
func (d *disk) lastSave() int {
	for i := len(d.writes); i > d.synced; i-- {
		if d.writes[i-1].record != nil {
			return i
		}
	}
	return 0
}

func (r *replica) write(effect modes.Effect) {
	switch e := effect.(type) {
	case modes.Save:
		r.disk.writes = append(r.disk.writes, write{record: e.Record})
		r.records = append(r.records, e.Record)
		r.saved++
	case modes.Forget:
		if e.UpTo > r.saved || e.UpTo < r.forgotten {
			panic(fmt.Sprintf("%s forgets up to %d, with %d saved and %d forgotten", r.id, e.UpTo, r.saved, r.forgotten))
		}
		r.disk.writes = append(r.disk.writes, write{forget: e.UpTo})
		r.forgotten = e.UpTo
		r.trace("  forget up to record %d", e.UpTo)
	case modes.Store:
		r.disk.writes = append(r.disk.writes, write{articles: e.Articles, late: e.Durable})
		if e.Durable {
			r.disk.needed = len(r.disk.writes)
		} else {
			r.put(e.Articles)
		}
		r.traceStore(e)
	}
}

func (r *replica) traceStore(e modes.Store) {
	for _, a := range e.Articles {
		text := fmt.Sprintf("  store %s %q", a.ID, a.Title)
		if !a.IsRoot() {
			text += " under " + a.Parent.String()
		}
		r.trace("%s", text)
	}
}

func (r *replica) put(articles []board.Article) {
	for _, a := range articles {
		if err := r.board.Put(a); err != nil {
			panic(fmt.Sprintf("%s halts: %v", r.id, err))
		}
	}
}

// actNow does what need not wait for the disk; it reports whether effect was of
// that kind.
func (r *replica) actNow(effect modes.Effect) bool {
	switch e := effect.(type) {
	case modes.SendNow:
		r.cluster.send(r, e.To, e.Message, nil)
	case modes.Refuse:
		r.answer(e.Request, fmt.Sprintf("refuse (%s): %s", e.Kind, e.Why), func(call *Call) {
			call.Refused, call.Kind, call.Why = true, e.Kind, e.Why
		})
	case modes.LocalReads:
		r.localReads = e.Guarantee
	case modes.LookUp:
		r.tell(r.look(e.ID))
	case modes.SetTimer:
		r.setTimer(e.Name, e.After)
	case modes.ClearTimer:
		r.clearTimer(e.Name)
	case modes.Report:
		r.status = e.Status
		r.trace("  report %s", describeStatus(e.Status))
	case modes.Note:
		r.trace("  note: %s", e.Text)
	case modes.Halt:
		r.trace("  halt: %s", e.Why)
		r.cluster.halts = append(r.cluster.halts, r.id.String()+": "+e.Why)
		r.end()
	default:
		return false
	}
	return true
}

// written is what the board holds, what is not visible yet included.
func (r *replica) written() board.Vector {
	v := r.board.Vector()
	for _, w := range r.disk.writes[r.disk.synced:] {
		for _, a := range w.articles {
			v = v.With(a.ID)
		}
	}
	return v
}

// look answers LookUp: also of what is written and not visible yet.
func (r *replica) look(id board.ArticleID) modes.Looked {
	there := r.has(id)
	r.trace("  look up %s: %v", id, there)
	return modes.Looked{ID: id, OnBoard: there}
}

// has reports whether an article is written, visible or not.
func (r *replica) has(id board.ArticleID) bool {
	_, there := r.board.Get(id)
	for _, w := range r.disk.writes[r.disk.synced:] {
		there = there || slices.ContainsFunc(w.articles, func(a board.Article) bool { return a.ID == id })
	}
	return there
}

func describeStatus(s modes.Status) string {
	text := fmt.Sprintf("%s term %d", s.Role, s.Term)
	if s.Coordinator != 0 {
		text += " coordinator " + s.Coordinator.String()
	}
	if s.Backup != 0 {
		text += " backup " + s.Backup.String()
	}
	if s.Behind > 0 {
		text += fmt.Sprintf(" behind %d", s.Behind)
	}
	if s.Waiting != "" {
		text += " waits for " + s.Waiting
	}
	return text
}

func (r *replica) setTimer(name string, after time.Duration) {
	r.clearTimer(name)
	r.timers[name] = r.cluster.after(max(0, after), true, func() {
		if r.timers[name] != nil {
			delete(r.timers, name)
			r.tell(modes.Timer{Name: name})
		}
	})
}

func (r *replica) clearTimer(name string) {
	if t := r.timers[name]; t != nil {
		t.do = func() {}
		delete(r.timers, name)
	}
}

// sync starts an fsync of all that is written, if something waits for it.
func (r *replica) sync() {
	d := &r.disk
	if d.writing || d.needed <= d.synced || !r.up {
		return
	}
	d.writing = true
	upTo, life := len(d.writes), r.life
	delay := diskDelayDefault
	if r.cluster.config.Disk != nil {
		delay = r.cluster.config.Disk(r.id)
	}
	r.cluster.after(delay, false, func() {
		if r.up && r.life == life {
			r.synced(upTo)
		}
	})
}

func (r *replica) synced(upTo int) {
	d := &r.disk
	for _, w := range d.writes[d.synced:upTo] {
		if w.late {
			r.put(w.articles)
		}
		if w.then != nil {
			w.then()
		}
	}
	d.synced, d.writing = upTo, false
	r.release()
	r.sync()
}

// release does, in order, the held effects that the disk allows.
func (r *replica) release() {
	for r.up && len(r.held) > 0 && r.held[0].need <= r.disk.synced {
		h := r.held[0]
		r.held = r.held[1:]
		r.actHeld(h)
	}
}

func (r *replica) actHeld(h heldEffect) {
	switch e := h.effect.(type) {
	case modes.Send:
		r.cluster.send(r, e.To, e.Message, nil)
	case modes.SendBoard:
		span := &spanSent{since: e.Since, upTo: h.upTo}
		for _, a := range r.board.Span(e.Since) {
			if h.upTo.Has(a.ID) {
				span.articles = append(span.articles, a)
			}
		}
		r.trace("  send board beyond %s to %s: %d articles", e.Since, e.To, len(span.articles))
		r.cluster.send(r, e.To, e.Message, span)
	case modes.Reply:
		r.answer(e.Request, describeReply(e), func(call *Call) {
			call.OK, call.ID, call.Why = e.Outcome == modes.OK, e.ID, e.Why
		})
	case modes.Serve:
		if !r.board.Vector().Covers(e.UpTo) {
			panic(fmt.Sprintf("%s serves up to %s, and its board holds %s", r.id, e.UpTo, r.board.Vector()))
		}
		r.answer(e.Request, describeServe(e), func(call *Call) {
			call.OK, call.UpTo = true, e.UpTo
		})
	case modes.Sealed:
		r.saidSealed = true
		r.trace("  sealed: board %s", e.Board)
	case modes.Stopped:
		r.trace("  stopped")
		r.leave()
	}
}

// leave is an orderly end: what is written is kept, and peers see it go.
func (r *replica) leave() {
	r.disk.synced = len(r.disk.writes)
	r.end()
	for _, peer := range r.cluster.ids() {
		if peer != r.id {
			r.cluster.replica(peer).peerDown(r.id)
		}
	}
}

func describeServe(e modes.Serve) string {
	text := fmt.Sprintf("serve up to %s (%s)", e.UpTo, e.Guarantee)
	if len(e.Asked) > 0 {
		text += fmt.Sprintf(", asked %v", e.Asked)
	}
	if len(e.Missed) > 0 {
		text += fmt.Sprintf(", missed %v", e.Missed)
	}
	return text
}

func describeReply(e modes.Reply) string {
	text := e.Outcome.String()
	if !e.ID.IsZero() {
		text += fmt.Sprintf(" %s, %d copies", e.ID, e.Copies)
	}
	if len(e.Reached)+len(e.Missed) > 0 {
		text += fmt.Sprintf(", reached %v, missed %v, brought %d", e.Reached, e.Missed, e.Count)
	}
	if e.Why != "" {
		text += ": " + e.Why
	}
	return text
}

// answer ends a call that is still open; the host ignores answers to others.
func (r *replica) answer(id modes.RequestID, text string, set func(*Call)) {
	for _, call := range r.open {
		if call.Request.ID == id {
			r.cluster.end(call, text, func() { set(call) })
			return
		}
	}
}
