package sequential

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/testing/protocmp"

	"consequor/board"
)

// A message of each kind, with every field set that its kind uses.
func raftMessages() []*pb.Message {
	from, to := new(uint64(2)), new(uint64(1))
	entries := []*pb.Entry{{Term: new(uint64(3)), Index: new(uint64(8)), Data: []byte("a")}, {Term: new(uint64(4)), Index: new(uint64(9))}}
	snapshot := &pb.Snapshot{
		Data: appendState(nil, &state{first: 1, origins: 1, next: 5}),
		Metadata: &pb.SnapshotMetadata{
			Index: new(uint64(7)), Term: new(uint64(3)),
			ConfState: &pb.ConfState{Voters: []uint64{1, 2, 3}, AutoLeave: new(false)},
		},
	}
	return []*pb.Message{
		{Type: pb.MsgApp.Enum(), From: from, To: to, Term: new(uint64(4)), LogTerm: new(uint64(3)), Index: new(uint64(7)), Commit: new(uint64(6)), Entries: entries},
		{Type: pb.MsgAppResp.Enum(), From: from, To: to, Term: new(uint64(4)), Index: new(uint64(7)), Reject: new(true), RejectHint: new(uint64(5)), LogTerm: new(uint64(2))},
		{Type: pb.MsgVote.Enum(), From: from, To: to, Term: new(uint64(5)), Index: new(uint64(9)), LogTerm: new(uint64(4)), Context: []byte("CampaignTransfer")},
		{Type: pb.MsgHeartbeat.Enum(), From: from, To: to, Term: new(uint64(4)), Commit: new(uint64(3)), Context: []byte{1, 2}},
		{Type: pb.MsgSnap.Enum(), From: from, To: to, Term: new(uint64(4)), Snapshot: snapshot},
	}
}

// What is sent arrives, field by field.
func TestRaftMessagesRoundTrip(t *testing.T) {
	want := raftMessages()
	r := board.Reader{Rest: appendRaftMessages(nil, want)}
	if kind := r.Byte(); kind != messageRaft {
		t.Fatalf("kind %d, want %d", kind, messageRaft)
	}
	got := cutRaftMessages(&r, 2, 1)
	if !r.End() {
		t.Fatal("bytes are left, or malformed")
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("-sent +received:\n%s", diff)
	}
}

func TestWordsRoundTrip(t *testing.T) {
	f := forward{coordinator: 1, term: 7, from: 3, incarnation: 2, round: 9, relayed: true, entries: [][]byte{[]byte("x"), []byte("yz")}}
	r := board.Reader{Rest: appendForward(nil, &f)[1:]}
	if got := cutForward(&r); !r.End() || !cmp.Equal(f, got, cmp.AllowUnexported(forward{})) {
		t.Errorf("forward: sent %+v, received %+v", f, got)
	}
	d := denied{incarnation: 3, round: 4, why: deniedOverloaded}
	r = board.Reader{Rest: appendDenied(nil, d)[1:]}
	if got := cutDenied(&r); !r.End() || got != d {
		t.Errorf("denied: sent %+v, received %+v", d, got)
	}
	w := word{term: 8, replica: 2}
	r = board.Reader{Rest: appendWord(nil, messageGone, w)[1:]}
	if got := cutWord(&r); !r.End() || got != w {
		t.Errorf("word: sent %+v, received %+v", w, got)
	}
	v := board.Vector{{Seq: 5}, {Seq: 3, Origin: 2}}
	r = board.Reader{Rest: appendHave(nil, v)[1:]}
	if got := r.Vector(); !r.End() || !got.Equal(v) {
		t.Errorf("have: sent %s, received %s", v, got)
	}
}

func TestPostRoundTrip(t *testing.T) {
	want := post{5, nonce{3, 2, 17}, 40, board.Article{Parent: board.ArticleID{Seq: 4, Origin: 2}, Author: "ann", Title: "t", Body: "b", Time: -5, Key: "k~40.1"}}
	got, err := cutPost(appendPost(nil, &want)[1:])
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

func TestSealRoundTrip(t *testing.T) {
	data := appendSeal(nil, 300)[1:]
	if got, err := cutSeal(data); err != nil || got != 300 {
		t.Errorf("got epoch %d, %v; want 300", got, err)
	}
	for _, bad := range [][]byte{nil, data[:1], append(data, 0)} {
		if got, err := cutSeal(bad); err == nil {
			t.Errorf("%x is read as the seal of epoch %d", bad, got)
		}
	}
}

// Whatever bytes come from a peer, decoding neither panics nor takes more
// memory than they are worth, and what decodes encodes to something that
// decodes to the same.
func FuzzMessages(f *testing.F) {
	f.Add(appendRaftMessages(nil, raftMessages()))
	f.Add(appendForward(nil, &forward{coordinator: 1, term: 2, from: 3, incarnation: 1, round: 1, entries: [][]byte{{1}}}))
	f.Add(appendDenied(nil, denied{1, 2, deniedOffice}))
	f.Add(appendWord(nil, messageGone, word{1, 2}))
	f.Add(appendHave(nil, board.Vector{{Seq: 1}}))
	f.Add(appendPost(nil, &post{1, nonce{1, 1, 1}, 0, board.Article{Title: "t"}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		if p, err := cutPost(data); err == nil {
			if again, err := cutPost(appendPost(nil, &p)[1:]); err != nil || again != p {
				t.Errorf("a post changes: %+v, %+v, %v", p, again, err)
			}
		}
		r := board.Reader{Rest: data}
		switch r.Byte() {
		case messageRaft:
			messages := cutRaftMessages(&r, 2, 1)
			if r.End() {
				sameRaftMessages(t, messages)
			}
		case messageForward:
			if got := cutForward(&r); r.End() {
				again := board.Reader{Rest: appendForward(nil, &got)[1:]}
				if !cmp.Equal(got, cutForward(&again), cmp.AllowUnexported(forward{})) || !again.End() {
					t.Errorf("a forward changes: %+v", got)
				}
			}
		}
	})
}

func sameRaftMessages(t *testing.T, messages []*pb.Message) {
	once := appendRaftMessages(nil, messages)
	r := board.Reader{Rest: once[1:]}
	again := cutRaftMessages(&r, 2, 1)
	if twice := appendRaftMessages(nil, again); !r.End() || !bytes.Equal(once, twice) {
		t.Errorf("messages change: %x, %x", once, twice)
	}
}

// Whatever a journal holds, reading it does not panic.
func FuzzRecords(f *testing.F) {
	entries := []*pb.Entry{{Term: new(uint64(2)), Index: new(uint64(2)), Data: []byte("a")}}
	snapshot := snapshotRecord{term: 2, vote: 1, index: 1, indexTerm: 1, voters: []uint64{1, 2, 3}, state: state{first: 1, origins: 1, next: 1}}
	f.Add(appendSnapshotRecord(nil, &snapshot), appendEntriesRecord(nil, entries))
	f.Add(appendVoteRecord(nil, 3, 2), appendEntriesRecord(nil, entries))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var p past
		for _, record := range [][]byte{first, second} {
			if err := p.read(record); err != nil {
				return
			}
		}
		l, err := p.log()
		if err == nil && l.last() < p.snapshot.index {
			t.Errorf("the log ends at %d, before its snapshot at %d", l.last(), p.snapshot.index)
		}
	})
}
