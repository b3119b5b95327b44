package modeplugin

import (
	"bytes"
	"io"
	"log/slog"
	"strings"
	"sync"

	"github.com/hashicorp/go-hclog"
)

const (
	lastWordsMax = 20      // lines that are kept for the error of a failed start
	lineLenMax   = 4 << 10 // longer lines are cut into several
)

// lastWords passes a plugin's output on, whole lines only, and keeps the last
// few of them.
type lastWords struct {
	mu    sync.Mutex
	to    io.Writer
	lines []string
}

func newLastWords(to io.Writer) *lastWords {
	if to == nil {
		to = io.Discard
	}
	return &lastWords{to: to}
}

func (w *lastWords) line(line []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.lines) == lastWordsMax {
		w.lines = append(w.lines[:0], w.lines[1:]...)
	}
	w.lines = append(w.lines, strings.TrimRight(string(line), "\r\n"))
	w.to.Write(line) // that a log cannot be written must not end the plugin
}

func (w *lastWords) last() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.lines, "\n")
}

// writer returns a new stream of bytes that become lines.
func (w *lastWords) writer() io.Writer { return &lineWriter{to: w} }

type lineWriter struct {
	to      *lastWords
	partial []byte
}

// Write never fails.
func (w *lineWriter) Write(b []byte) (int, error) {
	w.partial = append(w.partial, b...)
	for {
		end := bytes.IndexByte(w.partial, '\n') + 1
		switch {
		case end > 0:
			w.to.line(w.partial[:end])
		case len(w.partial) >= lineLenMax:
			end = lineLenMax
			w.to.line(append(w.partial[:end:end], '\n'))
		default:
			return len(b), nil
		}
		w.partial = append(w.partial[:0], w.partial[end:]...)
	}
}

// quietLogger gives go-plugin a logger. Nothing that it says is news to a
// user: what matters comes as an error from Launch, or as the process's end.
func quietLogger(to *slog.Logger) hclog.Logger {
	l := hclog.NewInterceptLogger(&hclog.LoggerOptions{Output: io.Discard, Level: hclog.Off})
	l.RegisterSink(slogSink{to})
	return l
}

type slogSink struct{ to *slog.Logger }

// Accept takes one message of go-plugin's.
func (s slogSink) Accept(_ string, _ hclog.Level, message string, args ...any) {
	s.to.Debug("go-plugin: "+message, args...)
}
