package history

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"consequor/board"
)

// The lines of operations, and the texts in them.

type opLine struct {
	Number  int             `json:"number"`
	Session int             `json:"session,omitempty"`
	Verb    Verb            `json:"verb"`
	Fresh   bool            `json:"fresh,omitempty"`
	Call    int64           `json:"call"`
	Return  int64           `json:"return,omitempty"`
	Outcome Outcome         `json:"outcome"`
	Kind    string          `json:"kind,omitempty"`
	Why     string          `json:"why,omitempty"`
	Epoch   uint64          `json:"epoch,omitempty"`
	Replica board.ReplicaID `json:"replica,omitempty"`
	Tries   []tryLine       `json:"tries,omitempty"`
	Key     string          `json:"key,omitempty"`
	Parent  idText          `json:"parent,omitzero"`
	Content sumText         `json:"content,omitzero"`
	IDs     []idText        `json:"ids,omitempty"`
	Target  idText          `json:"target,omitzero"`
	View    *viewLine       `json:"view,omitempty"`
}

type tryLine struct {
	Replica board.ReplicaID `json:"replica"`
	Call    int64           `json:"call"`
	Return  int64           `json:"return,omitempty"`
	Outcome Outcome         `json:"outcome"`
	Text    string          `json:"text,omitempty"`
}

type viewLine struct {
	UpTo     vectorText  `json:"up_to"`
	Since    vectorText  `json:"since,omitempty"`
	After    idText      `json:"after,omitzero"`
	Through  idText      `json:"through,omitzero"`
	Roots    bool        `json:"roots,omitempty"`
	Count    int         `json:"count"`
	Sum      sumText     `json:"sum"`
	Articles *[]idText   `json:"articles,omitempty"` // empty is not the same as not kept
	Thread   *threadLine `json:"thread,omitempty"`
}

type threadLine struct {
	Article idText   `json:"article"`
	Parent  idText   `json:"parent,omitzero"`
	Replies []idText `json:"replies,omitempty"`
}

func opLineOf(op *Op) *opLine {
	l := &opLine{
		op.Number, op.Session, op.Verb, op.Fresh, int64(op.Call), int64(op.Return), op.Outcome, op.Kind, op.Why,
		op.Epoch, op.Replica, nil, op.Key, idText(op.Parent), sumText(op.Content), idTexts(op.IDs), idText(op.Target), viewLineOf(op.View),
	}
	for _, t := range op.Tries {
		l.Tries = append(l.Tries, tryLine{t.Replica, int64(t.Call), int64(t.Return), t.Outcome, t.Text})
	}
	return l
}

func (l *opLine) op() (Op, error) {
	op := Op{
		l.Number, l.Session, l.Verb, l.Fresh, duration(l.Call), duration(l.Return), l.Outcome, l.Kind, l.Why,
		l.Epoch, l.Replica, nil, l.Key, board.ArticleID(l.Parent), Sum(l.Content), articleIDs(l.IDs), board.ArticleID(l.Target), l.View.view(),
	}
	for _, t := range l.Tries {
		op.Tries = append(op.Tries, Try{t.Replica, duration(t.Call), duration(t.Return), t.Outcome, t.Text})
	}
	switch op.Verb {
	case Post, Reply, Read, Choose, Sync:
		return op, nil
	}
	return op, fmt.Errorf("the verb %q: want post, reply, read, choose or sync", op.Verb)
}

func viewLineOf(v *View) *viewLine {
	if v == nil {
		return nil
	}
	l := &viewLine{vectorText(v.UpTo), vectorText(v.Since), idText(v.After), idText(v.Through), v.Roots, v.Count, sumText(v.Sum), nil, nil}
	if v.Articles != nil {
		l.Articles = new(append([]idText{}, idTexts(v.Articles)...))
	}
	if t := v.Thread; t != nil {
		l.Thread = &threadLine{idText(t.Article), idText(t.Parent), idTexts(t.Replies)}
	}
	return l
}

func (l *viewLine) view() *View {
	if l == nil {
		return nil
	}
	v := &View{board.Vector(l.UpTo), board.Vector(l.Since), board.ArticleID(l.After), board.ArticleID(l.Through), l.Roots, l.Count, Sum(l.Sum), nil, nil}
	if l.Articles != nil {
		v.Articles = append([]board.ArticleID{}, articleIDs(*l.Articles)...)
	}
	if t := l.Thread; t != nil {
		v.Thread = &Thread{board.ArticleID(t.Article), board.ArticleID(t.Parent), articleIDs(t.Replies)}
	}
	return v
}

// MarshalJSON writes a view as it stands in a history's file.
func (v *View) MarshalJSON() ([]byte, error) { return json.Marshal(viewLineOf(v)) }

// UnmarshalJSON reads what MarshalJSON writes.
func (v *View) UnmarshalJSON(text []byte) error {
	var l viewLine
	if err := json.Unmarshal(text, &l); err != nil {
		return err
	}
	*v = *l.view()
	return nil
}

func duration(nanoseconds int64) time.Duration { return time.Duration(nanoseconds) }

// idText is an id as "17.2".
type idText board.ArticleID

// IsZero reports whether it names no article; then it is left out.
func (id idText) IsZero() bool { return board.ArticleID(id).IsZero() }

// MarshalText writes the id as people do.
func (id idText) MarshalText() ([]byte, error) { return []byte(board.ArticleID(id).String()), nil }

// UnmarshalText reads what MarshalText writes.
func (id *idText) UnmarshalText(text []byte) error {
	parsed, err := board.ParseArticleID(string(text))
	*id = idText(parsed)
	return err
}

func idTexts(ids []board.ArticleID) (texts []idText) {
	for _, id := range ids {
		texts = append(texts, idText(id))
	}
	return texts
}

func articleIDs(texts []idText) (ids []board.ArticleID) {
	for _, id := range texts {
		ids = append(ids, board.ArticleID(id))
	}
	return ids
}

// vectorText is a vector as "4,4.1".
type vectorText board.Vector

// MarshalText writes the vector as people do.
func (v vectorText) MarshalText() ([]byte, error) { return []byte(board.Vector(v).String()), nil }

// UnmarshalText reads what MarshalText writes.
func (v *vectorText) UnmarshalText(text []byte) error {
	parsed, err := board.ParseVector(string(text))
	*v = vectorText(parsed)
	return err
}

// sumText is a digest in hexadecimal: many readers of JSON lose such numbers.
type sumText Sum

// MarshalText writes the digest.
func (s sumText) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%016x", uint64(s)), nil }

// UnmarshalText reads what MarshalText writes.
func (s *sumText) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 16, 64)
	*s = sumText(n)
	return err
}
