// Package history keeps what the clients of a board saw, and judges it.
//
// A history says what was asked for, when, and what came back; and what all
// boards held when everything was over. It knows nothing of how replicas agree:
// the checkers share no code with what they judge but the board's vocabulary.
//
//	operations ──┐        C0  every mode: nothing lost, doubled, invented
//	             ├─Check─>C1  fresh reads: linearizable          sequential
//	final boards ┘        C2  one order, and sessions within it  sequential
//	                      C3  completed posts are seen           quorum
//	                      C4  sessions                           read-your-write
//	                      C5  what is healed serves again        every mode
//
// # One operation per key
//
// A post and all its retries under one key are one operation: it begins when
// the key was first sent, and is complete when it was first acknowledged. It
// is refused only if every try was refused. One that nobody answered is
// unknown: it may take effect at any time after its call, or never.
//
// # Epochs
//
// Each operation is judged by the promise of the epoch that answered it. Across
// epochs hold C0, the session guarantees, and that new ids lie above old ones.
//
// At a mode change all boards become equal, so a view also holds all that an
// earlier mode had acknowledged or shown. A change that was called off is none.
//
// # Views
//
// A view's vector is a promise about the whole board, though the view may list
// only a part of it: whoever reads later in the same session, or after a quorum
// read has returned, must find all of it. Three rules say how far that goes:
//
//   - A view that stops at an article (Through) has shown its session nothing
//     above, and promises it nothing there.
//   - A view that begins after an article (After) goes on with a list. It keeps
//     to the vector that the list began with, so it owes nothing that came later;
//     what it lists must be right all the same.
//   - Since leaves out what the reader has. It changes what is listed, and not
//     what the board must hold.
//
// # Time
//
// Operations of two sessions are in order when one returned before the other
// was called; at equal times neither is first. Those of one session may follow
// each other within one instant: then their numbers decide.
//
// # Histories of real runs
//
// What the boards held Before the history began is part of the final order, and
// no operation has added it: nobody is blamed for it. An operation whose article
// was there already (a retry of an earlier key) was first called before all
// others. Liveness is asked of those operations only whose clients waited.
//
// The properties are those of Terry et al. 1994 (session guarantees), Lamport
// 1979 (sequential consistency), Herlihy and Wing 1990 (linearizability), and
// Attiya, Bar-Noy and Dolev 1995 (what R and W promise).
package history

import (
	"time"

	"consequor/board"
)

// History is what happened on one cluster.
type History struct {
	Source   string // for people: "simulator, sequential, 5 replicas, seed 17"
	Replicas int
	Epochs   []Epoch // rising
	Ops      []Op    // by Call
	Boards   []Board // at the end, of each live replica

	// Healed is from when on nothing was in the way any more; 0: never.
	Healed time.Duration
	// Terms is how many terms have passed since Healed.
	Terms int

	// Live says that real clients asked real processes. Clients give up when
	// they like, and there may be some whose operations are not here.
	Live bool
	// Before is what the boards held when the history began: nobody here has
	// posted that.
	Before board.Vector
	// Events are what happened to the cluster meanwhile, by time. They are for
	// people, and judged by nobody.
	Events []Event
}

// Event is something that happened to a cluster, in its supervisor's words.
type Event struct {
	At      time.Duration
	Kind    string          // "killed", "coordinator", "cut", ...
	Replica board.ReplicaID // 0: the cluster
	Peer    board.ReplicaID // of a link: its other end; else 0
	Text    string
}

// Epoch is what a cluster promised for a while.
type Epoch struct {
	Number  uint64
	Mode    string
	Promise Promise

	// ModeEpoch is the epoch that the mode began with: lower than Number when
	// a change was called off and the mode went on, on boards that need not be
	// equal. 0: not known; then a mode that follows itself is taken to go on.
	ModeEpoch uint64
}

// Promise is what a mode claims, and so what it is held to.
type Promise string

// The promises, those of the built-in modes first.
const (
	Sequential    Promise = "sequential"      // C1, C2
	Quorum        Promise = "quorum"          // C3
	ReadYourWrite Promise = "read-your-write" // C4
	Durable       Promise = "durable"         // C0 and C5 only
)

// Verb is what was asked for.
type Verb string

// The five requests.
const (
	Post   Verb = "post"
	Reply  Verb = "reply"
	Read   Verb = "read"
	Choose Verb = "choose"
	Sync   Verb = "sync"
)

// Writes reports whether the verb adds an article.
func (v Verb) Writes() bool { return v == Post || v == Reply }

// Outcome is how an operation ended.
type Outcome string

// The outcomes.
const (
	OK      Outcome = "ok"
	Refused Outcome = "refused" // surely not done
	Unknown Outcome = "unknown" // perhaps done
)

// Op is one operation.
type Op struct {
	Number  int // from 1, as in Ops
	Session int // from 1; 0: of no session
	Verb    Verb
	Fresh   bool // read, choose: asked to be behind no acknowledged post

	Call    time.Duration // of the first try
	Return  time.Duration // ok: of the first try that was; refused: of the last; unknown: nothing
	Outcome Outcome
	Kind    string // when refused: "not_found"
	Why     string // when refused or unknown
	Epoch   uint64 // that answered; 0: none did
	Replica board.ReplicaID
	Tries   []Try // in the order of their calls; for people

	// Post, reply.
	Key     string // empty: none
	Parent  board.ArticleID
	Content Sum               // of what was to be posted: see ContentOf
	IDs     []board.ArticleID // that its tries were answered with, each once

	// Choose.
	Target board.ArticleID

	// What a read or choose showed, when ok; of a sync of a sequential epoch the
	// board that it has led to.
	View *View
}

// Try is one request of an operation.
type Try struct {
	Replica      board.ReplicaID
	Call, Return time.Duration
	Outcome      Outcome
	Text         string // "17", "no_majority"
}

// View is what was shown: of the board up to a vector, a part.
//
// The part of a read is the articles that UpTo has and Since has not, above
// After and up to Through, in the order of ids; without replies if Roots. The
// part of a choose is its thread.
type View struct {
	UpTo    board.Vector
	Since   board.Vector
	After   board.ArticleID // zero: from the first
	Through board.ArticleID // zero: to the last
	Roots   bool

	Count int // articles shown
	Sum   Sum // of all of them: see SumOf
	// Articles lists them, on a sample; nil: not kept.
	Articles []board.ArticleID

	// Thread is a choose's: the article, its parent and its direct replies.
	// Count and Sum are then those of the three together.
	Thread *Thread
}

// Thread is what a choose shows.
type Thread struct {
	Article board.ArticleID
	Parent  board.ArticleID // zero: it is a root
	Replies []board.ArticleID
}

// Board is what a replica held at the end. Equal boards may share their
// articles.
type Board struct {
	Replica  board.ReplicaID
	Articles []board.Article // by rising id
}
