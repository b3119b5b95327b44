// Package readyourwrite is the mode in which a session always finds what it has
// posted and read, at any replica, and every replica works alone if it must.
//
// # What a user may rely on
//
// Within a session (Terry et al. 1994): a read shows the session's own posts
// (read your writes) and everything it has read before (monotonic reads); its
// posts appear everywhere in their order (monotonic writes), and after what it
// had read when it posted (writes follow reads). A replica that lacks something
// of that waits for it, and at the deadline refuses, naming whose part is
// missing: it never silently leaves out a session's own post. Without a session
// every replica always answers.
//
// What does not hold: posts of others arrive later, and there is no order of
// all posts. A read asks all connected replicas first (sync_on_read: total), so
// that it seldom is behind; but one that is silent or cannot be reached is only
// named.
//
// # What a crash costs
//
// A post is acknowledged when it is on one disk (option copies: on so many).
// While that replica is down it may be missing elsewhere, and a session that
// has seen it is refused there; it comes back with the replica. A disk that is
// lost takes along what was on no other: copies: 2 is the answer to that. While a
// disk is full, nothing of others arrives there: reads go on, and a session that
// has seen more is refused there.
//
// # The ladder of a post at r2, and of a read at r3 in the same session
//
//	client        r2                    r3                    r1
//	  │  post      │                     │                     │
//	  ├───────────>│ is all that the session has seen here? if not: ask
//	  │   mint 5.2, store                │                     │
//	  │<───────────┤ ok: on 1 disk       │                     │
//	  │            │  push: 5.2          │                     │
//	  │            ├─ ─ ─ ─ ─ ─ ─ ─ ─ ─ >│  (or it is late)    │
//	  │  read, seen 5.2                  │                     │
//	  ├─────────────────────────────────>│  ask: send me ...   │
//	  │            │<────────────────────┼────────────────────>│
//	  │            │  span + have: 5.2   │                     │
//	  │            ├────────────────────>│<────────────────────┤ have
//	  │<─────────────────────────────────┤ serve: it covers 5.2
//
// Everything below asking and pushing is package originlog's.
package readyourwrite
