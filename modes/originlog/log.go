package originlog

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/mutants"
)

// The log's limits; more of them are in variant.go.
const (
	seqAheadMax = 1 << 40                // a mark or a token further above all that is known was not made here
	recallAgain = 100 * time.Millisecond // at least, between two questions what the board holds
	wakeRest    = 5 * time.Millisecond   // at least, between two looks at what waits
	StartGrace  = 500 * time.Millisecond // after a start peers may still be on their way
)

// Config is what a mode's promise asks of its log.
type Config struct {
	Copies   int                     // disks that have an article before it is acknowledged
	Contact  int                     // replicas, this one included, that must be reached to keep the whole promise
	Heard    int                     // replicas, this one included, whose boards must have come here before it has caught up
	Alone    time.Duration           // after so long it has caught up though it reached nobody; 0: never
	Everyone bool                    // articles are pushed to all replicas, however many there are
	Label    func(q *Request) string // the guarantee that an acknowledged post meets
	Enough   string                  // what Contact replicas are called: "a quorum"
}

// Log is one replica's part of a board of origin logs.
type Log struct {
	limits limits
	mutant mutants.Mutant // the rule that is broken, in simulations
	config Config

	// Of the step under way.
	now time.Duration
	out *modes.Effects

	// From Start on.
	self        board.ReplicaID
	replicas    []board.ReplicaID // all, rising
	incarnation uint64
	random      *rand.Rand // of the seed; the only one
	started     time.Duration
	begun       bool
	ended       bool // halted or stopped: nothing is done any more

	// board is what is here once this step's effects are done; it only grows,
	// and an article of this origin is on it before anybody hears of it.
	board   board.Vector
	growth  uint64          // counts the times that it grew
	minted  []board.Article // in this step; stored at its end
	keys    keyTable
	brought int // articles that spans have brought, in this life

	peers  []*peer // all others, by rising id
	number uint64  // of the last round, pull or push

	waiting  waiting
	rounds   rounds
	looks    []*Request    // LookUps under way, in call order
	recallAt time.Duration // when the host may be asked again what the board holds
	spreads  spreading
	leaving  leaving
	status   statusKeeper
	stable   board.Vector // known to be on config.Copies disks; there may be more
	told     board.Vector // by peers, of their disks: all together
	further  bool         // something has changed that may let waiting requests go on
	wakeAt   time.Duration
	wakeOn   bool // the timer is set, for wakeAt
	wakeWant time.Duration
	wakeNone bool // nothing wants to be looked at by itself
}

const timerWake = "wake"

// New returns a log that waits for its past and its start.
func New() *Log { return NewVariant(false, mutants.None) }

// Begin opens a step.
func (l *Log) Begin(now time.Duration, out *modes.Effects) {
	l.now, l.out = now, out
	l.wakeNone = true
}

// OnKeys takes a piece of the past.
func (l *Log) OnKeys(keys []board.KeyedID) {
	for _, k := range keys {
		l.keys.add(k)
	}
}

// OnStart begins the log's life.
func (l *Log) OnStart(e modes.Start, c Config) {
	l.config = c
	l.self, l.replicas, l.incarnation = e.Self, e.Replicas, e.Incarnation
	l.board, l.started = e.Board, l.now
	if l.mutant == mutants.M28 && e.Epoch > 1 { // keys of earlier epochs are forgotten
		l.keys, e.KeysFrom = newKeyTable(l.limits.keys), 0
	}
	l.keys.start(e.Self, e.KeysFrom)
	all := func(board.ReplicaID) bool { return true }
	l.random = rand.New(rand.NewPCG(e.Seed, e.Incarnation<<32|uint64(e.Self)))
	for _, id := range e.Replicas {
		if id != e.Self {
			ids := near(id, e.Replicas, l.limits.mesh, all)
			l.peers = append(l.peers, &peer{id: id, known: part(e.Board, id), pushes: l.toEveryone(ids) || contains(ids, e.Self)})
		}
	}
	l.growth, l.begun = 1, true
}

// Halt ends a log that cannot begin. What speaks against it is told in one line.
func (l *Log) Halt(why string) {
	l.ended = true
	l.out.Halt(strings.ReplaceAll(why, "\n", "; "))
}

// Ended reports whether nothing is to be done any more.
func (l *Log) Ended() bool { return l.ended }

// Finish closes a step: every waiting request is handed to advance, until none
// gets further, and what the step has to say is said.
func (l *Log) Finish(advance func(*Request)) {
	if l.ended || !l.begun {
		return
	}
	l.waiting.compact()
	for l.further = true; l.further; {
		l.further = false
		l.spreads.wanted = part(l.board, l.self)
		for _, p := range l.peers {
			p.merges = false
		}
		for _, q := range l.waiting.list {
			if !q.done {
				advance(q)
			}
			if !q.done && q.Deadline > 0 {
				l.wake(q.Deadline)
			}
		}
		l.sendRounds()
	}
	if len(l.minted) > 0 {
		l.out.Store(l.minted...)
		l.minted = nil
	}
	l.catchUp()
	l.spread()
	l.leave()
	l.report()
	l.setWake()
}

// part is what v has of one origin.
func part(v board.Vector, origin board.ReplicaID) board.Vector {
	if seq := v.Seq(origin); seq > 0 {
		return board.Vector{{Seq: seq, Origin: origin}}
	}
	return nil
}

// wake sees to it that the log is looked at again by then.
func (l *Log) wake(by time.Duration) {
	if l.wakeNone || by < l.wakeWant {
		l.wakeNone, l.wakeWant = false, by
	}
}

func (l *Log) setWake() {
	if l.ended || l.wakeNone {
		return
	}
	at := max(l.wakeWant, l.now+wakeRest)
	if !l.wakeOn || at < l.wakeAt {
		l.wakeOn, l.wakeAt = true, at
		l.out.SetTimer(timerWake, at-l.now)
	}
}

// What modes ask of a log.

// Now is the time of the step under way.
func (l *Log) Now() time.Duration { return l.now }

// Board is what this board holds.
func (l *Log) Board() board.Vector { return l.board }

// Replicas counts the cluster.
func (l *Log) Replicas() int { return len(l.replicas) }

// Reachable counts the replicas that can be reached, this one included.
func (l *Log) Reachable() int {
	n := 1
	for _, p := range l.peers {
		if p.connected {
			n++
		}
	}
	return n
}

// Settled reports whether the grace after the start is over, so that who is not
// connected now may be counted as missing.
func (l *Log) Settled() bool {
	if over := l.started + StartGrace; l.now < over {
		l.wake(over)
		return false
	}
	return true
}

// Note adds a line to the trace.
func (l *Log) Note(format string, args ...any) { l.out.Note(fmt.Sprintf(format, args...)) }

// grow takes a vector that covers the board's.
func (l *Log) grow(to board.Vector) {
	l.board = to
	l.growth++
}

func (l *Log) peer(id board.ReplicaID) *peer {
	i := sort.Search(len(l.peers), func(i int) bool { return l.peers[i].id >= id })
	if i == len(l.peers) || l.peers[i].id != id {
		return nil
	}
	return l.peers[i]
}

func contains(ids []board.ReplicaID, id board.ReplicaID) bool { return slices.Contains(ids, id) }
