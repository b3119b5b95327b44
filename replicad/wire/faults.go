package wire

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"consequor/board"
)

// DelayMax bounds what a fault delays a frame by, jitter included. What waits
// is bounded by the outbox, this one is against slips of the pen.
const DelayMax = time.Hour

// Direction is one of the two of a link between two replicas: what From says
// to To.
type Direction struct{ From, To board.ReplicaID }

func (d Direction) compare(other Direction) int {
	return cmp.Or(cmp.Compare(d.From, other.From), cmp.Compare(d.To, other.To))
}

// Fault is what is wrong with one direction of one link; the zero value is a
// link that is whole. The three may come together: a frame that is not cut off
// may be lost, and one that is not lost may be late.
type Fault struct {
	Cut    bool          // nothing is sent, and nothing that was sent before is delivered
	Delay  time.Duration // of each frame, at its sender
	Jitter time.Duration // the delay is Delay - Jitter to Delay + Jitter, not below zero; the order stays
	Loss   float64       // the part of frames that its sender drops, 0 to 1
}

// Faults is all that is wrong with the links of a cluster. Both ends of a link
// are told of it: the sender loses and delays, both cut. What it says of links
// between others, or between two replicas of one process, which do not talk
// over this package, is without effect here.
type Faults struct {
	Seed  uint64              // of all chance, see Fault.Fate
	Links map[Direction]Fault // what is missing is whole
}

// Stream is one of the two streams of a connection, by its number in the protocol.
type Stream uint64

// The streams of Send and of SendBulk.
const (
	MessageStream Stream = 1
	BulkStream    Stream = 3
)

// Fate is what becomes of a frame under f, the cut aside: whether it is lost,
// and by how much it is delayed if it is not. n is its number among the frames
// of that direction and stream, from 1 on, since the sender's process began:
// every frame that leaves the outbox for its connection counts, whatever was
// wrong with the link then, and whether or not it was lost or cut off. A frame
// that Send or SendBulk refused has no number, nor has one that was in the
// outbox when the connection ended.
//
// It is a pure function. Seed (8 bytes), From (4), To (4), stream (8) and n (8),
// big-endian, are the key of a ChaCha8 generator (C2SP's chacha8rand, Go's
// math/rand/v2). Its first number decides on loss, the second one is the
// delay's place between its ends; of each the upper 53 bits count, as a
// fraction of 2^53. So the fates of one link tell nothing of another's, and
// with more of one fault come no other losses or delays of the frames that it
// had befallen already.
func (f Fault) Fate(seed uint64, d Direction, stream Stream, n uint64) (lost bool, delay time.Duration) {
	var key [32]byte
	binary.BigEndian.PutUint64(key[0:], seed)
	binary.BigEndian.PutUint32(key[8:], uint32(d.From))
	binary.BigEndian.PutUint32(key[12:], uint32(d.To))
	binary.BigEndian.PutUint64(key[16:], uint64(stream))
	binary.BigEndian.PutUint64(key[24:], n)
	source := rand.NewChaCha8(key)
	lost = fraction(source.Uint64()) < f.Loss
	place := 2*fraction(source.Uint64()) - 1
	return lost, max(f.Delay+time.Duration(place*float64(f.Jitter)), 0)
}

// fraction makes a number from 0 to below 1 of the upper 53 bits of x.
func fraction(x uint64) float64 { return float64(x>>11) / (1 << 53) }

// whole reports whether there is nothing wrong.
func (f *Fault) whole() bool { return *f == Fault{} }

// check reports all that is wrong with the figures.
func (f *Faults) check() error {
	var errs []error
	for _, d := range slices.SortedFunc(maps.Keys(f.Links), Direction.compare) {
		fault := f.Links[d]
		switch total := fault.Delay + fault.Jitter; {
		case d.From == d.To || d.From == 0 || d.To == 0:
			errs = append(errs, fmt.Errorf("a fault from %s to %s: want two replicas", d.From, d.To))
		case !(fault.Loss >= 0 && fault.Loss <= 1): // what is no number, too
			errs = append(errs, fmt.Errorf("a loss of %v from %s to %s: want 0 to 1", fault.Loss, d.From, d.To))
		case min(fault.Delay, fault.Jitter, total) < 0 || total > DelayMax:
			errs = append(errs, fmt.Errorf("a delay of %v with a jitter of %v from %s to %s: want 0 to %v in all",
				fault.Delay, fault.Jitter, d.From, d.To, DelayMax))
		}
	}
	return errors.Join(errs...)
}

// clone is a copy that its maker's hands can't reach, without links that are whole.
func (f *Faults) clone() *Faults {
	c := &Faults{Seed: f.Seed, Links: maps.Clone(f.Links)}
	maps.DeleteFunc(c.Links, func(_ Direction, fault Fault) bool { return fault.whole() })
	return c
}

// parts reports whether nothing of what replicas of these two processes say to
// each other comes through.
func (f *Faults) parts(hosts, peers []board.ReplicaID) bool {
	if len(f.Links) < 2*len(hosts)*len(peers) {
		return false
	}
	for _, host := range hosts {
		for _, peer := range peers {
			if !f.Links[Direction{host, peer}].Cut || !f.Links[Direction{peer, host}].Cut {
				return false
			}
		}
	}
	return true
}
