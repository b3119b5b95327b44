// Package cluster runs N replicas in one goroutine and in virtual time, and
// lets everything happen to them that happens to machines.
//
//	           ┌── Replica r1 ──────────────────────┐
//	Ask ──────>│ host.Host   <- the production code │── frames ──> network ──> r2 ... rN
//	Crash      │   │     │                          │   loss, doubling, delay,
//	Pause      │  disk  plugin: a mode's machine    │   reordering, cuts
//	KillPlugin │   unsynced writes, torn tails,     │
//	Tell       │   rot, full, slow                  │
//	           └────────────────────────────────────┘
//	one agenda: what happens next, at which virtual time
//
// The rules of a replica are replicad/host's, the very code that runs in
// replicad; here are only its surroundings: disk, network, plugin, clients,
// clock. The package decides nothing: which faults there are, and when, is up
// to the caller.
//
// A run is a function of its Config and of the caller's calls. Each link and
// each disk draws from a sequence of its own, derived from the seed, so that
// leaving out a fault on one changes little elsewhere: shrinking lives on that.
package cluster

import (
	"errors"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/mutants"
	"consequor/replicad/host"
)

// Machine is a mode's state machine, wherever it runs. An error of Step ends the
// run, and says what the mode has done: only KillPlugin lets one die.
type Machine interface {
	Step(batch modes.Batch) (*modes.Effects, error)
	Close() error
}

// ErrCutOff is in the error of a machine that was taken away from a run that is
// not wanted any more: the run then proves nothing.
var ErrCutOff = errors.New("the run was cut off")

// Config says what is to run.
type Config struct {
	Replicas int
	Voters   int // of them; 0: all up to 7
	Seed     uint64
	Epoch    host.Activation // that every process starts in, until SetEpoch

	// Launch starts a fresh state machine of a mode.
	Launch func(mode string, replica board.ReplicaID) (Machine, error)

	Mutant mutants.Mutant // for the host, and for the disk here
	Trace  func(Event)    // nil: none is made

	// Told is called when a replica's mode reports another role or term than it
	// did before: the host is under way, and must not be touched. nil: nobody
	// wants to know.
	Told func(at board.ReplicaID, before, now modes.Status)

	// Describe says what a mode's message means, for the trace; empty: nothing
	// new, as of a heartbeat. nil: nobody can tell.
	Describe func(mode string, message []byte) string

	// EventsMax ends a run that livelocks; default some hundred times what runs
	// have.
	EventsMax int

	// The speed of what works: each is drawn anew between none and this.
	SyncMax time.Duration // one fsync; default 2 ms
	StepMax time.Duration // a batch's way into the plugin, and its effects' way back; default 200 us
	WireMax time.Duration // a frame's way; default 2 ms
}

// Weather is what a link does to frames, in each direction alike; the zero
// Weather is fair.
type Weather struct {
	Loss, Double, Late int           // per mille of frames
	LateMax            time.Duration // a late frame comes up to so much later, and is overtaken
	Delay              time.Duration // added to the way of each, in order
	CutSpans           int           // per mille of a span's frames: the rest of the span is lost
}

// Crash says what a crash leaves of the disk.
type Crash struct {
	// Keep is the part of what was written but not synced that survives, per
	// mille: 0 none, 1000 all. What survives is always a prefix.
	Keep int
	// Tear leaves a part of the write behind it as well, which recovery must
	// find and cut off.
	Tear bool
	// Rot damages something that was synced long ago: recovery finds that, and
	// the replica is quarantined.
	Rot bool
	// Wipe loses the disk whole: the replica fails, and does not start.
	Wipe bool
}

// Boundary is where in a batch's way a process is to crash.
type Boundary uint8

// The boundaries, in their order.
const (
	BeforeStep    Boundary = iota // the batch is on its way to the plugin
	AfterStep                     // its effects are on their way back
	AfterApply                    // they are applied; nothing of them is synced
	AfterSync                     // they are on disk; the host does not know
	AfterRelease                  // what was held has left
	BoundaryCount                 // so many there are
)
