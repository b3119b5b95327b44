package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"consequor/modes"
	"consequor/mutants"
	"consequor/replicad/host"
	"consequor/sim/cluster"
	"consequor/supervisor/modechange"
)

// supervisor starts a simulated cluster's processes and changes its mode, by
// the very rules of the real one: see package modechange. What is simulated is
// what surrounds them: a record that takes its time to get to disk, orders that
// take theirs, and the supervisor's own death, with which all processes die.
//
//	         change                        crash, crashAtStep
//	            │                                  │
//	levels ──> modechange.Changer ──> orders ──> processes
//	            │      ▲
//	            └─disk─┘ before anybody is told
type supervisor struct {
	supervisorOptions
	c    *cluster.Cluster
	core *modechange.Changer // nil: it is down
	life int                 // counts its own
	disk kept                // what the next one will read
	know kept                // what this one knows to be on disk

	// Of this life.
	ready   bool               // processes have been started
	asked   kept               // the mode that a change is to bring, and its options
	saving  *modechange.Record // on its way to the disk
	hands   []hand             // by replica
	deathAt int                // it dies at the deathAt-th step from now; 0: at none

	epochs    []begun
	made      int // changes that came about
	calledOff int // and that were decided against
}

// supervisorOptions are how well a supervisor's surroundings work.
type supervisorOptions struct {
	mutant  mutants.Mutant
	random  *rand.Rand
	saveMax time.Duration // its record takes up to so long to get to disk; default 5 ms
	trouble int           // per mille of orders that are lost, or late, of preparations and of saves that fail
}

// kept is what is on the supervisor's disk.
type kept struct {
	modechange.Record
	mode    string
	options []modes.Option
}

// begun is an epoch, and when it was decided.
type begun struct {
	host.Activation
	At time.Duration
}

// hand is how far a replica's process is with a change, besides its Level, and
// what the supervisor thinks of it.
type hand struct {
	life     uint64
	attempt  uint64
	asked    bool // to prepare, in attempt
	prepared bool
	err      string
	down     bool          // it was, at the last look
	gone     bool          // and nobody is said to start it again
	last     time.Duration // when the newest order arrives: orders come in their order
}

// The supervisor's times.
const (
	lookEvery     = 20 * time.Millisecond  // at the processes, while a mode is changed
	lookIdleEvery = 100 * time.Millisecond // else
	orderMax      = 5 * time.Millisecond   // an order's way
	orderLateMax  = 600 * time.Millisecond // that of one that is late
	saveSlowMax   = 100 * time.Millisecond // a record's way to a slow disk
	prepareMax    = 300 * time.Millisecond // a plugin's start and rehearsal
	reviveMax     = time.Second            // until another supervisor, after crashAtStep
)

// newSupervisor makes a supervisor that is down, of a cluster that has never
// run: its first epoch is first.
func newSupervisor(c *cluster.Cluster, first host.Activation, o supervisorOptions) *supervisor {
	if o.saveMax == 0 {
		o.saveMax = 5 * time.Millisecond
	}
	s := &supervisor{supervisorOptions: o, c: c}
	s.disk = kept{modechange.Record{Epoch: first.Epoch, ModeEpoch: first.ModeEpoch}, first.Mode, first.Options}
	s.note(s.disk)
	return s
}

// start begins the supervisor's life. It calls off what the last one has not
// decided, and then starts all processes.
func (s *supervisor) start() {
	if s.core != nil {
		return
	}
	s.life++
	s.know, s.ready, s.saving = s.disk, false, nil
	s.hands = make([]hand, len(s.c.All()))
	var names []string
	for _, r := range s.c.All() {
		names = append(names, r.ID.String())
	}
	s.core = modechange.NewMutant(s.disk.Record, names, s.mutant)
	s.look()
}

// look is a step now and then, as long as the supervisor lives.
func (s *supervisor) look() {
	s.step()
	if !s.busy() {
		s.checkUnsealed()
	}
	life := s.life
	s.c.At(s.c.Now()+s.nextLook(), func() {
		if s.core != nil && s.life == life {
			s.look()
		}
	})
}

// nextLook is when to look again: when the core wants to, and often while a mode
// is changed.
func (s *supervisor) nextLook() time.Duration {
	if !s.busy() {
		return lookIdleEvery
	}
	if s.core != nil {
		if at, ok := s.core.Wake(); ok {
			return min(lookEvery, max(at-s.c.Now(), time.Millisecond))
		}
	}
	return lookEvery
}

// step lets the core look, and does what it wants.
func (s *supervisor) step() {
	var out modechange.Output
	s.core.Step(s.c.Now(), s.reports(), &out)
	s.give(out.Orders)
	if s.core != nil && out.Save != nil {
		s.save(*out.Save)
	}
	if s.core != nil && out.End != nil && !out.End.Swapped {
		s.emit(cluster.Noted, func() string { return "not changed: " + out.End.Why })
	}
	if s.core != nil && !s.ready && s.saving == nil && !s.core.Record().Changing {
		s.startAll()
	}
}

func (s *supervisor) startAll() {
	s.ready = true
	s.c.SetEpoch(s.know.activation())
	for _, r := range s.c.All() {
		r.Boot()
	}
}

// boot starts a replica's process in the recorded epoch. A supervisor that is
// down starts none, and all of them when it comes back.
func (s *supervisor) boot(r *cluster.Replica) {
	if s.core != nil && s.ready {
		r.Boot()
	}
}

// change begins a mode change, unless one is under way or a replica is missing.
func (s *supervisor) change(mode string, options []modes.Option) bool {
	if s.core == nil || !s.ready || s.core.Busy() {
		return false
	}
	if refusal := s.core.Begin(s.c.Now(), s.reports()); refusal != nil {
		s.emit(cluster.Noted, func() string { return "no change: " + refusal.Why })
		return false
	}
	s.asked = kept{mode: mode, options: options}
	s.step()
	return true
}

// busy reports whether a change is under way, or nobody is there who could begin
// one.
func (s *supervisor) busy() bool { return s.core == nil || !s.ready || s.core.Busy() }

// calm ends all trouble; what is late still comes.
func (s *supervisor) calm() { s.trouble, s.deathAt = 0, 0 }

// began lists the epochs that were decided, by rising number.
func (s *supervisor) began() []begun { return s.epochs }

// crash ends the supervisor and with it all processes. After a while another one
// starts, and starts them all.
func (s *supervisor) crash(restartAfter time.Duration) {
	if s.core == nil {
		return
	}
	s.emit(cluster.Crashed, func() string { return "the supervisor, and all processes with it" })
	s.life++
	if s.saving != nil && s.random.IntN(2) == 0 { // it just got there
		s.write(*s.saving)
	}
	s.core, s.saving, s.deathAt = nil, nil, 0
	for _, r := range s.c.All() {
		if r.Up() {
			r.Crash(cluster.Crash{Keep: s.random.IntN(1001)})
		}
	}
	life := s.life
	s.c.At(s.c.Now()+restartAfter, func() {
		if s.life == life {
			s.start()
		}
	})
}

// crashAtStep has the supervisor die at the n-th step that it takes from now on:
// each record has two, before it is on disk and after it, with nobody told yet;
// and each wave of orders has one, with some of them given.
func (s *supervisor) crashAtStep(n int) { s.deathAt = n }

// dies counts steps, and reports whether this is the one to die at.
func (s *supervisor) dies() bool {
	if s.deathAt == 0 {
		return false
	}
	s.deathAt--
	return s.deathAt == 0
}

func (s *supervisor) within(most time.Duration) time.Duration {
	return time.Duration(s.random.Int64N(int64(most) + 1))
}

// troubled draws whether something goes wrong, in so many per mille of cases as
// there is trouble.
func (s *supervisor) troubled() bool { return s.trouble > 0 && s.random.IntN(1000) < s.trouble }

func (s *supervisor) emit(kind cluster.EventKind, text func() string) {
	if s.c.Trace != nil {
		s.c.Emit(cluster.Event{At: s.c.Now(), Kind: kind, Text: text()})
	}
}

func (k *kept) activation() host.Activation {
	return host.Activation{Epoch: k.Epoch, ModeEpoch: k.ModeEpoch, Mode: k.mode, Options: k.options}
}

func (k *kept) String() string {
	if k.Changing {
		return fmt.Sprintf("on record: epoch %d is to end", k.Epoch)
	}
	return fmt.Sprintf("on record: epoch %d in mode %s, which began with epoch %d", k.Epoch, k.mode, k.ModeEpoch)
}
