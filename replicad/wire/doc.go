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
//   - Frames sent by one goroutine over one connection and one stream arrive
//     in the order in which they were sent, each at most once.
//   - Send never blocks. A frame is dropped when the peer is down, when the
//     outbox is full, or when the connection breaks under it.
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
// What a frame means is none of this package's business: Kind and Body are
// opaque, Epoch and Incarnation are carried and never judged. The bytes on the
// wire are specified in PROTOCOL.md, beside this file.
//
// Behind the exported names: a Node has one link per peer; a link has one
// goroutine, which owns the peer's ups and downs, and per connection one
// goroutine for each stream and direction.
package wire
