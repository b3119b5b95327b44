package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"consequor/board"
	"consequor/replicad/api"
)

func entry(id, parent uint64, author, title, body string, replies int) board.Entry {
	a := board.Article{ID: seq(id), Author: author, Title: title, Body: body, Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixNano()}
	if parent > 0 {
		a.Parent = seq(parent)
	}
	return board.Entry{Article: a, Replies: replies}
}

// A list of articles that strangers wrote: one line each, whatever they put in.
func TestPrintList(t *testing.T) {
	articles := api.JSONOfAll([]board.Entry{
		entry(9, 0, "alice", "First", "hello", 2),
		entry(10, 9, "bob", "", "no title here\nbut two lines", 1),
		entry(11, 0, "", "evil \x1b[2J\nline", "", 0),
		entry(12, 0, "a name that is far too long", strings.Repeat("x", 100), "", 0),
	})
	var b strings.Builder
	printList(&b, articles, false)
	want := ` 9  alice             First  (2 replies)
10  bob               re 9: no title here  (1 reply)
11  -                 evil \u{1b}[2J\u{a}line
12  a name that is …  ` + strings.Repeat("x", 71) + `…
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
	b.Reset()
	printList(&b, articles, true)
	if b.String() != "9\n10\n11\n12\n" {
		t.Errorf("short: got %q", b.String())
	}
}

// The fields that scripts rely on, raw where the terminal gets them inert.
func TestArticleJSON(t *testing.T) {
	root, reply := entry(1, 0, "alice", "\x1b[31mred", "b", 1), entry(2, 1, "bob", "", "re", 0)
	got, err := json.Marshal(api.JSONOfAll([]board.Entry{root, reply}))
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"id":"1","parent":null,"author":"alice","title":"\u001b[31mred","body":"b","time":"2026-01-02T03:04:05Z","replies":1},` +
		`{"id":"2","parent":"1","author":"bob","title":"","body":"re","time":"2026-01-02T03:04:05Z","replies":0}]`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestServedLine(t *testing.T) {
	a := &api.Answer{Replica: "r2", Mode: "sequential", Epoch: 1, Applied: 5, Known: 8, Guarantee: "a prefix of the one order", Missed: []string{"r3"}}
	want := "r2 · sequential · epoch 1 · behind by 3 · a prefix of the one order · without r3"
	if got := servedBy(a).line(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	a = &api.Answer{Replica: "r1", Mode: "quorum", Epoch: 3, Applied: 5, Known: 5, Guarantee: "none: read 1 + write 1 <= 3", Asked: []string{"r2", "r3"}}
	want = "r1 · quorum · epoch 3 · behind by 0 · none: read 1 + write 1 <= 3 · asked r2, r3"
	if got := servedBy(a).line(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Every answer has the fields that scripts rely on, set or not: a list without
// members is [], and what does not exist is null.
func TestAnswerFields(t *testing.T) {
	a := &api.Answer{Article: entry(1, 0, "alice", "t", "b", 0)}
	where := servedBy(a)
	const every = `"replica":"","mode":"","epoch":0,"applied":0,"known":0,"guarantee":"","asked":[],"missed":[],"token":""`
	for _, test := range []struct {
		result any
		want   string
	}{
		{written{"1", "k", where, 2}, `{"id":"1","key":"k",` + every + `,"copies":2}`},
		{readResult{api.JSONOfAll(nil), nextOf(a), where}, `{"articles":[],"next":null,` + every + `}`},
		{chooseResult{api.JSONOf(&a.Article), nil, api.JSONOfAll(nil), nextOf(a), where},
			`{"article":{"id":"1","parent":null,"author":"alice","title":"t","body":"b","time":"2026-01-02T03:04:05Z","replies":0},` +
				`"parent":null,"replies":[],"next":null,` + every + `}`},
		{syncResult{api.OrEmpty(a.Reached), 3, where}, `{"reached":[],"count":3,` + every + `}`},
	} {
		got, err := json.Marshal(test.result)
		if err != nil || string(got) != test.want {
			t.Errorf("%T (%v):\ngot  %s\nwant %s", test.result, err, got, test.want)
		}
	}
}

func TestCounted(t *testing.T) {
	for n, want := range map[int]string{0: "0 disks", 1: "1 disk", 2: "2 disks"} {
		if got := counted(n, "disk"); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

// A person reads times to the second; --json has them whole.
func TestTimeToTheSecond(t *testing.T) {
	a := entry(1, 0, "alice", "t", "b", 0)
	a.Time += 123456789
	var human bytes.Buffer
	printArticle(&human, api.JSONOf(&a))
	if want := "by alice, 2026-01-02T03:04:05Z\n"; !strings.Contains(human.String(), want) {
		t.Errorf("got %q, want %q in it", human.String(), want)
	}
	if got, want := api.JSONOf(&a).Time, "2026-01-02T03:04:05.123456789Z"; got != want {
		t.Errorf("JSON: %s, want %s", got, want)
	}
	if got := toTheSecond("2026-01-02T03:04:05Z"); got != "2026-01-02T03:04:05Z" {
		t.Errorf("without a fraction: %s", got)
	}
}
