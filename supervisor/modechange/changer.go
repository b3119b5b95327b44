package modechange

import (
	"fmt"
	"strings"
	"time"

	"consequor/board"
	"consequor/mutants"
)

// The limits of the phases. Who is late at the first ends the change; at the
// second and third it is called off. Activate and CallOff cannot be ended: at
// their limit the change is reported as done, and goes on beside.
const (
	PrepareLimit  = 15 * time.Second
	SealLimit     = 10 * time.Second
	MergeLimit    = 60 * time.Second // also for replicas that start anew meanwhile
	ActivateLimit = 30 * time.Second

	// RepeatAfter is when an order that has shown no effect is given again. A
	// rehearsal takes longer, and answers the second order like the first.
	RepeatAfter = 2 * time.Second
)

// Changer brings a cluster from one epoch to the next. It lives as long as the
// supervisor, which calls Step whenever something has changed and at Wake, and
// makes what Step hands it durable.
type Changer struct {
	record   Record  // on disk
	saving   *Record // to be on disk next; nil: none. Nobody is told anything meanwhile
	saveAt   time.Duration
	now      time.Duration
	replicas []replica // in the cluster's order

	phase   Phase
	began   time.Duration // phase
	until   time.Duration // the limit of phase
	attempt uint64        // of the newest change
	discard uint64        // the attempt that came to nothing; 0: none
	merging bool          // merge: all are sealed, and target is the join of their boards
	target  board.Vector
	why     string         // call off
	sealed  *time.Duration // when the first seal was given; nil: none was
	took    []Took
	told    []Progress // not handed out yet
	end     *End       // not handed out yet
	mutant  mutants.Mutant
}

// replica is what is known of one, and what it was told in this life.
type replica struct {
	Report
	given map[Kind]time.Duration // when it was last told; merge: to come up to target
}

// New makes a changer that goes on from what is on disk. If a change was under
// way, the first Step calls it off.
func New(record Record, replicas []string) *Changer {
	return NewMutant(record, replicas, mutants.None)
}

// NewMutant makes a changer that leaves out a rule, for simulators: M39, M40 or
// M41.
func NewMutant(record Record, replicas []string, m mutants.Mutant) *Changer {
	c := &Changer{record: record, mutant: m}
	for _, name := range replicas {
		c.replicas = append(c.replicas, replica{Report: Report{Replica: name}, given: make(map[Kind]time.Duration)})
	}
	if record.Changing {
		c.callOff("the supervisor ended while it was under way")
	}
	return c
}

// Record is what is on disk.
func (c *Changer) Record() Record { return c.record }

// Phase is where the change is; Idle: there is none.
func (c *Changer) Phase() Phase { return c.phase }

// Busy reports whether a change is under way.
func (c *Changer) Busy() bool { return c.phase != Idle || c.end != nil }

// Decided reports whether there is no way back any more.
func (c *Changer) Decided() bool {
	return c.saving == nil && (c.phase == Activate || c.phase == CallOff)
}

// Refusal is why a change does not even begin.
type Refusal struct {
	Replica string
	Why     string // for people, with the replica's name
}

// Begin begins a change at the time now, unless a replica does not serve in
// the present epoch, or is held. It must not be called while Busy.
func (c *Changer) Begin(now time.Duration, reports []Report) *Refusal {
	if c.Busy() {
		panic(fmt.Sprintf("modechange: begun while attempt %d is in phase %s", c.attempt, c.phase))
	}
	c.observe(now, reports)
	for i := range c.replicas {
		r := &c.replicas[i]
		switch {
		case !r.Serves:
			return &Refusal{r.Replica, fmt.Sprintf("%s is %s: all replicas are needed", r.Replica, r.State)}
		case r.Held != "":
			return &Refusal{r.Replica, r.Held + ": all replicas are needed"}
		case r.Epoch != c.record.Epoch:
			return &Refusal{r.Replica, fmt.Sprintf("%s is in epoch %d and has not begun epoch %d yet", r.Replica, r.Epoch, c.record.Epoch)}
		}
	}
	c.attempt++
	c.took, c.why, c.sealed = nil, "", nil
	c.enter(Prepare, PrepareLimit)
	return nil
}

// Step looks at what is known now, of every replica in the cluster's order, and
// adds what is to be done to out. Time never falls. Before any replica is
// started reports may be nil.
func (c *Changer) Step(now time.Duration, reports []Report, out *Output) {
	c.observe(now, reports)
	for c.advance() {
	}
	if c.saving != nil && c.now >= c.saveAt {
		record := *c.saving
		c.saveAt = never // until Saved or NotSaved
		out.Save = &record
	}
	c.instruct(out)
	out.Told = append(out.Told, c.told...)
	c.told = nil
	if c.end != nil {
		out.End, c.end = c.end, nil
	}
}

// never is later than any time.
const never = time.Duration(1<<63 - 1)

// observe takes over the reports. In another life a replica has been told
// nothing yet.
func (c *Changer) observe(now time.Duration, reports []Report) {
	c.now = max(c.now, now)
	for i, report := range reports {
		r := &c.replicas[i]
		if report.Replica != r.Replica {
			panic(fmt.Sprintf("modechange: report %d is on %s, want %s", i, report.Replica, r.Replica))
		}
		if report.Life != r.Life {
			clear(r.given)
		}
		r.Report = report
	}
}

// Saved tells that the record handed out last is on disk. Step is to be called
// next.
func (c *Changer) Saved() {
	c.record, c.saving = *c.saving, nil
	switch c.phase {
	case Seal:
		c.tell("no more posts in epoch %d on %s", c.record.Epoch, c.names())
	case Activate:
		c.tell("decided: the new mode begins epoch %d on %s", c.record.Epoch, c.names())
	case CallOff:
		c.tell("%s; the old mode goes on in epoch %d on %s", c.why, c.record.Epoch, c.names())
	}
}

// NotSaved tells that the record handed out last may not be on disk, nor be
// sure never to get there. Nobody has been told of it.
func (c *Changer) NotSaved(why string) {
	c.saving = nil
	switch c.phase {
	case Seal:
		c.finish(&End{Cause: NotSaved, Why: why})
	case Activate:
		c.callOff(why)
	case CallOff: // there is nothing else to do
		c.saveCalledOff()
		c.saveAt = c.now + RepeatAfter
	}
}

// save hands a record out; until it is on disk no replica is told anything.
func (c *Changer) save(r Record) {
	c.saving, c.saveAt = &r, c.now
	if c.mutant == mutants.M41 {
		c.record = r
	}
}

// enter begins a phase.
func (c *Changer) enter(p Phase, limit time.Duration) {
	c.leave()
	c.phase, c.began, c.until = p, c.now, c.now+limit
	for i := range c.replicas {
		clear(c.replicas[i].given)
	}
	switch p {
	case Prepare:
		c.tell("the new mode starts beside the old one on %s", c.names())
	case Merge:
		if len(c.target) == 0 {
			c.tell("all boards are empty")
			break
		}
		c.tell("all boards come up to %s", c.target)
	}
}

// leave notes how long the present phase took.
func (c *Changer) leave() {
	if c.phase != Idle {
		c.took = append(c.took, Took{c.phase, c.now - c.began})
	}
}

// finish ends the change; what is left to be told goes on beside.
func (c *Changer) finish(e *End) {
	c.leave()
	c.phase = Idle
	e.Epoch, e.Took = c.record.Epoch, c.took
	if c.sealed != nil {
		e.Pause = c.now - *c.sealed
	}
	if !e.Swapped {
		c.discard = c.attempt
	}
	c.end = e
}

func (c *Changer) tell(format string, args ...any) {
	c.told = append(c.told, Progress{c.phase, fmt.Sprintf(format, args...)})
}

func (c *Changer) names() string {
	names := make([]string, len(c.replicas))
	for i := range c.replicas {
		names[i] = c.replicas[i].Replica
	}
	return strings.Join(names, ", ")
}
