package topologies

import "consequor/board"

// What a replicad process and the one that starts it have agreed on, beside
// the Process that it is told.
const (
	// LifelineFD is the read end of a pipe. When it closes, the supervisor is
	// gone and replicad ends. The line Go on it means: it is on record that
	// you have served, so take part.
	LifelineFD = 3

	// ReportFD is the write end of a pipe on which replicad writes how each
	// hosted replica is (api.Status, one JSON object a line), whenever that
	// changes, and answers what it is asked (Line).
	ReportFD = 4

	// Go is what the supervisor writes on the lifeline, once in a process's
	// life, after the first report with the step "started". Orders may follow.
	Go = "go\n"

	// ExitFault is the exit code for what a new start cannot mend: lost data,
	// data that does not check. The replica is failed until someone has looked.
	ExitFault = 75
)

// Order is what the supervisor tells a process on its lifeline while it runs,
// one JSON object a line. It is for all replicas of the process. An order may
// be given again; one that is done already is answered again, and one that is
// out of date (its epoch is not what it should be) is ignored. What comes of it
// stands in the replicas' reports.
type Order struct {
	Kind    OrderKind    `json:"kind"`
	Attempt uint64       `json:"attempt"` // at a mode change, rising: reports name it
	Epoch   uint64       `json:"epoch"`   // seal, merge: the epoch that is to end; prepare, activate: the one that begins
	Mode    Mode         `json:"mode"`    // prepare, activate
	Target  board.Vector `json:"target"`  // merge: what every board is to hold

	// activate: the epoch that Mode began with. Epoch itself: Mode begins
	// afresh. An earlier one: the mode that runs goes on, on its own journal (the
	// change was called off).
	ModeEpoch uint64 `json:"mode_epoch,omitempty"`

	Faults  *Faults  `json:"faults,omitempty"`  // faults
	Inquiry *Inquiry `json:"inquiry,omitempty"` // inquire
}

// OrderKind says what is to be done.
type OrderKind string

// The orders of a mode change, in their order.
const (
	OrderPrepare  OrderKind = "prepare"  // start Mode's plugin beside the one that runs, and rehearse
	OrderDiscard  OrderKind = "discard"  // end what was prepared
	OrderSeal     OrderKind = "seal"     // take no more posts in Epoch
	OrderMerge    OrderKind = "merge"    // bring the board up to Target
	OrderActivate OrderKind = "activate" // begin Epoch
)

// The orders that have nothing to do with modes.
const (
	OrderFaults  OrderKind = "faults"  // this is what is wrong with links now
	OrderInquire OrderKind = "inquire" // answer this
)

// OrderSizeMax bounds one order's line, in bytes.
const OrderSizeMax = 1 << 20
