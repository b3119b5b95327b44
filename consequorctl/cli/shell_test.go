package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"consequor/supervisor"
)

// fakeKeys is a terminal on which somebody types: each chunk is read by itself.
// It shows what is written, commands' output too.
type fakeKeys struct {
	mu     sync.Mutex
	typed  []string
	screen bytes.Buffer
	isRaw  bool
}

func (f *fakeKeys) Read(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.typed) == 0 {
		return 0, io.EOF
	}
	n := copy(b, f.typed[0])
	if f.typed[0] = f.typed[0][n:]; f.typed[0] == "" {
		f.typed = f.typed[1:]
	}
	return n, nil
}

func (f *fakeKeys) Write(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.screen.Write(b)
}

func (f *fakeKeys) raw() (func() error, error) {
	if f.isRaw {
		return nil, errors.New("it is raw already")
	}
	f.isRaw = true
	return func() error {
		f.isRaw = false
		return nil
	}, nil
}

func (f *fakeKeys) size() (int, int, error) { return 80, 24, nil }

func (f *fakeKeys) until(context.Context) func() { return func() {} }

// typeIn lets a person type into a shell and returns what the screen shows, and
// how the shell ended.
func typeIn(t *testing.T, interrupts func(func()) func(), typed ...string) (string, error) {
	t.Helper()
	keys := &fakeKeys{typed: typed}
	world := World{Stdin: keys, Stdout: keys, Stderr: keys, Dir: t.TempDir(), Terminal: true, Watched: true, Typed: true, Interrupts: interrupts}
	err := interact(t.Context(), &Console{World: world, Output: new(Output)}, keys)
	if keys.isRaw {
		t.Error("the terminal is left in raw mode")
	}
	return keys.screen.String(), err
}

// own gives a test a folder of clusters of its own: there are none.
func own(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	t.Setenv("CONSEQUOR_HOME", home)
	t.Setenv("CONSEQUOR_CLUSTER", "")
	return home
}

func wantShown(t *testing.T, screen string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		at := strings.Index(screen, want)
		if at < 0 {
			t.Errorf("%q is not shown, or not in its place; left of the screen:\n%q", want, screen)
			return
		}
		screen = screen[at+len(want):]
	}
}

// A session: words and commands, an error that does not end it, a variable, a
// line that is dropped, and the end.
func TestShellSession(t *testing.T) {
	own(t)
	screen, err := typeIn(t, nil,
		"echo hello\r", "nonsense\r", "capture V .version version\r", "echo is $V\r", "equal a b\r", "read\r",
		"echo dropped\x03", "echo kept\r", "post \"a b\" c\r", "exits\r", "\x04")
	wantShown(t, screen, "(none) > ", "hello\n", "there is no word \"nonsense\"", "hint: help lists the words", "V=", "is ", "equal: ",
		"no cluster is running", "^C", "kept\n", "hint: texts with spaces stand in single quotes", "want exits CODE COMMAND...", "for example: ", "exit\n")
	if f := describe(err); f == nil || f.Code != ExitUsage || !f.told {
		t.Errorf("ended with %+v, want the exit code of the last line", f)
	}
	if strings.Contains(screen, "dropped\n") {
		t.Error("a line that was dropped was carried out")
	}
}

// The exit code is that of the last line, or what exit says.
func TestShellExitCode(t *testing.T) {
	own(t)
	for lines, want := range map[string]ExitCode{
		"echo a\n": ExitOK, "read\n": ExitAbsent, "read\necho a": ExitOK, "read\n\n# nothing\n": ExitAbsent, "read --no-such-flag\n": ExitUsage,
		"exit 7\nread\n": 7, "read\nexit\necho a": ExitAbsent, "exit a\n": ExitUsage, "exits 5 read\n": ExitOK, "exits 4 read\n": ExitFailed,
		"! read\n": ExitOK, "'unclosed\n": ExitUsage, "shell\n": ExitUsage, "run no-such-script\n": ExitUsage,
	} {
		var stdout, stderr strings.Builder
		world := World{Stdin: strings.NewReader(lines), Stdout: &stdout, Stderr: &stderr, Dir: t.TempDir()}
		if code := Main(t.Context(), world, []string{"shell"}); code != want {
			t.Errorf("%q: code %d, want %d; %s", lines, code, want, &stderr)
		}
		if strings.ContainsAny(stdout.String()+stderr.String(), "\x1b>") {
			t.Errorf("%q: prompts or colours without a terminal: %q, %q", lines, &stdout, &stderr)
		}
	}
}

// A command that reads goes on behind the line that gave it.
func TestShellCommandReadsOn(t *testing.T) {
	home := own(t)
	if err := os.Mkdir(filepath.Join(home, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr strings.Builder
	world := World{Stdin: strings.NewReader("post -t 'T'\nthis is the body\n"), Stdout: &stdout, Stderr: &stderr, Dir: home}
	if code := Main(t.Context(), world, []string{"shell"}); code != ExitAbsent {
		t.Errorf("code %d, want %d; %s", code, ExitAbsent, &stderr)
	}
	if strings.Contains(stderr.String(), "this") {
		t.Errorf("the body was carried out: %s", &stderr)
	}
	stdout.Reset()
	world.Stdin = strings.NewReader("cd sub\nmkdir deep\nexists deep\ncd ..\nexists sub/deep\n! exists deep\n")
	if code := Main(t.Context(), world, []string{"shell"}); code != ExitOK {
		t.Errorf("folders: code %d; %s", code, &stderr)
	}
}

// Ctrl-C ends the word that waits, and not the shell: variables stay.
func TestShellInterrupt(t *testing.T) {
	own(t)
	lines := 0
	interrupts := func(handle func()) func() {
		if lines++; lines == 2 {
			handle()
		}
		return func() {}
	}
	screen, err := typeIn(t, interrupts, "env A=1\r", "eventually 1h never echo x\r", "echo A is $A\r", "\x04")
	wantShown(t, screen, "interrupted", "A is 1\n")
	if err != nil {
		t.Error(err)
	}
}

// What was typed is there again in the next shell: for Up, and for Ctrl-R.
func TestShellPast(t *testing.T) {
	home := own(t)
	if _, err := typeIn(t, nil, "echo one\r", "echo two\r", "echo two\r", " echo secret\r", "echo three\r", "\x04"); err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(filepath.Join(home, pastName))
	if err != nil || string(kept) != "echo one\necho two\necho three\n" {
		t.Errorf("%q, %v", kept, err)
	}
	if info, err := os.Stat(filepath.Join(home, pastName)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	screen, err := typeIn(t, nil, "\x1b[A\x1b[A\r", "w\x12\x12\x1b[1~? \x1b[4~ at the end\r", "t\x12\x12 again\r", "\x04")
	wantShown(t, screen, "two\n") // Up, Up
	wantShown(t, screen, "two at the end\n")
	wantShown(t, screen, "two again\n")
	if err != nil {
		t.Error(err)
	}
}

// The file is cut when it has become long.
func TestShellPastIsBounded(t *testing.T) {
	home := own(t)
	path := filepath.Join(home, pastName)
	if err := os.WriteFile(path, []byte(strings.Repeat("old\n", pastKeptMax)+"new\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := typeIn(t, nil, "\x04"); err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(path)
	if lines := strings.Count(string(kept), "\n"); err != nil || lines != pastMax || !strings.HasSuffix(string(kept), "old\nnew\n") {
		t.Errorf("%d lines, %v", lines, err)
	}
}

// Tab completes what is certain and lists the rest.
func TestShellTab(t *testing.T) {
	own(t)
	screen, err := typeIn(t, nil, "ech\thello\r", "re\t\x15", "version --js\t\r", "\x04")
	wantShown(t, screen, "hello\n", "read", "refused", "reply", "restart", `"version":`)
	if err != nil {
		t.Error(err)
	}
}

// What there could be, in each place.
func TestShellComplete(t *testing.T) {
	home := own(t)
	if err := os.WriteFile(filepath.Join(home, "own.yaml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(home, "other"), 0o700); err != nil {
		t.Fatal(err)
	}
	console := &Console{World: World{Dir: home, Stdout: io.Discard, Stderr: io.Discard}, Output: new(Output)}
	sh, err := newShell(t.Context(), console)
	if err != nil {
		t.Fatal(err)
	}
	defer sh.close(t.Context())
	sh.ids.note("article 17.2\n   9.1  ann  title\n{\"id\":\"4\",\"key\":\"k\"}\n12 articles\n")
	if want := []string{"4", "9.1", "17.2"}; !slices.Equal(sh.ids, want) {
		t.Errorf("ids shown: %v, want %v", sh.ids, want)
	}
	for _, c := range []struct{ typed, offers string }{
		{"sta", "status"},
		{"at r1 rea", "read"},
		{"eventually 3s 'x y' at r1 rea", "read"},
		{"eventually 3s ", ""},
		{"refused repl", "replace reply"},
		{"reply ", "17.2 4 9.1"},
		{"reply 4 ", ""},
		{"choose 1", "17.2"},
		{"read --fr", "--fresh"},
		{"read --he", "--help"},
		{"mode s", "show swap"},
		{"mode swap q", "quorum"},
		{"kill c", "coordinator"},
		{"cut re", "rest"},
		{"logs s", "supervisor"},
		{"up thr", "three"},
		{"up o", "one other/ own.yaml"},
		{"run ./o", "./other/ ./own.yaml"},
		{"up -d ow", "own.yaml"},
		{"help capt", "capture"},
		{"help diff", "diff"},
		{"load s", "start stop"},
		{"load start --ra", "--rate"},
		{"completion z", "zsh"},
		{"post 'in a te", ""},
		{"ex", "exec exists exit exits expand"},
		{"echo $CONSEQUOR_H", "$CONSEQUOR_HOME"},
		{"cat ow", "own.yaml"},
	} {
		if got := strings.Join(sh.complete(c.typed, len(c.typed)), " "); got != c.offers {
			t.Errorf("%s: got %q, want %q", c.typed, got, c.offers)
		}
	}
}

// The prompt tells what matters of a cluster.
func TestPrompt(t *testing.T) {
	r2 := "r2"
	replicas := func(role string, states ...supervisor.State) []supervisor.ReplicaStatus {
		var list []supervisor.ReplicaStatus
		for _, state := range states {
			list = append(list, supervisor.ReplicaStatus{State: state, Role: role})
		}
		return list
	}
	const serving, killed = supervisor.StateServing, supervisor.StateKilled
	for _, c := range []struct {
		status supervisor.ClusterStatus
		want   string
	}{
		{supervisor.ClusterStatus{Cluster: "three", Mode: "sequential", Coordinator: &r2, Replicas: replicas("follower", serving, serving, killed)}, "three sequential 2/3 r2* > "},
		{supervisor.ClusterStatus{Cluster: "three", Mode: "sequential", Replicas: replicas("follower", serving)}, "three sequential 1/1 -* > "},
		{supervisor.ClusterStatus{Cluster: "q", Mode: "quorum", Unsafe: true, Replicas: replicas("peer", serving, serving)}, "q quorum 2/2 unsafe > "},
		{supervisor.ClusterStatus{Cluster: "q", Mode: "quorum", Faults: make([]supervisor.LinkFault, 2), Replicas: replicas("peer", serving)}, "q quorum 1/1 2 faults > "},
	} {
		if got := promptOf(&c.status); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	own(t)
	if got := promptNow(t.Context()); got != promptNone {
		t.Errorf("nothing runs: %q", got)
	}
}
