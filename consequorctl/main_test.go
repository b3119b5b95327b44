package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The test binary is consequorctl whenever its first argument is not one that
// go test gives: scripts run this way, and the supervisors, replicas and
// plugins that they start. What is no command ends with exit code 2.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-test.") {
		os.Exit(run(os.Args[1:]))
	}
	os.Exit(m.Run())
}

const (
	clustersMax = 2               // at a time: each is seven processes
	scriptLimit = 3 * time.Minute // for one script, the wait for its turn aside
)

// Each script in testdata/script runs against real processes, in a process of
// its own, with the folder of this module's sources as $SOURCE. To run one:
// go test ./consequorctl -run 'TestScripts/readme'
func TestScripts(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	source, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	scripts, err := filepath.Glob("testdata/script/*.txt")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts (%v)", err)
	}
	turns := make(chan struct{}, clustersMax)
	for _, script := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(script), ".txt"), func(t *testing.T) {
			t.Parallel()
			turns <- struct{}{}
			defer func() { <-turns }()
			ctx, cancel := context.WithTimeout(t.Context(), scriptLimit)
			defer cancel()
			command := exec.CommandContext(ctx, self, "run", script)
			command.Env = append(os.Environ(), "SOURCE="+source)
			out, err := command.CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			if _, why, skipped := strings.Cut(string(out), "skipped: "); skipped && err == nil {
				t.Skip(why)
			}
		})
	}
}

// A process that is started in a role that does not exist must say so, and
// above all not run the tests again.
func TestUnknownRole(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"no-such-role"}, {"mode-plugin"}, {"mode-plugin", "no-such-mode"}, {"replicad", "--no-such-flag"}} {
		var stderr bytes.Buffer
		command := exec.Command(self, args...)
		command.Stderr = &stderr
		if err := command.Run(); command.ProcessState.ExitCode() != 2 {
			t.Errorf("%q: got %v, want exit code 2", args, err)
		}
		if stderr.Len() == 0 {
			t.Errorf("%q: said nothing", args)
		}
	}
}

// A result that nobody gets is no success, and whoever stops reading leaves
// nothing lying about.
func TestResultThatIsNotRead(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	start := func(stdout *os.File, args ...string) (stderr string, code int) {
		var errs bytes.Buffer
		command := exec.Command(self, args...)
		command.Stdout, command.Stderr = stdout, &errs
		command.Run() // the code says how it ended
		return errs.String(), command.ProcessState.ExitCode()
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	read.Close()
	defer write.Close()
	for _, args := range [][]string{
		{"version"}, {"sim", "faults"}, {"sim", "faults", "--json"},
		{"sim", "--seed", "3", "--replicas", "1", "--faults", "none", "--length", "10", "--trace"},
	} {
		if stderr, code := start(write, args...); code != 1 || !strings.Contains(stderr, "broken pipe") {
			t.Errorf("%q, nobody reads: code %d, %s", args, code, stderr)
		}
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			continue // there is none here
		}
		if stderr, code := start(full, args...); code != 1 || !strings.Contains(stderr, "no space left on device") {
			t.Errorf("%q, the disk is full: code %d, %s", args, code, stderr)
		}
		full.Close()
	}
}

// The README's sessions are those that testdata/script/readme.txt and
// readme-modes.txt run: the same commands in the same order.
func TestReadmeSession(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var script []byte
	for _, name := range []string{"readme", "readme-modes"} {
		text, err := os.ReadFile("testdata/script/" + name + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		script = append(script, text...)
	}
	var told, done []string
	shell := false
	for line := range strings.Lines(string(readme)) {
		if strings.HasPrefix(line, "```") {
			shell = strings.TrimSpace(line) == "```sh"
		}
		if command, ok := strings.CutPrefix(strings.TrimSpace(line), "consequorctl "); ok && shell {
			command, _, _ = strings.Cut(command, " #") // what it is for
			told = append(told, strings.TrimSpace(command))
		}
	}
	told = slices.DeleteFunc(told, func(command string) bool { return strings.HasPrefix(command, "up ") }) // in the foreground, some of them
	asserts := map[string]bool{"stdout": true, "stderr": true, "eventually": true, "up": true, "#": true}
	for line := range strings.Lines(string(script)) {
		line = strings.TrimSpace(line)
		if word, _, _ := strings.Cut(line, " "); line != "" && !asserts[word] {
			done = append(done, line)
		}
	}
	if got, want := fmt.Sprintf("%q", told), fmt.Sprintf("%q", done); got != want {
		t.Errorf("the README says\n%s\nthe script does\n%s", got, want)
	}
}

// The script in the README is one of those that run.
func TestReadmeScript(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("testdata/script/readme-script.txt")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(readme, append([]byte("```\n"), append(script, "```\n"...)...)) {
		t.Errorf("the README does not have this script:\n%s", script)
	}
}
