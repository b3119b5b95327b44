package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"consequor/board"
)

// A history on disk is JSON, a line for each thing. Times are nanoseconds, ids
// and vectors texts as the command line writes them, digests hexadecimal:
//
//	{"history":{"version":1,"source":"...","replicas":3,"epochs":[...],"healed":0,"terms":0}}
//	{"op":{"number":1,"session":2,"verb":"post",...}}       in the order of their calls
//	{"event":{"at":17,"kind":"killed","replica":1,...}}     in the order of their times
//	{"board":{"replica":1}}                                 its articles follow
//	{"article":{"id":"1","author":"ann",...}}
//	{"board":{"replica":2,"same":true}}                     as the board before

// formatVersion is raised when an older reader would misread.
const formatVersion = 1

// lineSizeMax bounds a line: an article's texts are escaped, and a view may
// list every article.
const lineSizeMax = 64 << 20

type line struct {
	History *headerLine  `json:"history,omitempty"`
	Op      *opLine      `json:"op,omitempty"`
	Event   *eventLine   `json:"event,omitempty"`
	Board   *boardLine   `json:"board,omitempty"`
	Article *articleLine `json:"article,omitempty"`
}

// WriteTo writes the history as Load reads it.
func (h *History) WriteTo(w io.Writer) (int64, error) {
	out := &lineWriter{to: bufio.NewWriter(w)}
	out.line(line{History: h.header()})
	for i := range h.Ops {
		out.line(line{Op: opLineOf(&h.Ops[i])})
	}
	for _, e := range h.Events {
		out.line(line{Event: new(eventLineOf(e))})
	}
	for i := range h.Boards {
		b := &h.Boards[i]
		same := i > 0 && shared(h.Boards[i-1].Articles, b.Articles)
		out.line(line{Board: &boardLine{b.Replica, same}})
		for k := range b.Articles {
			if same {
				break
			}
			out.line(line{Article: articleLineOf(&b.Articles[k])})
		}
	}
	if out.err == nil {
		out.err = out.to.Flush()
	}
	return out.size, out.err
}

// lineWriter writes lines until the first error.
type lineWriter struct {
	to   *bufio.Writer
	size int64
	err  error
}

func (w *lineWriter) line(l line) {
	if w.err != nil {
		return
	}
	var text []byte
	if text, w.err = json.Marshal(l); w.err != nil {
		return
	}
	var n int
	n, w.err = w.to.Write(append(text, '\n'))
	w.size += int64(n)
}

// Load reads what WriteTo wrote. An error names the line.
func Load(r io.Reader) (*History, error) {
	in := bufio.NewScanner(r)
	in.Buffer(nil, lineSizeMax)
	h := &History{}
	n := 0
	for in.Scan() {
		n++
		if err := h.readLine(in.Bytes(), n == 1); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	switch err := in.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("line %d: longer than %d bytes", n+1, lineSizeMax)
	case err != nil:
		return nil, err
	case n == 0:
		return nil, errors.New("line 1: the history is empty")
	}
	return h, h.Validate()
}

func (h *History) readLine(text []byte, first bool) error {
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields()
	var l line
	if err := in.Decode(&l); err != nil {
		return err
	}
	if _, err := in.Token(); err != io.EOF {
		return errors.New("more than one thing in one line")
	}
	switch {
	case first != (l.History != nil):
		return errors.New(`the first line, and no other, is {"history":...}`)
	case first:
		return h.setHeader(l.History)
	case l.Op != nil:
		op, err := l.Op.op()
		h.Ops = append(h.Ops, op)
		return err
	case l.Event != nil:
		h.Events = append(h.Events, l.Event.event())
		return nil
	case l.Board != nil:
		return h.addBoard(l.Board)
	case l.Article != nil:
		return h.addArticle(l.Article)
	}
	return errors.New(`want {"op":...}, {"event":...}, {"board":...} or {"article":...}`)
}

type headerLine struct {
	Version  int         `json:"version"`
	Source   string      `json:"source"`
	Replicas int         `json:"replicas"`
	Epochs   []epochLine `json:"epochs"`
	Healed   int64       `json:"healed"`
	Terms    int         `json:"terms"`
	Live     bool        `json:"live,omitempty"`
	Before   vectorText  `json:"before,omitempty"`
}

type epochLine struct {
	Number    uint64  `json:"number"`
	Mode      string  `json:"mode"`
	Promise   Promise `json:"promise"`
	ModeEpoch uint64  `json:"mode_epoch,omitempty"`
}

func (h *History) header() *headerLine {
	l := &headerLine{formatVersion, h.Source, h.Replicas, nil, int64(h.Healed), h.Terms, h.Live, vectorText(h.Before)}
	for _, e := range h.Epochs {
		l.Epochs = append(l.Epochs, epochLine(e))
	}
	return l
}

func (h *History) setHeader(l *headerLine) error {
	if l.Version != formatVersion {
		return fmt.Errorf("the history is of version %d, this program reads version %d", l.Version, formatVersion)
	}
	h.Source, h.Replicas, h.Healed, h.Terms = l.Source, l.Replicas, duration(l.Healed), l.Terms
	h.Live, h.Before = l.Live, board.Vector(l.Before)
	for _, e := range l.Epochs {
		h.Epochs = append(h.Epochs, Epoch(e))
	}
	return nil
}

type eventLine struct {
	At      int64           `json:"at"`
	Kind    string          `json:"kind"`
	Replica board.ReplicaID `json:"replica,omitempty"`
	Peer    board.ReplicaID `json:"peer,omitempty"`
	Text    string          `json:"text"`
}

func eventLineOf(e Event) eventLine {
	return eventLine{int64(e.At), e.Kind, e.Replica, e.Peer, e.Text}
}

func (l *eventLine) event() Event {
	return Event{duration(l.At), l.Kind, l.Replica, l.Peer, l.Text}
}

type boardLine struct {
	Replica board.ReplicaID `json:"replica"`
	Same    bool            `json:"same,omitempty"`
}

func (h *History) addBoard(l *boardLine) error {
	b := Board{Replica: l.Replica}
	if l.Same {
		if len(h.Boards) == 0 {
			return errors.New("the first board cannot be the same as the one before")
		}
		b.Articles = h.Boards[len(h.Boards)-1].Articles
	}
	h.Boards = append(h.Boards, b)
	return nil
}

type articleLine struct {
	ID     idText `json:"id"`
	Parent idText `json:"parent,omitzero"`
	Author string `json:"author,omitempty"`
	Title  string `json:"title,omitempty"`
	Body   string `json:"body,omitempty"`
	Time   int64  `json:"time,omitempty"`
	Key    string `json:"key,omitempty"`
}

func articleLineOf(a *board.Article) *articleLine {
	return &articleLine{idText(a.ID), idText(a.Parent), a.Author, a.Title, a.Body, a.Time, a.Key}
}

func (h *History) addArticle(l *articleLine) error {
	n := len(h.Boards)
	if n == 0 {
		return errors.New("an article before any board")
	}
	b := &h.Boards[n-1]
	b.Articles = append(b.Articles, board.Article{
		ID: board.ArticleID(l.ID), Parent: board.ArticleID(l.Parent),
		Author: l.Author, Title: l.Title, Body: l.Body, Time: l.Time, Key: l.Key,
	})
	return nil
}
