package modes

import (
	"time"

	"consequor/board"
)

// Effect is one thing to be done: one of the types below. Within one kind,
// effects are done in call order; saves, forgets and stores are one kind: a
// replica's writes reach the disk in call order, so that when a later one is
// there, so are all earlier ones.
type Effect interface{ effect() }

type (
	// Save appends a record to the journal. Records are numbered 1, 2, ...
	// across the lives of one epoch.
	Save struct{ Record []byte }

	// Forget trims the journal: records up to and including UpTo are never
	// wanted again.
	Forget struct{ UpTo uint64 }

	// Store puts articles on the board. Durable: they are visible once on
	// disk. Not durable: visible at once, or with what was stored durably
	// before, and the mode promises to store them again after a crash (its log
	// has them). A present id with equal content
	// changes nothing; with other content, or with a missing parent, the
	// replica halts.
	Store struct {
		Articles []board.Article
		Durable  bool
	}

	// Send is held. To may be oneself: never dropped, doubled or reordered
	// while the mode lives.
	Send struct {
		To      board.ReplicaID
		Message []byte
	}

	// SendNow is not held: it asserts nothing about this disk.
	SendNow struct {
		To      board.ReplicaID
		Message []byte
	}

	// SendBoard is held. The host adds the span: all of this board beyond
	// Since as it stands after this batch. The receiving host takes it only
	// if its board covers Since (else its Receive says gap), makes it durable
	// and then delivers Message. It may be lost: time it out.
	SendBoard struct {
		To      board.ReplicaID
		Since   board.Vector // what the receiver last reported durable
		Message []byte
	}

	// Reply answers a post, a reply or a sync. It is held.
	Reply struct {
		Request RequestID
		Outcome Outcome
		ID      board.ArticleID // post, reply: the article, when ok
		Copies  int             // post, reply: on how many disks it is known to be
		Reached []board.ReplicaID
		Missed  []board.ReplicaID // sync: whom it did not reach
		Count   int               // sync: articles that it brought here
		Why     string            // when unknown: what is not known

		Guarantee string // that the answer meets, when ok: "linearizable"
	}

	// Serve lets the host answer a read or choose from this board, showing
	// per origin nothing above UpTo. It is held.
	Serve struct {
		Request   RequestID
		UpTo      board.Vector
		Guarantee string // that the answer meets: "linearizable"
		Asked     []board.ReplicaID

		// Missed are those whose boards were wanted but did not come: they
		// could not be reached, or were waited for in vain. Who was asked and
		// turned out not to be needed is not missed.
		Missed []board.ReplicaID
	}

	// Refuse answers any request: surely not done. It is not held.
	Refuse struct {
		Request RequestID
		Kind    RefusalKind
		Why     string // for people: "no majority (1 of 3)"
	}

	// LocalReads lets the host answer by itself every read and choose that is
	// not fresh and whose token the board covers; but that there is no article
	// to choose, the mode says itself. Guarantee says what such an answer meets;
	// empty: off, as it is at every Start.
	LocalReads struct{ Guarantee string }

	// LookUp asks whether an article is on this board, stored by this batch or
	// before, visible yet or not: Looked follows. A vector cannot tell, as an
	// origin's seqs may have holes.
	LookUp struct{ ID board.ArticleID }

	// SetTimer starts the one timer of this name, or starts it again.
	SetTimer struct {
		Name  string
		After time.Duration
	}

	// ClearTimer stops it; no Timer of this name follows.
	ClearTimer struct{ Name string }

	// Sealed: no more Store of new posts and no more ok for a post in this
	// epoch. Held.
	Sealed struct{ Board board.Vector }

	// Stopped: ready to end. Held.
	Stopped struct{}

	// Halt: the mode cannot go on and a new start would not help (its options
	// make no sense, its log is lost). The replica fails and stays so.
	Halt struct{ Why string }

	// Report tells the mode's status, soon after Start and whenever it has
	// changed. A replica serves once its mode has reported that it is caught up.
	Report struct{ Status Status }

	// Note is one line for the trace. Modes never log.
	Note struct{ Text string }
)

func (Save) effect()       {}
func (Forget) effect()     {}
func (Store) effect()      {}
func (Send) effect()       {}
func (SendNow) effect()    {}
func (SendBoard) effect()  {}
func (Reply) effect()      {}
func (Serve) effect()      {}
func (Refuse) effect()     {}
func (LocalReads) effect() {}
func (LookUp) effect()     {}
func (SetTimer) effect()   {}
func (ClearTimer) effect() {}
func (Sealed) effect()     {}
func (Stopped) effect()    {}
func (Halt) effect()       {}
func (Report) effect()     {}
func (Note) effect()       {}

// Outcome is how a post, reply or sync ended.
type Outcome uint8

// Outcomes. What is surely not done is refused, by Refuse.
const (
	OK      Outcome = iota + 1
	Unknown         // perhaps done: retry with the same key
)

// KeyTooOld is the Why of a write that ends unknown because its key lies below
// the table of keys: it may stand for an article, and nobody remembers which.
// A client that has just made the key knows better, as nobody else can have
// posted with it: nothing was done, and it makes another. So this must not be
// said of a key that has become too old since the post was sent on; of that,
// KeyForgotten is.
const (
	KeyTooOld    = "key too old"
	KeyForgotten = "the post took so long that its key is forgotten: it may have been done"
)

func (o Outcome) String() string {
	if o == OK {
		return "ok"
	}
	return "unknown"
}

// RefusalKind is why a request was refused, for machines. Kinds cross the
// wire: they are only ever added to.
type RefusalKind string

// Kinds of refusal by modes and hosts.
const (
	NotFound      RefusalKind = "not_found"      // no such article
	NoMajority    RefusalKind = "no_majority"    // too few replicas to decide
	NoCoordinator RefusalKind = "no_coordinator" // none is known yet
	NoQuorum      RefusalKind = "no_quorum"      // too few replicas answer to read or write
	Unreachable   RefusalKind = "unreachable"    // a replica that is needed does not answer
	Overloaded    RefusalKind = "overloaded"     // too many requests wait already
	EpochChanging RefusalKind = "epoch_changing" // the mode is being changed; retry
	Behind        RefusalKind = "behind"         // the board does not cover the session in time
	InvalidPost   RefusalKind = "invalid"        // the article breaks a limit
	Stopping      RefusalKind = "stopping"       // the replica is leaving
	Deadline      RefusalKind = "deadline"       // a read was not answered in time
	OtherCluster  RefusalKind = "other_cluster"  // the token is another cluster's
	DiskFull      RefusalKind = "disk_full"      // the replica has no room for a post
)

// Effects gathers what a step wants done. The zero value is ready for use.
type Effects struct{ List []Effect }

func (e *Effects) add(effect Effect) { e.List = append(e.List, effect) }

// Save adds a Save effect; it and its siblings below are documented at the
// effects of the same names.
func (e *Effects) Save(record []byte) { e.add(Save{record}) }

// Forget adds a Forget effect.
func (e *Effects) Forget(upTo uint64) { e.add(Forget{upTo}) }

// Store adds a Store effect that is durable before it is visible.
func (e *Effects) Store(articles ...board.Article) { e.add(Store{articles, true}) }

// StoreLogged adds a Store effect that is visible at once: the mode's log has
// the articles and stores them again after a crash.
func (e *Effects) StoreLogged(articles ...board.Article) { e.add(Store{articles, false}) }

// Send adds a Send effect.
func (e *Effects) Send(to board.ReplicaID, message []byte) { e.add(Send{to, message}) }

// SendNow adds a SendNow effect.
func (e *Effects) SendNow(to board.ReplicaID, message []byte) { e.add(SendNow{to, message}) }

// SendBoard adds a SendBoard effect.
func (e *Effects) SendBoard(to board.ReplicaID, since board.Vector, message []byte) {
	e.add(SendBoard{to, since, message})
}

// Reply adds a Reply effect.
func (e *Effects) Reply(r Reply) { e.add(r) }

// Serve adds a Serve effect.
func (e *Effects) Serve(s Serve) { e.add(s) }

// Refuse adds a Refuse effect.
func (e *Effects) Refuse(request RequestID, kind RefusalKind, why string) {
	e.add(Refuse{request, kind, why})
}

// LocalReads adds a LocalReads effect.
func (e *Effects) LocalReads(guarantee string) { e.add(LocalReads{guarantee}) }

// LookUp adds a LookUp effect.
func (e *Effects) LookUp(id board.ArticleID) { e.add(LookUp{id}) }

// SetTimer adds a SetTimer effect.
func (e *Effects) SetTimer(name string, after time.Duration) { e.add(SetTimer{name, after}) }

// ClearTimer adds a ClearTimer effect.
func (e *Effects) ClearTimer(name string) { e.add(ClearTimer{name}) }

// Sealed adds a Sealed effect.
func (e *Effects) Sealed(vector board.Vector) { e.add(Sealed{vector}) }

// Stopped adds a Stopped effect.
func (e *Effects) Stopped() { e.add(Stopped{}) }

// Halt adds a Halt effect.
func (e *Effects) Halt(why string) { e.add(Halt{why}) }

// Report adds a Report effect.
func (e *Effects) Report(s Status) { e.add(Report{s}) }

// Note adds a Note effect.
func (e *Effects) Note(text string) { e.add(Note{text}) }
