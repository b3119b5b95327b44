package logfile

import (
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Writer writes this process's log: to its standard error, which is the file at
// a path, and so is its standard output. It sets the file aside when that has
// its size. It is safe for concurrent use.
type Writer struct {
	path   string
	limits Limits

	mu   sync.Mutex
	size int64 // of what is written now
	lost error // why the file could not be set aside last time; nil: it could
}

// Take makes the Writer of a log that is already this process's standard
// output and error. Nothing else should write much to them: it is not counted.
func Take(path string, l Limits) (*Writer, error) {
	info, err := os.Stderr.Stat()
	if err != nil {
		return nil, fmt.Errorf("look at a log: %w", err)
	}
	there, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("look at a log: %w", err)
	}
	if !os.SameFile(info, there) {
		return nil, fmt.Errorf("the log %s is not what this process writes to", path)
	}
	return &Writer{path: path, limits: l.orDefault(), size: info.Size()}, nil
}

// Write writes b, which should be whole lines, into one file. That a log cannot
// be set aside does not keep it from being written.
func (w *Writer) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.size > 0 && w.size+int64(len(b)) > w.limits.Size {
		w.rotate()
	}
	n, err := os.Stderr.Write(b)
	w.size += int64(n)
	return n, err
}

// rotate goes on in a fresh file. If that fails it is tried again when as much
// as one file holds has been written: a log that says so with every line would
// say nothing else.
func (w *Writer) rotate() {
	w.size = 0
	err := shift(w.path, w.limits.Keep)
	if err == nil {
		err = w.adopt()
	}
	if err != nil && w.lost == nil {
		fmt.Fprintf(os.Stderr, "the log could not be set aside, and goes on growing: %v\n", err)
	}
	w.lost = err
}

// adopt makes the file at path this process's standard output and error.
func (w *Writer) adopt() error {
	f, err := open(w.path)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, fd := range []int{unix.Stderr, unix.Stdout} {
		if err := unix.Dup2(int(f.Fd()), fd); err != nil {
			return fmt.Errorf("go on in a fresh log: %w", err)
		}
	}
	return nil
}
