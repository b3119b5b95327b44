// Package consequor is the map of the project; it holds no code but the tests
// that keep the map true.
//
// consequor is a bulletin board that is replicated over N processes in a
// consistency mode that its user chooses, and the workbench in which that user
// watches the mode, breaks it, and swaps it for another one.
//
//	consequorctl ── unix socket ──> supervisor ── spawns, watches, kills ──┐
//	      │                        (consequorctl up)                       v
//	      └────── client API, gRPC ──────────────> replicad r1 <══ peers ══> replicad r2 ... rN
//	                                                 │ disk: journal + board
//	                                                 └── mode plugin process: all decisions, no I/O
//
// Where to find what, from the words outwards:
//
//	board                   the vocabulary: articles, ids, vectors, tokens, keys
//	mutants                 the ways in which the protocol can be broken on purpose
//	modes                   the contract of a mode, with a worked example
//	modes/sequential        one order for all, by Raft
//	modes/quorum            reads that meet every acknowledged post, by R and W
//	modes/readyourwrite     sessions that find their own posts everywhere
//	modes/originlog         what those two share: one log per replica, spread by spans
//	modes/builtin           the table of built-in modes
//	modes/modeplugin        modes in processes of their own
//	modes/modetest          the conformance suite that any mode must pass
//	modes/example-primary   a mode of one's own as a plugin; modes/example-node is one in JavaScript
//	modes/example-primary/primary   what it does: the predecessor's protocol, broken on purpose
//	replicad/host           the pure core of a replica: what is done with events and effects
//	replicad/store          the journal, and the board on disk
//	replicad/wire           how replicad processes talk to each other
//	replicad/api            the client API
//	replicad/logfile        logs that do not grow without bound
//	replicad/replica        a replicad process: the core over disk, peers, plugin and clock
//	topologies              topology files, and what a process is told
//	supervisor/modechange   the pure core of a mode change: what is told to whom, and when
//	supervisor              keeps a topology's processes running
//	sim                     finds out whether a mode keeps its promise: seeds, faults, shrinking
//	sim/cluster             replicas in one goroutine and in virtual time
//	sim/history             what clients saw, and the checkers that judge it
//	sim/report              a run as one HTML page
//	web                     the board in a browser
//	consequorctl/record     what clients ask of a running cluster, as a history
//	consequorctl/cli        the command line
//
// Read board, modes and replicad/host, and the rest follows.
package consequor
