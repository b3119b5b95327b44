package modes

import (
	"time"

	"consequor/board"
)

// Event is one thing that happened: one of the types below.
type Event interface{ event() }

// PieceSizeMax bounds, in bytes, what one Saved or Keys event carries.
const PieceSizeMax = 1 << 20

type (
	// Keys brings keys of the newest articles on the board (two times
	// board.KeyCountMax articles at most), by rising id, in pieces, before
	// Start.
	Keys struct{ Keys []board.KeyedID }

	// Saved brings back what this replica saved in this epoch and did not
	// forget, in pieces, before Start.
	Saved struct {
		First   uint64 // number of the first record here
		Records [][]byte
	}

	// Start ends a mode's past and begins its life.
	Start struct {
		Epoch       uint64
		Incarnation uint64 // rises with every Start of this replica
		Seed        uint64 // the only source of randomness
		Options     []Option
		Self        board.ReplicaID
		Replicas    []board.ReplicaID // all, self included, rising
		Voters      []board.ReplicaID // those that decide, where a mode has deciders; rising
		Board       board.Vector
		Served      bool // this replica has served before, in this epoch or an earlier one

		// KeysFrom is how far back the Keys before Start reach: they are those
		// of all articles on the board whose seq is at least KeysFrom. 0: of all
		// articles there are.
		KeysFrom uint64
	}

	// Request is a client's. A request that the host can answer alone (see
	// LocalReads) never gets here.
	Request struct {
		ID       RequestID
		Verb     Verb
		Article  board.Article   // post, reply: without id; its Time is the host's clock and its Key the whole text
		Target   board.ArticleID // reply: the parent; choose: the article
		OnBoard  bool            // reply, choose: the target is on this board
		Mark     uint64          // of the key
		Home     board.ReplicaID // of the key; 0: not named
		Seen     board.Vector    // of the session's token: what the answer must cover
		Fresh    bool            // read, choose: not behind any post that was acknowledged before
		Deadline time.Duration   // in the time of Batch.Now
	}

	// Cancel says that the request's deadline has passed, or that its client
	// has gone: the mode says its last word, if it has one, and forgets the
	// request.
	Cancel struct{ Request RequestID }

	// Receive is a message from a peer, or from oneself.
	Receive struct {
		From    board.ReplicaID
		Message []byte
		Span    *Span // what SendBoard brought; nil for other messages
	}

	// Looked answers LookUp, with the board as it was when LookUp was done.
	Looked struct {
		ID      board.ArticleID
		OnBoard bool
	}

	// Timer says that the timer of this name has run out.
	Timer struct{ Name string }

	// PeerUp and PeerDown tell whether a peer's state machine can be reached:
	// a hint, never proof of death. Every peer is down at Start.
	PeerUp   struct{ Peer board.ReplicaID }
	PeerDown struct{ Peer board.ReplicaID }

	// Seal asks the mode to stop taking posts in this epoch, for a mode change.
	Seal struct{}

	// Stop asks the mode to hand over what it holds and then say Stopped.
	Stop struct{}
)

// Span tells what became of a span that a peer sent with SendBoard.
type Span struct {
	Gap   bool            // it was not taken: the board does not cover what it builds on
	Board board.Vector    // the board's vector now
	Keys  []board.KeyedID // of the articles it added, if they have any
	Count int             // of the articles it added; with those of spans before it that broke off
}

func (Keys) event()     {}
func (Saved) event()    {}
func (Start) event()    {}
func (Request) event()  {}
func (Cancel) event()   {}
func (Receive) event()  {}
func (Looked) event()   {}
func (Timer) event()    {}
func (PeerUp) event()   {}
func (PeerDown) event() {}
func (Seal) event()     {}
func (Stop) event()     {}
