// Package modechange decides how a cluster goes from one mode to another while
// its board is live. It is a pure core: no goroutine, no clock, no I/O. The
// supervisor runs it, and so may a simulator.
//
//	supervisor                                 replicas
//	   │── prepare ──────────────────────────────>│  the new plugin beside the old one
//	   │<─────────────────────────────── prepared │  checksum, handshake, rehearsal
//	   │ "changing epoch e" is made durable       │
//	   │── seal ─────────────────────────────────>│  no more posts in epoch e
//	   │<──────────────────────────── sealed at v │  v: its board, durable
//	   │ target = join of all v                   │
//	   │── merge target ─────────────────────────>│  boards are exchanged
//	   │<──────────────────────── merged at target│  durable
//	   │ "epoch e+1, the new mode" is made durable│  the decision
//	   │── activate e+1 ─────────────────────────>│  the new mode begins on the board
//	   │<────────────────────── epoch e+1, serves │
//
// Until the decision anything that goes wrong ends the change. Before the
// first seal nothing has happened, and what was prepared is discarded. After
// it the change is called off: "epoch e+1, the old mode" is made durable, and
// then activated. After a decision there is no way back: it is told again and
// again until every replica follows.
//
// # Levels, not messages
//
// Each Step is given what is known of every replica now, not what has just
// happened, and orders what each replica still lacks. An order that was lost
// is so given again; a report that was missed is contained in the next one; a
// replica that starts anew (another Life) lacks everything again.
//
// # What a crash of the supervisor costs
//
// Replicas die with their supervisor. The next one begins with the Record that
// is on disk. If it says Changing, some replica may have been sealed, and the
// change is called off before any replica is started. Else the record is the
// whole truth: the mode that began with ModeEpoch runs in Epoch.
package modechange
