package modetest

import (
	"slices"
	"time"

	"consequor/board"
	"consequor/modes"
)

// labReplica is one replica: a state machine, and what a host has for it.
type labReplica struct {
	lab *lab
	id  board.ReplicaID

	// On disk. Every batch is on disk before its held effects are done.
	board       board.Board
	records     [][]byte // those not forgotten
	forgotten   uint64   // records below, and this one
	incarnation uint64
	served      bool
	sealGiven   bool

	// Of this life.
	machine    Machine // nil: down
	life       *recordedLife
	number     uint64        // of the last batch
	started    bool          // Start was stepped
	urgent     []modes.Event // one to a batch, before all others
	pending    []modes.Event
	timers     []labTimer // by name, in the order they were set
	linked     []board.ReplicaID
	open       []*labRequest
	localReads string
	sealed     bool
	stopped    bool
	crashing   bool // the next step's writes are lost
	halted     string
}

type labTimer struct {
	name string
	at   time.Duration
}

func newLabReplica(l *lab, id board.ReplicaID) *labReplica { return &labReplica{lab: l, id: id} }

// The pieces in which a life's past is given, small so that there are several.
const (
	labKeysPiece   = 2
	labRecordPiece = 3
)

// start begins a life: the past in pieces, Start, and Seal if it was given.
func (r *labReplica) start() {
	l := r.lab
	machine, err := l.launch(r.id)
	if err != nil {
		l.fault("launch %s: %v", r.id, err)
	}
	r.incarnation++
	r.machine, r.number, r.started, r.sealed, r.stopped = machine, 0, false, false, false
	r.life = &recordedLife{scenario: l.scenario, replica: r.id}
	l.recording = append(l.recording, r.life)
	keys, keysFrom := r.board.Keys(2 * board.KeyCountMax)
	for piece := range slices.Chunk(keys, labKeysPiece) {
		r.urgent = append(r.urgent, modes.Keys{Keys: piece})
	}
	first := r.forgotten + 1
	for records := range slices.Chunk(r.records, labRecordPiece) {
		r.urgent = append(r.urgent, modes.Saved{First: first, Records: slices.Clone(records)})
		first += uint64(len(records))
	}
	r.urgent = append(r.urgent, modes.Start{
		Epoch: 1, Incarnation: r.incarnation, Seed: labSeed + uint64(r.id), Options: l.options, Self: r.id,
		Replicas: l.ids(), Voters: l.ids(), Board: r.board.Vector(), Served: r.served, KeysFrom: keysFrom,
	})
	if r.sealGiven {
		r.urgent = append(r.urgent, modes.Seal{})
	}
	r.served = true
	l.relink()
}

// crash ends a life. What was not answered is asked again in the next one, as
// hosts do.
func (r *labReplica) crash() {
	r.lab.line("%s crashes", r.id)
	err := r.machine.Close()
	r.machine, r.urgent, r.pending, r.timers, r.localReads = nil, nil, nil, nil, ""
	r.linked = nil
	for _, q := range r.open {
		q.finish(labUnknown, "the replica crashed")
	}
	r.open = nil
	r.lab.packets = slices.DeleteFunc(r.lab.packets, func(p labPacket) bool { return p.from == r.id || p.to == r.id })
	r.lab.relink()
	if err != nil {
		r.lab.fault("close %s: %v", r.id, err)
	}
}

func (r *labReplica) link(peer board.ReplicaID, up bool) {
	was := slices.Contains(r.linked, peer)
	switch {
	case r.machine == nil || was == up:
	case up:
		r.linked = append(r.linked, peer)
		r.pending = append(r.pending, modes.PeerUp{Peer: peer})
	default:
		r.linked = slices.DeleteFunc(r.linked, func(id board.ReplicaID) bool { return id == peer })
		r.pending = append(r.pending, modes.PeerDown{Peer: peer})
	}
}

// receive takes a message, and the span that may be with it.
func (r *labReplica) receive(p labPacket) {
	event := modes.Receive{From: p.from, Message: p.message}
	if p.span != nil {
		event.Span = r.takeSpan(p.span)
	}
	r.pending = append(r.pending, event)
}

func (r *labReplica) takeSpan(s *labSpan) *modes.Span {
	if !r.board.Vector().Covers(s.since) {
		return &modes.Span{Gap: true, Board: r.board.Vector()}
	}
	span := &modes.Span{}
	for _, a := range s.articles {
		if _, there := r.board.Get(a.ID); !there {
			span.Count++
			if a.Key != "" {
				span.Keys = append(span.Keys, board.KeyedID{ID: a.ID, Key: a.Key})
			}
		}
		r.put(a, "a span")
	}
	span.Board = r.board.Vector()
	return span
}

// tick lets timers and requests run out.
func (r *labReplica) tick() {
	if r.machine == nil {
		return
	}
	r.timers = slices.DeleteFunc(r.timers, func(t labTimer) bool {
		due := t.at <= r.lab.now
		if due {
			r.pending = append(r.pending, modes.Timer{Name: t.name})
		}
		return due
	})
	for _, q := range slices.Clone(r.open) {
		if q.event.Deadline+labGrace <= r.lab.now {
			r.cancel(q)
		}
	}
}

// cancel answers a request in the mode's place.
func (r *labReplica) cancel(q *labRequest) {
	r.pending = append(r.pending, modes.Cancel{Request: q.event.ID})
	if q.event.Verb.Writes() {
		q.finish(labUnknown, "no answer in time")
	} else {
		q.finish(labRefused, "no answer in time")
	}
	r.open = slices.DeleteFunc(r.open, func(other *labRequest) bool { return other == q })
}

// step hands the mode its next batch; false: there is none.
func (r *labReplica) step() bool {
	events := r.nextEvents()
	if r.machine == nil || len(events) == 0 {
		return false
	}
	l := r.lab
	if l.steps++; l.steps > labStepsMax {
		l.fault("%d batches, and it never rests", l.steps)
	}
	r.number++
	batch := modes.Batch{Number: r.number, Now: l.now, Events: events}
	effects, err := r.machine.Step(batch)
	if err != nil {
		l.fault("%s: %v", r.id, err)
	}
	r.life.add(batch, effects)
	l.line("%s batch %d %T%+v -> %T%+v", r.id, r.number, events[len(events)-1], events, effects, effects.List)
	if !r.started {
		r.beforeStart(events[0], effects)
	}
	r.apply(effects)
	return true
}

func (r *labReplica) nextEvents() (events []modes.Event) {
	if len(r.urgent) > 0 {
		events, r.urgent = r.urgent[:1:1], r.urgent[1:]
		return events
	}
	events, r.pending = r.pending, nil
	return events
}

// beforeStart judges a step with a piece of the past, or with Start.
func (r *labReplica) beforeStart(event modes.Event, effects *modes.Effects) {
	if _, start := event.(modes.Start); start {
		r.started = true
		return
	}
	for _, effect := range effects.List {
		if _, note := effect.(modes.Note); !note {
			r.lab.fault("%s: %T before Start", r.id, effect)
		}
	}
}
