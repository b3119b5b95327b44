package sequential

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

// entriesOf makes entries of one term, with indexes from first to last.
func entriesOf(term, first, last uint64) []*pb.Entry {
	var entries []*pb.Entry
	for i := first; i <= last; i++ {
		entries = append(entries, &pb.Entry{Term: new(term), Index: new(i), Data: fmt.Appendf(nil, "%d/%d", i, term)})
	}
	return entries
}

// text shows a log as "base| index/term ...".
func (l *log) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d/%d|", l.base, l.baseTerm)
	for _, e := range l.entries {
		fmt.Fprintf(&b, " %d/%d", e.GetIndex(), e.GetTerm())
	}
	return b.String()
}

// A log grows, is overwritten from the middle by a new coordinator's entries,
// and is trimmed; what raft was given before stays as it was.
func TestLog(t *testing.T) {
	l := &log{base: 1, baseTerm: 1}
	l.append(entriesOf(2, 2, 6))
	before, err := l.Entries(2, 7, 1000)
	if err != nil {
		t.Fatal(err)
	}
	l.append(entriesOf(3, 5, 8))
	if got, want := l.text(), "1/1| 2/2 3/2 4/2 5/3 6/3 7/3 8/3"; got != want {
		t.Errorf("after an overwrite: %s, want %s", got, want)
	}
	if got := before[3].GetTerm(); got != 2 {
		t.Errorf("entry 5 was given to raft with term 2 and has now %d", got)
	}
	l.trim(4)
	if got, want := l.text(), "4/2| 5/3 6/3 7/3 8/3"; got != want {
		t.Errorf("after trimming: %s, want %s", got, want)
	}
	if want := sizeOf(l.entries); l.size != want {
		t.Errorf("size %d, want %d", l.size, want)
	}
}

func TestLogBounds(t *testing.T) {
	l := &log{base: 4, baseTerm: 2}
	l.append(entriesOf(3, 5, 8))
	if _, err := l.Entries(4, 6, 1000); !errors.Is(err, raft.ErrCompacted) {
		t.Errorf("entry 4, which is trimmed: %v", err)
	}
	if _, err := l.Entries(5, 10, 1000); !errors.Is(err, raft.ErrUnavailable) {
		t.Errorf("entry 9, which is not there: %v", err)
	}
	if entries, err := l.Entries(5, 9, 0); err != nil || len(entries) != 1 {
		t.Errorf("with no room: %d entries, %v; want one at least", len(entries), err)
	}
	if term, err := l.Term(4); err != nil || term != 2 {
		t.Errorf("term before the first: %d, %v", term, err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a gap in the log went unnoticed")
		}
	}()
	l.append(entriesOf(3, 10, 10))
}

// However much room there is, raft's own storage gives as many entries: empty
// ones, and such as have an index, a term or data of another length, count alike.
func TestLogRoom(t *testing.T) {
	l, reference := &log{base: 120, baseTerm: 1}, raft.NewMemoryStorage()
	start := &pb.Snapshot{Metadata: &pb.SnapshotMetadata{Index: new(uint64(120)), Term: new(uint64(1)), ConfState: pb.EnsureConfState(nil)}}
	if err := reference.ApplySnapshot(start); err != nil {
		t.Fatal(err)
	}
	var entries []*pb.Entry
	for i := uint64(121); i <= 160; i++ {
		entries = append(entries, &pb.Entry{Term: new(i - 10), Index: new(i), Data: make([]byte, i%4*60)})
	}
	entries[3].Data = nil
	l.append(entries)
	if err := reference.Append(entries); err != nil {
		t.Fatal(err)
	}
	for room := uint64(0); room < 5000; room++ {
		got, err := l.Entries(121, 161, room)
		want, wantErr := reference.Entries(121, 161, room)
		if err != nil || wantErr != nil || len(got) != len(want) {
			t.Fatalf("%d bytes: %d entries, %v; want %d, %v", room, len(got), err, len(want), wantErr)
		}
	}
}

// What earlier lives saved becomes the log: entries replaced by later ones are
// gone, those above an own snapshot stay, and none from before a snapshot that
// came from elsewhere does.
func TestPast(t *testing.T) {
	snapshot := func(index, term uint64, alone bool) []byte {
		return appendSnapshotRecord(nil, &snapshotRecord{
			term: term, vote: 1, index: index, indexTerm: term, voters: []uint64{1, 2, 3}, state: state{first: 1, origins: 1, next: 9}, alone: alone,
		})
	}
	tests := []struct {
		name    string
		records [][]byte
		want    string // the log, or the error
	}{
		{"boot", [][]byte{snapshot(1, 1, true)}, "1/1|"},
		{"overwrite", [][]byte{snapshot(1, 1, true), appendEntriesRecord(nil, entriesOf(2, 2, 5)), appendEntriesRecord(nil, entriesOf(3, 4, 4))}, "1/1| 2/2 3/2 4/3"},
		{"own snapshot", [][]byte{snapshot(1, 1, true), appendEntriesRecord(nil, entriesOf(2, 2, 5)), snapshot(3, 2, false)}, "3/2| 4/2 5/2"},
		{"another's snapshot", [][]byte{snapshot(1, 1, true), appendEntriesRecord(nil, entriesOf(2, 2, 9)), snapshot(6, 3, true)}, "6/3|"},
		{"after forgetting", [][]byte{appendEntriesRecord(nil, entriesOf(2, 5, 8)), snapshot(6, 2, false), appendEntriesRecord(nil, entriesOf(2, 9, 9))}, "6/2| 7/2 8/2 9/2"},
		{"a gap", [][]byte{snapshot(1, 1, true), appendEntriesRecord(nil, entriesOf(2, 3, 5))}, "log lost: entry 3 follows 1"},
		{"no snapshot", [][]byte{appendVoteRecord(nil, 2, 1)}, "records up to 1 hold no snapshot"},
		{"unknown kind", [][]byte{{99}}, "record 1: of an unknown kind, 99"},
		{"malformed", [][]byte{{recordVote, 1}}, "record 1: malformed"},
	}
	for _, test := range tests {
		if got := readPast(test.records); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func readPast(records [][]byte) string {
	var p past
	for _, record := range records {
		if err := p.read(record); err != nil {
			return err.Error()
		}
	}
	l, err := p.log()
	if err != nil {
		return err.Error()
	}
	return l.text()
}
