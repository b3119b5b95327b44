// Package supervisor turns a topology into running replicas and keeps them so.
//
// It is the process behind `consequorctl up`. It spawns one replicad process
// for each replica, learns from their reports how they are, starts them again
// when they die, kills, stops and pauses them when asked, and leaves nothing
// behind when it goes.
//
//	                     control socket (JSON over HTTP)
//	consequorctl ────────────────────┐
//	                                 v
//	 ┌──────────────── supervisor: one per cluster ────────────────┐
//	 │   hub: what is known, events, who coordinates               │
//	 │    ^          ^          ^                                  │
//	 │  process r1  process r2  process r3   one goroutine each,   │
//	 │    │  ^        │  ^        │  ^       owns the child         │
//	 └────┼──┼────────┼──┼────────┼──┼─────────────────────────────┘
//	  fd 3│  │fd 4    │  │        │  │
//	      v  │        v  │        v  │
//	   replicad r1  replicad r2  replicad r3
//
// With Config.Web it also holds the listener of the web client, on a port that is
// chosen once and kept, and runs what serves it: from before the replicas are
// started until the end begins. The web client reaches the cluster as everybody
// does, through the control socket and the client API.
//
// # The home of a cluster
//
// A cluster lives in one folder, $CONSEQUOR_HOME/NAME, that only its owner may
// enter. Whoever holds the lock on its file "lock" is the cluster's supervisor.
//
//	lock            flock; holds the supervisor's pid
//	state.json      what must survive: cluster id, seed, epoch, mode, whether it is being changed, ports, who has served
//	run             sockets, while it runs: a folder, or a link to a short one elsewhere
//	tls/            the cluster's CA, and a certificate for each process
//	conf/r1.json    what replicad r1 is told
//	data/r1/        its journal and board
//	logs/r1.log     what it writes to stdout and stderr; r1.log.1 to .3 are what it wrote before (see package logfile)
//	ephemeral/      in place of state.json, tls, conf and data, with --ephemeral; gone after down
//
// # A child's life
//
//	supervisor                                  replicad
//	   │── spawn, with fd 3 and fd 4 ──────────────>│
//	   │<───────────────── fd 4: {"step":"started"} │  disk open, listeners bound
//	   │ "it has served" is made durable            │
//	   │── fd 3: go ───────────────────────────────>│  only now may it take part
//	   │<────────────────── fd 4: {"step":"joined"} │
//	   │<─────────────── fd 4: {"step":"caught_up"} │  it serves
//	   │── fd 3: orders of a mode change ──────────>│  see package modechange
//	   │<────────────────────── fd 4: what came of it│
//	   │── fd 3: link faults ──────────────────────>│  in force once a report has their number
//	   │── fd 3: inquiry ──────────────────────────>│  how are your links? what have you written down?
//	   │<──────────── fd 4: answer, in short pieces ─│
//
// A replica that was ever told to go, and later finds its data gone, knows
// that the data was lost and not merely never written. fd 3 is also the
// lifeline: when the supervisor dies, however it dies, fd 3 closes and the
// child ends. On Linux a death signal does the same for children that are
// stopped and would not notice.
//
// # A mode change
//
// The changer runs it: one goroutine that shows the pure core in package
// modechange what the hub knows of all replicas, makes durable what the core
// wants on record, and only then gives the orders that this allows. Orders are
// levels: one that a child misses is given again. A change that a supervisor
// leaves undecided is called off by the next one, before it starts any replica.
//
// # Link faults
//
// The table of what is wrong with links is kept here, and is a level too: a
// process starts with the one that is wanted then, and is told of each newer one
// until it reports its number. A cut, or a heal, has come when every process
// that runs has confirmed it; who is paused or down finds it in force when it
// comes back. The table begins with the topology's faults at each up.
package supervisor
