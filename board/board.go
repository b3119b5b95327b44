package board

import (
	"fmt"
	"slices"
)

// ConflictError reports an article that must not be put on a board: the
// replica that meets one has a broken mode or a broken disk, and halts.
type ConflictError struct {
	ID  ArticleID
	Why string
}

func (e *ConflictError) Error() string { return fmt.Sprintf("article %s: %s", e.ID, e.Why) }

// Board is the set of all articles that one replica has, in memory. Its zero
// value is the empty board. It is not safe for concurrent use.
type Board struct {
	articles map[ArticleID]*Article
	replies  map[ArticleID][]ArticleID // by parent, rising; the zero id's are the roots
	order    []ArticleID               // all, rising
	vector   Vector
}

// Put adds a. An equal article that is there already is no error; a different
// one of the same id, or a parent that is missing, is a *ConflictError.
func (b *Board) Put(a Article) error {
	if old, ok := b.articles[a.ID]; ok {
		if *old != a {
			return &ConflictError{a.ID, "stored twice with different content"}
		}
		return nil
	}
	if a.ID.IsZero() || a.ID.Seq == 0 {
		return &ConflictError{a.ID, "has no seq"}
	}
	if _, ok := b.articles[a.Parent]; !ok && !a.IsRoot() {
		return &ConflictError{a.ID, "its parent " + a.Parent.String() + " is not on the board"}
	}
	if b.articles == nil {
		b.articles = make(map[ArticleID]*Article)
		b.replies = make(map[ArticleID][]ArticleID)
	}
	b.articles[a.ID] = &a
	b.replies[a.Parent] = insertID(b.replies[a.Parent], a.ID)
	b.order = insertID(b.order, a.ID)
	b.vector = b.vector.With(a.ID)
	return nil
}

func insertID(ids []ArticleID, id ArticleID) []ArticleID {
	i, _ := slices.BinarySearchFunc(ids, id, ArticleID.Compare)
	return slices.Insert(ids, i, id)
}

// Vector says what the board holds.
func (b *Board) Vector() Vector { return b.vector }

// Len returns the number of articles.
func (b *Board) Len() int { return len(b.order) }

// Get returns the article id, if the board has it.
func (b *Board) Get(id ArticleID) (Article, bool) {
	a, ok := b.articles[id]
	if !ok {
		return Article{}, false
	}
	return *a, true
}

// Page lists articles as q asks.
func (b *Board) Page(q Query) Page {
	ids := b.order
	if !q.All {
		ids = b.replies[q.Under]
	}
	var page Page
	size := 0
	for _, id := range ids[after(ids, q.After):] {
		if !q.UpTo.Has(id) || q.Since.Has(id) {
			continue
		}
		a := b.articles[id]
		size += a.Size()
		if len(page.Entries) == q.Limit() || len(page.Entries) > 0 && size > PageSizeMax {
			page.More = true
			break
		}
		page.Entries = append(page.Entries, Entry{*a, b.countReplies(id, q.UpTo)})
	}
	return page
}

func after(ids []ArticleID, id ArticleID) int {
	i, found := slices.BinarySearchFunc(ids, id, ArticleID.Compare)
	if found {
		i++
	}
	return i
}

func (b *Board) countReplies(id ArticleID, upTo Vector) int {
	n := 0
	for _, reply := range b.replies[id] {
		if upTo.Has(reply) {
			n++
		}
	}
	return n
}

// Span returns all that the board holds beyond since, by rising id.
func (b *Board) Span(since Vector) []Article {
	var span []Article
	for _, id := range b.beyond(since) {
		if !since.Has(id) {
			span = append(span, *b.articles[id])
		}
	}
	return span
}

// beyond is the end of the board's order behind which nothing is that since does
// not have: of a large board little is looked at when little is lacking.
func (b *Board) beyond(since Vector) []ArticleID {
	var first ArticleID
	for _, last := range b.vector {
		if seq := since.Seq(last.Origin); seq < last.Seq && (first.IsZero() || seq < first.Seq) {
			first = ArticleID{Seq: seq + 1}
		}
	}
	if first.IsZero() {
		return nil
	}
	at, _ := slices.BinarySearchFunc(b.order, first, ArticleID.Compare)
	return b.order[at:]
}

// Keys returns the keys of the newest n articles, by rising id, and how far
// back they reach: they are those of all articles whose seq is at least from;
// 0: of all there are.
func (b *Board) Keys(n int) (keys []KeyedID, from uint64) {
	first := max(0, len(b.order)-n)
	if first > 0 {
		from = b.order[first-1].Seq + 1 // several origins may share a seq
	}
	for _, id := range b.order[first:] {
		if key := b.articles[id].Key; key != "" {
			keys = append(keys, KeyedID{id, key})
		}
	}
	return keys, from
}
