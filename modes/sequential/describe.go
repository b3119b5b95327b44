package sequential

import (
	"fmt"
	"strings"

	pb "go.etcd.io/raft/v3/raftpb"

	"consequor/board"
)

// DescribeMessage tells what a message says, for traces; one that says nothing
// new, a heartbeat, is empty.
func DescribeMessage(message []byte) string {
	r := board.Reader{Rest: message}
	switch kind := r.Byte(); kind {
	case messageRaft:
		return describeRaft(&r)
	case messageForward:
		f := cutForward(&r)
		return fmt.Sprintf("forward of %s to %s, term %d", describeEntries(f.entries), f.coordinator, f.term)
	case messageDenied:
		d := cutDenied(&r)
		return fmt.Sprintf("round %d is denied: %s", d.round, denialWords[d.why])
	case messageGone:
		w := cutWord(&r)
		if w.replica == 0 {
			return fmt.Sprintf("I know of no coordinator in term %d", w.term)
		}
		return fmt.Sprintf("%s, coordinator of term %d, is gone", w.replica, w.term)
	case messageBackup:
		w := cutWord(&r)
		return fmt.Sprintf("%s is the backup in term %d", w.replica, w.term)
	case messageAsk:
		return "what does your board hold?"
	case messageHave:
		return "my board holds " + r.Vector().String()
	case messageSeal:
		return "propose the seal"
	case messageDurable:
		return fmt.Sprintf("number %d is on disk", r.Uvarint())
	}
	return "malformed"
}

var denialWords = map[denial]string{
	deniedOffice: "I am not the coordinator of that term", deniedMajority: "I am connected to no majority", deniedOverloaded: "too many posts are under way",
}

func describeRaft(r *board.Reader) string {
	var parts []string
	for _, m := range cutRaftMessages(r, 1, 1) {
		if words := describeRaftMessage(m); words != "" {
			parts = append(parts, words)
		}
	}
	if r.Failed {
		return "malformed"
	}
	return strings.Join(parts, "; ")
}

// describeRaftMessage puts what the engine says into the words of the Raft
// paper, where it has some.
func describeRaftMessage(m *pb.Message) string {
	term, index := m.GetTerm(), m.GetIndex()
	switch kind := m.GetType(); kind {
	case pb.MsgApp:
		return describeAppend(m)
	case pb.MsgAppResp:
		if m.GetReject() {
			return fmt.Sprintf("my log does not go on from entry %d, perhaps from %d, term %d", index, m.GetRejectHint(), term)
		}
		return fmt.Sprintf("have entry %d, term %d", index, term)
	case pb.MsgPreVote:
		return fmt.Sprintf("would you vote for me in term %d? log up to %d of term %d", term, index, m.GetLogTerm())
	case pb.MsgVote:
		return fmt.Sprintf("vote for me in term %d: log up to %d of term %d", term, index, m.GetLogTerm())
	case pb.MsgPreVoteResp:
		return fmt.Sprintf("would vote in term %d: %s", term, yesOrNo(!m.GetReject()))
	case pb.MsgVoteResp:
		return fmt.Sprintf("vote in term %d: %s", term, yesOrNo(!m.GetReject()))
	case pb.MsgSnap:
		return fmt.Sprintf("snapshot up to entry %d, term %d", m.GetSnapshot().GetMetadata().GetIndex(), term)
	case pb.MsgTimeoutNow:
		return fmt.Sprintf("take over from me, term %d", term)
	case pb.MsgHeartbeat:
		if len(m.GetContext()) > 0 {
			return fmt.Sprintf("barrier: do I still lead? term %d", term)
		}
		return ""
	case pb.MsgHeartbeatResp:
		if len(m.GetContext()) > 0 {
			return fmt.Sprintf("barrier: you lead, term %d", term)
		}
		return ""
	case pb.MsgReadIndex:
		return "barrier: what is committed?"
	case pb.MsgReadIndexResp:
		return fmt.Sprintf("barrier: committed up to entry %d", index)
	default:
		return fmt.Sprintf("%s, term %d", strings.TrimPrefix(kind.String(), "Msg"), term)
	}
}

// describeAppend is `append 17 "a title", commit 16, term 2`; with no entries
// only the commit is news.
func describeAppend(m *pb.Message) string {
	entries := m.GetEntries()
	if len(entries) == 0 {
		return fmt.Sprintf("commit %d, log up to %d, term %d", m.GetCommit(), m.GetIndex(), m.GetTerm())
	}
	first, last := m.GetIndex()+1, m.GetIndex()+uint64(len(entries))
	where := fmt.Sprint(first)
	if first < last {
		where = fmt.Sprintf("%d-%d", first, last)
	}
	data := make([][]byte, len(entries))
	for i, e := range entries {
		data[i] = e.GetData()
	}
	return fmt.Sprintf("append %s %s, commit %d, term %d", where, describeEntries(data), m.GetCommit(), m.GetTerm())
}

// describeEntries names entries by what was posted; many, by their number.
func describeEntries(entries [][]byte) string {
	if len(entries) > entriesNamedMax {
		return fmt.Sprintf("(%d entries)", len(entries))
	}
	parts := make([]string, len(entries))
	for i, data := range entries {
		parts[i] = describeEntry(data)
	}
	return strings.Join(parts, " ")
}

const entriesNamedMax = 4

func describeEntry(data []byte) string {
	switch {
	case len(data) == 0:
		return "(empty)"
	case data[0] == entrySeal:
		return "(seal)"
	case data[0] == entryPost:
		if p, err := cutPost(data[1:]); err == nil {
			return fmt.Sprintf("%q", p.article.Title)
		}
	}
	return "(malformed)"
}

func yesOrNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}
