package originlog_test

import (
	"fmt"

	"consequor/board"
	"consequor/modes"
	"consequor/modes/modetest"
)

// promise is what a mode promises beyond what all do.
type promise struct {
	regular      bool // a read holds every post that was acknowledged before it was called
	freshRegular bool // a fresh read does
	writeBack    bool // a read holds what reads held that returned before it was called
	idsRise      bool // a post that was acknowledged before another was called has a lower seq
	readsFollow  bool // where an article is shown, so is what its session had seen before it
}

// judge checks the history and the final boards: no acknowledged post is lost,
// what was refused never appears, one key has one id, a session's reads cover
// what it has seen, all boards are equal; and what else the mode promises.
func (r *run) judge() error {
	all := r.cluster.Board(1).Span(nil)
	for id := board.ReplicaID(2); int(id) <= r.n; id++ {
		if err := equal(all, r.cluster.Board(id).Span(nil)); err != nil {
			return fmt.Errorf("r1 and %s: %w", id, err)
		}
	}
	byKey, byTitle := map[string]board.ArticleID{}, map[string]board.ArticleID{}
	for _, a := range all {
		if old, ok := byKey[a.Key]; ok && a.Key != "" {
			return fmt.Errorf("key %s has the articles %s and %s", a.Key, old, a.ID)
		}
		if old, ok := byTitle[a.Title]; ok {
			return fmt.Errorf("%s is there as %s and as %s", a.Title, old, a.ID)
		}
		byKey[a.Key], byTitle[a.Title] = a.ID, a.ID
	}
	for _, c := range r.clients {
		for _, op := range c.operations {
			if err := op.judge(byTitle[op.title]); err != nil {
				return fmt.Errorf("%s: %w", op.title, err)
			}
		}
	}
	for _, call := range r.cluster.Calls() {
		if !call.Done {
			return fmt.Errorf("request %d was never answered", call.Request.ID)
		}
		if call.OK && call.Request.Verb == modes.VerbRead {
			if err := r.judgeRead(call, byTitle); err != nil {
				return fmt.Errorf("read %d at %s, called at %s, returned at %s, shows up to %s: %w", call.Request.ID, call.At, call.Called, call.Returned, call.UpTo, err)
			}
		}
	}
	if r.promise.idsRise {
		return r.judgeIDs(byTitle)
	}
	return nil
}

func equal(a, b []board.Article) error {
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) {
			return fmt.Errorf("%d and %d articles", len(a), len(b))
		}
		if a[i] != b[i] {
			return fmt.Errorf("article %s is %q here and %q there", a[i].ID, a[i].Title, b[i].Title)
		}
	}
	return nil
}

// judge checks one operation, of which id is on the boards (zero: nothing).
func (op *operation) judge(id board.ArticleID) error {
	refused := true
	for _, call := range op.calls {
		refused = refused && call.Refused
		switch {
		case call.OK && call.ID != id:
			return fmt.Errorf("acknowledged as %s; on the boards it is %s", call.ID, id)
		case call.OK && (id.Seq <= op.seen.SeqMax() || id.Seq <= op.key.Mark):
			return fmt.Errorf("its id is %s, and its session had seen %s", id, op.seen)
		}
	}
	if refused && !id.IsZero() {
		return fmt.Errorf("it was refused, and is there as %s", id)
	}
	return nil
}

func (r *run) judgeRead(read *modetest.Call, byTitle map[string]board.ArticleID) error {
	if !read.UpTo.Covers(read.Request.Seen) {
		return fmt.Errorf("its session had seen %s", read.Request.Seen)
	}
	p := r.promise
	for _, call := range r.cluster.Calls() {
		if !call.OK || call.Returned >= read.Called {
			continue
		}
		writes := call.Request.Verb.Writes()
		if (p.regular || p.freshRegular && read.Request.Fresh) && writes && !read.UpTo.Has(call.ID) {
			return fmt.Errorf("%s was acknowledged before, at %s", call.ID, call.Returned)
		}
		if p.writeBack && call.Request.Verb == modes.VerbRead && !read.UpTo.Covers(call.UpTo) {
			return fmt.Errorf("read %d, which returned before, at %s, showed up to %s", call.Request.ID, call.Returned, call.UpTo)
		}
	}
	if !p.readsFollow {
		return nil
	}
	for _, c := range r.clients {
		for _, op := range c.operations {
			if id := byTitle[op.title]; !id.IsZero() && read.UpTo.Has(id) && !read.UpTo.Covers(op.seen) {
				return fmt.Errorf("it shows %s, whose session had seen %s", id, op.seen)
			}
		}
	}
	return nil
}

// judgeIDs checks that ids rise in real time; an operation was called when its
// first try was.
func (r *run) judgeIDs(byTitle map[string]board.ArticleID) error {
	for _, c := range r.clients {
		for _, op := range c.operations {
			id := byTitle[op.title]
			if id.IsZero() {
				continue
			}
			for _, call := range r.cluster.Calls() {
				if call.OK && call.Request.Verb.Writes() && call.Returned < op.calls[0].Called && call.ID.Seq >= id.Seq {
					return fmt.Errorf("%s has id %s, and was called at %s, after %s was acknowledged", op.title, id, op.calls[0].Called, call.ID)
				}
			}
		}
	}
	return nil
}
