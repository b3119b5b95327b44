package replica

import (
	"io"
	"sync/atomic"
)

// labelled passes lines on, with a label before each until it is taken away.
type labelled struct {
	to    io.Writer
	label atomic.Pointer[string]
}

func newLabelled(to io.Writer, label string) *labelled {
	if to == nil {
		to = io.Discard
	}
	w := &labelled{to: to}
	w.label.Store(&label)
	return w
}

func (w *labelled) unlabel() { w.label.Store(nil) }

// Write takes one whole line.
func (w *labelled) Write(line []byte) (int, error) {
	label := w.label.Load()
	if label == nil {
		return w.to.Write(line)
	}
	if _, err := w.to.Write(append([]byte(*label), line...)); err != nil {
		return 0, err
	}
	return len(line), nil
}
