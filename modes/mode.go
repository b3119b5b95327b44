package modes

import (
	"time"

	"consequor/board"
)

// Mode decides how replicas agree, as one deterministic state machine.
type Mode interface {
	// Step handles one batch of events and adds what is to be done to out.
	// The same batches always give the same effects. Step must not keep
	// references into the batch's slices beyond what it needs as immutable
	// data: the host never changes them.
	Step(batch Batch, out *Effects)
}

// Batch is what happened since the last step.
type Batch struct {
	Number uint64        // 1, 2, ... within the life of one state machine
	Now    time.Duration // monotonic virtual time; never falls
	Events []Event       // in the order in which they happened
}

// Description is what a mode says of itself before it runs.
type Description struct {
	Name        string // as in a topology: "sequential"
	Version     string
	Promise     string // in words, for people: what holds, what does not
	Survives    string // in words: how many replicas may be lost
	ReplicasMax int    // 0: any number
	Options     []OptionDescription
}

// OptionDescription documents one option of a mode.
type OptionDescription struct {
	Name, Default, Meaning string
}

// Option is one setting of a mode, from the topology. Options are sorted by
// name.
type Option struct{ Name, Value string }

// OptionError is what speaks against one option. A mode that finds several joins
// them (errors.Join), so that each can be shown at its place in a topology.
type OptionError struct {
	Option string // its name
	Why    string // in words, without the name: "want true or false"
}

func (e *OptionError) Error() string { return e.Option + ": " + e.Why }

// Role is what a replica is within its mode, for status.
type Role string

// The roles of modes that have a coordinator. Others use RolePeer.
const (
	RoleCoordinator Role = "coordinator"
	RoleBackup      Role = "backup"
	RoleFollower    Role = "follower"
	RoleCandidate   Role = "candidate"
	RolePeer        Role = "peer"
)

// Status is what a mode reports of itself whenever it changes.
type Status struct {
	Role        Role
	Term        uint64          // 0 where the mode has none
	Coordinator board.ReplicaID // 0: none known
	Backup      board.ReplicaID // 0: none
	Behind      uint64          // articles or log entries known of but not on this board
	Joined      bool            // this replica has reached the peers that its mode needs
	CaughtUp    bool            // this replica can serve what its mode promises
	Waiting     string          // what it waits for, in words: "a majority (1 of 3)"; empty: nothing
}

// Verb is one of the five requests.
type Verb uint8

// The five requests.
const (
	VerbRead   Verb = iota + 1 // list articles
	VerbPost                   // add a root
	VerbChoose                 // open one article with its parent and replies
	VerbReply                  // add an article under another one
	VerbSync                   // bring the replica, and where the mode says so all, up to date
)

// Writes reports whether the verb adds an article.
func (v Verb) Writes() bool { return v == VerbPost || v == VerbReply }

func (v Verb) String() string {
	switch v {
	case VerbRead:
		return "read"
	case VerbPost:
		return "post"
	case VerbChoose:
		return "choose"
	case VerbReply:
		return "reply"
	case VerbSync:
		return "sync"
	}
	return "invalid verb"
}

// RequestID names a request within one replica; it is never used again.
type RequestID uint64
