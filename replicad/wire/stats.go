package wire

import (
	"slices"

	"consequor/board"
)

// Traffic counts frames, and their bytes with headers.
type Traffic struct{ Frames, Bytes uint64 }

func (t Traffic) plus(other Traffic) Traffic {
	return Traffic{t.Frames + other.Frames, t.Bytes + other.Bytes}
}

// LinkStats says what has passed between this process and one peer since the
// Node was made.
type LinkStats struct {
	Process  string
	Up       bool
	Connects uint64 // times that the peer came up

	Sent, Received         Traffic // message stream
	BulkSent, BulkReceived Traffic
	Dropped                uint64 // frames that were refused, or lost with an outbox
}

// Stats returns the figures of all peers, by their lowest replica.
func (n *Node) Stats() []LinkStats {
	stats := make([]LinkStats, len(n.links))
	for i, l := range n.links {
		m, b := l.lanes[messages], l.lanes[bulk]
		stats[i] = LinkStats{
			Process:      l.peer.Process,
			Up:           l.up.Load(),
			Connects:     l.connects.Load(),
			Sent:         m.ways.out.total(),
			Received:     m.ways.in.total(),
			BulkSent:     b.ways.out.total(),
			BulkReceived: b.ways.in.total(),
			Dropped:      m.out.drops() + b.out.drops(),
		}
	}
	return stats
}

// PairStats says what has passed between a replica hosted here and one hosted
// by a peer, on both streams, since the Node was made.
type PairStats struct {
	Self, Peer     board.ReplicaID
	Process        string  // that hosts Peer
	Up             bool    // there is a connection to that process
	Sent, Received Traffic // what was put on its way, and what came through
	Lost           uint64  // frames by faults, seen here: Self's at this end by cut or chance, Peer's by cut
	Discarded      uint64  // those of Lost that are Peer's
	Late           uint64  // frames of Self that a fault delays, or has delayed
}

// PairStats returns the figures of all pairs, by Self, then Peer, whether or
// not anything has passed.
func (n *Node) PairStats() []PairStats {
	var stats []PairStats
	for _, self := range n.cfg.Hosts {
		for _, l := range n.links {
			for _, peer := range l.peer.Replicas {
				stats = append(stats, l.pairStats(self, peer))
			}
		}
	}
	slices.SortFunc(stats, func(a, b PairStats) int {
		return Direction{a.Self, a.Peer}.compare(Direction{b.Self, b.Peer})
	})
	return stats
}

func (l *link) pairStats(self, peer board.ReplicaID) PairStats {
	s := PairStats{Self: self, Peer: peer, Process: l.peer.Process, Up: l.up.Load()}
	for _, lane := range l.lanes {
		if out := lane.ways.out.find(Direction{self, peer}); out != nil {
			s.Sent = s.Sent.plus(out.passed.read())
			s.Lost += out.lost.Load()
			s.Late += out.late.Load()
		}
		if in := lane.ways.in.find(Direction{peer, self}); in != nil {
			s.Received = s.Received.plus(in.passed.read())
			s.Discarded += in.lost.Load()
		}
	}
	s.Lost += s.Discarded
	return s
}
