package supervisor

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"
)

// logSizeMax is the size from which a log is set aside, as NAME.1, when its
// process is started. The one set aside before goes.
const logSizeMax = 16 << 20

// openLog opens a process's log for appending and returns its size.
func openLog(path string) (*os.File, int64, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, 0, fmt.Errorf("make the folder for logs: %w", err)
	}
	info, err := os.Stat(path)
	if err == nil && info.Size() > logSizeMax {
		err = os.Rename(path, path+".1")
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, 0, fmt.Errorf("set a log aside: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, 0, fmt.Errorf("open a log: %w", err)
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("open a log: %w", err), f.Close())
	}
	return f, size, nil
}

// What of a log is repeated in a message.
const (
	lastLines    = 5
	lastBytesMax = 4 << 10
)

// lastWords returns the last lines of a log that were written from the offset
// from on, for people; empty when there are none.
func lastWords(path string, from int64) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() <= from {
		return ""
	}
	from = max(from, info.Size()-lastBytesMax)
	data := make([]byte, info.Size()-from)
	n, err := f.ReadAt(data, from)
	if err != nil && err != io.EOF {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(inert(string(data[:n]))), "\n")
	return strings.Join(lines[max(0, len(lines)-lastLines):], "\n")
}

// inert leaves of a text what a terminal shows and does not obey.
func inert(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || unicode.IsPrint(r):
			return r
		}
		return -1
	}, strings.ToValidUTF8(text, "?"))
}
