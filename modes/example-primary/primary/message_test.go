package primary

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"consequor/board"
)

var messages = []message{
	{kind: kindHello},
	{kind: kindNewLeader, leader: 2, backup: 3, board: board.Vector{{Seq: 7}, {Seq: 9, Origin: 2}}},
	{kind: kindGetID, life: 3, request: 1 << 40, mark: 6, articles: []board.Article{{Parent: board.ArticleID{Seq: 4}, Title: "t", Body: "b", Time: -1, Key: "k~6.3"}}},
	{kind: kindBackupdate, articles: []board.Article{{ID: board.ArticleID{Seq: 8}, Title: "t"}, {ID: board.ArticleID{Seq: 9}, Body: "b"}}},
	{kind: kindHave, gap: true, board: board.Vector{{Seq: 7}}},
	{kind: kindWrite, given: []given{{life: 3, request: 5, id: board.ArticleID{Seq: 8}, copies: 2}, {life: 3, request: 6}}},
	{kind: kindSync, life: 1, request: 2, board: board.Vector{{Seq: 7}}},
}

// Every message reads back as it was written; none that is cut short does.
func TestMessages(t *testing.T) {
	for _, w := range messages {
		b := appendMessage(w)
		got, err := cutMessage(b)
		if diff := cmp.Diff(w, got, cmp.AllowUnexported(message{}, given{})); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", kindNames[w.kind], err, diff)
		}
		for n := range b {
			if _, err := cutMessage(b[:n]); err == nil {
				t.Errorf("%s: %d of %d bytes are taken for a message", kindNames[w.kind], n, len(b))
			}
		}
	}
}

// Whatever comes, to read it does no harm, and what is read can be written.
func FuzzMessage(f *testing.F) {
	for _, w := range messages {
		f.Add(appendMessage(w))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		w, err := cutMessage(b)
		if err != nil {
			return
		}
		again, err := cutMessage(appendMessage(w))
		if diff := cmp.Diff(w, again, cmp.AllowUnexported(message{}, given{})); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	})
}
