package replica

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"consequor/modes"
	"consequor/replicad/host"
	"consequor/replicad/store"
	"consequor/topologies"
)

// loop runs one hosted replica: its goroutine alone touches the host.
type loop struct {
	process *process
	self    topologies.Replica
	host    *host.Host
	disk    *store.Replica
	records *disk  // the host's view of it
	epoch   uint64 // that the host is in
	in      *inbox
	log     *slog.Logger
	began   time.Time
	view    atomic.Pointer[host.View]
	machine *machine // of the plugin that runs; nil between two lives

	notes  throttle // of the mode's trace
	losses throttle // of spans that could not be sent

	waiters map[modes.RequestID]*waiter
	opening *waiter // the request that host.Request is being called for
	stopped chan struct{}
	halted  chan string // at most one word
}

// waiter is a client's goroutine that waits for an answer.
type waiter struct {
	id     modes.RequestID
	tapped uint64           // its number for the tap, if that is on
	answer chan host.Answer // capacity 1
}

func newLoop(p *process, self topologies.Replica) (*loop, error) {
	l := &loop{
		process: p, self: self, disk: p.store.Replica(self.ID), in: newInbox(), epoch: p.config.Epoch,
		log: p.log.With("replica", self.Name), began: time.Now(),
		notes: newThrottle(), losses: newThrottle(), waiters: make(map[modes.RequestID]*waiter),
		stopped: make(chan struct{}), halted: make(chan string, 1),
	}
	var err error
	if l.records, err = newDisk(p.store, l.disk, &p.tap); err != nil {
		return nil, err
	}
	l.host, err = host.New(host.Config{
		Self: self.ID, Replicas: p.ids, Voters: p.voters(), Cluster: p.config.ClusterID,
		Epoch: p.config.Epoch, ModeEpoch: p.config.ModeEpoch, Mode: p.config.Mode.Name, Options: p.config.Mode.Options,
		Seed: p.config.Seed, ReplicaName: p.replicaName, Disk: l.records, Network: network{p}, Plugin: l, Clients: l,
	})
	if err != nil {
		return nil, err
	}
	// For the status: without a guarantee, no read is answered from it.
	l.View(host.View{Epoch: p.config.Epoch, Mode: p.config.Mode.Name, Board: l.records.Vector()})
	l.disk.OnSynced(func(pos store.Position) {
		l.in.put(func() {
			p.tap.on().synced(l, host.Position(pos))
			l.host.Synced(host.Position(pos))
		})
	})
	return l, nil
}

// now is the host's virtual time. It is monotonic, and stands still while the
// machine sleeps.
func (l *loop) now() time.Duration { return time.Since(l.began) }

// run is the loop. It returns when ctx ends.
func (l *loop) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	defer l.close()
	for {
		work := l.in.take()
		l.host.Tick(l.now())
		for _, f := range work {
			f()
		}
		l.host.Pump()
		clear(work) // let go of what the closures hold
		if len(work) > 0 {
			continue // more may have come meanwhile
		}
		if at, ok := l.host.NextWake(); ok {
			timer.Reset(at - l.now())
		}
		select {
		case <-l.in.wake:
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}

// close answers those that still wait.
func (l *loop) close() {
	l.in.close()
	for _, w := range l.waiters {
		w.answer <- host.Answer{Outcome: host.Unknown, Why: "the replica stopped"}
	}
}

// Step hands a batch to the plugin; see host.Plugin.
func (l *loop) Step(life uint64, batch modes.Batch) {
	l.process.tap.on().given(l, &batch)
	l.machine.step(life, batch)
}

// Answer ends a request; see host.Clients.
func (l *loop) Answer(id modes.RequestID, a host.Answer) {
	w := l.waiters[id]
	if w == nil {
		w = l.opening // answered while it is being opened
	}
	if w == nil {
		return
	}
	delete(l.waiters, id)
	l.opening = nil
	l.process.tap.on().answered(l, w.tapped, &a)
	w.answer <- a
}

// View publishes what clients' goroutines may answer by themselves.
func (l *loop) View(v host.View) {
	l.view.Store(&v)
	l.process.reporter.boardChanged(l)
}

// Status passes the mode's own word on.
func (l *loop) Status(s modes.Status) { l.process.reporter.modeChanged(l, s) }

// Stopped is told when the mode has handed over.
func (l *loop) Stopped() {
	select {
	case <-l.stopped:
	default:
		close(l.stopped)
	}
}

// Halted is told when this replica can't go on.
func (l *loop) Halted(why string) {
	why = brief(why) // it may be the mode's own word
	l.log.Error("halted", "why", why)
	l.process.reporter.failed(l, why)
	l.halted <- why
}

// Note takes a line of the mode's trace.
func (l *loop) Note(text string) {
	l.process.tap.on().note(l, text)
	if l.log.Enabled(context.Background(), slog.LevelDebug) && l.notes.allow(l.log) {
		l.log.Debug(brief(text))
	}
}

// open enters a request, with the number that the tap gave it; its answer comes
// on the waiter's channel.
func (l *loop) open(r host.Request, tapped uint64) (*waiter, bool) {
	w := &waiter{tapped: tapped, answer: make(chan host.Answer, 1)}
	entered := l.in.put(func() {
		l.opening = w
		id := l.host.Request(r)
		if l.opening != nil { // not answered at once
			l.opening = nil
			w.id = id
			l.waiters[id] = w
		}
	})
	return w, entered
}

// forget drops a request whose client has gone.
func (l *loop) forget(w *waiter) {
	l.in.put(func() {
		if l.waiters[w.id] == w {
			delete(l.waiters, w.id)
			l.host.Forget(w.id)
		}
	})
}
