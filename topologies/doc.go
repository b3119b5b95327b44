// Package topologies reads the YAML file that says what a cluster is made of:
// which replicas there are, where, and in which mode.
//
// A whole topology can be this:
//
//	mode: sequential
//	replicas: 3
//
// This is the reference of its fields. Fields without a default are needed.
// Times are written 200ms, 5s, 1m; paths are relative to the file's folder.
//
//	name: three
//		The cluster's name; it becomes the name of its folder.
//		Default: the file's name without .yaml.
//
//	mode: sequential
//	mode: {name: quorum, options: {read: 2, write: 2}}
//		How replicas agree: a built-in mode, or one of those under "modes",
//		and its options.
//
//	replicas: 3
//	replicas: [{name: north}, {name: south, client: 7102, peer: 7202}]
//		How many, named r1, r2, ...; or one by one:
//		  name    default: r and the position, from 1
//		  host    the address to listen on; default: 127.0.0.1
//		  client  port for clients; default: from "ports", else a free one
//		  peer    port for other replicas; likewise
//
//	ports: {client: 7101, peer: 7201}
//		The first replica's ports; the others' follow, one by one. Without
//		it free ports are chosen when the cluster is made, and kept.
//
//	restart: {policy: on-failure, backoff: 200ms, backoff_max: 5s, give_up_after: 5}
//		What is done when a replica's process ends unasked: on-failure
//		(unless its exit code is 0), always, or never start it again. The
//		pause before a start doubles from backoff to backoff_max; after
//		give_up_after quick deaths in a row the replica is failed. These are
//		the defaults.
//
//	modes: {mine: {plugin: ./my-mode, sha256: 9f86d081...}}
//		Modes that are not built in: the plugin's binary, and its SHA-256
//		in hex, without which it is not run.
//
//	tls: {ca: ca.pem, cert: cert.pem, key: key.pem}
//		Certificates of your own. Not supported yet: the supervisor makes
//		them, and every listener stays on loopback.
//
//	web: 127.0.0.1:7080
//		Where the web client listens.
//
//	unsafe: true
//		Lets a mode run with options that break its promise, if it has such:
//		in quorum, read + write no higher than the number of replicas. It is
//		the mode's option "unsafe"; every answer then says what is lost.
//
//	per_process: 1
//		Replicas for each process. Only 1 is supported yet.
//
//	seed: 7
//		Decides all that chance decides in this cluster: which messages a
//		lossy link loses, when elections begin. The same seed and the same
//		faults twice lose and delay the same messages of each link, counted
//		from the start of the process that sends them. Default: drawn when
//		the cluster is made, and kept; consequorctl faults --json tells it.
//
//	faults:
//	- {between: [r1, r2], and: r3, cut: true}
//	- {from: r1, to: rest, delay: 50ms, jitter: 10ms, loss: 10%}
//		What is wrong with links from the start; consequorctl heal and its
//		siblings change it while the cluster runs. between and and: in both
//		directions; from and to: in one. A side is a replica, a list of
//		them, or rest: all that the other side does not name.
//		  cut     nothing comes through; both ways: there is no connection
//		  delay   of each message, up to 1m; the order stays
//		  jitter  draws each delay from delay - jitter to delay + jitter
//		  loss    the part of the messages that is lost, each by its own luck
//		Several entries add up, unless they say the same thing twice of one
//		direction.
//
// A name matches [a-z0-9][a-z0-9-]{0,62}. Unknown fields, fields given twice
// and values out of range are errors; all of a file's problems are reported at
// once, each with its line and column.
package topologies
