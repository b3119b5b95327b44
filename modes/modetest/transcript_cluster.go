package modetest

import (
	"container/heap"
	"fmt"
	"slices"
	"time"

	"consequor/board"
	"consequor/modes"
)

// What a Cluster takes when its config says nothing else.
const (
	linkDelayDefault = time.Millisecond
	diskDelayDefault = time.Millisecond
	timeoutDefault   = 5 * time.Second
	hostGrace        = 100 * time.Millisecond // after a deadline the host answers instead of the mode
	keysArticlesMax  = 2 * board.KeyCountMax
)

// ClusterConfig says what a Cluster is made of. Only New and Replicas must be
// given.
type ClusterConfig struct {
	New      func() modes.Mode
	Replicas int
	Seed     uint64
	Options  []modes.Option

	// Message describes a message between replicas for the trace; an empty
	// text leaves it out.
	Message func(message []byte) string
	// Trace gets one line per event and effect; nil: none.
	Trace func(line string)
	// Link decides the fate of one message: after which delays copies of it
	// arrive; none: it is lost. Nil: one copy after a millisecond.
	Link func(from, to board.ReplicaID) []time.Duration
	// Disk is how long an fsync takes; nil: a millisecond.
	Disk func(replica board.ReplicaID) time.Duration
}

// Cluster is a scripted cluster of one mode, in virtual time, all in memory and
// in one goroutine: a run is a function of its config and the calls made. It
// keeps the host's rules (see package modes): one batch at a time, effects held
// for the disk, a disk that loses what was not synced, spans, one timer per
// name.
type Cluster struct {
	config   ClusterConfig
	now      time.Duration
	order    uint64 // of things to come at one time
	agenda   agenda
	replicas []*replica
	cuts     map[link]bool
	calls    []*Call
	halts    []string
	epoch    uint64
}

// link is the way from one replica to another.
type link struct{ from, to board.ReplicaID }

// NewCluster starts all replicas, connected to each other.
func NewCluster(config ClusterConfig) *Cluster {
	c := &Cluster{config: config, cuts: make(map[link]bool), epoch: 1}
	for i := range config.Replicas {
		c.replicas = append(c.replicas, newReplica(c, board.ReplicaID(i+1)))
	}
	for _, r := range c.replicas {
		r.start()
	}
	c.stepAll()
	return c
}

// Now returns the virtual time.
func (c *Cluster) Now() time.Duration { return c.now }

func (c *Cluster) replica(id board.ReplicaID) *replica { return c.replicas[id-1] }

func (c *Cluster) ids() []board.ReplicaID {
	ids := make([]board.ReplicaID, len(c.replicas))
	for i := range ids {
		ids[i] = board.ReplicaID(i + 1)
	}
	return ids
}

// What is to come.

// item is one thing to come.
type item struct {
	at    time.Duration
	order uint64
	timer bool // a mode's timer or a deadline: Settle does not wait for these
	do    func()
}

type agenda []*item

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].order < a[j].order
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(*item)) }
func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

func (c *Cluster) after(d time.Duration, timer bool, do func()) *item {
	c.order++
	it := &item{at: c.now + d, order: c.order, timer: timer, do: do}
	heap.Push(&c.agenda, it)
	return it
}

// Advance lets d pass.
func (c *Cluster) Advance(d time.Duration) {
	end := c.now + d
	for len(c.agenda) > 0 && c.agenda[0].at <= end {
		c.runNext()
	}
	c.now = end
}

// runNext does all that is to come at the next moment, and steps every replica
// that it concerned once: what arrives together is one batch.
func (c *Cluster) runNext() {
	c.now = max(c.now, c.agenda[0].at) // after Settle a timer may be late
	for len(c.agenda) > 0 && c.agenda[0].at <= c.now {
		heap.Pop(&c.agenda).(*item).do()
	}
	c.stepAll()
}

// AdvanceUntil lets time pass until done, at most most; it reports whether that
// was reached.
func (c *Cluster) AdvanceUntil(most time.Duration, done func() bool) bool {
	end := c.now + most
	for !done() {
		if len(c.agenda) == 0 || c.agenda[0].at > end {
			c.now = end
			return done()
		}
		c.runNext()
	}
	return true
}

// Settle lets messages arrive and disks write until none is left, but lets no
// timer run out.
func (c *Cluster) Settle() {
	for {
		var next *item
		for _, it := range c.agenda {
			if !it.timer && (next == nil || it.at < next.at) {
				next = it
			}
		}
		if next == nil {
			return
		}
		c.now = max(c.now, next.at)
		c.runNow()
	}
}

// runNow does what is due but for timers.
func (c *Cluster) runNow() {
	var due []*item
	c.agenda = slices.DeleteFunc(c.agenda, func(it *item) bool {
		if it.timer || it.at > c.now {
			return false
		}
		due = append(due, it)
		return true
	})
	heap.Init(&c.agenda)
	slices.SortFunc(due, func(a, b *item) int {
		if agenda([]*item{a, b}).Less(0, 1) {
			return -1
		}
		return 1
	})
	for _, it := range due {
		it.do()
	}
	c.stepAll()
}

func (c *Cluster) stepAll() {
	for _, r := range c.replicas {
		r.step()
	}
}

// Faults.

// Cut breaks the link from a to b, and back unless oneWay. Both sides see it.
func (c *Cluster) Cut(a, b board.ReplicaID, oneWay bool) {
	c.cuts[link{a, b}] = true
	if !oneWay {
		c.cuts[link{b, a}] = true
	}
	c.replica(a).peerDown(b)
	c.replica(b).peerDown(a)
	c.stepAll()
}

// Heal mends the links between a and b.
func (c *Cluster) Heal(a, b board.ReplicaID) {
	delete(c.cuts, link{a, b})
	delete(c.cuts, link{b, a})
	c.connect(a, b)
	c.stepAll()
}

// HealAll mends all links.
func (c *Cluster) HealAll() {
	for _, a := range c.ids() {
		for _, b := range c.ids() {
			if a < b && (c.cuts[link{a, b}] || c.cuts[link{b, a}]) {
				c.Heal(a, b)
			}
		}
	}
}

// connect tells two replicas that each can reach the other, if so.
func (c *Cluster) connect(a, b board.ReplicaID) {
	if a == b || !c.replica(a).up || !c.replica(b).up || c.cuts[link{a, b}] || c.cuts[link{b, a}] {
		return
	}
	c.replica(a).peerUp(b)
	c.replica(b).peerUp(a)
}

// Crash kills a replica. Of what it wrote and did not sync, keep writes survive.
func (c *Cluster) Crash(id board.ReplicaID, keep int) {
	c.replica(id).crash(keep)
	for _, peer := range c.ids() {
		if peer != id {
			c.replica(peer).peerDown(id)
		}
	}
	c.stepAll()
}

// Restart starts a replica that was killed or has stopped.
func (c *Cluster) Restart(id board.ReplicaID) {
	c.replica(id).start()
	for _, peer := range c.ids() {
		c.connect(id, peer)
	}
	c.stepAll()
}

// Pause stops a replica in its tracks; nobody is told, and what is sent to it
// waits.
func (c *Cluster) Pause(id board.ReplicaID) { c.replica(id).paused = true }

// Resume lets it go on.
func (c *Cluster) Resume(id board.ReplicaID) {
	c.replica(id).paused = false
	c.stepAll()
}

// Up reports whether a replica runs.
func (c *Cluster) Up(id board.ReplicaID) bool { return c.replica(id).up }

// Unsynced returns how many writes a crash of the replica could lose.
func (c *Cluster) Unsynced(id board.ReplicaID) int {
	d := &c.replica(id).disk
	return len(d.writes) - d.synced
}

// Seal asks a replica to seal the epoch, now and after each restart.
func (c *Cluster) Seal(id board.ReplicaID) {
	r := c.replica(id)
	if !r.sealed && r.up {
		r.tell(modes.Seal{})
	}
	r.sealed = true
	c.stepAll()
}

// NextEpoch begins the next epoch, at every replica at once: the seal is called
// off, and the same mode starts again on its own journal. Replicas that are down
// find that out when they start.
func (c *Cluster) NextEpoch() {
	c.epoch++
	var running []board.ReplicaID
	for _, r := range c.replicas {
		if r.up {
			running = append(running, r.id)
			r.leave()
		}
		r.sealed = false
	}
	for _, id := range running {
		c.Restart(id)
	}
}

// Stop asks a replica to leave.
func (c *Cluster) Stop(id board.ReplicaID) {
	if c.replica(id).up {
		c.replica(id).tell(modes.Stop{})
	}
	c.stepAll()
}

// Board returns what a replica has.
func (c *Cluster) Board(id board.ReplicaID) *board.Board { return c.replica(id).board }

// Status returns what a replica last reported, in this life.
func (c *Cluster) Status(id board.ReplicaID) modes.Status { return c.replica(id).status }

// Sealed reports whether a replica has said, in this life, that the epoch is
// sealed.
func (c *Cluster) Sealed(id board.ReplicaID) bool { return c.replica(id).saidSealed }

// Halts returns why modes have halted: none does while its host keeps the rules.
func (c *Cluster) Halts() []string { return c.halts }

// Records returns how many records a replica's journal keeps.
func (c *Cluster) Records(id board.ReplicaID) int {
	r := c.replica(id)
	return int(r.saved - r.forgotten)
}

// Requests.

// Call is one request and what became of it.
type Call struct {
	Request modes.Request
	At      board.ReplicaID
	Called  time.Duration

	Done     bool
	Returned time.Duration
	Refused  bool // surely not done
	OK       bool // otherwise; neither: unknown
	Kind     modes.RefusalKind
	Why      string
	ID       board.ArticleID
	UpTo     board.Vector // read, choose
	Answer   string       // in words
}

// Do gives a request to a replica. A request without a deadline gets five
// seconds. Local reads are answered at once.
func (c *Cluster) Do(at board.ReplicaID, request modes.Request) *Call {
	request.ID = modes.RequestID(len(c.calls) + 1)
	if request.Deadline == 0 {
		request.Deadline = c.now + timeoutDefault
	}
	call := &Call{Request: request, At: at, Called: c.now}
	c.calls = append(c.calls, call)
	r := c.replica(at)
	r.trace("request %d: %s", request.ID, describeRequest(&request))
	switch {
	case !r.up:
		c.end(call, "the replica is down: refused", func() { call.Refused, call.Kind = true, modes.Unreachable })
	case r.answersAlone(&request):
		c.end(call, fmt.Sprintf("serve up to %s (%s, by the host alone)", r.board.Vector(), r.localReads), func() {
			call.OK, call.UpTo = true, r.board.Vector()
		})
	default:
		r.open = append(r.open, call)
		r.tell(request)
		c.after(request.Deadline+hostGrace-c.now, true, func() { r.giveUp(call) })
	}
	c.stepAll()
	return call
}

// end notes an answer; the first one counts, and a second one is an error of
// the mode.
func (c *Cluster) end(call *Call, answer string, set func()) {
	call.Done, call.Returned, call.Answer = true, c.now, answer
	set()
	r := c.replica(call.At)
	r.open = slices.DeleteFunc(r.open, func(o *Call) bool { return o == call })
	r.trace("request %d: %s", call.Request.ID, answer)
}

// Calls returns all calls, in the order they were made.
func (c *Cluster) Calls() []*Call { return c.calls }

func describeRequest(r *modes.Request) string {
	text := r.Verb.String()
	switch r.Verb {
	case modes.VerbPost, modes.VerbReply:
		text += fmt.Sprintf(" %q", r.Article.Title)
		if r.Article.Key != "" {
			text += " key " + r.Article.Key
		}
	}
	if !r.Target.IsZero() {
		text += " of " + r.Target.String()
	}
	if r.Fresh {
		text += " fresh"
	}
	if len(r.Seen) > 0 {
		text += " seen " + r.Seen.String()
	}
	return text
}
