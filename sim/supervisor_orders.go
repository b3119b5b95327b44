package sim

import (
	"fmt"

	"consequor/replicad/host"
	"consequor/sim/cluster"
	"consequor/supervisor/modechange"
)

// reports tells the core what is known of every process; nothing before they are
// started.
func (s *supervisor) reports() []modechange.Report {
	if !s.ready {
		return nil
	}
	list := make([]modechange.Report, 0, len(s.hands))
	for i, r := range s.c.All() {
		list = append(list, s.report(&s.hands[i], r))
	}
	return list
}

// report tells of one process. What a dead one had prepared died with it. Of
// those that are down some are said to start again, which a change waits for,
// and some are not, as when somebody has killed them on purpose.
func (s *supervisor) report(h *hand, r *cluster.Replica) modechange.Report {
	level := r.Level()
	if life := uint64(level.Life); h.life != life {
		*h = hand{life: life}
	}
	if down := !level.Up; down != h.down {
		h.down, h.gone = down, down && s.random.IntN(4) == 0
	}
	report := modechange.Report{
		Replica: r.ID.String(), Life: h.life, Alive: level.Up, Listens: level.Up && !level.Paused,
		Serves: level.Serves && !level.Paused, State: "serving", Epoch: level.Epoch,
	}
	switch {
	case r.Failed() != "":
		report.State, report.Gone = "failed", "has failed: "+r.Failed()
	case h.gone:
		report.State, report.Gone = "killed", "was killed"
	case level.Paused:
		report.State = "paused"
	case !report.Serves:
		report.State = "starting"
	}
	if level.Up {
		report.Attempt, report.Prepared, report.Error = h.attempt, h.prepared, h.err
		report.Sealed, report.Merged = level.Sealed, level.Merged
	}
	return report
}

// give sends orders on their way.
func (s *supervisor) give(orders []modechange.Order) {
	if len(orders) == 0 {
		return
	}
	dies := s.dies()
	if dies {
		orders = orders[:s.random.IntN(len(orders)+1)]
	}
	for _, o := range orders {
		s.send(o)
	}
	if dies {
		s.crash(s.within(reviveMax))
	}
}

// send gives one order, which takes its time, and is lost if its process, or
// the supervisor, dies meanwhile.
func (s *supervisor) send(o modechange.Order) {
	r := s.replica(o.To)
	s.emit(cluster.Ordered, func() string { return fmt.Sprintf("%s: %s epoch %d", o.To, o.Kind, o.Epoch) })
	h := &s.hands[r.ID-1]
	at := s.c.Now() + s.within(orderMax)
	switch {
	case s.troubled():
		return
	case s.troubled():
		at += s.within(orderLateMax)
	}
	at = max(at, h.last)
	h.last = at
	a, life, process := s.activationOf(o), s.life, h.life
	s.c.At(at, func() {
		if s.life == life && r.Up() && uint64(r.Level().Life) == process {
			s.obey(r, h, o, a)
		}
	})
}

func (s *supervisor) replica(name string) *cluster.Replica {
	for _, r := range s.c.All() {
		if r.ID.String() == name {
			return r
		}
	}
	panic("sim: an order for " + name)
}

// activationOf is what an order to activate says. Under M41 it is not on disk.
func (s *supervisor) activationOf(o modechange.Order) host.Activation {
	k := s.with(modechange.Record{Epoch: o.Epoch, ModeEpoch: o.ModeEpoch})
	return k.activation()
}

// obey is what a replica's process does with an order, as package replica's
// changer does. What the host must know takes another moment.
func (s *supervisor) obey(r *cluster.Replica, h *hand, o modechange.Order, a host.Activation) {
	if o.Kind == modechange.OrderActivate {
		if r.Level().Epoch < a.Epoch {
			h.asked, h.prepared, h.err = false, false, ""
			r.Activate(a)
		}
		return
	}
	switch {
	case o.Attempt < h.attempt:
		return // of a change that is over
	case o.Attempt > h.attempt:
		*h = hand{life: h.life, attempt: o.Attempt, last: h.last}
	}
	switch o.Kind {
	case modechange.OrderPrepare:
		s.prepare(h)
	case modechange.OrderDiscard:
		h.asked, h.prepared = false, false
	case modechange.OrderSeal:
		r.Tell(func(p *host.Host) {
			if p.Epoch == o.Epoch {
				p.Seal()
			}
		})
	case modechange.OrderMerge:
		r.Tell(func(p *host.Host) {
			if p.Epoch == o.Epoch {
				p.Merge(o.Target)
			}
		})
	}
}

// prepare starts the new mode's plugin beside the old one, which may not work.
func (s *supervisor) prepare(h *hand) {
	if h.asked {
		return
	}
	h.asked = true
	supervisor, process, attempt := s.life, h.life, h.attempt
	s.c.At(s.c.Now()+s.within(prepareMax), func() {
		if s.life != supervisor || h.life != process || h.attempt != attempt || !h.asked {
			return
		}
		if s.troubled() {
			h.err = "its plugin ended at once"
			return
		}
		h.prepared = true
	})
}
