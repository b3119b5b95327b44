// Package host is the core of a replica: what is done with a mode's events and
// effects, and in which order.
//
// It is a pure state machine over three small interfaces, disk, network and
// plugin (and one to answer clients), with no goroutine, clock or I/O of its
// own. The very same code runs in replicad, over a real disk, yamux and a
// plugin process, and in the simulator.
//
//	requests, frames, ticks                     Network, Clients
//	       │                                        ▲
//	       v        one batch at a time             │ released when durable
//	  [ pending ] ────────> Plugin ────> effects ─> [ held ]
//	       ▲                   │                    ▲
//	       │ timers, self-sends└─> Disk: Save, Store│ Synced(position)
//	       └────────────────────────────────────────┘
//
// The driver calls Tick with the time, then any inputs, then Pump; NextWake
// says when to come back. All calls come from one goroutine. No call blocks.
//
// # The rules it keeps
//
//  1. One batch is in the plugin; what arrives meanwhile is the next one.
//  2. What asserts something about this disk leaves only when everything that
//     its own and every earlier batch saved or durably stored is on disk.
//  3. Nothing is stepped before the incarnation number of this life is durable.
//  4. Frames of another epoch or of an older incarnation are dropped.
//  5. A write that a mode ever held ends ok or unknown, never refused, unless
//     the same life of the mode refuses it.
//  6. All queues are bounded; at the bound clients are refused and frames drop.
//  7. From the seal of an epoch on, posts wait here for the next epoch. A mode
//     that stores or acknowledges one after it has said Sealed is broken, and
//     the replica halts.
//  8. Sealed boards are made equal by the hosts, behind the modes' backs, and a
//     board is called merged only when the disk has it.
//  9. An epoch never falls. Another mode's begins with an empty journal, in one
//     write with the epoch's number, and only where the one before was sealed.
//
// # A full disk
//
// Posts are refused at the door, as disk_full, and spans that peers send are
// dropped. What a mode saves nonetheless waits, and all that is held behind it:
// acks and votes leave late, and at BacklogSizeMax the mode is stepped no more.
// To others such a replica is a slow one, then a silent one. Reads go on: local
// ones always, those that the mode answers as long as it has nothing to save. A
// life that begins waits for room, for its incarnation must be durable. With
// room again, all that waits goes on.
//
// # A mode change
//
// epoch.go has the steps. At most what a client sees of one is that a post takes
// longer: it is answered by the mode that can.
//
//	post a ──> old mode: ok
//	           Seal
//	post b ──> waits ─────────────────────────────> new mode: ok
//	post c ──> old mode, before the seal: unknown ─> its key ─> new mode: ok
//	           Sealed, Merge, Merged, Activate
package host
