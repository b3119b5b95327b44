package cli

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"consequor/replicad/api"
	"consequor/supervisor"
)

// narrated plays a story that needs no cluster, and gives what it printed.
func narrated(t *testing.T, output Output, play func(*story)) (stdout string, err error) {
	t.Helper()
	var out strings.Builder
	console := &Console{World: World{Stdout: &out, Stderr: io.Discard}, Output: &output}
	r := &demoResult{Demo: "test"}
	last := func(w io.Writer) { _, _ = io.WriteString(w, "the last line\n") }
	err = tell(t.Context(), console, "runs", r, r, last, func(_ context.Context, s *story) error {
		play(s)
		return nil
	})
	return out.String(), err
}

// A claim that is true is told; one that is not is told as what happened
// instead, and the demo has failed.
func TestClaims(t *testing.T) {
	out, err := narrated(t, Output{}, func(s *story) { s.claim(true, "It held.", "it broke") })
	if err != nil || out != "It held.\n\nthe last line\n" {
		t.Errorf("a true claim: %q, %v", out, err)
	}
	out, err = narrated(t, Output{}, func(s *story) { s.claim(false, "It held.", "it broke") })
	var f *Failure
	if !errors.As(err, &f) || f.Code != ExitFailed || !strings.Contains(f.Message, "it broke") {
		t.Errorf("a false claim: %v", err)
	}
	if strings.Contains(out, "It held.") || !strings.Contains(out, "NOT AS TOLD: it broke") {
		t.Errorf("a false claim: %q", out)
	}
}

// -q is the last line alone, --json one object, both without the story.
func TestStoryUntold(t *testing.T) {
	play := func(s *story) {
		s.say("Once upon a time")
		s.show([]string{"post", "it's"})
		s.claim(false, "", "it broke")
	}
	if out, _ := narrated(t, Output{Quiet: true}, play); out != "the last line\n" {
		t.Errorf("-q: %q", out)
	}
	out, _ := narrated(t, Output{JSON: true}, play)
	var r demoResult
	if err := json.Unmarshal([]byte(out), &r); err != nil || r.Happened || len(r.Instead) != 1 || len(r.Commands) != 1 {
		t.Errorf("--json: %q, %v", out, err)
	}
}

func TestWrap(t *testing.T) {
	for _, test := range []struct {
		text  string
		width int
		want  string
	}{
		{"one two three", 7, "one two|three"},
		{"one two three", 8, "one two|three"},
		{"one", 2, "one"},
		{"", 10, ""},
		{"éé éé éé", 5, "éé éé|éé"},
		{"one verylongword two", 6, "one|verylongword|two"},
	} {
		if got := strings.Join(wrap(test.text, test.width), "|"); got != test.want {
			t.Errorf("%q at %d: %q, want %q", test.text, test.width, got, test.want)
		}
	}
}

// What is printed can be typed: a shell takes it for the same words.
func TestShellWord(t *testing.T) {
	for word, want := range map[string]string{"r1": "r1", "--at": "--at", "": "''", "two words": "'two words'", "$HOME": "'$HOME'", "*": "'*'", "it's": `'it'\''s'`} {
		if got := shellWord(word); got != want {
			t.Errorf("%q: %s, want %s", word, got, want)
		}
	}
}

func TestOffice(t *testing.T) {
	for _, test := range []struct {
		kind    supervisor.EventKind
		text    string
		replica string
		term    uint64
	}{
		{supervisor.EventCoordinator, "r2 is coordinator, term 3", "r2", 3},
		{supervisor.EventCoordinator, "no coordinator is known", "", 0},
		{supervisor.EventKilled, "r2 is coordinator, term 3", "", 0},
	} {
		if replica, term := office(supervisor.Event{Kind: test.kind, Text: test.text}); replica != test.replica || term != test.term {
			t.Errorf("%s %q: %q, term %d", test.kind, test.text, replica, term)
		}
	}
}

// Only what a log says of that peer counts, and only what comes after.
func TestPeerLost(t *testing.T) {
	const log = `time=2026-11-22T16:55:17.524Z level=INFO msg="peer is down" peer=r1 why="closed by the peer"
time=2026-11-22T16:55:18.256Z level=INFO msg="peer is up" peer=r1 addr=127.0.0.1:1
a line of the plugin's
time=2026-11-22T16:55:18.523Z level=INFO msg="peer is down" peer=r10 why="closed by the peer"
time=2026-11-22T16:55:18.524Z level=INFO msg="peer is down" peer=r1 why="closed by the peer"
`
	from := time.Date(2026, 11, 22, 16, 55, 18, 524_700_000, time.UTC) // within that millisecond
	at, ok := peerLostIn(log, "r1", from)
	if want := from.Truncate(time.Millisecond); !ok || !at.Equal(want) {
		t.Errorf("got %v %t, want %v", at, ok, want)
	}
	if at, ok := peerLostIn(log, "r1", from.Add(time.Millisecond)); ok {
		t.Errorf("it says so of a later time: %v", at)
	}
}

// Five posts around a death at 100 ms; the last of them was sent before it.
func TestSteady(t *testing.T) {
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	l := &steady{posts: []postEnd{
		{sent: at(10), at: at(20), id: "1"},
		{sent: at(80), at: at(95), id: "2"},
		{sent: at(81), at: at(97), outcome: api.Unknown},
		{sent: at(90), at: at(130), id: "3"},
		{sent: at(125), at: at(160), id: "4"},
		{sent: at(99), at: at(170), id: "5"},
	}}
	if last, ok := l.lastBefore(at(100)); !ok || last.id != "2" {
		t.Errorf("the last before: %+v", last)
	}
	if _, ok := l.lastBefore(at(19)); ok {
		t.Error("there is one before the first")
	}
	if got := l.silence(at(95), at(160)); got != 35*time.Millisecond {
		t.Errorf("silence of %v", got)
	}
	if got := l.silence(at(170), at(300)); got != 130*time.Millisecond {
		t.Errorf("silence to the end of %v", got)
	}
}

// What each split brain story must not pass for.
func TestSplitBrainJudged(t *testing.T) {
	acks := func(a, b string) []splitAck { return []splitAck{{"Yours", "r3", a}, {"Mine", "r1", b}} }
	same := map[string]string{"r1": "8 Yours", "r2": "8 Yours", "r3": "8 Yours"}
	unlike := map[string]string{"r1": "8 Mine", "r3": "8 Yours"}
	for _, test := range []struct {
		name          string
		side          splitSide
		broken, whole bool // so it is judged
	}{
		{"one id, two boards", splitSide{Acks: acks("8", "8"), Boards: unlike}, true, false},
		{"one id, one halted", splitSide{Acks: acks("8", "8"), Boards: map[string]string{"r1": "8 Mine"}, Halted: map[string]string{"r2": "halted"}}, true, false},
		{"one id, equal boards", splitSide{Acks: acks("8", "8"), Boards: same}, false, false},
		{"two ids", splitSide{Acks: acks("8", "9"), Boards: same}, false, true},
		{"two ids, unlike boards", splitSide{Acks: acks("8", "9"), Boards: unlike}, false, false},
		{"one was not acknowledged", splitSide{Acks: acks("8", "9")[:1], Boards: same}, false, false},
	} {
		if _, err := narrated(t, Output{Quiet: true}, test.side.judgeBroken); (err == nil) != test.broken {
			t.Errorf("%s, judged as the broken one: %v", test.name, err)
		}
		if _, err := narrated(t, Output{Quiet: true}, test.side.judgeWhole); (err == nil) != test.whole {
			t.Errorf("%s, judged as ours: %v", test.name, err)
		}
	}
}

// Of two that die at once one may have been elected in between, and be told of
// after its death: it is not who took over.
func TestElectedAfterTwoDeaths(t *testing.T) {
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	told := func(ms int, text string) supervisor.Event {
		return supervisor.Event{Kind: supervisor.EventCoordinator, Time: at(ms), Text: text}
	}
	c := &chronicle{changed: make(chan struct{}), events: []supervisor.Event{
		told(5, "r1 is coordinator, term 1"), told(20, "r3 is coordinator, term 2"),
		told(30, "r2 is coordinator, term 3"), told(40, "r4 is coordinator, term 4"),
	}}
	replica, term, when, err := c.elected(t.Context(), at(10), []string{"r2", "r1"})
	if err != nil || replica != "r4" || term != 4 || !when.Equal(at(40)) {
		t.Errorf("elected: %s, term %d at %v, %v", replica, term, when, err)
	}
}

// A post counts as orphaned if it was under way when its home died, or that of
// a client who had moved on to the next to die.
func TestOrphaned(t *testing.T) {
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	deaths := []deathResult{{Replicas: []string{"r1"}, dead: at(100)}, {Replicas: []string{"r2"}, dead: at(200)}}
	for _, test := range []struct {
		home     string
		sent, at int
		want     bool
	}{
		{"r1", 99, 1099, true}, {"r1", 90, 99, false}, {"r3", 99, 101, false}, {"r2", 99, 101, false},
		{"r2", 199, 1199, true}, {"r1", 199, 1199, true}, {"r1", 101, 103, false},
	} {
		if got := orphaned(postEnd{home: test.home, sent: at(test.sent), at: at(test.at)}, deaths); got != test.want {
			t.Errorf("at %s from %d to %d: %t", test.home, test.sent, test.at, got)
		}
	}
}
