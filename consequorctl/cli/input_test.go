package cli

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An argument that is not UTF-8 is turned away wherever it stands: what would
// be posted is not what was given.
func TestArgumentsAreText(t *testing.T) {
	t.Setenv("CONSEQUOR_HOME", t.TempDir())
	for _, args := range [][]string{
		{"post", "\xff\xfe"}, {"post", "-t", "\xff", "x"}, {"post", "--as", "al\xffice", "x"}, {"--json", "reply", "1", "--", "\xc3"},
	} {
		stdout, stderr, code := command(t, args...)
		if code != ExitUsage || !strings.Contains(stderr, "is not UTF-8") || !strings.Contains(stderr, `\x`) {
			t.Errorf("%q: code %d, %q", args, code, stderr)
		}
		if args[0] == "--json" && !strings.Contains(stdout, `"kind":"usage"`) {
			t.Errorf("%q: stdout %q", args, stdout)
		}
	}
}

// Ctrl-C ends a command that waits for an input that never comes: a body, or a
// yes. Who types a body is told how to end it.
func TestInterruptedInput(t *testing.T) {
	home := t.TempDir()
	t.Setenv("CONSEQUOR_HOME", home)
	if err := os.MkdirAll(filepath.Join(home, "three"), 0o700); err != nil {
		t.Fatal(err)
	}
	lock := filepath.Join(home, "three", "lock") // makes it a cluster's folder
	if err := os.WriteFile(lock, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for line, says := range map[string]string{
		"post": "Ctrl-D", "post -t x -": "Ctrl-D", "reply 1": "Ctrl-D", "down --wipe --cluster three": "Type yes",
	} {
		stdin, typist := io.Pipe()
		var out, errs bytes.Buffer
		ctx, interrupt := context.WithCancel(t.Context())
		interrupt()
		world := World{Stdin: stdin, Stdout: &out, Stderr: &errs, Dir: t.TempDir(), Terminal: true, Typed: true}
		code := Main(ctx, world, strings.Fields(line))
		if code != ExitFailed || !strings.Contains(errs.String(), "interrupted") || !strings.Contains(errs.String(), says) {
			t.Errorf("%s: code %d, %q", line, code, errs.String())
		}
		if err := typist.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(lock); err != nil {
		t.Errorf("an interrupted down --wipe: %v", err)
	}
}
