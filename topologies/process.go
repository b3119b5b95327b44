package topologies

import (
	"consequor/board"
	"consequor/modes"
)

// Process is what one replicad process is told when it starts: which replicas
// it hosts, where its peers are, and in which mode. The supervisor writes it
// as JSON; replicad reads it.
type Process struct {
	Cluster   string            `json:"cluster"`    // name
	ClusterID string            `json:"cluster_id"` // random, made with the data; part of every token
	Name      string            `json:"name"`       // of the process: that of its first replica
	Hosts     []board.ReplicaID `json:"hosts"`      // replicas of this process
	Replicas  []Replica         `json:"replicas"`   // all replicas of the cluster, by rising id
	Epoch     uint64            `json:"epoch"`      // of the mode below; from 1
	ModeEpoch uint64            `json:"mode_epoch"` // the epoch that Mode began with, at most Epoch: what the disk has of an earlier epoch's mode is void, but for the board
	Mode      Mode              `json:"mode"`
	Seed      uint64            `json:"seed"`       // of the cluster; each replica derives its own
	DataDir   string            `json:"data_dir"`   // exists; journal and board live here
	SocketDir string            `json:"socket_dir"` // short, 0700, emptied by the supervisor; plugin sockets live here
	Served    bool              `json:"served"`     // the supervisor knows that this process has served: no data means lost data
	Ephemeral bool              `json:"ephemeral"`  // no fsync: what a crash of the machine loses is lost
	Faults    Faults            `json:"faults"`     // of links, when it starts
	TLS       TLS               `json:"tls"`
	Log       string            `json:"log"` // the file that its standard output and error are; it sets that aside itself (see package logfile). Empty: they are no log
}

// Replica is one replica's place in the cluster.
type Replica struct {
	ID      board.ReplicaID `json:"id"`
	Name    string          `json:"name"`    // "r1"
	Process string          `json:"process"` // name of the process that hosts it
	Client  string          `json:"client"`  // host:port of its client API
	Peer    string          `json:"peer"`    // host:port of its process's peer listener
}

// Mode names a mode and its options.
type Mode struct {
	Name    string         `json:"name"`
	Options []modes.Option `json:"options,omitempty"` // sorted by name
	Plugin  string         `json:"plugin,omitempty"`  // path of the binary; empty: built in
	SHA256  string         `json:"sha256,omitempty"`  // of that binary, in hex
	Unsafe  bool           `json:"unsafe,omitempty"`  // its options break its promise, and it was told to run all the same
}

// TLS names the files, in PEM, by which a process proves to its peers that it
// belongs to the cluster.
type TLS struct {
	CA   string `json:"ca"`
	Cert string `json:"cert"`
	Key  string `json:"key"`
}
