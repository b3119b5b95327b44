// Package sim finds out whether a mode keeps its promise: it runs clusters
// with every fault there is, each run a function of one number, and has each
// judged by the checkers of package history.
//
//	seed ──Draw──> Plan: options, faults, operations, each numbered and timed
//	                 │
//	                 Run ──> cluster (hosts, mode, disks, network: virtual time)
//	                 │   ──> supervisor (modechange, its record, its crashes)
//	                 │   ──> sessions (post, reply, read, choose, sync; retry, hop)
//	                 v
//	              Result: history, verdicts ──Shrink──> the shortest plan that fails
//
// # A run
//
// Operations and faults take place for a few virtual seconds. Then all faults
// end, what is down is started again, and a phase without faults shows that
// the cluster serves at every replica, of many at a dozen that the seed draws
// (C5). Last everything falls quiet, and all boards are compared.
//
// # What a plan is for
//
// Every operation and every fault is an Action with a number. A plan without
// some of its actions is a plan as well, and runs much as before, because each
// action and each link draws from a sequence of its own. So a failure shrinks:
// Shrink leaves out what is not needed, and what stays can be told as a story.
//
// # The budget of faults
//
// Nothing is dealt out that the mode does not claim to survive. Disks that are
// lost for good (rot, wipe) are at most as many as its promise allows for; what
// is promised with a majority alive is asked for with a majority alive. Crashes,
// cuts and pauses need no budget: they cost time, and never an article.
package sim

import (
	"errors"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/mutants"
	"consequor/sim/cluster"
	"consequor/sim/history"
)

// Config says what is to be tried.
type Config struct {
	Mode     string          // a built-in mode, or the name for Launch
	Options  []modes.Option  // of the mode; what is not given is drawn
	Replicas int             // default 5
	Faults   Faults          // that may be dealt out
	Promise  history.Promise // that the mode is held to; default its own, of another's mode durable

	// Launch starts state machines of a mode that is not built in; nil: it is.
	Launch func(replica board.ReplicaID) (cluster.Machine, error)

	Mutant mutants.Mutant
	Length int // rounds of operations; default 120 in small clusters, fewer in large ones
}

// Plan is one run, before it is run.
type Plan struct {
	Config
	Seed    uint64
	Drawn   string   // the options that the seed chose, in one line
	Actions []Action // by time

	options // what Drawn says
}

// Action is one operation of a session, or one fault.
type Action struct {
	Number int // from 1; a shrunk plan keeps the numbers
	At     time.Duration
	Fault  Fault  // zero: it is an operation
	Text   string // "r3 is cut off from r1 for 400 ms", "session 2 posts at r1"

	do action
}

// Result is what a run came to.
type Result struct {
	Plan     *Plan
	History  *history.History
	Verdicts history.Verdicts
	Err      error         // something that must never happen has happened: an assertion of host, mode or cluster
	Events   int           // that took place
	Virtual  time.Duration // that passed
	Hash     uint64        // of the trace, if one was made
	Coverage Coverage
}

// Coverage counts what a run has met, so that a sweep can show that nothing
// went untried.
type Coverage struct {
	Posts, Reads, Refused, Unknown, Retries int
	Faults                                  map[Fault]int
	Changes, CalledOff                      int
	Elections                               int // terms beyond the first
}

// CutOff reports whether the run was ended from outside, and so proves nothing.
func (r *Result) CutOff() bool { return errors.Is(r.Err, cluster.ErrCutOff) }

// Failed reports whether the run has shown that the mode breaks its promise.
func (r *Result) Failed() bool { return r.Err != nil || r.Verdicts.Outcome() == history.Violated }
