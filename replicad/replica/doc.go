// Package replica is a replicad process: the host core (package host) over the
// real disk, peers, plugin, clients and clock.
//
//	gRPC clients        peers (TLS, yamux)      supervisor (two pipes)
//	     │                    │                        ▲
//	     v                    v                        │ Status, as JSON lines
//	 service.Do            wire.Node                reporter
//	     │ closure            │ frame                  ▲
//	     └──────> inbox <─────┘                        │
//	                │                                  │
//	                v                                  │
//	  loop: one goroutine per hosted replica, owns its host.Host
//	                │            ▲               ▲
//	        batch   v            │ effects       │ synced position
//	             plugin process ─┘     store ────┘
//
// A read that needs no mode (see modes.LocalReads) is answered on the client's
// own goroutine from what the loop last published, and never enters the loop.
//
// A process starts in three steps, which it reports: started (disk open,
// plugin running, listeners bound), joined (the mode has reached the peers it
// needs), caught up (it serves). Between started and anything that a peer or
// client could see, a supervised process waits for its supervisor's word, which
// means that the supervisor has durably noted that this data exists.
//
// When the lifeline pipe from its supervisor closes, the process ends.
//
// # From one mode to another
//
// The supervisor's orders come on the same pipe. The changer takes them; what
// comes of them stands in each replica's status.
//
//	prepare   a candidate: the new mode's plugin is launched beside the one that
//	          runs, and rehearsed on every hosted replica
//	seal      the old mode takes no more posts; new ones wait in the host
//	merge     hosts exchange what their boards lack
//	activate  the keeper exchanges crews: the new one's state machines stand
//	          ready before each loop enters the epoch, and the old plugin ends
//	          behind it. Nobody waits for a process to start.
//
// Whatever is missing at activate (the process was started anew, the candidate
// has died) is made up for: the decision is not this process's to refuse.
//
// # Link faults, and what the supervisor asks
//
// Two more orders have nothing to do with modes and do not wait for one that is
// being changed (see duties): a table of link faults, which the faulter gives to
// the peers' package and confirms by its number in each replica's status; and
// inquiries, whose answers are written between the statuses, in short pieces.
//
// # The tap
//
// When the supervisor inquires for a trace, a tap writes down what happens here,
// for a while and within limits (see tap): requests and answers, frames at both
// ends of their way, batches on their way to the mode and back, what was handed
// to the disk, what is there, what is on the board. Its times are by the
// machine's clock, so that those of several processes fit together. Off, as it
// is otherwise, it costs an atomic load for each of these.
//
// # What a bad plugin can do
//
// A plugin is a process of its own, perhaps by a third party. It can harm the
// replicas that it decides for, and no other:
//
//	its binary is not what was summed   it is never run; the replica fails, with both sums
//	it does nothing                     its rehearsal wants a status: it is not let in
//	it crashes, or breaks the contract  it is killed and started again, in the end given up; status says why
//	it does not answer                  status says so after 2 s, and it is killed after 30 s, unless a signal has stopped it
//	it says too much                    a frame has 16 MiB, a step 2^18 effects and articles: beyond, it breaks the contract
//	it keeps itself busy                see the limits of package host: at worst it has one processor
//	its words never end                 lines, notes and reports have rates; status texts a length
//	it never forgets a record           256 MiB of records: beyond, it breaks the contract
//
// It is not kept from using memory and processors of its own, nor, in what it
// has stored on the board, from filling the disk.
package replica
