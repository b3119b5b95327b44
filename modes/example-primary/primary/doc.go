// Package primary is a mode that is broken, and says so: one primary gives out
// the ids, one backup is told of them and takes over, and nobody counts votes
// or terms. It is an example of a mode of one's own, and the lesson why the
// built-in mode "sequential" is what it is.
//
// # What a user may rely on
//
// As long as no replica dies, no link is cut and nobody is slow: one order of all
// articles on every replica, and an acknowledged post is on the disks of the
// primary and of the backup. Nothing more. One cut link is enough, and two
// articles have one id, both acknowledged.
//
// # What a crash costs
//
// The primary's: no time, the backup takes over at the first sign. But what the
// primary had on its disk and had not told the backup comes back with it, under
// an id that another article has by then; if it ever leads again, that
// acknowledged article is missing (testdata/untold.txt; in a cluster,
// "consequorctl bench failover" finds it within some kills). Primary and backup
// lost together: every post that the others were not sent yet.
//
// # The ladder of a post, from r3 with primary r1 and backup r2
//
//	client        r3                    r1                    r2
//	  │  post      │                     │                     │
//	  ├───────────>│  GET_ID             │                     │
//	  │            ├────────────────────>│ next id, store      │
//	  │            │                     │ BACKUPDATE          │
//	  │            │                     ├────────────────────>│ store
//	  │            │  WRITE, with the id │               HAVE  │
//	  │            │<────────────────────┤<────────────────────┤
//	  │<───────────┤ reply               │                     │
//
// GET_ID, BACKUPDATE, WRITE, NOMINATE, NEWLEADER and SYNC are the words of the
// Python program that consequor goes back to. What they promised there is done
// here: GET_ID brings the article along, so that no id is given to one that
// never comes; BACKUPDATE brings articles and not only the counter, and the
// primary waits for the answer (HAVE); WRITE reaches every replica. HELLO is
// new: who connects says what he has and who leads, as far as he knows. What is
// kept is the idea: the backup leads as soon as anyone suspects the primary.
//
// # How it breaks
//
// r1 is the primary, r2 its backup; all have the articles up to 7.
//
//  1. The link between r1 and r3 is cut. Everyone lives; r2 is connected to both.
//  2. r3 suspects r1 and nominates r2. r2 believes it, leads, and names r3 its
//     backup. Its NEWLEADER is on the way to r1.
//  3. A client posts at r1, which has heard of nothing: 8.
//  4. A client posts at r3, which sends GET_ID to r2: 8.
//  5. r1 sends BACKUPDATE with its 8 to r2. r2 has an 8 and says so: HAVE 8. r1
//     acknowledges.
//  6. r3 stores the other 8 as r2's backup, and r2 acknowledges: the second 8.
//  7. r2's WRITE brings its 8 to r1. There is an 8, and it is another one: the
//     host halts r1. Had r1 had nothing to compare, nobody would have noticed.
//
// Nothing here is a slip. In step 5 r2 cannot know that r1's word is out of
// date, and in step 3 r1 cannot know that it leads no more: a term, a number
// that rises with every leader and is part of each message, would tell both. In
// step 2 one replica's suspicion is enough, where a majority, of which there is
// only one at a time, would have said no. testdata/double_eight.txt is the run.
package primary
