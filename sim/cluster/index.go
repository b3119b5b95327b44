package cluster

import (
	"consequor/board"
	"consequor/mutants"
	"consequor/replicad/host"
)

// The visible board, and how it gets to disk.

// Put makes articles visible.
func (d *disk) Put(articles []board.Article) error {
	for i := range articles {
		d.c.checkArticle(d.owner, &articles[i])
		if err := d.shown.Put(articles[i]); err != nil {
			return err
		}
	}
	if d.c.Trace != nil {
		d.c.Emit(Event{Replica: d.owner, Kind: Stored, Text: idList(articles)})
	}
	return nil
}

func idList(articles []board.Article) string {
	text := ""
	for i := range articles {
		if i > 0 {
			text += " "
		}
		text += articles[i].ID.String()
	}
	return text
}

// Vector is that of the visible board.
func (d *disk) Vector() board.Vector { return d.shown.Vector() }

// Get finds a visible article.
func (d *disk) Get(id board.ArticleID) (board.Article, bool, error) {
	a, ok := d.shown.Get(id)
	return a, ok, nil
}

// Keys lists those of visible articles.
func (d *disk) Keys(count int) ([]board.KeyedID, uint64, error) {
	keys, from := d.shown.Keys(count)
	return keys, from, nil
}

func (d *disk) drawFlush() {
	d.due = flushEveryMin + int(d.random.next()%(flushEveryMax-flushEveryMin))
}

// beginFlush starts to bring the board to disk, up to where the journal is
// synced and all is visible. Only when it has ended the journal is trimmed: a
// crash meanwhile finds the articles there.
func (d *disk) beginFlush() {
	f := d.flushable()
	if d.flush != nil || f.upTo == d.journal.base {
		return
	}
	d.flush = f
	if d.c.Mutant == mutants.M33 {
		d.journal.trim(f.upTo)
	}
	d.later(d.random.between(0, flushTimeMax), d.endFlush)
}

// flushable is what may be flushed now.
func (d *disk) flushable() *flush {
	f := &flush{upTo: d.journal.base}
	for _, w := range d.journal.upTo(d.journal.durable) {
		for _, a := range w.articles {
			if _, visible := d.shown.Get(a.ID); !visible {
				return f
			}
		}
		f.articles = append(f.articles, w.articles...)
		f.upTo++
	}
	return f
}

func (d *disk) endFlush() {
	if d.Full() {
		d.later(d.fullUntil-d.c.now, d.endFlush)
		return
	}
	f := d.flush
	d.flush = nil
	d.putAll(&d.tables, f.articles)
	if d.journal.base < f.upTo {
		d.journal.trim(f.upTo)
	}
}

// Replace drops what upTo does not have, from memory and disk alike. No host
// asks for that but under mutant M32: boards only grow.
func (d *disk) Replace(upTo board.Vector) {
	kept := new(board.Board)
	keep := func(articles []board.Article) {
		for _, a := range articles {
			if upTo.Has(a.ID) {
				_ = kept.Put(a) // a reply whose parent is dropped goes with it
			}
		}
	}
	keep(d.shown.Span(nil))
	for i := range d.journal.entries {
		keep(d.journal.entries[i].articles)
	}
	d.shown = *only(kept, d.shown.Span(nil))
	d.tables = *only(kept, d.tables.Span(nil))
	for i := range d.journal.entries {
		w := &d.journal.entries[i]
		w.articles = listed(kept, w.articles)
	}
	if d.flush != nil {
		d.flush.articles = listed(kept, d.flush.articles)
	}
}

// only is a board of those articles that kept has.
func only(kept *board.Board, articles []board.Article) *board.Board {
	b := new(board.Board)
	for _, a := range listed(kept, articles) {
		_ = b.Put(a) // kept has its parent, and it came before
	}
	return b
}

func listed(kept *board.Board, articles []board.Article) []board.Article {
	var list []board.Article
	for _, a := range articles {
		if _, ok := kept.Get(a.ID); ok {
			list = append(list, a)
		}
	}
	return list
}

// span cuts what the board has beyond since and up to upTo into chunks of a few
// articles, so that spans of several chunks are common here.
func (d *disk) span(since, upTo board.Vector, message []byte) []host.SpanChunk {
	var span []board.Article
	if !since.Covers(upTo) {
		for _, a := range d.shown.Span(since) {
			if upTo.Has(a.ID) {
				span = append(span, a)
			}
		}
	}
	var chunks []host.SpanChunk
	for {
		chunk := host.SpanChunk{Since: since, UpTo: since, Articles: span[:min(spanChunkLen, len(span))]}
		span = span[len(chunk.Articles):]
		for i := range chunk.Articles {
			chunk.UpTo = chunk.UpTo.With(chunk.Articles[i].ID)
		}
		since = chunk.UpTo
		if len(span) == 0 {
			chunk.Last, chunk.Message, chunk.UpTo = true, message, upTo
			return append(chunks, chunk)
		}
		chunks = append(chunks, chunk)
	}
}

// spanChunkLen is how many articles a frame of a span has at most.
const spanChunkLen = 3
