package logfile

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// The test binary is also the process whose log is kept: WRITER PATH LIMITS LINES.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "writer" {
		write(os.Args[2], os.Args[3], os.Args[4])
	}
	os.Exit(m.Run())
}

const goroutines = 4

// write writes so many numbered lines by each of a few goroutines, and panics.
func write(path, limits, lines string) {
	var l Limits
	if err := json.Unmarshal([]byte(limits), &l); err != nil {
		panic(err)
	}
	count, err := strconv.Atoi(lines)
	if err != nil {
		panic(err)
	}
	w, err := Take(path, l)
	if err != nil {
		panic(err)
	}
	var all sync.WaitGroup
	for g := range goroutines {
		all.Go(func() {
			for i := range count {
				fmt.Fprintf(w, "%d line %d\n", g, i)
			}
		})
	}
	all.Wait()
	panic("the last words")
}

// run lets a process write its log, and returns the place where its life begins.
func run(t *testing.T, path string, l Limits, lines int) Place {
	t.Helper()
	log, err := Open(path, l)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	from, err := End(log)
	if err != nil {
		t.Fatal(err)
	}
	limits, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(os.Args[0], "writer", path, string(limits), strconv.Itoa(lines))
	command.Stdout, command.Stderr = log, log
	if err := command.Run(); command.ProcessState == nil || command.ProcessState.ExitCode() != 2 {
		t.Fatalf("the writer: %v, want a panic", err)
	}
	return from
}

// readAll reads all that is kept.
func readAll(t *testing.T, path string) string {
	t.Helper()
	files, whole, err := Chain(path, nil)
	if err != nil || !whole {
		t.Fatalf("whole: %v, %v", whole, err)
	}
	var text bytes.Buffer
	for _, f := range files {
		if _, err := text.ReadFrom(f); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	return text.String()
}

// A process writes as much as fits into all files: over three rotations not a
// line is lost, and the panic is in the last of them.
func TestNothingIsLost(t *testing.T) {
	path := filepath.Join(t.TempDir(), "logs", "r1.log")
	limits := Limits{Size: 20000, Keep: 3}
	run(t, path, limits, 1000) // 4000 lines of 14 bytes at most
	next := [goroutines]int{}
	scanner := bufio.NewScanner(strings.NewReader(readAll(t, path)))
	for scanner.Scan() {
		var g, i int
		if n, _ := fmt.Sscanf(scanner.Text(), "%d line %d", &g, &i); n < 2 {
			break
		}
		if i != next[g] {
			t.Fatalf("goroutine %d wrote line %d after %d", g, i, next[g]-1)
		}
		next[g]++
	}
	if next != [goroutines]int{1000, 1000, 1000, 1000} {
		t.Errorf("lines by goroutine: %v", next)
	}
	if scanner.Text() != "panic: the last words" {
		t.Errorf("after the last line: %q", scanner.Text())
	}
	if _, err := os.Stat(name(path, 1)); err != nil {
		t.Errorf("nothing was set aside: %v", err)
	}
}

// A log that goes on growing stays within its limits, over several lives, and
// ends with what was written last.
func TestBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r1.log")
	limits := Limits{Size: 5000, Keep: 2}
	for range 3 {
		run(t, path, limits, 500)
	}
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) != 3 {
		t.Fatalf("%v, %v; want three files", files, err)
	}
	const panicMax = 4 << 10 // not counted: the runtime writes it
	for _, file := range files {
		if info, err := os.Stat(file); err != nil || info.Size() > limits.Size+panicMax {
			t.Errorf("%s: %v, %v", file, info.Size(), err)
		}
	}
	if text := readAll(t, path); !strings.Contains(text, "panic: the last words") {
		t.Error("the end is missing")
	}
}

// The last words of a life are found though its log was set aside meanwhile,
// and those of an earlier life are not taken for them.
func TestTail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r1.log")
	if err := os.WriteFile(path, []byte("an earlier life\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	from := run(t, path, Limits{Size: 100 << 10}, 1)
	tail, err := Tail(path, from, 1<<20)
	if err != nil || !strings.HasPrefix(string(tail), "0 line 0\n") && !strings.Contains(string(tail[:40]), " line 0\n") || strings.Contains(string(tail), "earlier") {
		t.Errorf("%q, %v", tail, err)
	}
	from = run(t, path, Limits{Size: 10 << 10}, 300)
	if tail, err = Tail(path, from, 100); err != nil || len(tail) != 100 {
		t.Errorf("%q, %v", tail, err)
	}
	if err := os.Rename(path, name(path, 1)); err != nil { // it died between the two
		t.Fatal(err)
	}
	if again, err := Tail(path, from, 100); err != nil || string(again) != string(tail) {
		t.Errorf("%q, %v", again, err)
	}
}

// Who reads along finds every file since the one that was read last, and is
// told when that is gone.
func TestChain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r1.log")
	var written []fs.FileInfo
	for i := range 6 {
		f, err := Open(path, Limits{Size: 1})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(f, "%d\n", i)
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close() // so that no other file gets its number
		written = append(written, info)
	}
	for last, want := range []string{"2 3 4 5, gone", "2 3 4 5, gone", "3 4 5", "4 5", "5", ""} {
		files, whole, err := Chain(path, written[last])
		if err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, f := range files {
			line, _ := bufio.NewReader(f).ReadString('\n')
			texts = append(texts, strings.TrimSpace(line))
			f.Close()
		}
		got := strings.Join(texts, " ")
		if !whole {
			got += ", gone"
		}
		if got != want {
			t.Errorf("after file %d: %s, want %s", last, got, want)
		}
	}
}

// A log that is not what the process writes to is not set aside by it.
func TestTakeAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r1.log")
	if _, err := Take(path, Limits{}); err == nil {
		t.Error("there is no such log")
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Take(path, Limits{}); err == nil {
		t.Error("the log is another file")
	}
}
