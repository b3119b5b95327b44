package modeplugin

import (
	"fmt"
	"time"

	"consequor/modes"
)

// appendBatch appends the wire form of a batch to buf.
func appendBatch(buf []byte, batch *modes.Batch) ([]byte, error) {
	e := encoder{buf}
	e.uint(1, batch.Number)
	e.int(2, int64(batch.Now))
	for _, event := range batch.Events {
		known := false
		e.message(3, func() { known = e.event(event) })
		if !known {
			return buf, fmt.Errorf("batch %d: no wire form for event %T", batch.Number, event)
		}
	}
	return e.buf, nil
}

// event appends the one field that is the event; false: mode.proto has none.
func (e *encoder) event(event modes.Event) bool {
	switch event := event.(type) {
	case modes.Keys:
		e.message(1, func() { e.keys(1, event.Keys) })
	case modes.Saved:
		e.message(2, func() { e.saved(&event) })
	case modes.Start:
		e.message(3, func() { e.start(&event) })
	case modes.Request:
		e.message(4, func() { e.request(&event) })
	case modes.Cancel:
		e.message(5, func() { e.uint(1, uint64(event.Request)) })
	case modes.Receive:
		e.message(6, func() { e.receive(&event) })
	case modes.Timer:
		e.message(7, func() { e.text(1, event.Name) })
	case modes.PeerUp:
		e.message(8, func() { e.uint(1, uint64(event.Peer)) })
	case modes.PeerDown:
		e.message(9, func() { e.uint(1, uint64(event.Peer)) })
	case modes.Seal:
		e.message(10, func() {})
	case modes.Stop:
		e.message(11, func() {})
	case modes.Looked:
		e.message(12, func() { e.id(1, event.ID); e.bool(2, event.OnBoard) })
	default:
		return false
	}
	return true
}

func (e *encoder) saved(s *modes.Saved) {
	e.uint(1, s.First)
	for _, record := range s.Records {
		e.element(2, record)
	}
}

func (e *encoder) start(s *modes.Start) {
	e.uint(1, s.Epoch)
	e.uint(2, s.Incarnation)
	e.uint(3, s.Seed)
	for _, option := range s.Options {
		e.message(4, func() {
			e.text(1, option.Name)
			e.text(2, option.Value)
		})
	}
	e.uint(5, uint64(s.Self))
	e.replicas(6, s.Replicas)
	e.replicas(7, s.Voters)
	e.vector(8, s.Board)
	e.bool(9, s.Served)
	e.uint(10, s.KeysFrom)
}

func (e *encoder) request(r *modes.Request) {
	e.uint(1, uint64(r.ID))
	e.uint(2, uint64(r.Verb))
	e.article(3, &r.Article)
	e.id(4, r.Target)
	e.bool(5, r.OnBoard)
	e.uint(6, r.Mark)
	e.uint(7, uint64(r.Home))
	e.vector(8, r.Seen)
	e.bool(9, r.Fresh)
	e.int(10, int64(r.Deadline))
}

func (e *encoder) receive(r *modes.Receive) {
	e.uint(1, uint64(r.From))
	e.bytes(2, r.Message)
	if r.Span != nil {
		e.message(3, func() {
			e.bool(1, r.Span.Gap)
			e.vector(2, r.Span.Board)
			e.keys(3, r.Span.Keys)
			e.int(4, int64(r.Span.Count))
		})
	}
}

// decodeBatch reads what appendBatch wrote.
func decodeBatch(buf []byte) (batch modes.Batch, err error) {
	d := newDecoder(buf)
	for d.next() {
		switch d.field {
		case 1:
			batch.Number = d.uint()
		case 2:
			batch.Now = time.Duration(d.int())
		case 3:
			batch.Events = append(batch.Events, d.event())
		default:
			d.skip()
		}
	}
	if d.err != nil {
		return modes.Batch{}, fmt.Errorf("batch: %w", d.err)
	}
	return batch, nil
}

func (d *decoder) event() (event modes.Event) {
	outer := d.enter()
	for d.next() {
		event = d.eventField()
	}
	d.leave(outer)
	if event == nil {
		d.fail("an event of no kind")
	}
	return event
}

// eventField reads the one field that is the event. An unknown one is an
// error: to step over an event would be to lose it.
func (d *decoder) eventField() modes.Event {
	switch d.field {
	case 1:
		return d.keysEvent()
	case 2:
		return d.saved()
	case 3:
		return d.start()
	case 4:
		return d.request()
	case 5:
		return modes.Cancel{Request: modes.RequestID(d.oneUint())}
	case 6:
		return d.receive()
	case 7:
		return modes.Timer{Name: d.oneText()}
	case 8:
		return modes.PeerUp{Peer: d.toReplica(d.oneUint())}
	case 9:
		return modes.PeerDown{Peer: d.toReplica(d.oneUint())}
	case 10:
		d.none()
		return modes.Seal{}
	case 11:
		d.none()
		return modes.Stop{}
	case 12:
		return d.looked()
	}
	d.fail("an event of unknown kind")
	return nil
}

func (d *decoder) keysEvent() (k modes.Keys) {
	outer := d.enter()
	for d.next() {
		switch d.field {
		case 1:
			k.Keys = append(k.Keys, d.key())
		default:
			d.skip()
		}
	}
	d.leave(outer)
	return k
}

func (d *decoder) saved() (s modes.Saved) {
	outer := d.enter()
	for d.next() {
		switch d.field {
		case 1:
			s.First = d.uint()
		case 2:
			s.Records = append(s.Records, d.bytes())
		default:
			d.skip()
		}
	}
	d.leave(outer)
	return s
}

func (d *decoder) start() (s modes.Start) {
	outer := d.enter()
	for d.next() {
		switch d.field {
		case 1:
			s.Epoch = d.uint()
		case 2:
			s.Incarnation = d.uint()
		case 3:
			s.Seed = d.uint()
		case 4:
			s.Options = append(s.Options, d.option())
		case 5:
			s.Self = d.replica()
		case 6:
			s.Replicas = d.replicas(s.Replicas)
		case 7:
			s.Voters = d.replicas(s.Voters)
		case 8:
			s.Board = d.vector(s.Board)
		case 9:
			s.Served = d.bool()
		case 10:
			s.KeysFrom = d.uint()
		default:
			d.skip()
		}
	}
	d.leave(outer)
	return s
}

func (d *decoder) option() (o modes.Option) {
	outer := d.enter()
	for d.next() {
		switch d.field {
		case 1:
			o.Name = d.text()
		case 2:
			o.Value = d.text()
		default:
			d.skip()
		}
	}
	d.leave(outer)
	return o
}

func (d *decoder) request() (r modes.Request) {
	outer := d.enter()
	for d.next() {
		switch d.field {
		case 1:
			r.ID = modes.RequestID(d.uint())
		case 2:
			r.Verb = modes.Verb(d.enum(uint8(modes.VerbSync)))
		case 3:
			r.Article = d.article()
		case 4:
			r.Target = d.id()
		case 5:
			r.OnBoard = d.bool()
		case 6:
			r.Mark = d.uint()
		case 7:
			r.Home = d.replica()
		case 8:
			r.Seen = d.vector(r.Seen)
		case 9:
			r.Fresh = d.bool()
		case 10:
			r.Deadline = time.Duration(d.int())
		default:
			d.skip()
		}
	}
	d.leave(outer)
	return r
}

func (d *decoder) receive() (r modes.Receive) {
	outer := d.enter()
	for d.next() {
		switch d.field {
		case 1:
			r.From = d.replica()
		case 2:
			r.Message = d.bytes()
		case 3:
			r.Span = d.span()
		default:
			d.skip()
		}
	}
	d.leave(outer)
	return r
}

func (d *decoder) looked() (l modes.Looked) {
	outer := d.enter()
	for d.next() {
		switch d.field {
		case 1:
			l.ID = d.id()
		case 2:
			l.OnBoard = d.bool()
		default:
			d.skip()
		}
	}
	d.leave(outer)
	return l
}

func (d *decoder) span() *modes.Span {
	var s modes.Span
	outer := d.enter()
	for d.next() {
		switch d.field {
		case 1:
			s.Gap = d.bool()
		case 2:
			s.Board = d.vector(s.Board)
		case 3:
			s.Keys = append(s.Keys, d.key())
		case 4:
			s.Count = int(d.int())
		default:
			d.skip()
		}
	}
	d.leave(outer)
	return &s
}
