package sequential

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	pb "go.etcd.io/raft/v3/raftpb"

	"consequor/board"
	"consequor/modes"
	"consequor/modes/modetest"
)

// Every file in testdata is one scenario: what is done to a cluster, and what
// its replicas then do. The option limit=N makes the log short.
func TestTranscripts(t *testing.T) {
	modetest.RunTranscripts(t, "testdata", func(options map[string]string) func() modes.Mode {
		l := defaultLimits
		if limit, err := strconv.Atoi(options["limit"]); err == nil {
			l.logLenMax, l.logLenKeep = limit, limit/2
		}
		return func() modes.Mode { return newMode(l) }
	}, describe)
}

// describe tells what a message says, for transcripts; heartbeats say nothing.
func describe(message []byte) string {
	r := board.Reader{Rest: message}
	switch kind := r.Byte(); kind {
	case messageRaft:
		return describeRaft(&r)
	case messageForward:
		f := cutForward(&r)
		return fmt.Sprintf("forward of %d posts to %s, term %d", len(f.entries), f.coordinator, f.term)
	case messageDenied:
		return fmt.Sprintf("round %d is denied", cutDenied(&r).round)
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
	}
	return ""
}

func describeRaft(r *board.Reader) string {
	var parts []string
	for _, m := range cutRaftMessages(r, 1, 1) {
		text := strings.TrimPrefix(m.GetType().String(), "Msg")
		switch m.GetType() {
		case pb.MsgHeartbeat, pb.MsgHeartbeatResp:
			if len(m.GetContext()) == 0 {
				continue
			}
		case pb.MsgApp:
			text += fmt.Sprintf(" %d entries after %d, commit %d", len(m.GetEntries()), m.GetIndex(), m.GetCommit())
		case pb.MsgAppResp:
			text += fmt.Sprintf(" %d", m.GetIndex())
		}
		if m.GetReject() {
			text += " rejected"
		}
		parts = append(parts, fmt.Sprintf("%s (term %d)", text, m.GetTerm()))
	}
	return strings.Join(parts, "; ")
}
