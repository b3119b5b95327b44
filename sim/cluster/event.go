package cluster

import (
	"time"

	"consequor/board"
)

// Event is one line of a run's trace.
type Event struct {
	At      time.Duration
	Replica board.ReplicaID // whose column it is in; 0: nobody's
	Kind    EventKind
	Peer    board.ReplicaID // sent: to whom; arrived, lost: from whom; faults on a link: its other end
	Message uint64          // sent, arrived, lost: joins them; else 0
	Op      int             // called, returned: the operation's number in the history
	Text    string
	Routine bool // nothing new: a heartbeat, a batch, an fsync, hosts that greet each other
}

// EventKind says what happened.
type EventKind string

// What happens.
const (
	Sent       EventKind = "sent" // Text: what it says, if the mode can tell
	Arrived    EventKind = "arrived"
	Lost       EventKind = "lost"
	Stepped    EventKind = "stepped" // a batch; Text: its number, events and effects
	Synced     EventKind = "synced"
	Stored     EventKind = "stored" // articles have become visible; Text: their ids
	Booted     EventKind = "booted"
	Crashed    EventKind = "crashed"
	Failed     EventKind = "failed" // quarantined, or its mode has halted
	Stopped    EventKind = "stopped"
	Paused     EventKind = "paused"
	Resumed    EventKind = "resumed"
	PluginUp   EventKind = "plugin up"
	PluginDown EventKind = "plugin down"
	LinkUp     EventKind = "link up"
	LinkDown   EventKind = "link down"
	Cut        EventKind = "cut" // what Replica sends to Peer is lost
	Healed     EventKind = "healed"
	Role       EventKind = "role" // Text: role and term
	Noted      EventKind = "note"
	Fault      EventKind = "fault"      // begins; Text: what, and for how long
	FaultOver  EventKind = "fault over" // Text: what
	Called     EventKind = "called"     // an operation; Text: "post at r2"
	Tried      EventKind = "tried"      // again, or elsewhere
	Returned   EventKind = "returned"   // Text: "ok 17"
	Ordered    EventKind = "ordered"    // by the supervisor; Text: "seal epoch 3"
	Decided    EventKind = "decided"    // by the supervisor: its record is durable
	Violation  EventKind = "violation"  // Text: the sentence
)
