package record

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"consequor/board"
	"consequor/sim/history"
)

// lineSizeMax bounds a line: a view lists few articles, a thread all replies of
// a page.
const lineSizeMax = 1 << 20

// taken is what a record says.
type taken struct {
	header *Header
	before board.Vector
	begun  bool       // before is known
	ops    []*written // by the place of their first line
	byName map[string]*written
	torn   int // lines that were cut short by the death of who wrote them
}

// written is one request as it was written down.
type written struct {
	called
	tries []try
	ended *ended // nil: nobody knows how
	late  bool   // it was called when the end had begun
}

// read takes what was written into the record up to its size when its end began,
// and of what was written since who has called: their articles may be on boards
// that are read later, and how they were answered must not count.
func read(path string, size int64) (*taken, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the record: %w", err)
	}
	defer f.Close()
	t := &taken{byName: map[string]*written{}}
	if err := t.takeAll(f, size); err != nil {
		return nil, fmt.Errorf("read the record: %w", err)
	}
	switch {
	case t.header == nil:
		return nil, errors.New("read the record: it has no beginning")
	case t.header.Version != version:
		return nil, fmt.Errorf("read the record: it is of version %d, this program knows version %d", t.header.Version, version)
	case !t.begun:
		return nil, &Error{"the recording has not begun yet: nobody knows what was on the boards before", "wait for consequorctl record start; if that broke off, give it up: consequorctl record stop --discard"}
	}
	return t, nil
}

func (t *taken) takeAll(lines io.Reader, size int64) error {
	in := bufio.NewScanner(lines)
	in.Buffer(nil, lineSizeMax)
	for at := int64(0); in.Scan(); at += int64(len(in.Bytes())) + 1 {
		if len(in.Bytes()) == 0 {
			continue
		}
		var l line
		if err := json.Unmarshal(in.Bytes(), &l); err != nil {
			t.torn++ // of a request that was not sent, or whose end nobody has heard
			continue
		}
		if err := t.take(&l, at >= size); err != nil {
			return err
		}
	}
	return in.Err()
}

func (t *taken) take(l *line, late bool) (err error) {
	switch {
	case l.Record != nil:
		t.header = l.Record
	case l.Before != nil:
		t.before, err = board.ParseVector(l.Before.Vector)
		t.begun = err == nil
	case l.Called != nil:
		w := &written{called: *l.Called, late: late}
		if w.Replica != "" {
			w.tries = []try{{Replica: w.Replica, Call: w.At, Outcome: history.Unknown}}
		}
		t.ops = append(t.ops, w)
		t.byName[w.Op] = w
	case l.Tried != nil && t.byName[l.Tried.Op] != nil:
		w := t.byName[l.Tried.Op]
		w.Key = l.Tried.Key
		w.tries = append(w.tries, try{Replica: l.Tried.Replica, Call: l.Tried.At, Outcome: history.Unknown})
	case l.Ended != nil && !late && t.byName[l.Ended.Op] != nil:
		t.byName[l.Ended.Op].end(l.Ended)
	}
	return err
}

func (w *written) end(e *ended) {
	w.ended = e
	switch {
	case len(e.Tries) > 0:
		w.tries = e.Tries
	case len(w.tries) > 0:
		only := last(w.tries)
		only.Return, only.Outcome, only.Text = e.At, e.Outcome, e.Kind
	}
}
