package wire

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"slices"
	"time"

	"consequor/board"
)

// Peer is another replicad process of the cluster.
type Peer struct {
	Process  string            // its name: "r2"
	Addr     string            // host:port of its peer listener
	Replicas []board.ReplicaID // that it hosts
}

// Handler is told what happens on the connections. Different peers call it at
// the same time; for one peer OnUp and OnDown strictly alternate, from OnUp on.
type Handler interface {
	// OnFrame takes a frame, whose body is the receiver's to keep. It is called
	// in order per peer and stream, never outside of an OnUp and its OnDown.
	// While it blocks, its peer's frames on that stream wait, and OnDown too:
	// it must queue or drop, not work.
	OnFrame(f Frame)
	// OnUp says that frames can go to process now.
	OnUp(process string)
	// OnDown says that the connection is over, and why. Frames that were sent
	// on it may or may not have arrived.
	OnDown(process string, why error)
}

// Limits bounds every queue, wait and retry. A zero field means its default.
type Limits struct {
	OutboxFramesMax int // waiting for one peer's message stream: 4,096
	OutboxBytesMax  int // the same in bytes: 16 MiB
	BulkFramesMax   int // waiting for one peer's bulk stream: 64
	BulkBytesMax    int // the same in bytes: 16 MiB

	// WindowLenMax bounds what a peer may have sent on one stream that OnFrame
	// has not taken yet: 1 MiB. No less than 256 KiB.
	WindowLenMax int

	HandshakesMax  int           // accepted and not yet known who; beyond it the oldest goes: 64
	HandshakeLimit time.Duration // from dial or accept to the connection's being up: 3 s

	KeepAlive  time.Duration // between two signs of life that are asked for: 2 s
	WriteLimit time.Duration // without progress, or without that sign, and the connection is given up: 5 s

	RedialMin time.Duration // first pause between two dials: 10 ms
	RedialMax time.Duration // and the longest: 500 ms
}

// Config says who this process is and whom it talks to.
type Config struct {
	Cluster string            // the cluster's id, lower case; peers of another are refused
	Process string            // this process's name
	Hosts   []board.ReplicaID // replicas of this process
	Peers   []Peer            // all other processes; one with this process's name is passed over

	Listen   string       // host:port to accept peers on; port 0 takes a free one
	Listener net.Listener // the same, opened already; Listen is ignored then

	TLS     *tls.Config // from LoadTLS or NewTLS
	Handler Handler
	Logger  *slog.Logger // default: none
	Limits  Limits
	Faults  Faults // in force from the start
}

func (l *Limits) setDefaults() {
	l.OutboxFramesMax = cmp.Or(l.OutboxFramesMax, 4096)
	l.OutboxBytesMax = cmp.Or(l.OutboxBytesMax, 16<<20)
	l.BulkFramesMax = cmp.Or(l.BulkFramesMax, 64)
	l.BulkBytesMax = cmp.Or(l.BulkBytesMax, 16<<20)
	l.WindowLenMax = cmp.Or(l.WindowLenMax, 1<<20)
	l.HandshakesMax = cmp.Or(l.HandshakesMax, 64)
	l.HandshakeLimit = cmp.Or(l.HandshakeLimit, 3*time.Second)
	l.KeepAlive = cmp.Or(l.KeepAlive, 2*time.Second)
	l.WriteLimit = cmp.Or(l.WriteLimit, 5*time.Second)
	l.RedialMin = cmp.Or(l.RedialMin, 10*time.Millisecond)
	l.RedialMax = cmp.Or(l.RedialMax, 500*time.Millisecond)
}

// dnsLabel is what a process's name and a cluster's id must look like, since a
// certificate's name is made of them.
var dnsLabel = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// check sets the defaults and reports all that is wrong.
func (c *Config) check() error {
	c.Limits.setDefaults()
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !dnsLabel.MatchString(c.Cluster) {
		add("cluster id %q: want lower-case letters, digits and dashes", c.Cluster)
	}
	if c.Handler == nil {
		add("no handler")
	}
	if c.Limits.WindowLenMax < 256<<10 || c.Limits.WindowLenMax > 1<<30 {
		add("a window of %d bytes: want 256 KiB to 1 GiB", c.Limits.WindowLenMax)
	}
	if l := &c.Limits; min(l.OutboxFramesMax, l.OutboxBytesMax, l.BulkFramesMax, l.BulkBytesMax, l.HandshakesMax) < 0 ||
		min(l.HandshakeLimit, l.KeepAlive, l.WriteLimit, l.RedialMin, l.RedialMax) < 0 {
		add("a limit is below zero: %+v", *l)
	}
	if err := c.Faults.check(); err != nil {
		errs = append(errs, err)
	}
	if err := checkTLS(c.TLS, c.Process, c.Cluster); err != nil {
		errs = append(errs, err)
	}
	c.normalize()
	errs = append(errs, c.checkProcesses()...)
	return errors.Join(errs...)
}

// normalize copies the lists, sorts the replicas and drops this process from
// its own peers.
func (c *Config) normalize() {
	c.Hosts = slices.Sorted(slices.Values(c.Hosts))
	c.Peers = slices.DeleteFunc(slices.Clone(c.Peers), func(p Peer) bool { return p.Process == c.Process })
	for i := range c.Peers {
		c.Peers[i].Replicas = slices.Sorted(slices.Values(c.Peers[i].Replicas))
	}
}

// checkProcesses reports names that are no names or not unique, and replicas
// that are nobody's or more than one process's.
func (c *Config) checkProcesses() (errs []error) {
	names := make(map[string]bool)
	hosts := make(map[board.ReplicaID]string)
	for _, p := range append([]Peer{{Process: c.Process, Replicas: c.Hosts}}, c.Peers...) {
		if !dnsLabel.MatchString(p.Process) {
			errs = append(errs, fmt.Errorf("process name %q: want lower-case letters, digits and dashes", p.Process))
		}
		if names[p.Process] {
			errs = append(errs, fmt.Errorf("two processes are called %s", p.Process))
		}
		names[p.Process] = true
		if len(p.Replicas) == 0 || len(p.Replicas) > replicasMax {
			errs = append(errs, fmt.Errorf("process %s hosts %d replicas: want 1 to %d", p.Process, len(p.Replicas), replicasMax))
		}
		for _, id := range p.Replicas {
			if other, taken := hosts[id]; taken || id == 0 {
				errs = append(errs, fmt.Errorf("replica %d of process %s: 0, or hosted by %q as well", id, p.Process, other))
			}
			hosts[id] = p.Process
		}
	}
	return errs
}
