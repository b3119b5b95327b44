package history

import (
	"fmt"
	"slices"
	"strings"

	"consequor/board"
)

// C0, for every mode: what clients were told of posts against what the boards
// hold at the end. What they were shown is in views.go.

// acknowledged holds every answered id to be on every board.
func (c *check) acknowledged() *Verdict {
	for i := range c.h.Boards {
		b := &c.h.Boards[i]
		if i > 0 && shared(c.h.Boards[i-1].Articles, b.Articles) {
			continue
		}
		on := make(map[board.ArticleID]bool, len(b.Articles))
		for k := range b.Articles {
			on[b.Articles[k].ID] = true
		}
		for k := range c.h.Ops {
			op := &c.h.Ops[k]
			if !c.spend(1) {
				return nil
			}
			for _, id := range op.IDs {
				if !on[id] {
					return violated("durability", []*Op{op}, "Article %s, %s, is not on %s, which holds %s.",
						id, op.showed(), b.Replica, holds(b.Articles))
				}
			}
		}
	}
	return nil
}

// holds is "16 articles up to 16".
func holds(all []board.Article) string {
	if len(all) == 0 {
		return "no article"
	}
	return fmt.Sprintf("%s up to %s", articles(len(all)), all[len(all)-1].ID)
}

// outcomes holds what was refused to have left no trace.
func (c *check) outcomes() *Verdict {
	for position, i := range c.x.opOf {
		if i < 0 || !c.spend(1) {
			continue
		}
		if op := &c.h.Ops[i]; op.Outcome == Refused {
			return violated("outcome", []*Op{op}, "The %s that %s refused to %s (%s) is on the board: article %s.",
				op.Verb, op.answerer(), op.who(), orElse(op.Kind, "no reason given"), c.x.articles[position].ID)
		}
	}
	return nil
}

func orElse(text, instead string) string {
	if text == "" {
		return instead
	}
	return text
}

// keys holds keys and ids to be one to one, first in what clients were told.
func (c *check) keys() *Verdict {
	if v := c.answeredKeys(); v != nil || c.left < 0 {
		return v
	}
	return c.keysOnBoards()
}

func (c *check) answeredKeys() *Verdict {
	byID := map[board.ArticleID]*Op{}
	for i := range c.h.Ops {
		op := &c.h.Ops[i]
		if !c.spend(1) {
			return nil
		}
		if op.Key != "" && len(op.IDs) > 1 {
			return violated("one key, one id", []*Op{op}, "The post of %s with key %q was answered with two ids, %s.", op.who(), op.Key, listIDs(op.IDs))
		}
		for _, id := range op.IDs {
			if other := byID[id]; other != nil {
				return violated("one id, one key", []*Op{other, op}, "Article %s was acknowledged twice: to %s by %s at %s, and to %s by %s at %s, for two posts.",
					id, other.who(), other.answerer(), seconds(other.Return), op.who(), op.answerer(), seconds(op.Return))
			}
			byID[id] = op
		}
	}
	return nil
}

func (c *check) keysOnBoards() *Verdict {
	byKey := map[string]board.ArticleID{}
	for position, a := range c.x.articles {
		if a.Key == "" || !c.spend(1) {
			continue
		}
		if other, ok := byKey[a.Key]; ok {
			return violated("one key, one id", []*Op{c.addedBy(position)}, "The key %q stands for two articles, %s and %s.", a.Key, other, a.ID)
		}
		byKey[a.Key] = a.ID
	}
	for i := range c.h.Ops {
		op := &c.h.Ops[i]
		for _, id := range op.IDs {
			a, ok := c.x.exists(id)
			if !ok || a.Key == op.Key || !c.spend(1) {
				continue
			}
			return violated("one id, one key", []*Op{op, c.addedBy(c.x.at[id])}, "Article %s, %s for key %q, stands for key %q on the board.", id, op.showed(), op.Key, a.Key)
		}
	}
	return nil
}

// addedBy is the operation that added the article at a position; nil: nobody
// knows.
func (c *check) addedBy(position int) *Op {
	if i := c.x.opOf[position]; i >= 0 {
		return &c.h.Ops[i]
	}
	return nil
}

// contents holds what is on the board to be what was posted.
func (c *check) contents() *Verdict {
	for position, a := range c.x.articles {
		op := c.addedBy(position)
		if op == nil || op.Content == 0 {
			continue
		}
		if !c.spend(1 + len(a.Body)/1024) {
			return nil
		}
		if ContentOf(a) != op.Content {
			return violated("equal content", []*Op{op}, "Article %s is not what %s posted at %s: its parent or its texts are others.", a.ID, op.who(), seconds(op.Call))
		}
	}
	return nil
}

// nobodys holds every article to have been posted, and no more often than it
// was sent.
func (c *check) nobodys() *Verdict {
	capacity := map[Sum]int{}
	for i := range c.h.Ops {
		if op := &c.h.Ops[i]; op.Verb.Writes() && op.Key == "" && op.Outcome != Refused {
			capacity[op.Content] += max(1, len(op.Tries))
		}
	}
	for position, a := range c.x.articles {
		if !c.spend(1) {
			return nil
		}
		op := c.addedBy(position)
		switch {
		case op != nil:
		case c.h.Before.Has(a.ID):
			continue
		case c.h.Live:
			return violated("no phantom", nil, "Article %s (%s, by %q) is on the board, and no recorded client posted it; a client that is not recorded may have.", a.ID, title(a), a.Author)
		default:
			return violated("no phantom", nil, "Article %s (%s) is on the board, and nobody posted it.", a.ID, title(a))
		}
		if op.Key != "" || op.Content == 0 {
			continue
		}
		if capacity[op.Content]--; capacity[op.Content] < 0 {
			return violated("no phantom", []*Op{op}, "Article %s (%s) was sent without a key, and is on the board more often than it was sent.", a.ID, title(a))
		}
	}
	return nil
}

// title is how people know the article.
func title(a *board.Article) string {
	text := orElse(a.Title, a.Body)
	if len(text) > 40 {
		text = strings.ToValidUTF8(text[:40], "") + "..."
	}
	return fmt.Sprintf("%q", text)
}

// equalBoards holds all boards to be one.
func (c *check) equalBoards() *Verdict {
	first := &c.h.Boards[0]
	for i := range c.h.Boards[1:] {
		b := &c.h.Boards[i+1]
		if shared(first.Articles, b.Articles) {
			continue
		}
		if !c.spend(len(b.Articles)) {
			return nil
		}
		if v := c.differ(first, b); v != nil {
			return v
		}
	}
	return nil
}

func (c *check) differ(a, b *Board) *Verdict {
	for i := range min(len(a.Articles), len(b.Articles)) {
		x, y := &a.Articles[i], &b.Articles[i]
		if x.ID == y.ID && *x != *y {
			return violated("equal content", []*Op{c.addedBy(c.x.at[x.ID])}, "Article %s is one thing on %s and another on %s: %s.", x.ID, a.Replica, b.Replica, difference(x, y))
		}
		if x.ID.Compare(y.ID) < 0 {
			return c.onlyOn(x.ID, a, b)
		}
		if x.ID != y.ID {
			return c.onlyOn(y.ID, b, a)
		}
	}
	switch n := min(len(a.Articles), len(b.Articles)); {
	case len(a.Articles) > n:
		return c.onlyOn(a.Articles[n].ID, a, b)
	case len(b.Articles) > n:
		return c.onlyOn(b.Articles[n].ID, b, a)
	}
	return nil
}

// difference names the first part in which two articles differ.
func difference(a, b *board.Article) string {
	switch {
	case a.Parent != b.Parent:
		return fmt.Sprintf("its parent is %s, or %s", orNothing(a.Parent), orNothing(b.Parent))
	case a.Title != b.Title:
		return fmt.Sprintf("its title is %s, or %s", title(a), title(b))
	case a.Key != b.Key:
		return fmt.Sprintf("its key is %q, or %q", a.Key, b.Key)
	case a.Author != b.Author:
		return fmt.Sprintf("its author is %q, or %q", a.Author, b.Author)
	case a.Body != b.Body:
		return "its body differs"
	}
	return "its time differs"
}

// orNothing is an id in a sentence.
func orNothing(id board.ArticleID) string {
	if id.IsZero() {
		return "nothing"
	}
	return id.String()
}

func (c *check) onlyOn(id board.ArticleID, with, without *Board) *Verdict {
	return violated("equal boards", []*Op{c.addedBy(c.x.at[id])}, "Article %s is on %s and not on %s when everything is quiet: %s holds %s, %s holds %s.",
		id, with.Replica, without.Replica, with.Replica, holds(with.Articles), without.Replica, holds(without.Articles))
}

// threads holds every reply to have its parent on the same board, below it.
func (c *check) threads() *Verdict {
	for position, a := range c.x.articles {
		if a.IsRoot() || !c.spend(1) {
			continue
		}
		if a.Parent.Compare(a.ID) >= 0 {
			return violated("thread order", []*Op{c.addedBy(position)}, "Reply %s has an id that is not above its parent's, %s.", a.ID, a.Parent)
		}
		for i := range c.h.Boards {
			b := &c.h.Boards[i]
			if i > 0 && shared(c.h.Boards[i-1].Articles, b.Articles) || !has(b, a.ID) || has(b, a.Parent) {
				continue
			}
			return violated("thread order", []*Op{c.addedBy(position)}, "Reply %s is on %s, and its parent %s is not.", a.ID, b.Replica, a.Parent)
		}
	}
	return nil
}

func has(b *Board, id board.ArticleID) bool {
	_, found := slices.BinarySearchFunc(b.Articles, id, func(a board.Article, id board.ArticleID) int { return a.ID.Compare(id) })
	return found
}
