package topologies

import (
	"time"

	"consequor/board"
)

// Faults is all that is wrong with the links between replicas. A process is
// told of it as a whole, when it starts and at each change; what it does not
// name is whole.
type Faults struct {
	Number uint64      `json:"number"` // rising with each change: a report names it once it is in force
	Seed   uint64      `json:"seed"`   // with it, a link, and a message's number on that link, chance is decided
	Links  []LinkFault `json:"links"`  // by From, then To; at most one for each
}

// LinkFault is what is wrong with one direction of one link: with what the
// replica From says to the replica To. The zero value of all but the two is a
// link that is whole.
//
// A link that is cut in both directions has no connection: both ends know that
// the other is away. One that is cut in one direction stands, and nothing comes
// through there: nobody is told.
type LinkFault struct {
	From   board.ReplicaID `json:"from"`
	To     board.ReplicaID `json:"to"`
	Cut    bool            `json:"cut,omitempty"`
	Delay  time.Duration   `json:"delay,omitempty"`  // of each message
	Jitter time.Duration   `json:"jitter,omitempty"` // the delay is Delay - Jitter to Delay + Jitter; the order stays
	Loss   float64         `json:"loss,omitempty"`   // the part of messages that is lost, 0 to 1
}

// Whole reports whether nothing is wrong.
func (f LinkFault) Whole() bool { return !f.Cut && f.Delay == 0 && f.Jitter == 0 && f.Loss == 0 }

// Inquiry is a question of the supervisor's to a process (OrderInquire), which
// answers on its ReportFD.
type Inquiry struct {
	ID   uint64      `json:"id"` // the answer has it too
	Kind InquiryKind `json:"kind"`

	// trace, told: which trace. One at a time is written; who wants another one
	// must neither end that nor be told of it.
	Trace uint64 `json:"trace,omitempty"`
	// trace: for how long to write down what happens, unless it is asked for before.
	For time.Duration `json:"for,omitempty"`
}

// InquiryKind says what is asked.
type InquiryKind string

// What can be asked.
const (
	InquireLinks InquiryKind = "links" // how the links to the peers are
	InquireTrace InquiryKind = "trace" // from now on write down what happens; answered at once
	InquireTold  InquiryKind = "told"  // what was written down since that trace began; it ends then
)

// Answer is what a process answers to an Inquiry: one line, or several, of
// which all but the last say More.
type Answer struct {
	ID    uint64      `json:"id"`
	Links []LinkState `json:"links,omitempty"`
	Trace []Traced    `json:"trace,omitempty"`
	More  bool        `json:"more,omitempty"`
	Error string      `json:"error,omitempty"`
}

// Line is one line on a ReportFD that is no status: an object whose only field
// is "answer".
type Line struct {
	Answer *Answer `json:"answer"`
}

// LinkState is how one end of a link is: what the replica Self, hosted by the
// process that answers, has said to Peer and heard from it since its process
// began.
type LinkState struct {
	Self      board.ReplicaID `json:"self"`
	Peer      board.ReplicaID `json:"peer"`
	Up        bool            `json:"up"`
	Sent      uint64          `json:"sent"` // messages put on their way
	SentBytes uint64          `json:"sent_bytes"`
	Received  uint64          `json:"received"`  // messages that came through
	Lost      uint64          `json:"lost"`      // of those that Self wanted to send: by a cut or by chance
	Discarded uint64          `json:"discarded"` // of those that came from Peer: thrown away here, for a cut
	Late      uint64          `json:"late"`      // sent with a delay
}

// Traced is one thing that a replica's process has written down. Those of one
// process stand in the order in which they happened.
type Traced struct {
	At      time.Duration   `json:"at"` // by MachineTime: the same for all processes of a machine
	Replica board.ReplicaID `json:"replica"`
	What    TracedKind      `json:"what"`
	Text    string          `json:"text,omitempty"`

	Peer  board.ReplicaID `json:"peer,omitempty"`  // sent, arrived
	Kind  string          `json:"kind,omitempty"`  // sent, arrived: what sort of frame it is
	Epoch uint64          `json:"epoch,omitempty"` // sent, arrived: of the frame
	Size  int             `json:"size,omitempty"`  // sent, arrived, saved: bytes
	Body  []byte          `json:"body,omitempty"`  // sent, arrived: the mode's message; saved: the record; if it is short

	Request  uint64   `json:"request,omitempty"`  // asked, answered: joins the two, from 1
	Key      string   `json:"key,omitempty"`      // asked: what the client sent it with
	Batch    uint64   `json:"batch,omitempty"`    // given, stepped: joins the two
	Requests []uint64 `json:"requests,omitempty"` // given, stepped: those that it has, or that it answers; the first TracedRequestsMax

	Position uint64            `json:"position,omitempty"` // saved: the journal's end behind it; synced: all before is on disk
	Articles []board.ArticleID `json:"articles,omitempty"` // answered: the new one; saved, stored, sent, arrived: the first TracedArticlesMax
	Count    int               `json:"count,omitempty"`    // missed: how many
}

// The limits of a trace.
const (
	TraceForMax       = time.Minute // then it ends, though nobody has asked for it
	TracedRequestsMax = 64
	TracedArticlesMax = 16
)

// Texts that say that there was nothing: a step of the mode's led to nothing, and
// a request was not answered.
const (
	TracedNothing   = "nothing to be done"
	TracedAbandoned = "its client did not wait"
)

// TracedKind says what happened.
type TracedKind string

// What is written down.
const (
	TracedAsked    TracedKind = "asked"    // a client's request came; Text: what it wants
	TracedAnswered TracedKind = "answered" // Text: how it ended
	TracedSent     TracedKind = "sent"     // handed to the link
	TracedArrived  TracedKind = "arrived"
	TracedGiven    TracedKind = "given"   // a batch was handed to the mode; Text: its events in short
	TracedStepped  TracedKind = "stepped" // the mode's answer to a batch came; Text: its effects in short
	TracedSaved    TracedKind = "saved"   // handed to the disk; Text: records or articles
	TracedSynced   TracedKind = "synced"  // on disk
	TracedStored   TracedKind = "stored"  // articles became visible; Text: their ids
	TracedNote     TracedKind = "note"    // the mode's own word
	TracedMissed   TracedKind = "missed"  // the last of all: there was no room for more
)
