package modeplugin

import (
	"fmt"
	"time"

	"consequor/board"
	"consequor/modes"
)

// appendEffects appends the wire form of batch number's effects to buf.
func appendEffects(buf []byte, number uint64, effects *modes.Effects) ([]byte, error) {
	e := encoder{buf}
	e.uint(1, number)
	for _, effect := range effects.List {
		known := false
		e.message(2, func() { known = e.effect(effect) })
		if !known {
			return buf, fmt.Errorf("step %d: no wire form for effect %T", number, effect)
		}
	}
	return e.buf, nil
}

// appendFault appends an Effects message that says why batch number cannot be
// answered.
func appendFault(buf []byte, number uint64, why string) []byte {
	e := encoder{buf}
	e.uint(1, number)
	e.text(3, why)
	return e.buf
}

// effect appends the one field that is the effect; false: mode.proto has none.
func (e *encoder) effect(effect modes.Effect) bool {
	switch effect := effect.(type) {
	case modes.Save:
		e.message(1, func() { e.bytes(1, effect.Record) })
	case modes.Forget:
		e.message(2, func() { e.uint(1, effect.UpTo) })
	case modes.Store:
		e.message(3, func() { e.store(&effect) })
	case modes.Send:
		e.message(4, func() { e.uint(1, uint64(effect.To)); e.bytes(2, effect.Message) })
	case modes.SendNow:
		e.message(5, func() { e.uint(1, uint64(effect.To)); e.bytes(2, effect.Message) })
	case modes.SendBoard:
		e.message(6, func() { e.sendBoard(&effect) })
	case modes.Reply:
		e.message(7, func() { e.reply(&effect) })
	case modes.Serve:
		e.message(8, func() { e.serve(&effect) })
	case modes.Refuse:
		e.message(9, func() { e.refuse(&effect) })
	case modes.LocalReads:
		e.message(10, func() { e.text(1, effect.Guarantee) })
	case modes.SetTimer:
		e.message(11, func() { e.text(1, effect.Name); e.int(2, int64(effect.After)) })
	case modes.ClearTimer:
		e.message(12, func() { e.text(1, effect.Name) })
	case modes.Sealed:
		e.message(13, func() { e.vector(1, effect.Board) })
	case modes.Stopped:
		e.message(14, func() {})
	case modes.Halt:
		e.message(15, func() { e.text(1, effect.Why) })
	case modes.Report:
		e.message(16, func() { e.message(1, func() { e.status(&effect.Status) }) })
	case modes.Note:
		e.message(17, func() { e.text(1, effect.Text) })
	case modes.LookUp:
		e.message(18, func() { e.id(1, effect.ID) })
	default:
		return false
	}
	return true
}

func (e *encoder) store(s *modes.Store) {
	for i := range s.Articles {
		e.article(1, &s.Articles[i])
	}
	e.bool(2, s.Durable)
}

func (e *encoder) sendBoard(s *modes.SendBoard) {
	e.uint(1, uint64(s.To))
	e.vector(2, s.Since)
	e.bytes(3, s.Message)
}

func (e *encoder) reply(r *modes.Reply) {
	e.uint(1, uint64(r.Request))
	e.uint(2, uint64(r.Outcome))
	e.id(3, r.ID)
	e.int(4, int64(r.Copies))
	e.replicas(5, r.Reached)
	e.replicas(6, r.Missed)
	e.int(7, int64(r.Count))
	e.text(8, r.Why)
	e.text(9, r.Guarantee)
}

func (e *encoder) serve(s *modes.Serve) {
	e.uint(1, uint64(s.Request))
	e.vector(2, s.UpTo)
	e.text(3, s.Guarantee)
	e.replicas(4, s.Asked)
	e.replicas(5, s.Missed)
}

func (e *encoder) refuse(r *modes.Refuse) {
	e.uint(1, uint64(r.Request))
	e.text(2, string(r.Kind))
	e.text(3, r.Why)
}

func (e *encoder) status(s *modes.Status) {
	e.text(1, string(s.Role))
	e.uint(2, s.Term)
	e.uint(3, uint64(s.Coordinator))
	e.uint(4, uint64(s.Backup))
	e.uint(5, s.Behind)
	e.bool(6, s.CaughtUp)
	e.text(7, s.Waiting)
	e.bool(8, s.Joined)
}

// answer is a decoded Effects message.
type answer struct {
	number  uint64
	effects modes.Effects
	fault   string // when set: why there are no effects
}

// decodeEffects reads what appendEffects or appendFault wrote.
func decodeEffects(buf []byte) (a answer, err error) {
	d := newDecoder(buf)
	for d.next() {
		switch d.field {
		case 1:
			a.number = d.uint()
		case 2:
			a.effects.List = append(a.effects.List, d.effect())
		case 3:
			a.fault = d.text()
		default:
			d.skip()
		}
	}
	if d.err != nil {
		return answer{}, fmt.Errorf("effects: %w", d.err)
	}
	return a, nil
}

func (d *decoder) effect() (effect modes.Effect) {
	outer := d.enter()
	for d.next() {
		effect = d.effectField()
	}
	d.leave(outer)
	if effect == nil {
		d.fail("an effect of no kind")
	}
	return effect
}

// effectField reads the one field that is the effect. An unknown one is an
// error: effects are applied whole or not at all.
func (d *decoder) effectField() modes.Effect {
	switch d.field {
	case 1:
		return modes.Save{Record: d.oneBytes()}
	case 2:
		return modes.Forget{UpTo: d.oneUint()}
	case 3:
		return d.store()
	case 4:
		to, message := d.send()
		return modes.Send{To: to, Message: message}
	case 5:
		to, message := d.send()
		return modes.SendNow{To: to, Message: message}
	case 6:
		return d.sendBoard()
	case 7:
		return d.reply()
	case 8:
		return d.serve()
	case 9:
		return d.refuse()
	case 10:
		return modes.LocalReads{Guarantee: d.oneText()}
	case 11:
		return d.setTimer()
	case 12:
		return modes.ClearTimer{Name: d.oneText()}
	case 13:
		return d.sealed()
	case 14:
		d.none()
		return modes.Stopped{}
	case 15:
		return modes.Halt{Why: d.oneText()}
	case 16:
		return d.report()
	case 17:
		return modes.Note{Text: d.oneText()}
	case 18:
		return d.lookUp()
	}
	d.fail("an effect of unknown kind")
	return nil
}

func (d *decoder) store() (s modes.Store) {
	outer := d.enter()
	for d.next() {
		switch d.field {
		case 1:
			s.Articles = append(s.Articles, d.article())
		case 2:
			s.Durable = d.bool()
		default:
			d.skip()
		}
	}
	d.leave(outer)
	return s
}

func (d *decoder) send() (to board.ReplicaID, message []byte) {
	outer := d.enter()
	for d.next() {
		switch d.field {
		case 1:
			to = d.replica()
		case 2:
			message = d.bytes()
		default:
			d.skip()
		}
	}
	d.leave(outer)
	return to, message
}

func (d *decoder) sendBoard() (s modes.SendBoard) {
	outer := d.enter()
	for d.next() {
		switch d.field {
		case 1:
			s.To = d.replica()
		case 2:
			s.Since = d.vector(s.Since)
		case 3:
			s.Message = d.bytes()
		default:
			d.skip()
		}
	}
	d.leave(outer)
	return s
}

func (d *decoder) reply() (r modes.Reply) {
	outer := d.enter()
	for d.next() {
		switch d.field {
		case 1:
			r.Request = modes.RequestID(d.uint())
		case 2:
			r.Outcome = modes.Outcome(d.enum(uint8(modes.Unknown)))
		case 3:
			r.ID = d.id()
		case 4:
			r.Copies = int(d.int())
		case 5:
			r.Reached = d.replicas(r.Reached)
		case 6:
			r.Missed = d.replicas(r.Missed)
		case 7:
			r.Count = int(d.int())
		case 8:
			r.Why = d.text()
		case 9:
			r.Guarantee = d.text()
		default:
			d.skip()
		}
	}
	d.leave(outer)
	return r
}

func (d *decoder) serve() (s modes.Serve) {
	outer := d.enter()
	for d.next() {
		switch d.field {
		case 1:
			s.Request = modes.RequestID(d.uint())
		case 2:
			s.UpTo = d.vector(s.UpTo)
		case 3:
			s.Guarantee = d.text()
		case 4:
			s.Asked = d.replicas(s.Asked)
		case 5:
			s.Missed = d.replicas(s.Missed)
		default:
			d.skip()
		}
	}
	d.leave(outer)
	return s
}

func (d *decoder) refuse() (r modes.Refuse) {
	outer := d.enter()
	for d.next() {
		switch d.field {
		case 1:
			r.Request = modes.RequestID(d.uint())
		case 2:
			r.Kind = modes.RefusalKind(d.text())
		case 3:
			r.Why = d.text()
		default:
			d.skip()
		}
	}
	d.leave(outer)
	return r
}

func (d *decoder) lookUp() (l modes.LookUp) {
	outer := d.enter()
	for d.next() {
		switch d.field {
		case 1:
			l.ID = d.id()
		default:
			d.skip()
		}
	}
	d.leave(outer)
	return l
}

func (d *decoder) setTimer() (t modes.SetTimer) {
	outer := d.enter()
	for d.next() {
		switch d.field {
		case 1:
			t.Name = d.text()
		case 2:
			t.After = time.Duration(d.int())
		default:
			d.skip()
		}
	}
	d.leave(outer)
	return t
}

func (d *decoder) sealed() (s modes.Sealed) {
	outer := d.enter()
	for d.next() {
		switch d.field {
		case 1:
			s.Board = d.vector(s.Board)
		default:
			d.skip()
		}
	}
	d.leave(outer)
	return s
}

func (d *decoder) report() (r modes.Report) {
	outer := d.enter()
	for d.next() {
		switch d.field {
		case 1:
			r.Status = d.status()
		default:
			d.skip()
		}
	}
	d.leave(outer)
	return r
}

func (d *decoder) status() (s modes.Status) {
	outer := d.enter()
	for d.next() {
		switch d.field {
		case 1:
			s.Role = modes.Role(d.text())
		case 2:
			s.Term = d.uint()
		case 3:
			s.Coordinator = d.replica()
		case 4:
			s.Backup = d.replica()
		case 5:
			s.Behind = d.uint()
		case 6:
			s.CaughtUp = d.bool()
		case 7:
			s.Waiting = d.text()
		case 8:
			s.Joined = d.bool()
		default:
			d.skip()
		}
	}
	d.leave(outer)
	return s
}
