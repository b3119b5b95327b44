package host_test

import (
	"time"

	"consequor/board"
	"consequor/replicad/host"
)

// driver changes the cluster's mode as the supervisor does: it tells all
// replicas what to do, again and again until they have done it, and is durable
// about what it decides before anybody hears of it.
type driver struct {
	c       *change
	life    int // of its process
	running bool
	step    changeStep
	since   time.Duration // of the attempt
	limit   time.Duration // for it
	target  board.Vector  // of the merge
	next    host.Activation

	// On its disk, besides history.record.
	numbers   uint64 // the highest epoch number ever taken
	attempted bool   // an epoch may be sealed, and nothing is decided

	made, calledOff int // changes
}

type changeStep int

const (
	stepIdle changeStep = iota
	stepSeal
	stepMerge
	stepActivate
)

// driverTick is between the driver's looks at the replicas.
const driverTick = 20 * time.Millisecond

func (d *driver) start() {
	d.running = true
	d.life++
	d.step = stepActivate // what was decided is told again
	if d.attempted {
		d.callOff()
	}
	d.tick()
}

func (d *driver) crash() {
	if !d.running {
		return
	}
	d.c.trace("%s the driver crashes", d.c.now)
	d.running = false
	d.life++
	d.c.at(d.c.now+d.c.between(0, time.Second), d.start)
}

func (d *driver) tick() {
	life := d.life
	switch d.step {
	case stepSeal:
		d.sealAll()
	case stepMerge:
		d.mergeAll()
	case stepActivate:
		d.activateAll()
	}
	if !d.c.quiet && d.step != stepIdle && d.c.random.IntN(60) == 0 {
		d.crash()
		return
	}
	d.c.at(d.c.now+driverTick, func() {
		if d.life == life {
			d.tick()
		}
	})
}

// begin starts a change, unless one is under way or a replica is down.
func (d *driver) begin(mode string, limit time.Duration) bool {
	if !d.running || d.step != stepIdle {
		return false
	}
	for _, s := range d.c.sites {
		if !s.up {
			return false
		}
	}
	d.numbers++
	d.next = host.Activation{Epoch: d.numbers, ModeEpoch: d.numbers, Mode: mode}
	d.attempted, d.since, d.limit = true, d.c.now, limit
	d.c.trace("%s change to %s, epoch %d", d.c.now, mode, d.next.Epoch)
	d.to(stepSeal)
	return true
}

// to goes on to a step; where one ends is a good place for a fault.
func (d *driver) to(step changeStep) {
	d.step = step
	if d.c.quiet {
		return
	}
	switch d.c.random.IntN(12) {
	case 0:
		d.c.any().crash()
	case 1:
		d.c.any().pluginDown()
	}
}

// tell gives an order to a site's process, if it is still in that epoch then.
func (d *driver) tell(s *site, epoch uint64, do func(*host.Host)) {
	life := s.life
	d.c.at(d.c.now+d.c.between(0, 5*time.Millisecond), func() {
		if s.life == life && s.active.Epoch == epoch {
			s.touch(func() { do(s.h) })
		}
	})
}

func (d *driver) sealAll() {
	if d.c.now-d.since > d.limit {
		d.callOff()
		return
	}
	all := true
	d.target = nil
	for _, s := range d.c.sites {
		if s.up && s.active.Epoch == d.c.record.Epoch && s.sealed {
			d.target = d.target.Join(s.sealedWith)
			continue
		}
		all = false
		if s.up {
			d.tell(s, d.c.record.Epoch, (*host.Host).Seal)
		}
	}
	if all {
		for _, s := range d.c.sites {
			s.merged = nil
		}
		d.c.trace("%s all are sealed, together they hold %s", d.c.now, d.target)
		d.to(stepMerge)
	}
}

func (d *driver) mergeAll() {
	if d.c.now-d.since > d.limit {
		d.callOff()
		return
	}
	all := true
	for _, s := range d.c.sites {
		switch {
		case !s.up || !s.sealed: // it has to be sealed again
			d.to(stepSeal)
			return
		case s.merged == nil || !s.merged.Equal(d.target):
			all = false
			d.tell(s, d.c.record.Epoch, func(h *host.Host) { h.Merge(d.target) })
		}
	}
	if all {
		d.decide()
	}
}

// decide is the point of no return: boards are equal, and on disk.
func (d *driver) decide() {
	first := d.c.sites[0].onDisk()
	for _, s := range d.c.sites {
		b := s.onDisk()
		if !b.Vector().Equal(d.target) || b.Len() != first.Len() {
			d.c.fail("epoch %d is decided, and the disk of %s has %d articles up to %s, that of r1 %d; want %s",
				d.next.Epoch, s.id, b.Len(), b.Vector(), first.Len(), d.target)
		}
	}
	d.made++
	d.attempted, d.c.record = false, d.next
	d.c.trace("%s decided: epoch %d in mode %s", d.c.now, d.next.Epoch, d.next.Mode)
	d.to(stepActivate)
}

// callOff ends an attempt under an epoch number that nobody has used.
func (d *driver) callOff() {
	d.numbers++
	d.calledOff++
	d.attempted = false
	d.c.record.Epoch = d.numbers
	d.c.trace("%s called off: epoch %d", d.c.now, d.c.record.Epoch)
	d.to(stepActivate)
}

func (d *driver) activateAll() {
	all := true
	for _, s := range d.c.sites {
		if s.up && s.active.Epoch < d.c.record.Epoch {
			all = false
			d.tellToActivate(s, d.c.record)
		}
	}
	if all {
		d.step = stepIdle
	}
}

func (d *driver) tellToActivate(s *site, a host.Activation) {
	life, late := s.life, 30*time.Millisecond
	if d.c.random.IntN(6) == 0 {
		late = 600 * time.Millisecond
	}
	d.c.at(d.c.now+d.c.between(0, late), func() {
		if s.life == life && s.active.Epoch < a.Epoch {
			s.activate(a)
		}
	})
}

// onDisk is the board that a crash would leave.
func (s *site) onDisk() *board.Board {
	var b board.Board
	for _, w := range s.log[:s.durable] {
		for _, a := range w.articles {
			if err := b.Put(a); err != nil {
				s.run.fail("%s: on disk: %v", s.id, err)
			}
		}
	}
	return &b
}

// activate begins an epoch at a site; another plugin comes with it. A process
// that stands still takes it when it goes on.
func (s *site) activate(a host.Activation) {
	s.touch(func() {
		if a.Epoch <= s.active.Epoch {
			return
		}
		s.run.trace("%s %s activates epoch %d", s.run.now, s.id, a.Epoch)
		s.active, s.sealed, s.merged = a, false, nil
		s.mode, s.machine = nil, nil
		s.plugin++
		s.h.Activate(a)
		s.pluginUp(s.run.between(0, 30*time.Millisecond))
	})
}
