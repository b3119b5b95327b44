package record

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"consequor/board"
	"consequor/sim/history"
)

// assembled makes a history of a record's lines; its header and what was there
// before are added. Ids on the board are those given.
func assembled(t *testing.T, lines string, articles ...board.Article) *history.History {
	t.Helper()
	path := filepath.Join(t.TempDir(), fileName)
	text := `{"record":{"version":1,"cluster":"c","at":1000,"mode":"quorum","epoch":3,"replicas":["r1","r2","r3"]}}` + "\n" +
		`{"before":{"vector":"2.1"}}` + "\n" + lines
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	taken, err := read(path, int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	h := &history.History{Live: true, Before: taken.before, Boards: []history.Board{{Replica: 1, Articles: articles}}}
	h.Epochs = []history.Epoch{{Number: 3, Mode: "quorum"}}
	if err := assemble(taken, h); err != nil {
		t.Fatal(err)
	}
	if err := h.Validate(); err != nil {
		t.Fatal(err)
	}
	return h
}

// Who posts while boards are read is known, though not how that ended; what he
// asks for besides is of no history.
func TestCalledWhenTheEndHasBegun(t *testing.T) {
	path := filepath.Join(t.TempDir(), fileName)
	text := `{"record":{"version":1,"cluster":"c","at":1000,"mode":"quorum","epoch":3,"replicas":["r1","r2","r3"]}}
{"before":{"vector":"2.1"}}
{"called":{"op":"a.1","verb":"post","at":1010,"key":"k1","content":"7","replica":"r1"}}
`
	size := int64(len(text))
	text += `{"ended":{"op":"a.1","at":1020,"outcome":"ok","replica":"r1","epoch":3,"mode":"quorum","id":"3.1"}}
{"called":{"op":"a.2","verb":"post","at":1030,"key":"k2","content":"7","replica":"r1"}}
{"called":{"op":"a.3","verb":"post","at":1040,"key":"k3","content":"7","replica":"r1"}}
{"called":{"op":"a.4","verb":"read","at":1050,"replica":"r1"}}
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	taken, err := read(path, size)
	if err != nil {
		t.Fatal(err)
	}
	articles := []board.Article{{ID: board.ArticleID{Seq: 4, Origin: 1}, Key: "k2"}}
	h := &history.History{Live: true, Before: taken.before, Boards: []history.Board{{Replica: 1, Articles: articles}}}
	if err := assemble(taken, h); err != nil {
		t.Fatal(err)
	}
	if len(h.Ops) != 2 || h.Ops[0].Key != "k1" || h.Ops[0].Outcome != history.Unknown || h.Ops[1].Key != "k2" {
		t.Errorf("%+v", h.Ops)
	}
}

// A recording that has not begun knows nothing of the boards before: their
// articles would be nobody's.
func TestNotBegunYet(t *testing.T) {
	folder := t.TempDir()
	if err := create(folder, &Header{Version: version, Cluster: "c", Replicas: []string{"r1"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := read(filepath.Join(folder, fileName), 1<<20); !errors.As(err, new(*Error)) {
		t.Errorf("read: %v", err)
	}
}

// All requests under one key are one operation: it begins with the first and is
// over with the first answer, whoever got it.
func TestOneOperationPerKey(t *testing.T) {
	h := assembled(t, `
{"called":{"op":"a.1","session":"ann","verb":"post","at":1010,"key":"k","content":"7","replica":"r1"}}
{"called":{"op":"b.1","session":"bob","verb":"read","at":1015,"replica":"r2"}}
{"ended":{"op":"a.1","at":1020,"outcome":"unknown","kind":"deadline","replica":"r1"}}
{"called":{"op":"a.2","session":"ann","verb":"post","at":1030,"key":"k","content":"7","replica":"r2"}}
{"ended":{"op":"a.2","at":1040,"outcome":"ok","replica":"r2","epoch":3,"mode":"quorum","id":"5.1"}}
{"called":{"op":"a.3","session":"ann","verb":"post","at":1050,"key":"k","content":"7","replica":"r3"}}
{"ended":{"op":"a.3","at":1060,"outcome":"refused","kind":"no_quorum","replica":"r3"}}
`)
	if len(h.Ops) != 2 {
		t.Fatalf("%d operations: %v", len(h.Ops), h.Ops)
	}
	op := &h.Ops[0]
	if op.Call != 10 || op.Return != 40 || op.Outcome != history.OK || op.Replica != 2 || op.Epoch != 3 || op.Session != 1 || len(op.Tries) != 1 {
		t.Errorf("%+v", op)
	}
	if len(op.IDs) != 1 || op.IDs[0] != (board.ArticleID{Seq: 5, Origin: 1}) || op.Content != 7 {
		t.Errorf("%+v", op)
	}
	if read := &h.Ops[1]; read.Outcome != history.Unknown || read.Session != 2 || read.Why == "" {
		t.Errorf("a request without an end: %+v", read)
	}
}

// What two sessions send under one key is nobody's: what one was told the other
// does not know. Two texts under one key are one article, and none of the two is
// what was posted.
func TestKeyOfTwo(t *testing.T) {
	h := assembled(t, `
{"called":{"op":"a.1","session":"ann","verb":"post","at":1010,"key":"k","content":"7","replica":"r1"}}
{"ended":{"op":"a.1","at":1020,"outcome":"refused","kind":"no_quorum","replica":"r1"}}
{"called":{"op":"b.1","session":"bob","verb":"post","at":1030,"key":"k","content":"8","replica":"r2"}}
{"ended":{"op":"b.1","at":1040,"outcome":"refused","kind":"behind","replica":"r2"}}
`)
	op := &h.Ops[0]
	if len(h.Ops) != 1 || op.Session != 0 || op.Content != 0 || op.Outcome != history.Refused || op.Return != 40 || op.Kind != "behind" || op.Epoch != 3 {
		t.Errorf("%+v", op)
	}
}

// A key whose article was there before was first sent before all others.
func TestKeyFromBefore(t *testing.T) {
	was := board.Article{ID: board.ArticleID{Seq: 2, Origin: 1}, Title: "was", Key: "old"}
	h := assembled(t, `
{"called":{"op":"a.1","session":"ann","verb":"post","at":1010,"key":"new","content":"7","replica":"r1"}}
{"called":{"op":"b.1","session":"bob","verb":"post","at":1030,"key":"old","content":"8","replica":"r2"}}
`, was)
	if op := &h.Ops[0]; op.Key != "old" || op.Call != 0 || op.Content != 0 {
		t.Errorf("%+v", op)
	}
	if op := &h.Ops[1]; op.Key != "new" || op.Call != 10 || op.Content != 7 {
		t.Errorf("%+v", op)
	}
}

// A list belongs to the epoch in which it began. Where nobody has recorded its
// beginning, its pages prove nothing once there is more than one epoch.
func TestListAcrossEpochs(t *testing.T) {
	page := func(op, after, next, epoch string) string {
		view := `{"up_to":"9.1","count":0,"sum":"0000000000000000"}`
		if after != "" {
			view = `{"up_to":"9.1","after":"5.1","count":0,"sum":"0000000000000000"}`
		}
		return strings.NewReplacer("OP", op, "AFTER", after, "NEXT", next, "EPOCH", epoch, "VIEW", view).Replace(`
{"called":{"op":"OP","verb":"read","at":1010,"after":"AFTER","replica":"r1"}}
{"ended":{"op":"OP","at":1020,"outcome":"ok","replica":"r1","epoch":EPOCH,"mode":"sequential","next":"NEXT","view":VIEW}}`)
	}
	h := assembled(t, page("a.1", "", "5.1@9.1", "3")+page("a.2", "5.1@9.1", "6.1@9.1", "4")+page("a.3", "6.1@9.1", "", "4")+page("a.4", "7.1@9.1", "", "4"))
	for i, want := range []uint64{3, 3, 3, 4} {
		if h.Ops[i].Epoch != want {
			t.Errorf("page %d is of epoch %d, want %d", i+1, h.Ops[i].Epoch, want)
		}
	}
	if h.Ops[2].View == nil || h.Ops[3].View != nil {
		t.Errorf("views: %v, %v", h.Ops[2].View, h.Ops[3].View)
	}
}

// Of a sequential epoch a sync is a fresh view of the board that it has led to.
func TestSync(t *testing.T) {
	h := assembled(t, `
{"called":{"op":"a.1","verb":"sync","at":1010,"replica":"r1"}}
{"ended":{"op":"a.1","at":1020,"outcome":"ok","replica":"r1","epoch":4,"mode":"sequential","seen":"2.1"}}
{"called":{"op":"a.2","verb":"sync","at":1030,"replica":"r1"}}
{"ended":{"op":"a.2","at":1040,"outcome":"ok","replica":"r1","epoch":3,"mode":"quorum","seen":"2.1"}}
`, board.Article{ID: board.ArticleID{Seq: 2, Origin: 1}})
	if v := h.Ops[0].View; v == nil || v.UpTo.String() != "2.1" || h.Ops[1].View != nil {
		t.Errorf("views: %v, %v", h.Ops[0].View, h.Ops[1].View)
	}
	if verdicts := history.Check(h, history.StepsDefault); verdicts.Outcome() == history.Violated {
		t.Errorf("%+v", verdicts.First())
	}
}

// A line that was cut short spoils none but itself; what comes after the end does
// not count.
func TestTornLines(t *testing.T) {
	h := assembled(t, `
{"called":{"op":"a.1","verb":"post","at":1010,"key":"k","content":"7","replica":"r1"}}
{"ended":{"op":"a.1","at":10
{"called":{"op":"b.1","verb":"post","at":1020,"key":"l","content":"7","replica":"r1"}}
{"ended":{"op":"b.1","at":1030,"outcome":"ok","replica":"r1","epoch":3,"mode":"quorum","id":"5.1"}}
`)
	if len(h.Ops) != 2 || h.Ops[0].Outcome != history.Unknown || h.Ops[1].Outcome != history.OK {
		t.Errorf("%+v", h.Ops)
	}
}
