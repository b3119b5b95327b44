package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"consequor/replicad/logfile"
)

// A log is followed while its process writes half a line, ends it, and goes on
// in a fresh file, and then in several; what was written to the old one last is
// there too.
func TestLogFileFollows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r1.log")
	log := &logFile{name: "r1", path: path}
	defer log.close()
	more := func(want ...string) {
		t.Helper()
		var got []string
		err := log.more(func(line string) error {
			got = append(got, line)
			return nil
		})
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
	setAside := func() {
		t.Helper()
		f, err := logfile.Open(path, logfile.Limits{Size: 1})
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	more()
	write("one\ntwo\nthr")
	more("one", "two")
	more()
	write("ee\n")
	more("three")
	write("four\nfi")
	setAside()
	write("six\n")
	setAside()
	write("seven\nei")
	more("four", "fi", "six", "seven")
	write("ght\n")
	more("eight")
	for _, text := range []string{"a\n", "b\n", "c\n", "d\n"} {
		setAside()
		write(text)
	}
	more("(lines are missing here: the log was set aside faster than it was read)", "a", "b", "c", "d")
}

// Who begins to read sees all that is kept, or its last lines.
func TestLogFileBegins(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r1.log")
	for i := range 3 {
		f, err := logfile.Open(path, logfile.Limits{Size: 1})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(f, "%d\nand more\n", i)
		f.Close()
	}
	for lines, want := range map[int]string{0: "0,and more,1,and more,2,and more", 3: "and more,2,and more", 100: "0,and more,1,and more,2,and more"} {
		log := &logFile{name: "r1", path: path}
		var got []string
		err := (&logsCmd{Lines: lines}).begin(log, func(line string) error {
			got = append(got, line)
			return nil
		})
		log.close()
		if err != nil || strings.Join(got, ",") != want {
			t.Errorf("-n %d: %q, %v; want %s", lines, got, err, want)
		}
	}
}
