package cluster

import (
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/replicad/host"
)

// process is one life of a replica's replicad. It is the surroundings of its
// host, which is called by touch alone.
type process struct {
	r      *Replica
	host   *host.Host
	active host.Activation // the epoch that it is in

	touching bool // the host is being called
	doom     *doom
	ended    bool

	paused   bool               // it stands still
	pausedAt time.Duration      // since when
	resumeAt time.Duration      // when it goes on
	waiting  []func(*host.Host) // what has come meanwhile
	wakeAt   time.Duration      // when the host wants to be touched; 0: never

	plugin *plugin // nil: none that the host knows of
	fuse   *fuse   // nil: it is not to crash by itself

	tries   map[int]*try // open ones
	lastTry int
	lookAt  time.Duration // when they are looked at again, by its own clock
	byID    map[modes.RequestID]*try
	taking  *try       // that host.Request is being called for
	answers []answered // that the host has given, and the client has not got

	status         modes.Status
	view           host.View
	viewChanged    bool
	serves         bool
	sealed, merged *board.Vector
}

// doom is how a process is to end as soon as its host has returned.
type doom struct {
	crash Crash
	how   EventKind
}

var (
	_ host.Network = (*process)(nil)
	_ host.Plugin  = (*process)(nil)
	_ host.Clients = (*process)(nil)
)

func newProcess(r *Replica) *process {
	return &process{
		r: r, active: r.c.Epoch,
		tries: make(map[int]*try), byID: make(map[modes.RequestID]*try),
	}
}

// start makes the host, on what the disk has, and begins to connect.
func (p *process) start() {
	r, c := p.r, p.r.c
	var err error
	p.host, err = host.New(host.Config{
		Self: r.ID, Replicas: c.ids, Voters: c.ids[:c.Voters], Cluster: Name, Seed: c.Seed,
		Epoch: p.active.Epoch, ModeEpoch: p.active.ModeEpoch, Mode: p.active.Mode, Options: p.active.Options,
		Disk: r.disk, Network: p, Plugin: p, Clients: p, Mutant: c.Mutant,
	})
	if err != nil {
		c.Fail(r.ID, "boot: %v", err)
		return
	}
	p.touch(func(*host.Host) {})
	p.launch(r.random.between(0, bootTimeMax))
	c.reconnectAll(r)
}

// bootTimeMax is how long a process takes to its plugin.
const bootTimeMax = 20 * time.Millisecond

// touch does something to the host, and what follows from it. While the process
// stands still it waits.
func (p *process) touch(do func(*host.Host)) {
	switch {
	case p.ended:
	case p.touching:
		p.r.c.after(0, func() { p.touch(do) })
	case p.paused:
		p.waiting = append(p.waiting, do)
	default:
		p.begin()
		do(p.host)
		p.finish()
	}
}

func (p *process) begin() {
	p.touching = true
	p.host.Tick(p.r.clock.read(p.r.c.now))
}

// finish does what follows when the host was called.
func (p *process) finish() {
	if p.doom == nil {
		p.host.Pump()
	}
	p.touching = false
	if p.viewChanged {
		p.checkView()
	}
	p.checkTries()
	p.answerClients()
	switch {
	case p.ended:
	case p.doom != nil:
		p.die(p.doom.crash, p.doom.how)
	default:
		p.arm()
	}
}

// arm sees to it that the host is touched when it wants to be.
func (p *process) arm() {
	local, ok := p.host.NextWake()
	if !ok {
		return
	}
	now := p.r.c.now
	at := max(p.r.clock.when(local), now+time.Microsecond)
	if p.wakeAt > now && p.wakeAt <= at {
		return
	}
	p.wakeAt = at
	p.r.c.At(at, func() {
		if p.wakeAt == at {
			p.touch(func(*host.Host) {})
		}
	})
}

// pause lets it stand still, or stand still for longer. Peers hear nothing of it
// meanwhile, and after a while take it for dead.
func (p *process) pause(until time.Duration) {
	c := p.r.c
	if until <= max(c.now, p.resumeAt) {
		return
	}
	if !p.paused {
		p.pausedAt = c.now
	}
	p.paused, p.resumeAt = true, until
	since := p.pausedAt
	c.emitf(p.r.ID, Paused, "for %s", until-c.now)
	c.At(until, p.resume)
	if until-c.now > DetectAfter {
		c.after(DetectAfter, func() {
			if !p.ended && p.paused && p.pausedAt == since {
				c.isolate(p.r)
			}
		})
	}
}

// resume takes all that has come meanwhile at once, as a process does.
func (p *process) resume() {
	if p.ended || p.resumeAt > p.r.c.now {
		return
	}
	p.r.c.Emit(Event{Replica: p.r.ID, Kind: Resumed})
	work := p.waiting
	p.paused, p.waiting = false, nil
	p.begin()
	for _, do := range work {
		if p.doom == nil {
			do(p.host)
		}
	}
	p.finish()
	p.r.c.reconnectAll(p.r)
}

// die ends the process, and what depends on it. Called out of the host, it
// waits until the host has returned.
func (p *process) die(c Crash, how EventKind) {
	if p.touching {
		if p.doom == nil {
			p.doom = &doom{c, how}
		}
		return
	}
	if p.ended {
		return
	}
	p.ended, p.waiting = true, nil
	r := p.r
	r.process = nil
	if p.plugin != nil {
		p.plugin.end()
	}
	unsynced, kept := r.disk.crash(c)
	r.c.emitf(r.ID, how, "of %d writes that were not synced %d survive", unsynced, kept)
	if why := r.disk.damage(); why != "" {
		r.failed = why
	}
	r.c.hangUp(r)
	p.breakOff()
}

// synced tells the host of the disk.
func (p *process) synced(pos host.Position) {
	if p.fuse.burnsAt(AfterSync, pos) {
		p.r.Crash(p.fuse.crash)
		return
	}
	p.touch(func(h *host.Host) {
		h.Synced(pos)
		if p.fuse.burnsAt(AfterRelease, pos) {
			p.die(p.fuse.crash, Crashed)
		}
	})
}
