package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"consequor/replicad/api"
	"consequor/supervisor"
)

// command runs one command line in an empty world.
func command(t *testing.T, args ...string) (stdout, stderr string, code ExitCode) {
	t.Helper()
	var out, errs bytes.Buffer
	world := World{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Dir: t.TempDir(), Self: "/nonexistent"}
	code = Main(t.Context(), world, args)
	return out.String(), errs.String(), code
}

// Each way to end has its exit code, whatever package the error comes from.
func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		code ExitCode
		kind string
	}{
		{usagef("no"), ExitUsage, "usage"},
		{failedf("no"), ExitFailed, "failed"},
		{errors.New("no"), ExitFailed, "failed"},
		{t.Context().Err(), ExitOK, ""},
		{&api.Error{Outcome: api.Refused, Kind: "not_found"}, ExitRefused, "not_found"},
		{&api.Error{Outcome: api.Unknown, Kind: "deadline"}, ExitUnknown, "deadline"},
		{&supervisor.Error{Kind: supervisor.KindNotRunning}, ExitAbsent, "not_running"},
		{&supervisor.Error{Kind: supervisor.KindNoSuchCluster}, ExitAbsent, "no_such_cluster"},
		{&supervisor.Error{Kind: supervisor.KindAmbiguous}, ExitAbsent, "ambiguous"},
		{&supervisor.Error{Kind: supervisor.KindRunning}, ExitRefused, "running"},
		{&supervisor.Error{Kind: supervisor.KindBadTarget}, ExitUsage, "bad_target"},
		{&supervisor.Error{Kind: supervisor.KindNoCoordinator}, ExitRefused, "no_coordinator"},
		{&supervisor.Error{Kind: supervisor.KindNotReady}, ExitFailed, "not_ready"},
	} {
		var wrapped error
		if c.err != nil {
			wrapped = fmt.Errorf("while testing: %w", c.err)
		}
		got := describe(wrapped)
		if got == nil {
			got = &Failure{}
		}
		if got.Code != c.code || got.Kind != c.kind {
			t.Errorf("%v: got code %d kind %q, want %d %q", c.err, got.Code, got.Kind, c.code, c.kind)
		}
	}
}

// Command lines that cannot be carried out where no cluster is: their codes,
// and that --json puts the error on stdout for programs while a person still
// reads it on stderr.
func TestCommandLines(t *testing.T) {
	t.Setenv("CONSEQUOR_HOME", t.TempDir())
	t.Setenv("CONSEQUOR_CLUSTER", "")
	for _, c := range []struct {
		args string
		code ExitCode
		kind string
	}{
		{"", ExitUsage, "usage"},
		{"nonsense", ExitUsage, "usage"},
		{"post --no-such-flag", ExitUsage, "usage"},
		{"post x --timeout soon", ExitUsage, "usage"},
		{"post --session a --no-session x", ExitUsage, "usage"},
		{"read -n 0", ExitUsage, "usage"},
		{"read -n 1001", ExitUsage, "usage"},
		{"choose", ExitUsage, "usage"},
		{"choose seventeen", ExitUsage, "usage"},
		{"reply 0 x", ExitUsage, "usage"},
		{"bench --clients 0", ExitUsage, "usage"},
		{"bench --size 70000", ExitUsage, "usage"},
		{"bench failover --kills 0", ExitUsage, "usage"},
		{"validate no-such-file.yaml", ExitUsage, "topology"},
		{"up no-such-file.yaml", ExitUsage, "topology"},
		{"up -d three --mode no-such-mode", ExitUsage, "topology"},
		{"status", ExitAbsent, "not_running"},
		{"status --watch", ExitAbsent, "not_running"},
		{"read", ExitAbsent, "not_running"},
		{"post -- -x", ExitAbsent, "not_running"},
		{"post", ExitAbsent, "not_running"},
		{"kill coordinator", ExitAbsent, "not_running"},
		{"restart r1 --wait 1s", ExitAbsent, "not_running"},
		{"read --cluster nowhere", ExitAbsent, "no_such_cluster"},
		{"down --cluster nowhere", ExitAbsent, "no_such_cluster"},
		{"down --wipe --cluster nowhere", ExitAbsent, "no_such_cluster"},
		{"logs --cluster nowhere", ExitAbsent, "no_such_cluster"},
		{"run no-such-script.txt", ExitUsage, "usage"},
		{"post x --timeout 0s", ExitUsage, "usage"},
		{"read --timeout -1s", ExitUsage, "usage"},
		{"up three --replicas 0", ExitUsage, "usage"},
		{"up three --cluster Bad_", ExitUsage, "usage"},
		{"up three --web 192.0.2.1:8080", ExitUsage, "usage"},
		{"up three --web 8080", ExitUsage, "usage"},
		{"up three --web 127.0.0.1:1 --no-web", ExitUsage, "usage"},
		{"web --replicas nonsense", ExitUsage, "usage"},
		{"web --web 0.0.0.0:0 --replicas 127.0.0.1:1", ExitUsage, "usage"},
		{"up no-such-file.yaml --no-web", ExitUsage, "topology"},
		{"version", ExitOK, ""},
		{"validate three", ExitOK, ""},
		{"--help", ExitOK, ""},
		{"up --help", ExitOK, ""},
	} {
		t.Run(c.args, func(t *testing.T) {
			args := strings.Fields(c.args)
			_, stderr, code := command(t, args...)
			if code != c.code {
				t.Fatalf("exit code %d, want %d\n%s", code, c.code, stderr)
			}
			if code != ExitOK && !strings.HasPrefix(lastLines(stderr), "consequorctl: ") {
				t.Errorf("stderr: %q", stderr)
			}
			if code == ExitOK {
				return
			}
			stdout, _, code := command(t, append([]string{"--json"}, args...)...)
			var told struct{ Error Failure }
			if err := json.Unmarshal([]byte(lastLine(stdout)), &told); err != nil || code != c.code || told.Error.Kind != c.kind || told.Error.Message == "" {
				t.Errorf("--json: code %d, %q (%v), want kind %s", code, stdout, err, c.kind)
			}
		})
	}
}

// lastLines skips notes that come before the error.
func lastLines(text string) string {
	if at := strings.LastIndex(text, "consequorctl: "); at >= 0 {
		return text[at:]
	}
	return text
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// --json after -- is a word of an article, not a flag.
func TestAsksForJSON(t *testing.T) {
	for line, want := range map[string]bool{"post --json": true, "post -- --json": false, "post": false, "--json -- x": true} {
		if got := asksForJSON(strings.Fields(line)); got != want {
			t.Errorf("%q: got %t", line, got)
		}
	}
}

// The last line is for terminals alone; colour too.
func TestLastLine(t *testing.T) {
	for _, c := range []struct {
		terminal bool
		output   Output
		want     string
	}{
		{false, Output{}, ""},
		{true, Output{}, "\x1b[2mby r1\x1b[0m\n"},
		{true, Output{JSON: true}, ""},
		{true, Output{Quiet: true}, ""},
	} {
		var out bytes.Buffer
		console := &Console{World{Stdout: &out, Terminal: c.terminal}, &c.output}
		console.LastLine("by r1")
		if out.String() != c.want {
			t.Errorf("%+v: got %q, want %q", c, out.String(), c.want)
		}
	}
}

// A script's failure names the file and the line; a script that passes leaves
// neither its folder nor its environment.
func TestRunScript(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Setenv("CONSEQUOR_HOME", "/as/it/was")
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("good.txt", `# Words of our own.
exits 5 read
stderr 'no cluster is running'
! post 'nobody there'
exits 2 choose x
capture NAME name validate three
equal $NAME three
capture MODES modes.0 version
stdin hello.txt
exits 5 post -
fill big.txt 10
grep '^x{10}$' big.txt
eventually 1s 'no cluster' read
barren nothing
exists $CONSEQUOR_HOME
-- hello.txt --
hello
`)
	stdout, stderr, code := command(t, "run", good)
	if code != ExitOK {
		t.Errorf("good script: code %d\n%s%s", code, stdout, stderr)
	}
	if _, stderr, code = command(t, "run", write("help.txt", "help\nstdout eventually\n")); code != ExitOK || !strings.Contains(stderr, "eventually    give COMMAND again") {
		t.Errorf("help: code %d, %q", code, stderr)
	}
	for _, c := range []struct{ name, text, line, want, got string }{
		{"expect.txt", "version\n\nexits 3 version\n", "3: exits 3 version", "exit status 3", "exit status 0"},
		{"fails.txt", "# one\nread\n", "2: read", "exit status 0", "exit status 5"},
		{"succeeds.txt", "! version\n", "1: ! version", "a failure", "exit status 0"},
		{"never.txt", "eventually 50ms 'never' version\n", "1: eventually 50ms 'never' version", "output that matches `never` within 50ms", "at the last try: exit status 0"},
		{"word.txt", "sleep 1s\n", "1: sleep 1s", "a word that scripts know", `"sleep"`},
		{"field.txt", "capture X no.such version\n", "1: capture X no.such version", `a field "no"`, `{"version":`},
		{"pid.txt", "signal KILL 1\n", "1: signal KILL 1", "no error", `pid "1": want a number above 1`},
		{"usage.txt", "refused\n", "1: refused", "refused COMMAND...", "a line that does not fit"},
		{"told.txt", "version\nstdout '^nothing'\n", "2: stdout '^nothing'", "`^nothing` in stdout", "consequorctl "},
	} {
		stdout, stderr, code := command(t, "run", write(c.name, c.text))
		told := []string{c.name + ":" + c.line + "\n", "\n        want  " + c.want, "\n        got   " + c.got}
		for _, text := range told {
			if code != ExitFailed || !strings.Contains(stdout, text) {
				t.Errorf("%s: code %d, want 1 and %q in\n%s%s", c.name, code, text, stdout, stderr)
			}
		}
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
	if home := os.Getenv("CONSEQUOR_HOME"); home != "/as/it/was" {
		t.Errorf("CONSEQUOR_HOME is %q afterwards", home)
	}
}

// Every command of the command line is a word of scripts, but for run.
func TestScriptWords(t *testing.T) {
	engine := newEngine(&Console{Output: &Output{}})
	for name := range commandNames() {
		if engine.Cmds[name] == nil {
			t.Errorf("scripts do not know %s", name)
		}
	}
	if commandNames()["run"] != "" || len(commandNames()) < 15 {
		t.Errorf("commands: %v", commandNames())
	}
}
