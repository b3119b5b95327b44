package store

import (
	"bytes"
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"consequor/board"
)

// Vector says what the board holds. Nobody changes it: a Put makes a new one.
func (r *Replica) Vector() board.Vector {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.vector
}

// Len returns the number of articles on the board.
func (r *Replica) Len() uint64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.count
}

// Has reports whether the article id is on the board.
func (r *Replica) Has(id board.ArticleID) (bool, error) {
	if !r.Vector().Has(id) {
		return false, nil
	}
	return r.read(articleKey(r.id, id), func([]byte) error { return nil })
}

// Get returns the article id, if the board has it.
func (r *Replica) Get(id board.ArticleID) (a board.Article, ok bool, err error) {
	if !r.Vector().Has(id) { // most ids that are not there are above the vector
		return a, false, nil
	}
	ok, err = r.read(articleKey(r.id, id), func(value []byte) (err error) {
		a, _, err = board.CutArticle(value)
		return err
	})
	return a, ok, err
}

// table returns an iterator over the keys of one table that begin with ids.
func (r *Replica) table(table byte, ids ...board.ArticleID) (*pebble.Iterator, error) {
	prefix := appendTable(make([]byte, 0, tablePrefixSize+2*idSize), r.id, table)
	for _, id := range ids {
		prefix = appendKeyID(prefix, id)
	}
	return r.store.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: prefixEnd(prefix)})
}

// Page lists articles as q asks.
func (r *Replica) Page(q board.Query) (page board.Page, err error) {
	p, err := r.newPaging(&q)
	if err != nil {
		return page, err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	size := 0
	for ok := p.seek(); ok; ok = p.list.Next() {
		id := keyID(p.list.Key())
		if id.Seq > p.last {
			break
		}
		if !q.UpTo.Has(id) || q.Since.Has(id) {
			continue
		}
		entry, err := p.entry(id)
		if err != nil {
			return board.Page{}, err
		}
		size += entry.Size()
		if len(page.Entries) == q.Limit() || len(page.Entries) > 0 && size > board.PageSizeMax {
			page.More = true
			break
		}
		page.Entries = append(page.Entries, entry)
	}
	return page, p.list.Error()
}

// paging is one Page call: iterators over the state of one moment.
type paging struct {
	r        *Replica
	q        *board.Query
	counted  bool            // the stored reply counts are those of q.UpTo
	from     board.ArticleID // nothing below can be listed
	last     uint64          // nor above this seq
	list     *pebble.Iterator
	articles *pebble.Iterator // nil: list is it
	index    *pebble.Iterator
	key      []byte
}

func (r *Replica) newPaging(q *board.Query) (*paging, error) {
	p := &paging{r: r, q: q, key: make([]byte, 0, tablePrefixSize+2*idSize)}
	r.mu.RLock() // so that vector and iterators are of one moment
	defer r.mu.RUnlock()
	p.counted = q.UpTo.Covers(r.vector)
	p.last = q.UpTo.SeqMax()
	p.from = beyond(r.vector, q.Since)
	if p.from.Compare(q.After) < 0 {
		p.from = q.After
	}
	var err error
	if q.All {
		p.list, err = r.table(tableArticle)
	} else {
		p.list, err = r.table(tableIndex, q.Under)
	}
	if err == nil && !q.All {
		p.articles, err = r.table(tableArticle)
	}
	if err == nil && (q.All || !p.counted) {
		p.index, err = r.table(tableIndex)
	}
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// nowhere is above every id.
var nowhere = board.ArticleID{Seq: 1<<64 - 1, Origin: 1<<32 - 1}

// beyond returns an id that is not above any id which a board with vector v
// holds and since does not have: listing starts there, not at the first.
func beyond(v, since board.Vector) board.ArticleID {
	from := nowhere
	for _, id := range v {
		if seq := since.Seq(id.Origin); seq < id.Seq && seq < from.Seq {
			from = board.ArticleID{Seq: seq + 1}
		}
	}
	return from
}

func (p *paging) close() error {
	var errs []error
	for _, it := range []*pebble.Iterator{p.list, p.articles, p.index} {
		if it != nil {
			errs = append(errs, it.Close())
		}
	}
	return errors.Join(errs...)
}

// seek moves to the first id that may be listed.
func (p *paging) seek() bool {
	if p.q.All {
		p.key = appendTable(p.key[:0], p.r.id, tableArticle)
	} else {
		p.key = appendKeyID(appendTable(p.key[:0], p.r.id, tableIndex), p.q.Under)
	}
	ok := p.list.SeekGE(appendKeyID(p.key, p.from))
	if ok && keyID(p.list.Key()) == p.q.After {
		ok = p.list.Next()
	}
	return ok
}

// entry reads the article that list stands at, and its number of replies.
func (p *paging) entry(id board.ArticleID) (board.Entry, error) {
	articles := p.list
	if p.articles != nil {
		articles = p.articles
		p.key = appendKeyID(appendTable(p.key[:0], p.r.id, tableArticle), id)
		if !moveTo(articles, p.key) {
			return board.Entry{}, errors.Join(articles.Error(), p.r.corrupt(p.key, errors.New("listed, but not there")))
		}
	}
	value, err := articles.ValueAndErr()
	if err != nil {
		return board.Entry{}, err
	}
	a, _, err := board.CutArticle(value)
	if err != nil {
		return board.Entry{}, p.r.corrupt(articles.Key(), err)
	}
	replies, err := p.replies(&a)
	return board.Entry{Article: a, Replies: replies}, err
}

// moveTo moves it to key, if that is there. Often it is the next one, and then
// no search is needed.
func moveTo(it *pebble.Iterator, key []byte) bool {
	if it.Valid() && it.Next() && bytes.Equal(it.Key(), key) {
		return true
	}
	return it.SeekGE(key) && bytes.Equal(it.Key(), key)
}

// replies returns how many direct replies of a the page's vector has.
func (p *paging) replies(a *board.Article) (int, error) {
	if !p.counted {
		return p.countReplies(a.ID)
	}
	counts := p.list
	if p.index != nil {
		counts = p.index
		p.key = appendKeyID(appendKeyID(appendTable(p.key[:0], p.r.id, tableIndex), a.Parent), a.ID)
		if !moveTo(counts, p.key) {
			return 0, errors.Join(counts.Error(), p.r.corrupt(p.key, errors.New("not in the index")))
		}
	}
	value, err := counts.ValueAndErr()
	if err != nil {
		return 0, err
	}
	n, _, err := cutUvarint(value)
	if err != nil {
		return 0, p.r.corrupt(counts.Key(), err)
	}
	return int(n), nil
}

func (p *paging) countReplies(id board.ArticleID) (int, error) {
	p.key = appendKeyID(appendTable(p.key[:0], p.r.id, tableIndex), id)
	n, size := 0, len(p.key)
	for ok := p.index.SeekGE(p.key); ok; ok = p.index.Next() {
		key := p.index.Key()
		if string(key[:size]) != string(p.key) {
			break
		}
		reply := keyID(key)
		if reply.Seq > p.last {
			break
		}
		if p.q.UpTo.Has(reply) {
			n++
		}
	}
	return n, p.index.Error()
}

// Keys returns the idempotency keys of the newest n articles, by rising id, and
// how far back they reach: they are those of all articles whose seq is at least
// from; 0: of all there are. Bodies are not read.
func (r *Replica) Keys(n int) (keys []board.KeyedID, from uint64, err error) {
	it, err := r.table(tableKey)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.Last(); ok; ok = it.Prev() {
		if n == 0 {
			from = keyID(it.Key()).Seq + 1 // several origins may share a seq
			break
		}
		n--
		value, err := it.ValueAndErr()
		if err != nil {
			return nil, 0, err
		}
		if len(value) > 0 {
			keys = append(keys, board.KeyedID{ID: keyID(it.Key()), Key: string(value)})
		}
	}
	slices.Reverse(keys)
	return keys, from, it.Error()
}

// Span yields what the board holds beyond since and up to upTo, by rising id,
// in chunks of about chunkBytes, as it stands when Span is called. An error
// that yield returns ends it.
func (r *Replica) Span(since, upTo board.Vector, chunkBytes int, yield func([]board.Article) error) (err error) {
	r.mu.RLock()
	it, err := r.table(tableArticle)
	from := beyond(r.vector, since)
	r.mu.RUnlock()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	var chunk []board.Article
	size, last := 0, upTo.SeqMax()
	for ok := it.SeekGE(articleKey(r.id, from)); ok; ok = it.Next() {
		id := keyID(it.Key())
		if id.Seq > last {
			break
		}
		if since.Has(id) || !upTo.Has(id) {
			continue
		}
		value, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		a, _, err := board.CutArticle(value)
		if err != nil {
			return r.corrupt(it.Key(), err)
		}
		if size += a.Size(); len(chunk) > 0 && size > chunkBytes {
			if err := yield(chunk); err != nil {
				return err
			}
			chunk, size = nil, a.Size()
		}
		chunk = append(chunk, a)
	}
	if err := it.Error(); err != nil || len(chunk) == 0 {
		return err
	}
	return yield(chunk)
}
