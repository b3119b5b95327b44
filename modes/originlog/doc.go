// Package originlog is what the modes without a coordinator share: a board of
// one log per origin, on which each replica alone gives the ids of its own
// articles, and which spreads from replica to replica by spans.
//
//	mode: when may a post be minted, what must a read wait for, which promise was met
//	─────────────────────────────────────────────────────────────────────────────────
//	originlog.Log
//	  requests   those that wait, of clients here and of other replicas' clients
//	  keys       key -> article; each key has one home, which alone mints for it
//	  rounds     "what do your boards hold?", asked of all that are connected
//	  spreading  what peers lack is pushed to them; what is known to be on their disks
//	  leaving    seal and stop
//
// A mode owns a Log, hands it the events, and takes every waiting request one
// step further, as far as it can go now, at the end of each step (Advance). So
// no wake-up can be missed: what a request waits for is looked at anew.
//
// # Ids
//
// A seq is a Lamport clock (Lamport 1978): one above everything on the board,
// what the session has seen, the key's mark and the parent. Nothing but Store
// is kept: the board is the log, and a restarted replica finds in it what it
// has minted, as nothing leaves a replica before it is on its disk.
//
// # What a peer's disk holds
//
// Peers tell by "have", which is held until all it speaks of is durable. What
// was told once stays true: boards only grow, and a replica that has lost its
// disk does not start. So a promise such as "on W disks" needs no vote: it is
// the W-th highest seq of each origin among these vectors.
//
// # Keys
//
//  1. r1 is the home of key k. A client posts with k at r1; the answer is lost.
//  2. It tries again at r2. r2 has no article of that key: it forwards the post
//     to r1, and answers what r1 answers.
//  3. Were r1 not connected, r2 would ask everyone for what its board lacks. It
//     finds the article (and answers once that is on enough disks), or it says
//     unknown at the deadline: only r1 knows whether there is one.
//
// Two requests with one key, both at the home, become one article: the table is
// looked at right before an id is given. A home never refuses a forward: of a
// message that is late there may be another copy, which would be minted yet.
//
// # Files
//
//	log.go       the log and its step      receive.go  messages and connections
//	request.go   what waits                round.go    asking everybody
//	post.go      the way of a post         spread.go   pushing, greeting, pulling
//	forward.go   posts for another home    stable.go   what is on k disks
//	sync.go      the request to repair     keys.go     keys and their articles
//	status.go    what is reported          leave.go    seal and stop
//	message.go   what replicas say         reader.go   ... and how it is read
//	missed.go    who was asked, and who was missed
//	variant.go   limits, and logs broken on purpose; early.go: two that need messages of their own
package originlog
