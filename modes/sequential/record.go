package sequential

import (
	"encoding/binary"
	"fmt"

	pb "go.etcd.io/raft/v3/raftpb"

	"consequor/board"
)

// What is saved. The first byte of a record says which of these it is.
const (
	recordVote     byte = iota + 1 // term and vote
	recordEntries                  // entries, replacing what was at their indexes and above
	recordSnapshot                 // the state at an index; see snapshotRecord
)

// snapshotRecord is where a restart begins. It carries term and vote too, so
// that whatever was saved before it can be forgotten, but for entries above
// its index.
type snapshotRecord struct {
	term, vote uint64
	index      uint64
	indexTerm  uint64
	voters     []uint64
	state      state
	alone      bool // it came from another replica: no entry saved before it counts
}

func appendVoteRecord(dst []byte, term, vote uint64) []byte {
	dst = append(dst, recordVote)
	dst = binary.AppendUvarint(dst, term)
	return binary.AppendUvarint(dst, vote)
}

func appendEntriesRecord(dst []byte, entries []*pb.Entry) []byte {
	dst = append(dst, recordEntries)
	dst = binary.AppendUvarint(dst, entries[0].GetIndex())
	return appendEntries(dst, entries)
}

func appendSnapshotRecord(dst []byte, s *snapshotRecord) []byte {
	dst = append(dst, recordSnapshot)
	for _, n := range []uint64{s.term, s.vote, s.index, s.indexTerm, uint64(len(s.voters))} {
		dst = binary.AppendUvarint(dst, n)
	}
	for _, v := range s.voters {
		dst = binary.AppendUvarint(dst, v)
	}
	return append(appendState(dst, &s.state), boolByte(s.alone))
}

func cutSnapshotRecord(r *board.Reader) (s snapshotRecord) {
	s.term, s.vote, s.index, s.indexTerm = r.Uvarint(), r.Uvarint(), r.Uvarint(), r.Uvarint()
	for range r.Count(1) {
		s.voters = append(s.voters, r.Uvarint())
	}
	s.state = cutState(r)
	s.alone = r.Byte() != 0
	return s
}

// past gathers what earlier lives saved.
type past struct {
	number     uint64 // of the last record
	term, vote uint64
	snapshot   *snapshotRecord // the last one
	entries    []*pb.Entry     // not yet cut to the snapshot
	kept       []keptRecord    // those with entries
}

// keptRecord is a record that must not be forgotten while an entry up to last
// is wanted.
type keptRecord struct{ number, last uint64 }

// read takes in the record that follows the ones before. A record that cannot
// be read means a journal of something else: the host checks sums.
func (p *past) read(record []byte) error {
	p.number++
	r := board.Reader{Rest: record}
	switch kind := r.Byte(); kind {
	case recordVote:
		p.term, p.vote = r.Uvarint(), r.Uvarint()
	case recordEntries:
		first := r.Uvarint()
		p.add(cutEntries(&r, first))
	case recordSnapshot:
		s := cutSnapshotRecord(&r)
		p.term, p.vote, p.snapshot = s.term, s.vote, &s
		if s.alone {
			p.entries, p.kept = nil, nil
		}
	default:
		return fmt.Errorf("record %d: of an unknown kind, %d", p.number, kind)
	}
	if !r.End() {
		return fmt.Errorf("record %d: malformed", p.number)
	}
	return nil
}

func (p *past) add(entries []*pb.Entry) {
	if len(entries) == 0 {
		return
	}
	if len(p.entries) > 0 {
		at := int64(entries[0].GetIndex()) - int64(p.entries[0].GetIndex())
		p.entries = p.entries[:min(max(at, 0), int64(len(p.entries)))]
	}
	p.entries = append(p.entries, entries...)
	p.kept = append(p.kept, keptRecord{p.number, entries[len(entries)-1].GetIndex()})
}

// log returns what is left of the log: the entries above the snapshot.
func (p *past) log() (*log, error) {
	s := p.snapshot
	if s == nil {
		return nil, fmt.Errorf("records up to %d hold no snapshot", p.number)
	}
	l := &log{base: s.index, baseTerm: s.indexTerm, term: p.term, vote: p.vote, voters: s.voters}
	for _, e := range p.entries {
		if e.GetIndex() <= s.index {
			continue
		}
		if e.GetIndex() != l.last()+1 {
			return nil, fmt.Errorf("log lost: entry %d follows %d", e.GetIndex(), l.last())
		}
		l.append([]*pb.Entry{e})
	}
	return l, nil
}
