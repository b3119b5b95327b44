package modetest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"consequor/modes/example-primary/primary"
	"consequor/modes/modeplugin"
	"consequor/modes/modetest"
)

// Scenario: a third party builds its mode, takes the sum, and runs the suite
// against the binary. It does there what it does in its unit tests.
func TestModeOfAThirdParty(t *testing.T) {
	dir := shortDir(t)
	path := filepath.Join(dir, "primary")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, "consequor/modes/example-primary").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	process := launch(t, modeplugin.LaunchConfig{Path: path, SHA256: sumOf(content), SocketDir: dir})
	if got := process.Description(); !strings.HasPrefix(got.Promise, "BROKEN") {
		t.Errorf("it does not say what it breaks: %s", got.Promise)
	}
	modetest.Run(t, modetest.Plugin(process), modetest.Sizes(1))
	recording, err := modetest.Record(modetest.Direct(primary.New), modetest.Sizes(1, 3))
	if err == nil || !strings.Contains(err.Error(), "elsewhere it is") {
		t.Errorf("cuts do not break it: %.1000v", err)
	}
	if err := recording.Replay(modetest.Plugin(process)); err != nil {
		t.Error(err)
	}
}

// Scenario: a mode in JavaScript, which knows of its host what mode.proto says,
// is started by its checksum and passes the suite.
func TestModeInAnotherLanguage(t *testing.T) {
	process := launchScript(t, "../example-node/solo.js")
	if d := process.Description(); d.Name != "solo" || d.ReplicasMax != 1 || d.Promise == "" {
		t.Errorf("it describes itself as %+v", d)
	}
	if err := process.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	modetest.Run(t, modetest.Plugin(process), modetest.Sizes(1))
	if err := process.Err(); err != nil {
		t.Error(err)
	}
}

// launchScript runs a mode in JavaScript with the node of this machine, or
// skips the test where there is none.
func launchScript(t *testing.T, script string) *modeplugin.Process {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skipf("Node.js is not installed: %v", err)
	}
	content, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	// A plugin has no PATH: its first line must find node.
	dir := shortDir(t)
	path := filepath.Join(dir, filepath.Base(script))
	content = bytes.Replace(content, []byte("#!/usr/bin/env node\n"), []byte("#!"+node+"\n"), 1)
	if err := os.WriteFile(path, content, 0o700); err != nil {
		t.Fatal(err)
	}
	return launch(t, modeplugin.LaunchConfig{Path: path, SHA256: sumOf(content), SocketDir: dir})
}

func launch(t *testing.T, config modeplugin.LaunchConfig) *modeplugin.Process {
	t.Helper()
	process, err := modeplugin.Launch(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(process.Kill)
	return process
}

func sumOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// shortDir is a folder with a path that sockets can have.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "mt")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
