package sequential

import (
	"fmt"
	"slices"
	"time"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"

	"consequor/board"
	"consequor/modes"
	"consequor/mutants"
)

// A snapshot is an index, the state at it, and the board itself, which may be
// ahead of it: an article that is stored again must be the same, and ids come
// from the state's counter.
//
// Trimming at one replica:
//
//	save entries ... store articles ... save snapshot ── self-send ──> forget, trim
//
// The journal keeps call order, so when the self-send is back, the articles that
// the snapshot counts on are on disk.
//
// Catching up a follower that needs entries which are trimmed:
//
//	r1 (coordinator)                 r3
//	   │  ask                         │
//	   ├─────────────────────────────>│
//	   │                 have (held)  │
//	   │<─────────────────────────────┤
//	   │  board beyond that, snapshot │
//	   ├─────────────────────────────>│ a gap? have, again
//	   │                              │ restore, save, go on with the log

// askTimeout is for an answer to "ask".
const askTimeout = time.Second

// boards is what a coordinator knows of followers that need a snapshot.
type boards struct{ offers []*offer }

// offer is a snapshot on its way.
type offer struct {
	to      board.ReplicaID
	message *pb.Message
	due     time.Duration // after that it counts as lost
}

// snapshot is the state after what is applied, as raft wants it.
func (m *Mode) snapshot() *pb.Snapshot {
	return &pb.Snapshot{
		Data: appendState(nil, &m.state),
		Metadata: &pb.SnapshotMetadata{
			Index: new(m.applied),
			Term:  new(m.termAt(m.applied)),
			ConfState: &pb.ConfState{
				Voters:    slices.Clone(m.log.voters),
				AutoLeave: new(false),
			},
		},
	}
}

// termAt returns the term of an entry that the log holds or ends at.
func (m *Mode) termAt(index uint64) uint64 {
	term, err := m.log.Term(index)
	if err != nil {
		panic(fmt.Sprintf("term of entry %d, in a log of %d..%d: %v", index, m.log.base+1, m.log.last(), err))
	}
	return term
}

func (m *Mode) snapshotRecord(index uint64, alone bool) []byte {
	return appendSnapshotRecord(nil, &snapshotRecord{
		term: m.log.term, vote: m.log.vote,
		index: index, indexTerm: m.termAt(index),
		voters: m.log.voters, state: m.state, alone: alone,
	})
}

// trimLog saves a snapshot when the log has grown long, and forgets what is
// before it once that is safe.
func (m *Mode) trimLog() {
	if m.trimming || len(m.log.entries) <= m.limits.logLenMax && m.log.size <= m.limits.logSizeMax {
		return
	}
	to := m.trimTo()
	if to <= m.log.base || m.aheadOfRaft() {
		return // what is not applied must stay; its number is limited elsewhere
	}
	number := m.save(m.snapshotRecord(m.applied, false))
	forget := number - 1
	for len(m.kept) > 0 && m.kept[0].last <= m.applied {
		m.kept = m.kept[1:]
	}
	if len(m.kept) > 0 {
		forget = min(forget, m.kept[0].number-1)
	}
	m.trimming = true
	m.whenDurable(durability{forget: forget, trim: to})
	m.note("snapshot at entry %d, next id %d: entries up to %d are trimmed", m.applied, m.state.next, to)
}

// trimTo returns the index up to which entries are trimmed: what is kept behind
// the applied one is bounded in number and size.
func (m *Mode) trimTo() uint64 {
	keep, size := 0, 0
	index := m.applied
	for index > m.log.base && keep < m.limits.logLenKeep && size < m.limits.logSizeKeep {
		size += len(m.log.entries[index-m.log.base-1].GetData())
		keep++
		index--
	}
	return index
}

// restore takes over a snapshot; its articles are on the board already.
func (m *Mode) restore(s *pb.Snapshot) {
	meta := s.GetMetadata()
	r := board.Reader{Rest: s.GetData()}
	st := cutState(&r)
	if !r.End() || st.next > max(st.first, m.clusterTo+1) {
		panic(fmt.Sprintf("snapshot at entry %d counts %d as the next id, and the board ends at %d", meta.GetIndex(), st.next, m.clusterTo))
	}
	wasSealed := m.sealed()
	m.state, m.applied, m.committed = st, meta.GetIndex(), max(m.committed, meta.GetIndex())
	if m.mutant == mutants.M13 && m.log.last() > meta.GetIndex() { // what another coordinator left stays above the snapshot
		m.log.trim(meta.GetIndex())
		m.log.baseTerm = meta.GetTerm()
	} else {
		m.log.reset(meta.GetIndex(), meta.GetTerm())
	}
	m.keys.forget(m.floor())
	number := m.save(m.snapshotRecord(m.applied, m.mutant != mutants.M13))
	m.kept = nil
	m.whenDurable(durability{forget: number - 1})
	m.note("restored from a snapshot at entry %d, next id %d", m.applied, m.state.next)
	m.resolve()
	if m.sealed() && !wasSealed {
		m.voidWaiting()
		m.saySealed()
	}
	m.passBarriers()
}

// snapshotFits reports whether a snapshot is one of this log's.
func (m *Mode) snapshotFits(s *pb.Snapshot) bool {
	r := board.Reader{Rest: s.GetData()}
	st := cutState(&r)
	return r.End() && st.first == m.state.first && slices.Equal(s.GetMetadata().GetConfState().GetVoters(), m.log.voters)
}

// offerBoard begins to catch up a follower: raft wants a snapshot sent.
func (m *Mode) offerBoard(message *pb.Message) {
	to := board.ReplicaID(message.GetTo())
	m.dropOffer(to)
	m.boards.offers = append(m.boards.offers, &offer{to: to, message: message, due: m.now + askTimeout})
	m.out.SendNow(to, []byte{messageAsk})
	m.note("%s needs entries that are trimmed: it gets the board, and a snapshot at entry %d",
		to, message.GetSnapshot().GetMetadata().GetIndex())
}

func (m *Mode) dropOffer(to board.ReplicaID) {
	m.boards.offers = slices.DeleteFunc(m.boards.offers, func(o *offer) bool { return o.to == to })
}

// checkOffer drops the offer of a follower that raft does not count as waiting
// for a snapshot any more. An answer alone says nothing: it may be an old one.
func (m *Mode) checkOffer(from board.ReplicaID) {
	if !slices.ContainsFunc(m.boards.offers, func(o *offer) bool { return o.to == from }) {
		return
	}
	m.node.WithProgress(func(id uint64, _ raft.ProgressType, p tracker.Progress) {
		if id == uint64(from) && p.State != tracker.StateSnapshot {
			m.dropOffer(from)
		}
	})
}

// onHave sends the board beyond what the follower has. It asks for it too by
// telling of a gap.
func (m *Mode) onHave(from board.ReplicaID, v board.Vector) {
	for _, o := range m.boards.offers {
		if o.to == from {
			o.due = m.now + m.limits.boardTimeout
			m.out.SendBoard(from, v, appendRaftMessages(nil, []*pb.Message{o.message}))
		}
	}
}

// checkOffers gives up those that seem lost; raft will want another one.
func (m *Mode) checkOffers() {
	for _, o := range slices.Clone(m.boards.offers) {
		if o.due <= m.now {
			m.failOffer(o.to)
		}
	}
}

func (m *Mode) failOffer(to board.ReplicaID) {
	for _, o := range m.boards.offers {
		if o.to == to {
			m.dropOffer(to)
			m.node.ReportSnapshot(uint64(to), raft.SnapshotFailure)
			return
		}
	}
}

// onSpan learns what a peer's board added to this one, and reports whether the
// message that came with it may be handled.
func (m *Mode) onSpan(e modes.Receive) bool {
	m.base = m.base.Join(e.Span.Board)
	m.clusterTo = max(m.clusterTo, e.Span.Board.Seq(board.Cluster))
	if e.Span.Gap {
		m.out.Send(e.From, appendHave(nil, m.boardVector()))
		return false
	}
	for _, k := range e.Span.Keys {
		m.keys.add(k)
	}
	m.passBarriers()
	return true
}
