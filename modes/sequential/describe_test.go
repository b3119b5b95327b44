package sequential

import (
	"testing"

	pb "go.etcd.io/raft/v3/raftpb"

	"consequor/board"
)

// What a trace shows of each message; a heartbeat is nothing new.
func TestDescribeMessage(t *testing.T) {
	post := appendPost(nil, &post{epoch: 1, article: board.Article{Title: "hello"}})
	raft := func(m *pb.Message) []byte { return appendRaftMessages(nil, []*pb.Message{m}) }
	entries := func(all ...[]byte) (list []*pb.Entry) {
		for _, data := range all {
			list = append(list, &pb.Entry{Term: new(uint64(2)), Data: data})
		}
		return list
	}
	for _, test := range []struct {
		message []byte
		want    string
	}{
		{raft(&pb.Message{Type: pb.MsgHeartbeat.Enum(), Term: new(uint64(2))}), ""},
		{raft(&pb.Message{Type: pb.MsgHeartbeat.Enum(), Term: new(uint64(2)), Context: []byte("1")}), "barrier: do I still lead? term 2"},
		{raft(&pb.Message{Type: pb.MsgApp.Enum(), Term: new(uint64(2)), Index: new(uint64(16)), Commit: new(uint64(16)), Entries: entries(post)}), `append 17 "hello", commit 16, term 2`},
		{raft(&pb.Message{Type: pb.MsgApp.Enum(), Term: new(uint64(2)), Index: new(uint64(16)), Entries: entries(nil, post, appendSeal(nil, 1))}), `append 17-19 (empty) "hello" (seal), commit 0, term 2`},
		{raft(&pb.Message{Type: pb.MsgApp.Enum(), Term: new(uint64(2)), Index: new(uint64(17)), Commit: new(uint64(17))}), "commit 17, log up to 17, term 2"},
		{raft(&pb.Message{Type: pb.MsgAppResp.Enum(), Term: new(uint64(2)), Index: new(uint64(17))}), "have entry 17, term 2"},
		{raft(&pb.Message{Type: pb.MsgAppResp.Enum(), Term: new(uint64(2)), Index: new(uint64(17)), Reject: new(true), RejectHint: new(uint64(12))}), "my log does not go on from entry 17, perhaps from 12, term 2"},
		{raft(&pb.Message{Type: pb.MsgVoteResp.Enum(), Term: new(uint64(3))}), "vote in term 3: yes"},
		{raft(&pb.Message{Type: pb.MsgPreVoteResp.Enum(), Term: new(uint64(3)), Reject: new(true)}), "would vote in term 3: no"},
		{appendForward(nil, &forward{coordinator: 1, term: 2, entries: [][]byte{post}}), `forward of "hello" to r1, term 2`},
		{appendDenied(nil, denied{round: 4, why: deniedMajority}), "round 4 is denied: I am connected to no majority"},
		{appendWord(nil, messageGone, word{term: 2, replica: 1}), "r1, coordinator of term 2, is gone"},
		{nil, "malformed"},
		{[]byte{messageRaft, 9}, "malformed"},
	} {
		if got := DescribeMessage(test.message); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
