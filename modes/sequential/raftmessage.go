package sequential

import (
	"encoding/binary"

	pb "go.etcd.io/raft/v3/raftpb"

	"consequor/board"
)

// The engine's messages in a form of our own: a third of the size of their
// protobuf form, entries without their index (it follows from the message's),
// and decoded without an allocation per field. Sender and receiver are not in
// it: the host knows them.

// Which fields follow a message's type.
const (
	hasTerm uint64 = 1 << iota
	hasLogTerm
	hasIndex
	hasCommit
	hasVote
	hasRejectHint
	hasReject
	hasContext
	hasEntries
	hasSnapshot
)

// entrySizeMin is what an encoded entry takes at least: term and length.
const entrySizeMin = 2

func appendRaftMessages(dst []byte, messages []*pb.Message) []byte {
	dst = append(dst, messageRaft)
	dst = binary.AppendUvarint(dst, uint64(len(messages)))
	for _, m := range messages {
		dst = appendRaftMessage(dst, m)
	}
	return dst
}

func appendRaftMessage(dst []byte, m *pb.Message) []byte {
	numbers := [...]uint64{m.GetTerm(), m.GetLogTerm(), m.GetIndex(), m.GetCommit(), m.GetVote(), m.GetRejectHint()}
	var has uint64
	for i, n := range numbers {
		if n != 0 {
			has |= 1 << i
		}
	}
	if m.GetReject() {
		has |= hasReject
	}
	if len(m.GetContext()) > 0 {
		has |= hasContext
	}
	if len(m.GetEntries()) > 0 {
		has |= hasEntries
	}
	if m.GetSnapshot() != nil {
		has |= hasSnapshot
	}
	dst = append(dst, byte(m.GetType()))
	dst = binary.AppendUvarint(dst, has)
	for _, n := range numbers {
		if n != 0 {
			dst = binary.AppendUvarint(dst, n)
		}
	}
	if has&hasContext != 0 {
		dst = appendBytes(dst, m.GetContext())
	}
	if has&hasEntries != 0 {
		dst = appendEntries(dst, m.GetEntries())
	}
	if has&hasSnapshot != 0 {
		dst = appendSnapshot(dst, m.GetSnapshot())
	}
	return dst
}

func appendEntries(dst []byte, entries []*pb.Entry) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(entries)))
	for _, e := range entries {
		dst = binary.AppendUvarint(dst, e.GetTerm())
		dst = appendBytes(dst, e.GetData())
	}
	return dst
}

func appendSnapshot(dst []byte, s *pb.Snapshot) []byte {
	meta := s.GetMetadata()
	dst = binary.AppendUvarint(dst, meta.GetIndex())
	dst = binary.AppendUvarint(dst, meta.GetTerm())
	voters := meta.GetConfState().GetVoters()
	dst = binary.AppendUvarint(dst, uint64(len(voters)))
	for _, v := range voters {
		dst = binary.AppendUvarint(dst, v)
	}
	return appendBytes(dst, s.GetData())
}

// cutRaftMessages reads messages that from sent to self.
func cutRaftMessages(r *board.Reader, from, self board.ReplicaID) []*pb.Message {
	n := r.Count(2)
	messages := make([]*pb.Message, 0, n)
	for range n {
		messages = append(messages, cutRaftMessage(r, from, self))
	}
	return messages
}

func cutRaftMessage(r *board.Reader, from, self board.ReplicaID) *pb.Message {
	m := &pb.Message{Type: pb.MessageType(r.Byte()).Enum(), From: new(uint64(from)), To: new(uint64(self))}
	has := r.Uvarint()
	number := func(bit uint64, field **uint64) {
		if has&bit != 0 {
			*field = new(r.Uvarint())
		}
	}
	number(hasTerm, &m.Term)
	number(hasLogTerm, &m.LogTerm)
	number(hasIndex, &m.Index)
	number(hasCommit, &m.Commit)
	number(hasVote, &m.Vote)
	number(hasRejectHint, &m.RejectHint)
	if has&hasReject != 0 {
		m.Reject = new(true)
	}
	if has&hasContext != 0 {
		m.Context = r.Bytes()
	}
	if has&hasEntries != 0 {
		m.Entries = cutEntries(r, m.GetIndex()+1)
	}
	if has&hasSnapshot != 0 {
		m.Snapshot = cutSnapshot(r)
	}
	return m
}

// cutEntries reads entries, the first of which has index first. Their data is
// not copied: it lies in the message for as long as the log keeps them.
func cutEntries(r *board.Reader, first uint64) []*pb.Entry {
	n := r.Count(entrySizeMin)
	slab := make([]pb.Entry, n)
	numbers := make([]uint64, 2*n)
	entries := make([]*pb.Entry, n)
	for i := range entries {
		e := &slab[i]
		e.Term, e.Index = &numbers[2*i], &numbers[2*i+1]
		*e.Term, *e.Index = r.Uvarint(), first+uint64(i)
		if data := r.Bytes(); len(data) > 0 {
			e.Data = data
		}
		entries[i] = e
	}
	return entries
}

func cutSnapshot(r *board.Reader) *pb.Snapshot {
	meta := &pb.SnapshotMetadata{Index: new(r.Uvarint()), Term: new(r.Uvarint())}
	conf := pb.EnsureConfState(nil)
	for range r.Count(1) {
		conf.Voters = append(conf.Voters, r.Uvarint())
	}
	meta.ConfState = conf
	return &pb.Snapshot{Metadata: meta, Data: r.Bytes()}
}
