package sequential

import (
	"fmt"
	"slices"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// log is the part of the replicated log that is kept in memory: what raft reads
// (raft.Storage) to send it to followers that are a little behind.
//
//	           base      applied        last
//	forgotten   │  kept     │  to come   │
//	────────────┼───────────┼────────────┤
type log struct {
	base     uint64      // index of the entry before the first; base <= applied
	baseTerm uint64      // its term
	entries  []*pb.Entry // base+1 and up, without a gap
	size     int         // bytes of their data

	term, vote uint64   // as last saved
	voters     []uint64 // of this epoch; they never change

	// snapshot tells the state as of the last applied entry.
	snapshot func() *pb.Snapshot
}

var _ raft.Storage = (*log)(nil)

func (l *log) last() uint64 { return l.base + uint64(len(l.entries)) }

// append adds entries behind those below the first of them; what was there from
// that index on is replaced.
func (l *log) append(entries []*pb.Entry) {
	if len(entries) == 0 {
		return
	}
	first := entries[0].GetIndex()
	if first <= l.base || first > l.last()+1 {
		panic(fmt.Sprintf("log %d..%d: cannot append from %d on", l.base+1, l.last(), first))
	}
	if first <= l.last() { // a new slice: raft may still look at the old one
		keep := l.entries[:first-l.base-1]
		l.size -= sizeOf(l.entries[len(keep):])
		l.entries = slices.Clone(keep)
	}
	l.entries = append(l.entries, entries...)
	l.size += sizeOf(entries)
}

// trim drops all up to and including index.
func (l *log) trim(index uint64) {
	if index <= l.base {
		return
	}
	dropped := l.entries[:index-l.base]
	l.baseTerm = dropped[len(dropped)-1].GetTerm()
	l.base = index
	l.size -= sizeOf(dropped)
	l.entries = slices.Clone(l.entries[len(dropped):])
}

// reset leaves nothing but the place behind which the log goes on.
func (l *log) reset(index, term uint64) {
	l.base, l.baseTerm, l.entries, l.size = index, term, nil, 0
}

func sizeOf(entries []*pb.Entry) int {
	size := 0
	for _, e := range entries {
		size += len(e.GetData())
	}
	return size
}

// InitialState implements raft.Storage. The commit index is not saved, for that
// would cost an fsync per commit; what was applied is committed, and the
// coordinator tells the rest.
func (l *log) InitialState() (*pb.HardState, *pb.ConfState, error) {
	conf := pb.EnsureConfState(nil)
	conf.Voters = slices.Clone(l.voters)
	return &pb.HardState{Term: new(l.term), Vote: new(l.vote), Commit: new(l.base)}, conf, nil
}

// Entries implements raft.Storage. Raft counts an entry as long as its protobuf
// form is, so that an empty one has a length too.
func (l *log) Entries(lo, hi, sizeMax uint64) ([]*pb.Entry, error) {
	if lo <= l.base {
		return nil, raft.ErrCompacted
	}
	if hi > l.last()+1 {
		return nil, raft.ErrUnavailable
	}
	entries := l.entries[lo-l.base-1 : hi-l.base-1]
	size := uint64(0)
	for i, e := range entries {
		size += uint64(proto.Size(e))
		if i > 0 && size > sizeMax {
			return entries[:i:i], nil
		}
	}
	return entries[:len(entries):len(entries)], nil
}

// Term implements raft.Storage.
func (l *log) Term(index uint64) (uint64, error) {
	switch {
	case index < l.base:
		return 0, raft.ErrCompacted
	case index == l.base:
		return l.baseTerm, nil
	case index > l.last():
		return 0, raft.ErrUnavailable
	}
	return l.entries[index-l.base-1].GetTerm(), nil
}

// LastIndex implements raft.Storage.
func (l *log) LastIndex() (uint64, error) { return l.last(), nil }

// FirstIndex implements raft.Storage.
func (l *log) FirstIndex() (uint64, error) { return l.base + 1, nil }

// Snapshot implements raft.Storage.
func (l *log) Snapshot() (*pb.Snapshot, error) { return l.snapshot(), nil }
