package cli

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
	"rsc.io/script"

	"consequor/supervisor"
)

// played runs all tasks of a command with a performer that fails those named.
func played(t *testing.T, c *runCmd, fail func(task) bool) (begun []task) {
	t.Helper()
	var mu sync.Mutex
	perform := func(_ context.Context, t task) *runResult {
		mu.Lock()
		defer mu.Unlock()
		begun = append(begun, t)
		return &runResult{Script: t.script, Repetition: t.repetition, Passed: !fail(t)}
	}
	told := 0
	if err := c.all(t.Context(), perform, func(*runResult) error { told++; return nil }); err != nil {
		t.Fatal(err)
	}
	if told != len(begun) {
		t.Errorf("%d were begun, %d were told of", len(begun), told)
	}
	return begun
}

// Of repetitions the first failure is the last one, unless they are to go on;
// without repetitions every script is played.
func TestWhichArePlayed(t *testing.T) {
	second := func(k task) bool { return k.repetition == 2 && k.script == "a" }
	for _, c := range []struct {
		run  runCmd
		fail func(task) bool
		want int
	}{
		{runCmd{Scripts: []string{"a", "b"}, Repeat: 3, Jobs: 1}, second, 3},
		{runCmd{Scripts: []string{"a", "b"}, Repeat: 3, Jobs: 1, KeepGoing: true}, second, 6},
		{runCmd{Scripts: []string{"a", "b", "c"}, Repeat: 1, Jobs: 1}, func(task) bool { return true }, 3},
		{runCmd{Scripts: []string{"a", "b", "c"}, Repeat: 5, Jobs: 4}, func(task) bool { return false }, 15},
	} {
		if got := played(t, &c.run, c.fail); len(got) != c.want {
			t.Errorf("%+v: played %v, want %d", c.run, got, c.want)
		}
	}
}

// A result that cannot be told ends it, and so does an interruption.
func TestPlayingEnds(t *testing.T) {
	c := runCmd{Scripts: []string{"a"}, Repeat: 10, Jobs: 1}
	ctx, cancel := context.WithCancel(t.Context())
	begun := 0
	perform := func(context.Context, task) *runResult { begun++; return &runResult{Passed: true} }
	err := c.all(ctx, perform, func(*runResult) error { return io.ErrClosedPipe })
	if !errors.Is(err, io.ErrClosedPipe) || begun != 1 {
		t.Errorf("%d begun, %v", begun, err)
	}
	cancel()
	if err := c.all(ctx, perform, nil); err != nil || begun != 1 {
		t.Errorf("%d begun after the end, %v", begun, err)
	}
}

// What other programs read is XML whatever scripts print, and counts right.
func TestJUnit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.xml")
	j, err := openJUnit(path)
	if err != nil {
		t.Fatal(err)
	}
	j.started = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	j.results = []*runResult{
		{Script: "dir/good.txtar", Passed: true, Seconds: 1.25},
		{Script: "dir/poor.txt", Passed: true, Skipped: "no <node>", Repetition: 7, Repeated: true},
		{Script: "bad.txt", Message: "bad.txt:1: \x1b[31m & \xff", Failure: &scriptFailure{At: "bad.txt:1", Command: "read", Want: "]]>", Got: "\x00\x1b"}},
	}
	if err := j.write(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var read junitSuites
	if err := xml.Unmarshal(text, &read); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	suite := read.Suites[0]
	if suite.Tests != 3 || suite.Failures != 1 || suite.Skipped != 1 || suite.Timestamp != "2026-01-02T03:04:05" {
		t.Errorf("%+v", suite)
	}
	good, poor, bad := suite.Cases[0], suite.Cases[1], suite.Cases[2]
	if good.Name != "dir/good.txtar" || good.Class != "good" || good.Time != "1.250" || good.Failure != nil || good.Skipped != nil {
		t.Errorf("%+v", good)
	}
	if poor.Name != "dir/poor.txt #7" || poor.Skipped.Message != "no <node>" {
		t.Errorf("%+v", poor)
	}
	if !strings.HasPrefix(bad.Failure.Message, "bad.txt:1: ") || !strings.Contains(bad.Failure.Text, "want  ]]>") {
		t.Errorf("%+v", bad.Failure)
	}
	if left, _ := filepath.Glob(path + ".*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Expectations are written into sections, and only into those; what a section
// cannot hold is refused, and the file stays as it was.
func TestUpdate(t *testing.T) {
	work, file := t.TempDir(), filepath.Join(t.TempDir(), "s.txtar")
	const before = "# A script.\ncmp stdout want\n-- want --\nold\n-- deeper/other --\nstays\n"
	if err := os.WriteFile(file, []byte(before), 0o640); err != nil {
		t.Fatal(err)
	}
	p := &play{path: "s.txtar", archive: txtar.Parse([]byte(before)), work: work}
	for _, torn := range []string{"no end of line", "fine\n-- a section --\nnot fine\n"} {
		if err := p.expect(filepath.Join(work, "want"), torn); err == nil {
			t.Errorf("%q became a section", torn)
		}
	}
	if err := p.expect(filepath.Join(work, "nowhere"), "x\n"); err == nil || !strings.Contains(err.Error(), "is no section of s.txtar") {
		t.Errorf("got %v", err)
	}
	if err := p.save(file); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(file); string(text) != before {
		t.Errorf("nothing was updated, but the file is now\n%s", text)
	}
	if err := p.expect(filepath.Join(work, "want"), "new\n"); err != nil {
		t.Fatal(err)
	}
	if err := p.save(file); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(file)
	if want := strings.Replace(before, "old", "new", 1); string(text) != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v (%v)", info.Mode(), err)
	}
}

// The innermost line is to blame, and is shown as it is written; nothing that
// it printed commands a terminal.
func TestFailureTold(t *testing.T) {
	p := &play{path: "f.txtar", archive: txtar.Parse([]byte("up\nsessions writer\n-- writer --\n# comment\n  equal $A $B\n"))}
	inner := &script.CommandError{File: "f.txtar/writer", Line: 2, Op: "equal", Args: []string{"a", "b"}, Err: &mismatch{want: "a", got: "b\x1b[31m"}}
	outer := &script.CommandError{File: "f.txtar", Line: 2, Op: "sessions", Args: []string{"writer"}, Err: inner}
	f := failureOf(errors.Join(outer, errors.New("something else")), p)
	if f.sentence() != "f.txtar/writer:2: equal $A $B: want a, got b\x1b[31m" {
		t.Errorf("%q", f.sentence())
	}
	f.Clusters = []clusterState{{&supervisor.ClusterStatus{Cluster: "three"}, []supervisor.Event{{Text: "r1 is \x1b[31mred"}}}}
	var told bytes.Buffer
	f.print(indented(&told, "  "))
	for _, line := range []string{"  f.txtar/writer:2: equal $A $B\n", "    want  a\n", `    got   b\u{1b}[31m` + "\n", "    played by f.txtar:2: sessions writer\n", "  cluster three,", `r1 is \u{1b}[31mred`} {
		if !strings.Contains(told.String(), line) {
			t.Errorf("no %q in\n%s", line, told.String())
		}
	}
	if strings.Contains(told.String(), "\x1b") {
		t.Errorf("an escape: %q", told.String())
	}
	for _, c := range []struct {
		err      error
		at, what string
	}{
		{errors.New("f.txtar:1: unterminated quoted argument"), "f.txtar:1", "unterminated quoted argument"},
		{errors.New("f.txtar/writer:2: duplicated"), "f.txtar/writer:2", "duplicated"},
		{errors.New("tidy up after the script: no"), "f.txtar", "tidy up after the script: no"},
		{&script.CommandError{File: "f.txtar", Line: 1, Op: "up", Err: &badExit{3, "refused: so\n"}}, "f.txtar:1", "exit status 3\nrefused: so"},
		{&script.CommandError{File: "f.txtar", Line: 1, Op: "wait", Err: script.ErrUsage}, "f.txtar:1", "a line that does not fit\nhint: help wait"},
		{&script.CommandError{File: "f.txtar", Line: 1, Op: "up", Err: script.ErrUnexpectedSuccess}, "f.txtar:1", "exit status 0"},
	} {
		if f := failureOf(c.err, p); f.At != c.at || f.Got != c.what {
			t.Errorf("%v: at %q, got %q", c.err, f.At, f.Got)
		}
	}
}
