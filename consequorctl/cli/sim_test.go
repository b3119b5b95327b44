package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"consequor/sim"
)

// What cannot be tried is told with the flag that is to blame.
func TestSimUsage(t *testing.T) {
	for _, test := range []struct{ args, says string }{
		{"sim --mode sequentail", "--mode sequentail: there is no such mode\nhint: built in are quorum, read-your-write, sequential; for one of your own: --plugin PATH"},
		{"sim --faults loss,flood", `--faults: there is no fault "flood"`},
		{"sim --mode quorum --replicas 3 --option read=9", "--option read=9: "},
		{"sim --mode quorum --replicas 3 --option read=1", "mode quorum, --replicas 3: read 1 + write 2 must be more than 3 replicas"},
		{"sim --mode quorum --option reed=1", "--option reed=1: "},
		{"sim --option read", "--option read: want NAME=VALUE"},
		{"sim --option a=1 --option a=2", "--option a is given twice"},
		{"sim --replicas 0", "--replicas 0: want 1 to 1000"},
		{"sim --seeds 0", "--seeds 0: want 1 to"},
		{"sim --length=-1", "--length -1: want 1 to"},
		{"sim --shrink-runs=-1", "--shrink-runs -1: want 0 to"},
		{"sim --promise everything", "--promise everything: want sequential, quorum, read-your-write or durable"},
		{"sim --mutant M42", `--mutant: there is no mutant "M42"`},
		{"sim --only 3", "--only and --trace are for one run: name its --seed"},
		{"sim --seed 1 --only=", "--only: "},
		{"sim --faults=", "--faults: want names"},
		{"sim --from 18446744073709551615 --seeds 2", "the last seed there is is 18446744073709551615"},
		{"sim --seed 3 --seeds 5", "--seeds and --seed can't be used together"},
		{"sim --from 7 --seed 3", "--from and --seed can't be used together"},
		{"sim --seed 1 --only abc", `--only: "abc" is no number`},
		{"sim --seed 1 --only 5-2", "--only: 5-2: want the lower number first"},
		{"sim --trace", "--only and --trace are for one run: name its --seed"},
		{"sim --seed 1 --only 3-1", "--only: "},
		{"sim --seed 1 --only 999999", "--only: there is no action 999999, the plan of seed 1 has "},
		{"sim --plugin no-such-file", "--plugin no-such-file: "},
		{"sim --plugin a --mode quorum", "--mode"},
		{"sim mutants M0", `there is no mutant "M0"`},
		{"sim mutants --starts 0", "--starts 0: want 1 to"},
		{"sim soak", "--state"},
		{"sim soak --state s --for=-1s", "--for -1s: want more than 0"},
		{"sim soak --state s other", "other: more than one state is for --table"},
		{"sim nonsense", "nonsense"},
	} {
		stdout, stderr, code := command(t, strings.Fields(test.args)...)
		if code != ExitUsage || stdout != "" || !strings.Contains(stderr, test.says) {
			t.Errorf("%s: code %d, %q%q, want %q", test.args, code, stdout, stderr, test.says)
		}
	}
}

// The command that repeats a run means what was run, for the parser and for a
// shell.
func TestSimCommandRepeats(t *testing.T) {
	for _, args := range []string{
		"",
		"--mode quorum --option write=3 --option read=2 --replicas 4 --faults all,-rot --promise durable --length 7 --mutant m16",
		"--faults none --replicas 1",
	} {
		var g grammar
		parse := func(args []string) simSetting {
			g = grammar{}
			if _, err := kong.Must(&g, groups).Parse(args); err != nil {
				t.Fatalf("%q: %v", args, err)
			}
			return g.Sim.Run.simSetting
		}
		config, err := parse(append([]string{"sim"}, strings.Fields(args)...)).config()
		if err != nil {
			t.Fatal(err)
		}
		one := &simulation{config: config}
		line := one.command(17, []int{3, 7, 8, 9})
		again, err := parse(strings.Fields(line)[1:]).config()
		if err != nil || fmt.Sprint(again) != fmt.Sprint(config) || *g.Sim.Run.Seed != 17 || *g.Sim.Run.Only != "3,7-9" {
			t.Errorf("%s: %+v (%v), want %+v", line, again, err, config)
		}
	}
	for word, want := range map[string]string{"a-b=1": "a-b=1", "": "''", "two words": "'two words'", "it's": `'it'\''s'`, "$HOME": "'$HOME'", "*": "'*'"} {
		if got := quoted(word); got != want {
			t.Errorf("%q: got %s, want %s", word, got, want)
		}
	}
}

// A mode that holds: exit code 0, and what was tried, for people and programs.
func TestSimHolds(t *testing.T) {
	stdout, stderr, code := command(t, "sim", "--seeds", "3", "--replicas", "3", "--faults", "none", "--length", "20")
	if code != ExitOK || !strings.Contains(stdout, "sequential, 3 replicas, faults none: 3 of 3 seeds run, all hold\n") || !strings.Contains(stderr, "seeds 1 to 3") {
		t.Errorf("code %d\n%s%s", code, stdout, stderr)
	}
	stdout, _, code = command(t, "sim", "--json", "--seeds", "3", "--replicas", "3", "--faults", "none", "--length", "20")
	var told simResult
	if err := json.Unmarshal([]byte(stdout), &told); err != nil || code != ExitOK {
		t.Fatalf("code %d (%v)\n%s", code, err, stdout)
	}
	if !told.Holds || told.Totals.Runs != 3 || told.Totals.Again != 1 || told.Totals.Coverage.Posts == 0 || told.Rates.EventsPerRun == 0 || len(told.Failures) != 0 {
		t.Errorf("%+v", told)
	}
}

// A rule is left out: the failure is found, told, shrunk, and written down; the
// command that is printed repeats it, each time.
func TestSimFindsAMutant(t *testing.T) {
	dir := t.TempDir()
	page := filepath.Join(dir, "page.html")
	args := strings.Fields("sim --mode quorum --option read=2 --option write=2 --replicas 3 --faults all,-rot,-wipe,-swap,-supervisor --mutant M18 --seeds 100 --shrink-runs 200")
	stdout, stderr, code := command(t, append(args, "--report", page)...)
	if code != ExitFailed || !strings.Contains(stderr, "seeds failed, the first is ") {
		t.Fatalf("code %d\n%s%s", code, stdout, stderr)
	}
	for _, part := range []string{" fails: ", "\nthe operations that prove it:\n", "\nwhat it takes: ", "\nagain:    consequorctl sim --mode quorum ", "\nreport:   " + page} {
		if !strings.Contains(stdout, part) {
			t.Errorf("no %q in\n%s", part, stdout)
		}
	}
	if info, err := os.Stat(page); err != nil || info.Size() == 0 {
		t.Errorf("the page: %v", err)
	}
	for range 2 {
		repeated, _, code := command(t, againOf(t, stdout)...)
		if code != ExitFailed || sentenceOf(repeated) != sentenceOf(stdout) {
			t.Errorf("again: code %d\n%s\nwant\n%s", code, repeated, stdout)
		}
	}
	traced, _, code := command(t, append(againOf(t, stdout), "--trace")...)
	if code != ExitFailed || !strings.Contains(traced, "violation") && !strings.Contains(traced, sentenceOf(stdout)) {
		t.Errorf("trace: code %d\n%s", code, traced)
	}
}

// againOf is the command that a failure's story ends with.
func againOf(t *testing.T, story string) []string {
	t.Helper()
	_, rest, ok := strings.Cut(story, "again:    consequorctl ")
	if !ok {
		t.Fatalf("no command in\n%s", story)
	}
	line, _, _ := strings.Cut(rest, "\n")
	return strings.Fields(line)
}

// sentenceOf is the third line of a story.
func sentenceOf(story string) string {
	lines := strings.SplitN(story, "\n", 4)
	if len(lines) < 4 {
		return story
	}
	return strings.TrimSpace(lines[2])
}

// A soak goes on where it was, and refuses to mix settings.
func TestSimSoak(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state.json")
	args := []string{"sim", "soak", "--replicas", "1", "--faults", "none", "--length", "10", "--state", state, "--for", "1ns"}
	if stdout, stderr, code := command(t, args...); code != ExitOK || !strings.Contains(stdout, "the next one is 1\n") {
		t.Errorf("code %d\n%s%s", code, stdout, stderr)
	}
	args[len(args)-1] = "300ms"
	stdout, stderr, code := command(t, append(args, "--json")...)
	var told simSoakResult
	if err := json.Unmarshal([]byte(stdout), &told); err != nil || code != ExitOK || told.Next == 1 || told.Totals.Failed > 0 || told.Stretches[0].From != 1 {
		t.Fatalf("code %d (%v)\n%s%s", code, err, stdout, stderr)
	}
	if stdout, _, code := command(t, "sim", "soak", "--state", state, "--table", state); code != ExitOK || strings.Count(stdout, "\n| sequential | 1 | none |") != 2 {
		t.Errorf("code %d\n%s", code, stdout)
	}
	if _, stderr, code := command(t, append(args, "--mode", "quorum")...); code != ExitUsage || !strings.Contains(stderr, "it was made with mode sequential, not quorum\nhint: ") {
		t.Errorf("code %d\n%s", code, stderr)
	}
}

func TestSimFaults(t *testing.T) {
	stdout, _, code := command(t, "sim", "faults", "-q")
	names := strings.Fields(stdout)
	if code != ExitOK || !slices.Contains(names, "one-way") || len(names) < 20 {
		t.Errorf("code %d\n%s", code, stdout)
	}
	if set, err := sim.ParseFaults(strings.Join(names, ",")); err != nil || set != sim.All {
		t.Errorf("got %s (%v)", set, err)
	}
}

// On a terminal the line is written over, at most so often; elsewhere lines are
// rare.
func TestProgress(t *testing.T) {
	for _, test := range []struct {
		watched bool
		quiet   bool
		steps   int           // each this much after the last one
		apart   time.Duration // in real time, moved by hand
		lines   int
	}{
		{true, false, 10, progressEvery, 10},
		{true, false, 1000, 0, 0},
		{false, false, 10, progressEvery, 0},
		{false, false, 3, progressRare, 3},
		{true, true, 10, progressEvery, 0},
	} {
		var out bytes.Buffer
		console := &Console{World{Stderr: &out, Watched: test.watched}, &Output{Quiet: test.quiet}}
		p := console.progress("seeds", 1000)
		for range test.steps {
			p.told = p.told.Add(-test.apart)
			p.began = p.began.Add(-test.apart)
			p.step(true)
		}
		p.end()
		text := out.String()
		if got := strings.Count(text, "of 1000 seeds"); got != test.lines || test.watched && test.lines > 0 && !strings.HasSuffix(text, "\r\x1b[K") {
			t.Errorf("%+v: %d lines: %q", test, got, text)
		}
	}
	for watched, want := range map[bool]string{
		true:  "[###         ] 250 of 1000 seeds, 25.0/s, 30s left, 1 failed",
		false: "250 of 1000 seeds, 25.0/s, 30s left, 1 failed",
	} {
		p := &progress{console: &Console{World{Watched: watched}, &Output{}}, what: "seeds", total: 1000, done: 250, failed: 1, began: time.Unix(0, 0)}
		if got := p.line(time.Unix(10, 0)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// Hours of work are not lost to a file that cannot be written: what is known
// beforehand is told beforehand, and what comes at the end after the verdict.
func TestSimFilesThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	lost := filepath.Join(dir, "nowhere", "file")
	for _, args := range []string{
		"sim --seeds 1 --report " + lost, "sim --seeds 1 --history " + lost, "sim --seeds 1 --report " + dir,
		"sim soak --for 1ns --state " + lost, "sim mutants M18 --out " + lost,
	} {
		stdout, stderr, code := command(t, strings.Fields(args)...)
		if code != ExitUsage || stdout != "" || !strings.Contains(stderr, "folder") {
			t.Errorf("%s: code %d, %q%q", args, code, stdout, stderr)
		}
	}
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full to write to")
	}
	history := filepath.Join(dir, "history.jsonl")
	if _, stderr, code := command(t, "sim", "--seed", "2", "--replicas", "1", "--faults", "none", "--length", "10", "--history", history); code != ExitOK {
		t.Fatalf("code %d: %s", code, stderr)
	}
	broken := "sim --mode quorum --option read=2 --option write=2 --replicas 3 --faults all,-rot,-wipe,-swap,-supervisor --mutant M18 --shrink-runs 0 --seeds 100"
	for _, test := range []struct{ args, out, err string }{
		{broken + " --report /dev/full", " fails: ", "seeds failed, the first is "},
		{broken + " --history /dev/full", " fails: ", "seeds failed, the first is "},
		{"sim --seed 2 --replicas 1 --faults none --length 10 --report /dev/full", "seed 2 holds", "/dev/full"},
		{"check " + history + " --report /dev/full", "C0  ok", "/dev/full"},
		{"sim mutants M18 --starts 1 --seeds 20 --out /dev/full", "| M18 |", "write the table to /dev/full"},
	} {
		stdout, stderr, code := command(t, strings.Fields(test.args)...)
		if code != ExitFailed || !strings.Contains(stdout, test.out) || !strings.Contains(stderr, test.err) || !strings.Contains(stderr, "/dev/full") {
			t.Errorf("%s: code %d\n%s%s", test.args, code, stdout, stderr)
		}
	}
}

// Ctrl-C while a plugin starts is an interruption, not a fault of the plugin.
func TestSimInterruptedAtTheStart(t *testing.T) {
	hangs := filepath.Join(t.TempDir(), "hangs")
	if err := os.WriteFile(hangs, []byte("#!/bin/sh\nexec sleep 100\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	pool, err := openPool(ctx, &Console{World{}, &Output{}}, hangs, 1)
	if pool != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v (%v)", pool, err)
	}
}

// A story says whether it is the shortest one, and where its operations come
// from if no action is left.
func TestSimTellsWhatItTakes(t *testing.T) {
	for _, test := range []struct {
		f    simFailure
		want string
	}{
		{simFailure{Of: 9, Runs: 5, Minimal: true}, "0 of 9 actions (the posts, reads and syncs that end each run are enough; found in 5 runs)"},
		{simFailure{Of: 9, Runs: 5, Actions: []simAction{{Number: 1}}, Minimal: true}, "1 of 9 actions (none can be left out; found in 5 runs)"},
		{simFailure{Of: 9, Runs: 5, Actions: []simAction{{Number: 1}}}, "1 of 9 actions (perhaps fewer, the search was not ended; found in 5 runs)"},
	} {
		var out strings.Builder
		if test.f.print(&out); !strings.Contains(out.String(), "what it takes: "+test.want+"\n") {
			t.Errorf("no %q in\n%s", test.want, out.String())
		}
	}
}

// A mutant of another mode may change nothing: who hunts it is told where it is
// hunted.
func TestSimMutantElsewhere(t *testing.T) {
	for mode, want := range map[string]bool{"sequential": true, "quorum": false} {
		_, stderr, code := command(t, "sim", "--mode", mode, "--mutant", "M18", "--replicas", "1", "--faults", "none", "--seed", "1", "--length", "10")
		if noted := strings.Contains(stderr, "M18 is hunted in mode quorum; in sequential it may change nothing"); noted != want || code != ExitOK {
			t.Errorf("%s: code %d, %s", mode, code, stderr)
		}
	}
}

// An interruption tells what was not tried; and that the protocol itself broke is
// told above all.
func TestSimMutantsEnd(t *testing.T) {
	caught, escaped := &sim.Catch{Mutant: "M1", Median: 3}, &sim.Catch{Mutant: "M2"}
	broken := &sim.Catch{Mutant: "M3", Median: 3, Broke: "seed 9: C0, durability: it is lost"}
	for _, test := range []struct {
		catches  []*sim.Catch
		kind     string
		messages []string
	}{
		{[]*sim.Catch{caught}, "", nil},
		{[]*sim.Catch{caught, escaped}, "escaped", []string{"1 of 2 mutants were not caught"}},
		{[]*sim.Catch{caught, broken}, "violated", []string{"the protocol itself, unbroken, does not hold in the runs of 1 of 2 mutants; the first: M3, seed 9: C0, durability: it is lost"}},
		{[]*sim.Catch{broken, escaped}, "violated", []string{"the protocol itself", "\n1 of 2 mutants were not caught"}},
	} {
		f := describe((&simMutantsResult{Of: len(test.catches), Mutants: test.catches}).end())
		if f == nil {
			f = &Failure{}
		}
		for _, part := range test.messages {
			if !strings.Contains(f.Message, part) {
				t.Errorf("no %q in %q", part, f.Message)
			}
		}
		if f.Kind != test.kind || f.Kind == "" && f.Message != "" {
			t.Errorf("%+v, want kind %q", f, test.kind)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	console := &Console{World{Stdout: &out}, &Output{Quiet: true}}
	f := describe((&simMutantsCmd{Mutants: []string{"M1", "M2"}, Seeds: 5, Starts: 1}).Run(ctx, console))
	if f == nil || f.Kind != "interrupted" || f.Message != "interrupted: 2 of 2 mutants were not tried to the end" || !strings.Contains(out.String(), "2 of 2 mutants were not") {
		t.Errorf("%+v\n%s", f, out.String())
	}
}
