package cli

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A log is followed while its process writes half a line, ends it, and the
// supervisor puts a fresh file in its place.
func TestLogFileFollows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r1.log")
	log := &logFile{name: "r1", path: path}
	more := func(want ...string) {
		t.Helper()
		got, err := log.more()
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	write := func(text string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	more()
	write("one\ntwo\nthr")
	more("one", "two")
	more()
	write("ee\n")
	more("three")
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	more()
	write("fresh\n")
	more("fresh")
}
