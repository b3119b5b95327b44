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
	ops    []*written // by the place of their first line
	byName map[string]*written
	torn   int // lines that were cut short by the death of who wrote them
}

// written is one request as it was written down.
type written struct {
	called
	tries []try
	ended *ended // nil: nobody knows how
}

// read takes what was written into the record up to its size when it ended.
func read(path string, size int64) (*taken, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the record: %w", err)
	}
	defer f.Close()
	t := &taken{byName: map[string]*written{}}
	in := bufio.NewScanner(io.LimitReader(f, size))
	in.Buffer(nil, lineSizeMax)
	for n := 1; in.Scan(); n++ {
		if len(in.Bytes()) == 0 {
			continue
		}
		var l line
		if err := json.Unmarshal(in.Bytes(), &l); err != nil {
			t.torn++ // of a request that was not sent, or whose end nobody has heard
			continue
		}
		if err := t.take(&l); err != nil {
			return nil, fmt.Errorf("read the record: line %d: %w", n, err)
		}
	}
	switch err := in.Err(); {
	case err != nil:
		return nil, fmt.Errorf("read the record: %w", err)
	case t.header == nil:
		return nil, errors.New("read the record: it has no beginning")
	case t.header.Version != version:
		return nil, fmt.Errorf("read the record: it is of version %d, this program knows version %d", t.header.Version, version)
	}
	return t, nil
}

func (t *taken) take(l *line) (err error) {
	switch {
	case l.Record != nil:
		t.header = l.Record
	case l.Before != nil:
		t.before, err = board.ParseVector(l.Before.Vector)
	case l.Called != nil:
		w := &written{called: *l.Called}
		if w.Replica != "" {
			w.tries = []try{{Replica: w.Replica, Call: w.At, Outcome: history.Unknown}}
		}
		t.ops = append(t.ops, w)
		t.byName[w.Op] = w
	case l.Tried != nil && t.byName[l.Tried.Op] != nil:
		w := t.byName[l.Tried.Op]
		w.Key = l.Tried.Key
		w.tries = append(w.tries, try{Replica: l.Tried.Replica, Call: l.Tried.At, Outcome: history.Unknown})
	case l.Ended != nil && t.byName[l.Ended.Op] != nil:
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
