package cluster

import (
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/replicad/host"
)

// Replica is one of them: a machine with a disk and a clock, on which processes
// live and die.
type Replica struct {
	ID board.ReplicaID

	c       *Cluster
	random  random
	clock   clock
	disk    *disk
	process *process // nil: none runs
	lives   int      // of processes, so far
	failed  string
	told    bool // of its failure, in the trace
	status  modes.Status
}

func newReplica(c *Cluster, id board.ReplicaID) *Replica {
	r := &Replica{ID: id, c: c, random: newRandom(c.Seed, forProcess, uint64(id)), clock: newClock(), disk: newDisk(c, id)}
	r.disk.notify = func(pos host.Position) {
		if r.process != nil {
			r.process.synced(pos)
		}
	}
	return r
}

// Boot starts a replica's process on its disk, unless it runs or has failed.
func (r *Replica) Boot() {
	if r.process != nil {
		return
	}
	if why := r.disk.recover(); why != "" {
		r.fails(why)
		return
	}
	r.lives++
	r.process = newProcess(r)
	r.c.emitf(r.ID, Booted, "life %d, in epoch %d", r.lives, r.c.Epoch.Epoch)
	r.process.start()
}

func (r *Replica) fails(why string) {
	r.failed = why
	if !r.told {
		r.told = true
		r.c.Emit(Event{Replica: r.ID, Kind: Failed, Text: why})
	}
}

// Up reports whether its process runs.
func (r *Replica) Up() bool { return r.process != nil }

// Failed says why it does not start any more; empty: it does.
func (r *Replica) Failed() string { return r.failed }

// Crash ends the process at once.
func (r *Replica) Crash(c Crash) {
	if r.process != nil {
		r.process.die(c, Crashed)
	}
}

// Stop asks the process to leave in order; it ends when its mode has.
func (r *Replica) Stop() {
	if p := r.process; p != nil {
		p.touch((*host.Host).Stop)
	}
}

// Pause lets the process stand still until the given time; its disk goes on,
// and so does its plugin.
func (r *Replica) Pause(until time.Duration) {
	if p := r.process; p != nil {
		p.pause(until)
	}
}

// SlowDisk makes every fsync take up to max until the given time.
func (r *Replica) SlowDisk(max time.Duration, until time.Duration) {
	r.disk.slowMax, r.disk.slowUntil = max, until
	r.fault("slow disk", until)
}

// FillDisk leaves no room until the given time: nothing gets to disk, the
// host refuses posts, and reads go on.
func (r *Replica) FillDisk(until time.Duration) {
	r.disk.fullUntil = max(r.disk.fullUntil, until)
	r.fault("full disk", until)
}

// fault tells the trace of a fault that ends by itself.
func (r *Replica) fault(what string, until time.Duration) {
	if r.c.Trace == nil {
		return
	}
	r.c.emitf(r.ID, Fault, "%s for %s", what, until-r.c.now)
	r.c.At(until, func() { r.c.Emit(Event{Replica: r.ID, Kind: FaultOver, Text: what}) })
}

// Clock changes a replica's clock: from now on it runs rate times as fast (per
// mille), and it jumps ahead by jump. Host and mode see nothing else.
func (r *Replica) Clock(rate int, jump time.Duration) {
	r.clock.change(r.c.now, rate, jump)
	r.c.emitf(r.ID, Fault, "its clock jumps ahead by %s and runs at %d ‰", jump, rate)
	if p := r.process; p != nil {
		p.wakeAt = 0 // what was due is due at another time
		p.touch(func(*host.Host) {})
	}
}

// Board is what is visible on the replica now; it must not be changed.
func (r *Replica) Board() *board.Board { return &r.disk.shown }

// Durable is the board that a crash would leave.
func (r *Replica) Durable() *board.Board { return r.disk.onDisk() }

// Status is what its mode has reported last.
func (r *Replica) Status() modes.Status { return r.status }
