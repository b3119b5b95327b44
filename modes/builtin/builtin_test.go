package builtin_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"consequor/modes/builtin"
	"consequor/modes/modeplugin"
	"consequor/modes/modetest"
)

// TestMain runs the tests or, when told so, plays a built-in mode's plugin. An
// unknown role must not run the tests again.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "mode-plugin" {
		if e, ok := builtin.Lookup(os.Args[2]); ok {
			modeplugin.Serve(e.Description, e.New)
		}
	}
	if len(os.Args) > 1 && os.Args[1][0] != '-' {
		fmt.Fprintf(os.Stderr, "unknown role %q\n", os.Args[1:])
		os.Exit(2)
	}
	os.Exit(m.Run())
}

// Scenario: the whole suite, for every built-in mode, run directly; and the
// same run again behind a socket and in a plugin's process, to the very same
// effects.
func TestContract(t *testing.T) {
	for _, e := range builtin.Modes() {
		t.Run(e.Description.Name, func(t *testing.T) {
			modetest.Run(t, modetest.Direct(e.New))
			recording, err := modetest.Record(modetest.Direct(e.New))
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d batches recorded", recording.Steps())
			for name, launch := range map[string]modetest.Launcher{
				"socket": modetest.Socket(e.New),
				"plugin": modetest.Plugin(launchPlugin(t, e)),
			} {
				if err := recording.Replay(launch); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

// Scenario: the suite itself, played to a mode that runs in a plugin's process
// and behind a socket.
func TestContractFromOutside(t *testing.T) {
	for _, e := range builtin.Modes() {
		t.Run(e.Description.Name+"/socket", func(t *testing.T) { modetest.Run(t, modetest.Socket(e.New), modetest.Sizes(3)) })
		t.Run(e.Description.Name+"/plugin", func(t *testing.T) {
			modetest.Run(t, modetest.Plugin(launchPlugin(t, e)), modetest.Sizes(3))
		})
	}
}

func launchPlugin(t *testing.T, e builtin.Entry) *modeplugin.Process {
	t.Helper()
	dir, err := os.MkdirTemp("", "bi") // short: sockets go there
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	process, err := modeplugin.Launch(t.Context(), modeplugin.LaunchConfig{
		Command: []string{"/proc/self/exe", "mode-plugin", e.Description.Name}, SocketDir: dir, Stderr: os.Stderr,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(process.Kill)
	if diff := cmp.Diff(e.Description, process.Description()); diff != "" {
		t.Errorf("the plugin describes itself otherwise:\n%s", diff)
	}
	return process
}

// Scenario: every mode says what a user wants to know before choosing it, and
// is found by its name.
func TestDescriptions(t *testing.T) {
	for _, e := range builtin.Modes() {
		d := e.Description
		if d.Name == "" || d.Version == "" || d.Promise == "" || d.Survives == "" {
			t.Errorf("incomplete description: %+v", d)
		}
		if found, ok := builtin.Lookup(d.Name); !ok || found.New == nil || found.Description.Name != d.Name {
			t.Errorf("lookup of %q: %+v, %v", d.Name, found, ok)
		}
	}
	if e, ok := builtin.Lookup("no-such-mode"); ok {
		t.Errorf("lookup of no such mode: %+v", e)
	}
}
