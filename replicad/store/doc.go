// Package store keeps what a replicad process must not forget: one journal
// for all replicas that it hosts, and their boards.
//
//	Save Forget Journal SetState Reset          Put             Get Page Span Keys
//	      │ append, never waits                  │ visible at once    │
//	      v                                      v                    v
//	 ┌─────────┐ a group ┌──────────────────┐  ┌────────────────────────┐
//	 │ buffer  │ ──────> │ segment segment… │  │ Pebble, its log off    │
//	 └─────────┘  write, └──────────────────┘  └────────────────────────┘
//	              fdatasync   │  ^                ^   flushed now and then
//	   OnSynced <─────────────┘  └── replayed ────┘   what was not flushed is
//	                                 after a crash    in the journal
//
// The journal is one ordered stream: everything appended, by whichever
// replica, reaches the disk in the order of the calls, and what a crash leaves
// is always a prefix. One goroutine writes it. It waits until a Sync asks for
// something (or a buffer is full), writes all that has gathered as one group,
// syncs once, and tells every replica in it; meanwhile the next group gathers.
// A lone write passes between two goroutines only: caller, journal, caller.
//
// Files are filled with zeros ahead of the writes, so that a sync changes no
// metadata and a full disk is met before an entry is written, not within one:
// most often while there are some zeros left, so that posts are refused in time
// and what is under way still gets to disk.
//
// Each group says how far everything was synced when it was written. That
// tells a torn tail, which is cut, from damage, which is a *CorruptError: what
// a later group knows to be synced can't have been torn. When the journal
// falls idle it writes a mark that says so for the last group. What stays
// undetected is damage to the last group together with the loss of its mark.
//
// The board in Pebble has no log: the journal is its log. So no table of
// Pebble's is written before the journal is synced up to what the table may
// hold (journalFirst); and a segment with articles stays until Pebble has
// flushed them (keeper). A segment with records stays until they are
// forgotten, or, if they are few, copied to the end of the journal. Each
// segment begins with a checkpoint of all replicas' small state and of the
// list of segments, so any older one can go for itself.
//
// # Measured
//
// On 2 cores shared with other work, records of 350 bytes, medians of four runs
// whose turns alternate; they vary by a third with what else runs:
//
//	write and fdatasync without another goroutine    121-176 us
//	the same on a file that grows                    168-262 us
//	Save, Sync, OnSynced                             190-206 us
//	Pebble's record.LogWriter, one record            189-207 us
//	64 writers, this journal                         59,000-157,000/s
//	64 writers, record.LogWriter                     59,000-186,000/s
//
// So the format is our own not for speed, where the two are alike, and with
// many writers LogWriter was more often the faster one, but because a group is
// one unit here: whole or not there, with its position, its checkpoint and
// what was synced before it. A page of 50 roots out of 10,000 takes about 50
// us, the keys of 200,000 articles about 70 ms.
//
// # Errors
//
// A failed write or sync is fatal and never tried again: the page may be gone
// (see Rebello et al. 2020, "Can applications recover from fsync failures?").
// A full disk is not: journal and board wait for room, DiskFull says so, and
// the board can still be read. What arrives nonetheless gathers in memory; it is
// for those who append to stop, at a Backlog that they choose. Open needs room
// for a board's few small files, and waits for it as well.
package store
