package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"consequor/board"
)

// Put puts articles on the board, visible at once and all together. An equal
// article that is there already changes nothing; one with other content or
// without its parent is a *board.ConflictError, and then none is put.
//
// Articles must be in the journal before, by Journal: Pebble keeps no log.
func (r *Replica) Put(articles []board.Article) error {
	r.putMu.Lock()
	defer r.putMu.Unlock()
	p := putting{r: r, counts: make(map[board.ArticleID]*replyCount)}
	for i := range articles {
		if err := p.add(&articles[i]); err != nil {
			return err
		}
	}
	if len(p.added) > 0 {
		if err := p.commit(); err != nil {
			return fmt.Errorf("put %d articles on the board of %s: %w", len(articles), r.id, err)
		}
	}
	j := r.store.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	j.articles.settle(r, articles)
	return nil
}

// putting gathers what one Put changes.
type putting struct {
	r      *Replica
	added  []*board.Article
	byID   map[board.ArticleID]*board.Article // of added, once there are two
	counts map[board.ArticleID]*replyCount    // of new articles' parents
}

type replyCount struct {
	parent  board.ArticleID // of the article whose replies are counted
	replies uint64
}

func (p *putting) add(a *board.Article) error {
	old, ok, err := p.find(a.ID)
	switch {
	case err != nil:
		return err
	case ok && old != *a:
		return &board.ConflictError{ID: a.ID, Why: "stored twice with different content"}
	case ok:
		return nil
	case a.ID.Seq == 0:
		return &board.ConflictError{ID: a.ID, Why: "has no seq"}
	}
	if !a.IsRoot() {
		if err := p.countReply(a); err != nil {
			return err
		}
	}
	p.added = append(p.added, a)
	if len(p.added) > 1 {
		p.index()
	}
	return nil
}

func (p *putting) index() {
	if p.byID == nil {
		p.byID = map[board.ArticleID]*board.Article{p.added[0].ID: p.added[0]}
	}
	a := p.added[len(p.added)-1]
	p.byID[a.ID] = a
}

func (p *putting) addedWith(id board.ArticleID) *board.Article {
	if len(p.added) == 1 && p.added[0].ID == id {
		return p.added[0]
	}
	return p.byID[id]
}

func (p *putting) find(id board.ArticleID) (board.Article, bool, error) {
	if a := p.addedWith(id); a != nil {
		return *a, true, nil
	}
	return p.r.Get(id)
}

// countReply finds the parent of a and counts a among its replies.
func (p *putting) countReply(a *board.Article) error {
	count := p.counts[a.Parent]
	if count == nil {
		var err error
		if count, err = p.loadCount(a.Parent); err != nil {
			return err
		}
		if count == nil {
			return &board.ConflictError{ID: a.ID, Why: "its parent " + a.Parent.String() + " is not on the board"}
		}
		p.counts[a.Parent] = count
	}
	count.replies++
	return nil
}

// loadCount returns nil if id is not on the board.
func (p *putting) loadCount(id board.ArticleID) (*replyCount, error) {
	if a := p.addedWith(id); a != nil {
		return &replyCount{parent: a.Parent}, nil
	}
	if !p.r.Vector().Has(id) {
		return nil, nil
	}
	count := new(replyCount)
	found, err := p.r.read(articleKey(p.r.id, id), func(value []byte) (err error) {
		count.parent, err = parentOf(value)
		return err
	})
	if err != nil || !found {
		return nil, err
	}
	_, err = p.r.read(indexKey(p.r.id, count.parent, id), func(value []byte) (err error) {
		count.replies, _, err = cutUvarint(value)
		return err
	})
	return count, err
}

// commit makes the changes visible.
func (p *putting) commit() error {
	r := p.r
	batch := r.store.db.NewBatch()
	defer batch.Close()
	vector, count := slices.Clone(r.vector), r.count+uint64(len(p.added))
	var value []byte
	for _, a := range p.added {
		vector = raise(vector, a.ID)
		value = board.AppendArticle(value[:0], a)
		if err := batch.Set(articleKey(r.id, a.ID), value, nil); err != nil {
			return err
		}
		if err := batch.Set(keyKey(r.id, a.ID), []byte(a.Key), nil); err != nil {
			return err
		}
		if p.counts[a.ID] == nil {
			p.counts[a.ID] = &replyCount{parent: a.Parent}
		}
	}
	for id, c := range p.counts {
		value = binary.AppendUvarint(value[:0], c.replies)
		if err := batch.Set(indexKey(r.id, c.parent, id), value, nil); err != nil {
			return err
		}
	}
	value = board.AppendVector(binary.AppendUvarint(value[:0], count), vector)
	if err := batch.Set(appendTable(nil, r.id, tableVector), value, nil); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := batch.Commit(pebble.NoSync); err != nil {
		return err
	}
	r.vector, r.count = vector, count
	return nil
}

// raise is Vector.With, but may change v.
func raise(v board.Vector, id board.ArticleID) board.Vector {
	if i, ok := slices.BinarySearchFunc(v, id, func(a, b board.ArticleID) int { return int(int64(a.Origin) - int64(b.Origin)) }); ok {
		v[i].Seq = max(v[i].Seq, id.Seq)
		return v
	}
	return v.With(id)
}

// loadVector reads vector and count; when the store opens.
func (r *Replica) loadVector() error {
	_, err := r.read(appendTable(nil, r.id, tableVector), func(value []byte) (err error) {
		if r.count, value, err = cutUvarint(value); err != nil {
			return err
		}
		r.vector, _, err = board.CutVector(value)
		return err
	})
	return err
}

// read calls use with the value of a key, if there is one.
func (r *Replica) read(key []byte, use func(value []byte) error) (found bool, err error) {
	value, closer, err := r.store.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("board of %s: %w", r.id, err)
	}
	defer closer.Close()
	if err := use(value); err != nil {
		return false, r.corrupt(key, err)
	}
	return true, nil
}

func (r *Replica) corrupt(key []byte, err error) error {
	return &CorruptError{r.store.boardDir(), -1, fmt.Sprintf("board of %s, key %x: %v", r.id, key, err)}
}
