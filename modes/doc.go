// Package modes is the contract between a consistency mode and what hosts it.
//
// A mode decides how replicas agree. It is a deterministic state machine: it
// is handed batches of events and answers each with effects. It does no I/O,
// starts no goroutine, reads no clock and draws no random numbers but from the
// seed it is given; the host owns disk, peers, clients and time. The same code
// runs in a plugin process, in a simulator and in a unit test.
//
//	            events                               effects
//	clients ──> Request Cancel  ─┐         ┌─> Reply Serve Refuse   ──> clients
//	peers ────> Receive          │  Mode   │   Send SendNow SendBoard ──> peers
//	            PeerUp PeerDown  ├─ .Step ─┤   Save Forget Store LookUp ──> disk
//	disk ─────> Keys Saved Start │         │   SetTimer ClearTimer  ──> clock
//	            Looked           │         │
//	clock ────> Timer            │         │   LocalReads Report Note
//	supervisor> Seal Stop       ─┘         └─> Sealed Stopped Halt
//
// # Batches
//
// One batch at a time is in the mode; all events that arrive meanwhile form
// the next one. That is the group commit. A batch's effects are applied whole
// or, when the mode dies before it has answered, not at all. The host writes
// batch k to disk while the mode steps batch k+1.
//
// # What is held
//
// Effects that assert something about this replica's disk (Send, Reply, Serve,
// SendBoard, Sealed, Stopped) are held until everything that their own and
// every earlier batch saved or durably stored is on disk. Effects that assert
// nothing (SendNow, Refuse) leave at once. A crash may cut anywhere between a
// save, its fsync and each send. A Save alone causes no fsync.
//
// # A life
//
// A mode's first events are its past: Keys (of the newest articles on the
// board), Saved (its records, in order), then Start. A plugin that dies loses
// its state machine; a new one is started from journal and board, under a
// higher incarnation, and requests still open are delivered again. Seal, if it
// was given, is given again right after Start.
//
// # The end of an epoch
//
// A mode is swapped for another one, or for a newer build of itself, in four
// steps: prepare, seal, merge, activate. A mode sees the second one only: at
// Seal it takes no new post, brings those it has minted or proposed to their
// end, and says Sealed when from now on no post of this epoch can get an id or
// an ok. Reads go on. While an epoch is sealed the host keeps new posts back:
// they wait for the next epoch's mode, which finds every key of this epoch on
// the board. Requests that are open at the change are delivered to it too.
//
// # What a mode owes its clients
//
// A Request is answered once, by Reply, Serve or Refuse. Refuse means surely
// not done, now and later: a post that was ever proposed or sent on ends ok or
// unknown. So a mode refuses early, before it appends, when it knows that the
// post cannot succeed. Cancel, at the request's deadline, asks for the last
// word: a mode that knows that a post was never proposed or sent on refuses it
// then, one that does not says unknown. A request not answered 100 ms later is
// answered by the host: a write as unknown, anything else as refused. After
// Cancel the mode forgets the request.
//
// # Peers
//
// Messages between peers may be lost, doubled, delayed and reordered. Only
// messages to oneself are none of these (while the mode lives): they come back
// as Receive once everything before them is durable, and so tell a mode how
// far its disk is.
//
// Messages of a peer's older incarnation are dropped, once a newer one has been
// heard of. Only what came with a span, and waited here for the disk, may still
// be handed over after that: its articles are on the board.
//
// The example is a complete mode, good for one replica.
package modes
