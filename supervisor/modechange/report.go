package modechange

import (
	"time"

	"consequor/board"
)

// Record is what must survive the supervisor. The mode itself is kept beside
// it, by whoever runs the change: a record whose ModeEpoch has risen comes
// with the new one.
type Record struct {
	Epoch     uint64 // the newest one that is in use, from 1
	ModeEpoch uint64 // the epoch that the present mode began with
	Changing  bool   // some replica may have been told to seal Epoch
}

// Phase is where a change is. The phases before the decision come first.
type Phase string

// The phases of a change, in their order.
const (
	Idle     Phase = ""
	Prepare  Phase = "prepare"
	Seal     Phase = "seal"
	Merge    Phase = "merge"
	Activate Phase = "activate" // decided: the new mode
	CallOff  Phase = "call off" // decided: the old mode, in a new epoch
)

// Report is what is known of one replica now.
type Report struct {
	Replica string
	Life    uint64 // counts its processes: in another life, what the last one said is void
	Alive   bool   // there is a process
	Gone    string // why no process will serve without help, as in "was killed"; empty: it serves, or will
	Listens bool   // it takes orders: started, told to go, not paused
	Serves  bool   // in Epoch
	Held    string // why it cannot take part though it serves, with its name; empty: it can
	State   string // for people, as in "starting"
	Epoch   uint64 // that it is in

	// How far it has come with the change number Attempt.
	Attempt  uint64
	Prepared bool
	Error    string        // why it is not prepared, or no longer
	Sealed   *board.Vector // its durable board when it was sealed; nil: it is not
	Merged   *board.Vector // the last target that its durable board has reached; nil: none
}

// Kind is what an order says.
type Kind string

// The orders.
const (
	OrderPrepare  Kind = "prepare"  // start the new mode's plugin beside the one that runs, and rehearse
	OrderDiscard  Kind = "discard"  // end what was prepared
	OrderSeal     Kind = "seal"     // take no more posts in Epoch
	OrderMerge    Kind = "merge"    // bring the board up to Target
	OrderActivate Kind = "activate" // begin Epoch, with the mode that began with ModeEpoch
)

// Order is what a replica is to be told. To lose one, to give one twice, or to
// give one late does no harm.
type Order struct {
	To        string
	Kind      Kind
	Attempt   uint64
	Epoch     uint64 // prepare, activate: that begins; seal, merge: that ends
	ModeEpoch uint64 // activate
	Target    board.Vector
}

// Progress is one thing to tell people.
type Progress struct {
	Phase Phase
	Text  string
}

// Took is how long a phase took.
type Took struct {
	Phase Phase
	Time  time.Duration
}

// Cause says why a change did not come about.
type Cause string

// The causes.
const (
	NotPrepared Cause = "not_prepared" // a replica cannot run the new mode: nothing has happened
	ReplicaDown Cause = "replica_down" // one that is needed is down: nothing has happened
	NotSaved    Cause = "not_saved"    // the record cannot be written: nothing has happened
	CalledOff   Cause = "called_off"   // it had begun: the old mode goes on in a new epoch
)

// End is how a change ended.
type End struct {
	Swapped bool
	Epoch   uint64 // that holds now
	Cause   Cause  // not swapped
	Why     string // not swapped: for people, with the replica's name
	Took    []Took
	Pause   time.Duration // from the first seal until the last replica served in Epoch; 0: none was sealed
	Missing []string      // replicas that do not serve in Epoch yet; they are told as soon as they are there
}

// Output is what a Step wants done. First Save, then, once that was reported
// by Saved, the next Step's Orders: a Step never gives both.
type Output struct {
	Save   *Record
	Orders []Order
	Told   []Progress
	End    *End
}
