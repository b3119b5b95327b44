package sim

import (
	"slices"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/sim/cluster"
	"consequor/sim/history"
)

// watchEvery is how often what has ended by itself is started again, as the
// supervisor's restart policy does.
const watchEvery = 100 * time.Millisecond

// How long somebody who wants another mode goes on asking for it.
const (
	swapPatience = time.Second
	swapAgain    = 20 * time.Millisecond
)

// hold is what faults have in store for one replica's process.
type hold struct {
	until time.Duration // it stays down
	armed int           // the life that a boundary waits for; 0: none
}

// The faults of one replica; at 0 is whoever leads when the time has come.
type (
	crashing struct {
		at       board.ReplicaID
		leaves   cluster.Crash
		down     time.Duration
		armed    bool // it waits for a boundary
		boundary cluster.Boundary
	}
	blackout struct {
		leaves cluster.Crash
		down   time.Duration
	}
	losing struct {
		at   board.ReplicaID
		wipe bool
	}
	pausing struct {
		at     board.ReplicaID
		plugin bool
		long   time.Duration
	}
	slowing struct {
		at         board.ReplicaID
		slow, long time.Duration
	}
	filling struct {
		at   board.ReplicaID
		long time.Duration
	}
	pluginDeath struct{ at board.ReplicaID }
	clockFault  struct {
		at         board.ReplicaID
		rate       int
		jump, long time.Duration
	}
	stopping struct {
		at   board.ReplicaID
		down time.Duration
	}
	swapping struct {
		mode    string
		options []modes.Option
		last    bool // when all is healed: then it must come about
	}
	supervisorDeath struct {
		step int // 0: at once
		down time.Duration
	}
)

// target finds the replica that a fault is for. Where nobody coordinates, it is
// who answered last that leads.
func (r *run) target(at board.ReplicaID, a *Action) *cluster.Replica {
	if at != 0 {
		r.emit(cluster.Event{Replica: at, Kind: cluster.Fault}, "%s", a.Text)
		return r.cluster.Replica(at)
	}
	leader := r.cluster.Coordinator()
	if leader == nil {
		leader = r.cluster.Replica(max(r.server, 1))
	}
	r.emit(cluster.Event{Replica: leader.ID, Kind: cluster.Fault}, "%s: %s", leader.ID, a.Text)
	return leader
}

// over tells that a fault has ended, and does what ends it.
func (r *run) over(long time.Duration, at board.ReplicaID, a *Action, do func()) {
	r.after(long, func() {
		r.emit(cluster.Event{Replica: at, Kind: cluster.FaultOver}, "%s", a.Text)
		if do != nil {
			do()
		}
	})
}

func (c crashing) do(r *run, a *Action) {
	replica := r.target(c.at, a)
	r.holdDown(replica.ID, c.down)
	if !c.armed {
		replica.Crash(c.leaves)
		return
	}
	if replica.Up() {
		r.holds[replica.ID-1].armed = replica.Level().Life
		replica.CrashAt(c.boundary, c.leaves)
	}
}

func (b blackout) do(r *run, a *Action) {
	r.emit(cluster.Event{Kind: cluster.Fault}, "%s", a.Text)
	random := r.random(a)
	for _, replica := range r.cluster.All() {
		r.holdDown(replica.ID, drawTime(random, 0, b.down))
		replica.Crash(b.leaves)
	}
}

// do loses a disk, unless another is lost than the budget knows of: a shrunk
// plan and a hunted one may come here otherwise than they were drawn.
func (l losing) do(r *run, a *Action) {
	replica := r.target(l.at, a)
	if r.lost[replica.ID] || len(r.lost) >= r.plan.losses || r.holdsAlone(replica) {
		return
	}
	r.lost[replica.ID] = true
	replica.Crash(cluster.Crash{Rot: !l.wipe, Wipe: l.wipe})
	r.holdDown(replica.ID, 10*time.Millisecond)
}

// holdsAlone reports whether a replica of read-your-write has, alone of all, an
// article that nobody was told is safe. A read may have shown it: it is all on
// this board, whatever its copies. Its loss is what the mode says of itself,
// and no checker could tell it from a phantom.
func (r *run) holdsAlone(replica *cluster.Replica) bool {
	if r.supervisor.know.mode != "read-your-write" {
		return false
	}
	elsewhere := make(map[board.ArticleID]bool)
	for _, other := range r.cluster.All() {
		if other != replica && other.Failed() == "" {
			for _, a := range other.Durable().Span(nil) {
				elsewhere[a.ID] = true
			}
		}
	}
	for _, a := range replica.Board().Span(nil) {
		if !elsewhere[a.ID] && !r.acknowledged(a.ID) {
			return true
		}
	}
	return false
}

func (r *run) acknowledged(id board.ArticleID) bool {
	return slices.ContainsFunc(r.history.Ops, func(op history.Op) bool { return slices.Contains(op.IDs, id) })
}

func (p pausing) do(r *run, a *Action) {
	replica := r.target(p.at, a)
	if p.plugin {
		replica.PausePlugin(r.now() + p.long)
	} else {
		replica.Pause(r.now() + p.long)
	}
	r.over(p.long, replica.ID, a, nil)
}

func (s slowing) do(r *run, a *Action) {
	replica := r.target(s.at, a)
	replica.SlowDisk(s.slow, r.now()+s.long)
	r.over(s.long, replica.ID, a, nil)
}

func (f filling) do(r *run, a *Action) {
	replica := r.target(f.at, a)
	replica.FillDisk(r.now() + f.long)
	r.over(f.long, replica.ID, a, nil)
}

func (p pluginDeath) do(r *run, a *Action) { r.target(p.at, a).KillPlugin() }

func (c clockFault) do(r *run, a *Action) {
	replica := r.target(c.at, a)
	replica.Clock(c.rate, c.jump)
	r.over(c.long, replica.ID, a, func() { replica.Clock(1000, 0) })
}

// do asks a process to leave; if it has not when it is to come back, it is
// killed, as the supervisor does.
func (s stopping) do(r *run, a *Action) {
	replica := r.target(s.at, a)
	if !replica.Up() {
		return
	}
	life := replica.Level().Life
	r.holdDown(replica.ID, s.down)
	replica.Stop()
	r.over(s.down, replica.ID, a, func() {
		if replica.Up() && replica.Level().Life == life {
			replica.Crash(cluster.Crash{})
			r.holdDown(replica.ID, 0)
		}
	})
}

func (s swapping) do(r *run, a *Action) {
	r.emit(cluster.Event{Kind: cluster.Fault}, "%s", a.Text)
	if s.last { // right behind the end of all faults
		r.swapDue = true
		r.after(time.Millisecond, func() { s.begin(r, 0) })
		return
	}
	s.begin(r, r.now()+swapPatience)
}

// begin asks the supervisor for the change, again and again while a replica is
// not ready for it. The last change waits for as long as it takes, unless a disk
// is lost: then there is none.
func (s swapping) begin(r *run, until time.Duration) {
	begun := r.supervisor.change(s.mode, s.options)
	switch {
	case s.last && (begun || r.anyFailed()):
		r.swapDue = false
		if begun && r.now() > r.plan.end {
			made := r.supervisor.made
			r.calm = &made
		}
	case s.last || !begun && r.now() < min(until, r.plan.end):
		r.after(swapAgain, func() { s.begin(r, until) })
	}
}

func (r *run) anyFailed() bool {
	return slices.ContainsFunc(r.cluster.All(), func(replica *cluster.Replica) bool { return replica.Failed() != "" })
}

func (s supervisorDeath) do(r *run, a *Action) {
	r.emit(cluster.Event{Kind: cluster.Fault}, "%s", a.Text)
	if s.step > 0 {
		r.supervisor.crashAtStep(s.step)
		return
	}
	r.supervisor.crash(s.down)
}

// holdDown keeps a process that ends from being started again for a while.
func (r *run) holdDown(id board.ReplicaID, long time.Duration) {
	h := &r.holds[id-1]
	h.until = max(h.until, r.now()+long)
	r.after(long, func() { r.restart(id) })
}

func (r *run) restart(id board.ReplicaID) {
	replica := r.cluster.Replica(id)
	if !replica.Up() && replica.Failed() == "" && r.holds[id-1].until <= r.now() {
		r.supervisor.boot(replica)
	}
}

func (r *run) bootAll() {
	for _, replica := range r.cluster.All() {
		r.restart(replica.ID)
	}
}

// watch looks after what runs, as long as anything does.
func (r *run) watch() {
	r.bootAll()
	r.lookAtTerms()
	r.after(watchEvery, r.watch)
}

// endFaults ends all that is still in force. Faults are drawn so that they are
// over by now; what waits for something that did not happen is not.
func (r *run) endFaults() {
	r.weather.clear()
	r.healCuts()
	r.lurkers = nil
	for _, replica := range r.cluster.All() {
		h := &r.holds[replica.ID-1]
		if replica.Up() && h.armed == replica.Level().Life && h.armed != 0 {
			replica.Crash(cluster.Crash{})
		}
		*h = hold{}
		replica.Clock(1000, 0)
	}
	r.supervisor.calm()
	r.bootAll()
}
