// Package wire is how replicad processes talk to each other: one connection
// per pair of processes, on which frames travel in order, or are dropped, and
// never hold up the sender.
//
//	  process r1                                             process r2
//	┌──────────────────────┐   one TCP connection          ┌──────────────────┐
//	│ Send ──────> outbox ─┼── TLS 1.3, both sides prove ──┼─> OnFrame        │
//	│              4,096   │   who they are                │                  │
//	│                      │   ╞═ yamux stream 1: messages │                  │
//	│ SendBulk ──> outbox ─┼── ╞═ yamux stream 3: bulk ────┼─> OnFrame        │
//	│                      │                               │                  │
//	│ OnFrame <────────────┼── the same two, other way ────┼─ Send, SendBulk  │
//	└──────────────────────┘                               └──────────────────┘
//	   dials (lowest replica number)                          accepts
//
// What a caller may rely on:
//
//   - Frames sent by one goroutine, from one replica to one other, over one
//     connection and one stream arrive in the order in which they were sent,
//     each at most once.
//   - Send never blocks. A frame is dropped when the peer is down, when the
//     outbox is full, when the connection breaks under it, or by a fault.
//   - OnUp and OnDown of a peer strictly alternate, and every frame of a
//     connection is delivered between its OnUp and its OnDown. The end of the
//     peer's process is seen as soon as its kernel says so; a machine that
//     falls silent, after KeepAlive plus WriteLimit at most.
//   - Bulk does not hold up messages: it has a stream, an outbox and a window
//     of its own, and goes out in pieces of at most 64 KiB.
//   - Nobody talks here without a certificate of the cluster's CA in the name
//     of the process that they say they are. Whoever tries costs a bounded
//     amount of memory for a bounded time, and harms no connection that stands.
//
// # Faults
//
// On purpose, and while all is running, the way from one replica to another can
// be cut, or made to delay or to lose frames: see Faults and Node.SetFaults.
//
//	r1's outbox ── number n ── cut? lost? ── delayed ──> stream ──> cut? ── OnFrame of r2
//	               └───────── r1's process ────────┘                └─ r2's process ─┘
//
// What to rely on:
//
//   - A cut is known to both ends: when both have it in force, nothing comes
//     through, not even what was under way. In one direction, the connection
//     stands, the frames vanish, and nobody is told. In both directions, between
//     all replicas of two processes, the connection ends (OnDown says so) and
//     none comes up until some of it heals, which takes milliseconds then.
//   - Loss and delay are the sender's doing, each frame's on its own, and a pure
//     function of seed, link, stream and number: Fault.Fate. Both streams have
//     them. A lost frame of bulk is one that its receiver has to miss: to a
//     replica it is a chunk of a span, and what lies beyond the gap is not taken.
//   - A delay takes no room but the outbox's and holds up no other link: with
//     4,096 frames under way and 50 ms it lets 80,000 a second through. What is
//     delayed when its connection ends is dropped with it.
//   - Two replicas of one process do not talk over this package: what is said of
//     a link between them has no effect.
//
// What a frame means is none of this package's business: Kind and Body are
// opaque, Epoch and Incarnation are carried and never judged. The bytes on the
// wire are specified in PROTOCOL.md, beside this file.
//
// # Inside
//
// Behind the exported names: a Node has one link per peer; a link has one
// goroutine, which owns the peer's ups and downs, and per connection one
// goroutine for each stream and direction.
package wire
