package cluster

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/replicad/host"
)

const (
	votersMax = 7 // as a topology has it, unless it says otherwise

	// sameTimeMax bounds what happens at one virtual time: beyond, something
	// causes itself again and again.
	sameTimeMax = 1_000_000

	// eventsMax bounds what happens in a run, and eventsPerLink adds to that for
	// each two replicas: beyond, something goes round in circles, in small steps
	// of time. A run of five replicas has some 10,000 events, one of 200 some
	// 700,000.
	eventsMax     = 5_000_000
	eventsPerLink = 500

	// Name is the cluster's, in tokens.
	Name = "sim"
)

// Cluster is the replicas, what connects them, and the agenda.
type Cluster struct {
	Config
	now      time.Duration
	agenda   agenda
	events   int
	sameTime int // events at now
	frames   uint64
	err      error

	contradiction error // that will be err

	ids      []board.ReplicaID
	replicas []*Replica
	links    []*link // of replicas i and j, at i*len(replicas)+j and at j*len(replicas)+i

	articles     map[board.ArticleID]board.Article // that were ever visible anywhere
	coordinators map[office]board.ReplicaID        // that ever were
}

// New makes a cluster whose processes are all down, and whose links are whole.
func New(c Config) *Cluster {
	c.Voters = cmp.Or(c.Voters, min(c.Replicas, votersMax))
	c.SyncMax = cmp.Or(c.SyncMax, 2*time.Millisecond)
	c.StepMax = cmp.Or(c.StepMax, 200*time.Microsecond)
	c.WireMax = cmp.Or(c.WireMax, 2*time.Millisecond)
	c.EventsMax = cmp.Or(c.EventsMax, eventsMax+eventsPerLink*c.Replicas*(c.Replicas-1)/2)
	k := &Cluster{
		Config:       c,
		articles:     make(map[board.ArticleID]board.Article),
		coordinators: make(map[office]board.ReplicaID),
	}
	for i := range c.Replicas {
		id := board.ReplicaID(i + 1)
		k.ids = append(k.ids, id)
		k.replicas = append(k.replicas, newReplica(k, id))
	}
	k.connectAll()
	return k
}

// Close ends the state machines that still run.
func (c *Cluster) Close() {
	for _, r := range c.replicas {
		if r.process != nil && r.process.plugin != nil {
			r.process.plugin.end()
		}
	}
}

// Now is the virtual time.
func (c *Cluster) Now() time.Duration { return c.now }

// At puts something on the agenda.
func (c *Cluster) At(at time.Duration, do func()) { c.agenda.put(max(at, c.now), do) }

func (c *Cluster) after(d time.Duration, do func()) { c.agenda.put(c.now+d, do) }

// Run lets time pass until end, or until something that must never happen has
// happened: its error comes again with each later Run.
func (c *Cluster) Run(end time.Duration) error {
	for c.err == nil && c.agenda.due(end) {
		next := c.agenda.take()
		if next.at > c.now {
			c.now, c.sameTime = next.at, 0
		}
		c.events++
		if c.sameTime++; c.sameTime > sameTimeMax {
			c.Fail(0, "time stands still: %d events and no end", c.sameTime)
			break
		}
		if c.events > c.EventsMax {
			c.Fail(0, "livelock: %d events and no end", c.events)
			break
		}
		next.do()
	}
	if c.err == nil {
		c.now = max(c.now, end)
	}
	return c.err
}

// Fail ends the run: something that must never happen has happened.
func (c *Cluster) Fail(r board.ReplicaID, format string, args ...any) {
	if c.err != nil {
		return
	}
	if c.contradiction != nil { // which this follows from
		c.err = c.contradiction
		return
	}
	text := fmt.Sprintf(format, args...)
	c.Emit(Event{Replica: r, Kind: Violation, Text: text})
	if r != 0 {
		text = r.String() + ": " + text
	}
	c.err = fmt.Errorf("at %s: %s", c.now, text)
}

// breakOff ends the run by a machine's error.
func (c *Cluster) breakOff(r board.ReplicaID, err error) {
	if errors.Is(err, ErrCutOff) {
		c.err = cmp.Or(c.err, err)
		return
	}
	c.Fail(r, "%v", err)
}

// Err is what must never happen and has, also if it has not ended the run yet.
func (c *Cluster) Err() error { return cmp.Or(c.err, c.contradiction) }

// Emit adds a line to the trace; the violation that ends the run is the last.
func (c *Cluster) Emit(e Event) {
	if c.Trace != nil && c.err == nil {
		e.At = c.now
		e.Routine = e.Routine || e.Kind == Stepped || e.Kind == Synced
		c.Trace(e)
	}
}

// emitf is Emit for a text that is made only if somebody reads it.
func (c *Cluster) emitf(r board.ReplicaID, kind EventKind, format string, args ...any) {
	if c.Trace != nil {
		c.Emit(Event{Replica: r, Kind: kind, Text: fmt.Sprintf(format, args...)})
	}
}

// Events counts what has happened on the agenda so far.
func (c *Cluster) Events() int { return c.events }

// All lists the replicas, by number.
func (c *Cluster) All() []*Replica { return c.replicas }

// Replica returns one.
func (c *Cluster) Replica(id board.ReplicaID) *Replica { return c.replicas[id-1] }

// Coordinator is the live replica that its mode calls coordinator in the
// highest term; nil: there is none.
func (c *Cluster) Coordinator() *Replica {
	var found *Replica
	for _, r := range c.replicas {
		p := r.process
		if p == nil || p.plugin == nil || p.status.Role != modes.RoleCoordinator {
			continue
		}
		if found == nil || p.office().above(found.process.office()) {
			found = r
		}
	}
	return found
}

// SetEpoch says what processes that start from now on are told.
func (c *Cluster) SetEpoch(a host.Activation) { c.Epoch = a }
