package sim

import (
	"consequor/board"
	"consequor/mutants"
	"consequor/sim/cluster"
	"consequor/supervisor/modechange"
)

// save brings a record to disk. The supervisor may die before it is there, and
// after it, when nobody has been told yet.
func (s *supervisor) save(r modechange.Record) {
	s.saving = &r
	if r.ModeEpoch > s.know.ModeEpoch {
		s.checkEqual(r.Epoch)
	}
	after, then := s.within(s.saveMax), func() { s.saved(r) }
	switch {
	case s.dies(): // while the disk takes its time: long enough for those who are told too early
		after, then = s.within(saveSlowMax), func() { s.crash(s.within(reviveMax)) }
	case s.troubled():
		after = s.within(saveSlowMax)
	}
	life := s.life
	s.c.At(s.c.Now()+after, func() {
		if s.life == life {
			then()
		}
	})
}

// saved ends a save. One that fails may have got to disk all the same.
func (s *supervisor) saved(r modechange.Record) {
	s.saving = nil
	if s.troubled() {
		if s.random.IntN(2) == 0 {
			s.write(r)
		}
		s.emit(cluster.Noted, func() string { return "the supervisor's record cannot be written" })
		s.core.NotSaved("the disk is full")
		s.step()
		return
	}
	s.write(r)
	if s.dies() {
		s.crash(s.within(reviveMax))
		return
	}
	s.know = s.disk
	s.c.SetEpoch(s.know.activation())
	s.emit(cluster.Decided, s.know.String)
	s.core.Saved()
	s.step()
}

// write puts a record on disk. A mode that begins is the one that was asked for.
func (s *supervisor) write(r modechange.Record) {
	s.disk = s.with(r)
	s.note(s.disk)
}

// with is what r makes of what is known to be on disk.
func (s *supervisor) with(r modechange.Record) kept {
	k := s.know
	if r.ModeEpoch > k.ModeEpoch {
		k.mode, k.options = s.asked.mode, s.asked.options
	}
	k.Record = r
	return k
}

// note keeps the list of epochs. The last one may have been on disk for a moment
// only: by a save that was said to have failed, and nobody was told.
func (s *supervisor) note(k kept) {
	n := len(s.epochs)
	if n > 0 && s.epochs[n-1].Epoch == k.Epoch {
		if s.epochs[n-1].ModeEpoch == k.ModeEpoch {
			return
		}
		s.epochs = s.epochs[:n-1]
	}
	s.epochs = append(s.epochs, begun{k.activation(), s.c.Now()})
	s.made, s.calledOff = 0, 0
	for _, e := range s.epochs[1:] {
		if e.Epoch == e.ModeEpoch {
			s.made++
		} else {
			s.calledOff++
		}
	}
}

// checkEqual asserts what a mode may rely on when it begins: all boards are
// equal, and on disk. A mutant is to be found by what clients see.
func (s *supervisor) checkEqual(epoch uint64) {
	if s.mutant != mutants.None {
		return
	}
	var first *board.Board
	var of *cluster.Replica
	for _, r := range s.c.All() {
		if r.Failed() != "" {
			continue
		}
		b := r.Durable()
		if first == nil {
			first, of = b, r
		}
		if !b.Vector().Equal(first.Vector()) || b.Len() != first.Len() {
			s.c.Fail(r.ID, "epoch %d is decided, and on disk %s has %d articles up to %s, %s has %d up to %s",
				epoch, r.ID, b.Len(), b.Vector(), of.ID, first.Len(), first.Vector())
			return
		}
	}
}

// checkUnsealed asserts that a seal has an end: while no change is under way,
// nobody is sealed in the epoch that is on record. Posts would wait there for
// another epoch, and none is to come.
func (s *supervisor) checkUnsealed() {
	for _, r := range s.c.All() {
		if level := r.Level(); level.Sealed != nil && level.Epoch == s.know.Epoch {
			s.c.Fail(r.ID, "no change is under way, and %s is sealed at %s in epoch %d: posts wait there for the next", r.ID, level.Sealed, level.Epoch)
			return
		}
	}
}
