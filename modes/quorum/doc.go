// Package quorum is the mode without a coordinator in which every read meets
// every completed post, as any R replicas and any W have one in common.
//
// # What a user may rely on
//
// A post that was acknowledged is on the disks of W replicas of N. A read shows
// every post that was acknowledged before the read began, and everything that
// any read showed that ended before it began: what a read finds on fewer than W
// disks it brings to W before it answers (write-back; Attiya, Bar-Noy and Dolev
// 1995). Per post the board is so a regular register that never goes back
// (Lamport 1986). Ids rise in real time. Reads and posts need R and W replicas,
// any of them; nobody has to take over from anybody.
//
// What does not hold: two reads at the same time may each show a post that the
// other lacks (a long fork), as there is no order of all posts. With R + W <= N,
// which "unsafe" lets through, none of this holds, and every answer says so.
//
// # What a crash costs
//
// Nothing, while W replicas are left for posts (and N - W + 1, so that seqs
// rise) and R for reads. What a replica had under way ends unknown; a key tells
// at its home what became of it. A full disk counts as a lost replica for
// posts, and a key that names it as its home waits there, in the end unknown.
// Reads go on there as long as R other replicas need not send it what it lacks.
//
// # The ladder of a post, at r2 with N = 3, R = W = 2
//
//	client        r2                    r1                    r3
//	  │  post      │       ask           │                     │
//	  ├───────────>├────────────────────>│                     │
//	  │            ├──────────────────────────────────────────>│
//	  │            │  have: 4.1 (held)   │                     │
//	  │            │<────────────────────┤                     │
//	  │   mint 5.2, store                │                     │
//	  │            │  push: 5.2 (held)   │                     │
//	  │            ├────────────────────>│ store               │
//	  │            ├──────────────────────────────────────────>│ store
//	  │            │  have: 4.1,5.2      │                     │
//	  │            │<────────────────────┤                     │
//	  │<───────────┤ ok: on 2 disks      │                     │
//
// # The ladder of a read, at r2
//
//	client        r2                    r1                    r3
//	  │  read      │  ask: send me ...   │                     │
//	  ├───────────>├────────────────────>│                     │
//	  │            ├──────────────────────────────────────────>│
//	  │            │  span + have: 6.1   │                     │
//	  │            │<────────────────────┤ R have told: J      │
//	  │            │  is all of J on W disks? if not: push, and wait for have
//	  │<───────────┤ serve up to J       │                     │
//
// Why more than N - W replicas are asked before a post gets its id: so that one
// of them has the post that was acknowledged last, and the new id is above it.
// Why a round of asking serves only requests that waited when it was sent: an
// answer to an earlier question may lack what was acknowledged since.
//
// Everything below asking and pushing is package originlog's.
package quorum
