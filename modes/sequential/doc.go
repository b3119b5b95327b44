// Package sequential is the mode in which all replicas hold one order of
// articles, decided by a coordinator and a majority of voters.
//
// # What a user may rely on
//
// A post that was acknowledged is on the disks of a majority, has the next id of
// the one order, and is on the board where it was posted. Any minority of the
// replicas may be lost, the coordinator too. A read shows a prefix of the order,
// never behind what its session has seen (sequential consistency: Lamport 1979);
// a fresh read is never behind any acknowledged post (linearizable: Herlihy and
// Wing 1990). Without a majority nothing is posted, and reads go on.
//
// # What a crash costs
//
// A replica's: nothing; it replays its log. The coordinator's: an election, some
// milliseconds when its connection is seen to break, about a second when it only
// falls silent. What it had under way is in the one order or was not
// acknowledged; what was posted elsewhere with a key is sent to its successor.
// A full disk costs one vote and one copy: posts go on at the other replicas while
// a majority has room, even when it is the coordinator's disk. When too much waits
// for that, it falls silent and another takes over. Local reads go on there.
//
// # The ladder of a post, from r2 with coordinator r1
//
//	client        r2                    r1                    r3
//	  │  post      │                     │                     │
//	  ├───────────>│  forward            │                     │
//	  │            ├────────────────────>│ append              │
//	  │            │      entries        │      entries        │
//	  │            │<────────────────────┼────────────────────>│
//	  │       save │                save │                save │
//	  │            │  ack (held)         │         ack (held)  │
//	  │            ├────────────────────>│<────────────────────┤
//	  │            │     committed       │                     │
//	  │            │<────────────────────┼────────────────────>│
//	  │      apply: next id, store       │ apply               │ apply
//	  │<───────────┤ reply               │                     │
//
// The engine is raft (Ongaro 2014; go.etcd.io/raft): the log, votes, terms. What
// this package adds: ids given when an entry is applied, so that they are dense
// and the same everywhere; keys; the way to the coordinator; barriers; a clock
// for elections that depends on the seed alone; the quick takeover; snapshots
// that are a number and the board itself.
//
// # The takeover
//
//  1. r1 coordinates and has named r2 its backup. r1 dies.
//  2. r2 and r3 see their connections break (PeerDown). Each forgets r1, for
//     until then it would turn down any candidate, and tells the others: "r1 is
//     gone, term 3".
//  3. r2 asks for votes at once, and whoever has not answered again at each such
//     word, then every 20 ms and a bit, until there is a coordinator. r3 repeats
//     the word, and after a while campaigns itself, unless it has voted: then it
//     waits for r2 (see campaign.go).
//  4. Was r1 alive, with a bad link to r3 only? Then r2 wins with r3's vote, r1
//     hears of term 4 and follows. A wrong suspicion costs an election, never an
//     article.
//
// # Epochs
//
// A mode change seals the epoch: the seal is an entry of the log, and posts
// behind it are void. A log that begins on a board with articles gives ids above
// every seq there is, and dense from there; what is older is found by its key
// and replied to like the log's own. A change that is called off leaves the log:
// it goes on in the next epoch (see state.go).
//
// # Files
//
//	mode.go      the mode and its events       engine.go    what raft wants done
//	request.go   the five requests             log.go       the log in memory
//	forward.go   posts to the coordinator      record.go    the log on disk
//	barrier.go   fresh reads, sync             apply.go     entries become articles
//	election.go  clock and office              state.go     what applying depends on
//	campaign.go  votes, asked for and given    keys.go      keys and their articles
//	takeover.go  connections and takeover      message.go   what replicas say to each other,
//	snapshot.go  trimming, catching up         raftmessage.go, entry.go likewise
//	leave.go     seal and stop                 status.go    what is reported
package sequential
