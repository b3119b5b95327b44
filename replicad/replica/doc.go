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
package replica
