package originlog

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"consequor/board"
)

// One message of each kind, with every field set.
var messages = struct {
	ask     ask
	have    have
	push    push
	forward forward
	done    done
	unknown unknown
}{
	ask{3, 7, true, board.Vector{{Seq: 4, Origin: 1}, {Seq: 9, Origin: 2}}},
	have{3, 7, board.Vector{{Seq: 4, Origin: 1}}},
	push{3, 8},
	forward{
		incarnation: 3, request: 12, mark: 40, left: time.Second, seen: board.Vector{{Seq: 41, Origin: 2}},
		article: board.Article{Parent: board.ArticleID{Seq: 2, Origin: 1}, Author: "ann", Title: "t", Body: "b", Time: -5, Key: "k~40.1"},
	},
	done{3, 12, board.ArticleID{Seq: 42, Origin: 1}, 2},
	unknown{3, 12, "why not"},
}

func encodedMessages() [][]byte {
	m := messages
	return [][]byte{
		appendAsk(nil, m.ask), appendHave(nil, m.have), appendPush(nil, m.push),
		appendForward(nil, &m.forward), appendDone(nil, m.done), appendUnknown(nil, m.unknown),
	}
}

// What is sent arrives, field by field.
func TestMessagesRoundTrip(t *testing.T) {
	m, b := messages, encodedMessages()
	same(t, b[0], m.ask, cutAsk)
	same(t, b[1], m.have, cutHave)
	same(t, b[2], m.push, cutPush)
	same(t, b[3], m.forward, cutForward)
	same(t, b[4], m.done, cutDone)
	same(t, b[5], m.unknown, cutUnknown)
}

func same[M any](t *testing.T, message []byte, want M, cut func(*board.Reader) M) {
	t.Helper()
	r := board.Reader{Rest: message[1:]}
	got := cut(&r)
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(ask{}, have{}, push{}, forward{}, done{}, unknown{})); diff != "" || !r.End() {
		t.Errorf("-sent +received (%d bytes left, failed %v):\n%s", len(r.Rest), r.Failed, diff)
	}
}

// Cut short at any byte, or with one too many, a message is malformed and does
// nothing but a note.
func TestMessagesCutShort(t *testing.T) {
	for _, message := range encodedMessages() {
		for n := range len(message) {
			if handled(message[:n]) {
				t.Errorf("%d of %d bytes of %q were taken for a message", n, len(message), DescribeMessage(message))
			}
		}
		if handled(append(message[:len(message):len(message)], 0)) {
			t.Errorf("%q with a byte too many was taken for a message", DescribeMessage(message))
		}
	}
}

// handled reports whether a log took a message from r2.
func handled(message []byte) bool {
	l, _ := begun(3, Config{Copies: 2})
	r := board.Reader{Rest: message}
	return l.onMessage(l.peer(2), &r, false)
}

// Whatever a peer sends, the log goes on.
func FuzzReceive(f *testing.F) {
	for _, message := range encodedMessages() {
		f.Add(message)
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		handled(message)
		DescribeMessage(message)
	})
}
