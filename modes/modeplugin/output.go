package modeplugin

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

const (
	lastWordsMax = 20      // lines that are kept for the error of a failed start
	lineLenMax   = 4 << 10 // longer lines are cut into several

	// A plugin may write outputBurst bytes at once, and outputRate of them a
	// second in the long run: a stack fits, a flood does not fill the host's
	// log. What is beyond is left out, and counted.
	outputBurst = 1 << 20
	outputRate  = 8 << 10
)

// lastWords passes a plugin's output on, whole lines only, and keeps the last
// few of them.
type lastWords struct {
	mu      sync.Mutex
	to      io.Writer
	lines   []string
	now     func() time.Time
	left    float64   // bytes that may be written at once
	since   time.Time // when left was true
	leftOut int       // lines
}

func newLastWords(to io.Writer) *lastWords {
	if to == nil {
		to = io.Discard
	}
	return &lastWords{to: to, now: time.Now, left: outputBurst, since: time.Now()}
}

func (w *lastWords) line(line []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.lines) == lastWordsMax {
		w.lines = append(w.lines[:0], w.lines[1:]...)
	}
	w.lines = append(w.lines, strings.TrimRight(string(line), "\r\n"))
	w.pass(line)
}

// pass writes a line, if that is not too much. That a log cannot be written
// must not end the plugin.
func (w *lastWords) pass(line []byte) {
	now := w.now()
	w.left = min(outputBurst, w.left+outputRate*now.Sub(w.since).Seconds())
	w.since = now
	if w.left < float64(len(line)) {
		w.leftOut++
		return
	}
	w.left -= float64(len(line))
	if w.leftOut > 0 {
		fmt.Fprintf(w.to, "(%d lines left out: the plugin writes too much)\n", w.leftOut)
		w.leftOut = 0
	}
	w.to.Write(line)
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

// Accept takes one message of go-plugin's. Those under a name are the plugin's
// own lines, which have a way of their own.
func (s slogSink) Accept(name string, _ hclog.Level, message string, args ...any) {
	if name == "" {
		s.to.Debug("go-plugin: "+message, args...)
	}
}
