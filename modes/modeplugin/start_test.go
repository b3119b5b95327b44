package modeplugin_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"consequor/modes/modeplugin"
)

// Scenarios: four plugins that never become ready. Each is refused in time,
// for a reason that a person can use, and leaves nothing behind.
func TestBadStarts(t *testing.T) {
	for name, want := range map[string][]string{
		"hang":    {"not ready within 5s", "about to hang"},
		"crash":   {"exit status 3 before it was ready", "its last words:\nline 10\n", "line 29"},
		"garbage": {"hello, I am no plugin"},
		"no-such": {"exit status 2", `unknown mode "no-such"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begun := time.Now()
			_, err := modeplugin.Launch(t.Context(), modeplugin.LaunchConfig{Command: plugin(name), SocketDir: socketDir(t)})
			if err == nil {
				t.Fatal("it was accepted")
			}
			for _, part := range want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error lacks %q:\n%v", part, err)
				}
			}
			if took := time.Since(begun); took > 7*time.Second {
				t.Errorf("it took %v to say so", took)
			}
		})
	}
}

// Scenario: the one who launches changes their mind.
func TestLaunchCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := modeplugin.Launch(ctx, modeplugin.LaunchConfig{Command: plugin("hang"), SocketDir: socketDir(t)})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("launch: %v, want context.Canceled", err)
	}
}

// Scenario: configurations that cannot work.
func TestBadConfig(t *testing.T) {
	for want, config := range map[string]modeplugin.LaunchConfig{
		"either a command or a path":          {SocketDir: "/tmp"},
		"/x: its sha256 must be given":        {Path: "/x", SocketDir: "/tmp"},
		"want an absolute path":               {Command: plugin("echo"), SocketDir: "tmp"},
		"a path of 90 bytes":                  {Command: plugin("echo"), SocketDir: "/" + strings.Repeat("d", 89)},
		"no such file or directory":           {Command: plugin("echo"), SocketDir: "/tmp/no/such/folder"},
		"start mode plugin /no/such/program:": {Command: []string{"/no/such/program"}, SocketDir: socketDir(t)},
	} {
		if _, err := modeplugin.Launch(t.Context(), config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("launch: %v, want %q", err, want)
		}
	}
}

// Scenario: a third party's plugin. It runs from a private copy, so that the
// file may be replaced meanwhile; a wrong sum is refused with both sums.
func TestThirdParty(t *testing.T) {
	path := thirdParty(t)
	sum := sumOf(t, path)
	p := launch(t, modeplugin.LaunchConfig{Path: path, SHA256: strings.ToUpper(sum)})
	if p.SHA256() != sum {
		t.Errorf("sum %s, want %s", p.SHA256(), sum)
	}
	if runs, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", p.PID())); err != nil || strings.HasPrefix(runs, path) {
		t.Errorf("it runs from %s, %v", runs, err)
	}
	requireEcho(t, open(t, p, 1), 1)

	wrong := strings.Repeat("0", 64)
	_, err := modeplugin.Launch(t.Context(), modeplugin.LaunchConfig{Path: path, SHA256: wrong, SocketDir: socketDir(t)})
	var mismatch *modeplugin.SumError
	if !errors.As(err, &mismatch) || mismatch.Have != sum || mismatch.Want != wrong {
		t.Errorf("wrong sum: %v", err)
	}
}

// thirdParty builds a plugin whose main is the one line of the package doc.
func thirdParty(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "plugin")
	build := exec.Command("go", "build", "-o", path, "./testdata/plugin")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the plugin: %v\n%s", err, output)
	}
	return path
}

// Scenario: a person runs a plugin by hand.
func TestRunByHand(t *testing.T) {
	cmd := exec.Command("/proc/self/exe", "mode-plugin", "echo")
	output, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 {
		t.Errorf("exit %v, want code 2", err)
	}
	if want := `this is the mode "echo", a plugin of consequor`; !strings.Contains(string(output), want) {
		t.Errorf("it says %q, want %q", output, want)
	}
}
