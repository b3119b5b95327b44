package cli

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"consequor/board"
	"consequor/replicad/api"
	"consequor/supervisor"
	"consequor/topologies"
)

var rewriteTraces = flag.Bool("rewrite-traces", false, "write anew what is drawn of testdata/trace; commit only what you can explain")

// Each file is a request and what replicas told of it, and how that is drawn.
//
//	-- request --   verb, its tries, when it was called and when the answer was there
//	-- told --      TIME REPLICA WHAT [NAME=VALUE ...] | TEXT
//	-- drawn --     the story and the table
func TestDrawnTraces(t *testing.T) {
	files, err := filepath.Glob("testdata/trace/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no traces: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { testDrawn(t, file) })
	}
}

func testDrawn(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	w := findWay(readTrace(t, archive), 0)
	var b bytes.Buffer
	w.tellStory(&b)
	b.WriteByte('\n') // even a table without a line has its head
	w.drawTable(&b, 0, strings.Contains(file, "routine"))
	drawn := traceSection(archive, "drawn")
	if *rewriteTraces {
		drawn.Data = b.Bytes()
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(drawn.Data), b.String()); diff != "" {
		t.Errorf("drawn otherwise (-want, +got; -rewrite-traces makes it anew):\n%s", diff)
	}
}

func traceSection(archive *txtar.Archive, name string) *txtar.File {
	for i := range archive.Files {
		if archive.Files[i].Name == name {
			return &archive.Files[i]
		}
	}
	return &txtar.File{}
}

// readTrace makes a record of a file.
func readTrace(t *testing.T, archive *txtar.Archive) *traceRecord {
	t.Helper()
	r := &traceRecord{status: &supervisor.ClusterStatus{Mode: "mine", Epoch: 1}}
	for _, line := range traceLines(traceSection(archive, "request").Data) {
		switch f := strings.Fields(line); f[0] {
		case "verb":
			r.verb = api.Verb(f[1])
		case "replica": // replica NAME [ROLE]
			r.status.Replicas = append(r.status.Replicas, supervisor.ReplicaStatus{Name: f[1]})
			if len(f) > 2 {
				last := &r.status.Replicas[len(r.status.Replicas)-1]
				if last.Role = f[2]; last.Role == "coordinator" {
					r.status.Coordinator = &last.Name
				}
			}
		case "missing": // missing NAME WHY
			r.missing = append(r.missing, supervisor.Silent{Replica: f[1], Why: f[2]})
		case "try": // try NAME CALLED ENDED [KEY] [FAILED]
			try := &traceTry{replica: f[1], called: traceMS(t, f[2]), endedAt: traceMS(t, f[3])}
			if len(f) > 4 && f[4] != "-" {
				try.key = f[4]
			}
			if len(f) > 5 {
				try.failure = &api.Error{Outcome: api.Unknown, Message: f[5]}
			}
			r.tries = append(r.tries, try)
		default:
			t.Fatalf("what is %q?", line)
		}
	}
	for _, line := range traceLines(traceSection(archive, "told").Data) {
		r.events = append(r.events, readTraced(t, line))
	}
	return r
}

func traceLines(data []byte) []string {
	return slices.DeleteFunc(strings.Split(string(data), "\n"), func(s string) bool { return strings.TrimSpace(s) == "" })
}

// traceMS reads milliseconds.
func traceMS(t *testing.T, text string) time.Duration {
	t.Helper()
	ms, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(ms * float64(time.Millisecond))
}

func readTraced(t *testing.T, line string) topologies.Traced {
	t.Helper()
	facts, text, _ := strings.Cut(line, "|")
	f := strings.Fields(facts)
	e := topologies.Traced{At: traceMS(t, f[0]), Replica: traceReplica(f[1]), What: topologies.TracedKind(f[2]), Text: strings.TrimSpace(text)}
	for _, fact := range f[3:] {
		name, value, _ := strings.Cut(fact, "=")
		n, _ := strconv.ParseUint(value, 10, 64)
		switch name {
		case "request":
			e.Request = n
		case "requests":
			e.Requests = []uint64{n}
		case "key":
			e.Key = value
		case "batch":
			e.Batch = n
		case "position":
			e.Position = n
		case "size":
			e.Size = int(n)
		case "count":
			e.Count = int(n)
		case "article":
			id, err := board.ParseArticleID(value)
			if err != nil {
				t.Fatal(err)
			}
			e.Articles = []board.ArticleID{id}
		case "body":
			e.Body, e.Size = []byte(value), len(value)
		case "peer":
			e.Peer, e.Kind, e.Epoch = traceReplica(value), "message", 1
		default:
			t.Fatalf("what is %q in %q?", fact, line)
		}
	}
	return e
}

func traceReplica(name string) board.ReplicaID {
	n, _ := strconv.ParseUint(strings.TrimPrefix(name, "r"), 10, 16)
	return board.ReplicaID(n)
}

// What machines get has everything that the drawing has.
func TestTraceJSON(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/trace/post-at-a-follower.txtar")
	if err != nil {
		t.Fatal(err)
	}
	result := findWay(readTrace(t, archive), 0).result(false)
	result.Answer = json.RawMessage(`{"id":"17"}`)
	text, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Answer  struct{ ID string }
		Request struct {
			Verb, Replica string
			Tried         []string
			AskedMS       float64 `json:"asked_ms"`
			AnsweredMS    float64 `json:"answered_ms"`
		}
		Events []struct {
			Replica, What string
			OnWay         bool `json:"on_way"`
		}
		Hops []struct {
			From, To string
			OnWay    bool `json:"on_way"`
		}
		Missing []struct{ Replica string }
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	var way []string
	for _, h := range got.Hops {
		if h.OnWay {
			way = append(way, h.From+">"+h.To)
		}
	}
	want := []string{"r2>r1", "r1>r3", "r3>r1", "r1>r2"}
	if diff := cmp.Diff(want, way); diff != "" {
		t.Errorf("the hops on the way (-want, +got):\n%s", diff)
	}
	if got.Answer.ID != "17" || got.Request.Verb != "post" || got.Request.Replica != "r2" || got.Request.AskedMS != 0.1 || got.Request.AnsweredMS != 1.1 {
		t.Errorf("got %+v and %+v", got.Answer, got.Request)
	}
	if len(got.Events) == 0 || got.Missing == nil {
		t.Errorf("%d events, missing %v", len(got.Events), got.Missing)
	}
}

// Flags that stand before the verb go behind it; what is no trace stays as it is.
func TestVerbFirst(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{"trace --at r2 read", "trace read --at r2"},
		{"--json trace --at r2 --routine post hello", "--json trace post --at r2 --routine hello"},
		{"--cluster trace trace --linger 5ms read --all", "--cluster trace trace read --linger 5ms --all"},
		{"trace --at=read read", "trace read --at=read"},
		{"trace --at read", "trace --at read"}, // read is the replica: the parser says that the verb is missing
		{"trace read --at r2", "trace read --at r2"},
		{"trace --help", "trace --help"},
		{"post trace", "post trace"},
		{"read --at r2", "read --at r2"},
		{"", ""},
	} {
		if got := strings.Join(verbFirst(strings.Fields(test.line)), " "); got != test.want {
			t.Errorf("%q became %q, want %q", test.line, got, test.want)
		}
	}
}

// Wide clusters and narrow terminals share one column; no line is longer than
// the terminal.
func TestTraceTableFits(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/trace/post-at-a-follower.txtar")
	if err != nil {
		t.Fatal(err)
	}
	r := readTrace(t, archive)
	for i := range 20 {
		r.status.Replicas = append(r.status.Replicas, supervisor.ReplicaStatus{Name: fmt.Sprintf("r%d", i+4)})
	}
	var b bytes.Buffer
	findWay(r, 0).drawTable(&b, 80, false)
	table := strings.Split(b.String(), "\n")
	if !strings.Contains(table[1], "where") {
		t.Errorf("23 replicas have columns of their own: %s", table[1])
	}
	for _, line := range table[1:] { // the legend may break
		if len([]rune(line)) > 80 {
			t.Errorf("longer than 80: %s", line)
		}
	}
}
