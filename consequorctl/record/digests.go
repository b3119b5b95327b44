package record

import (
	"sync"

	"consequor/board"
	"consequor/sim/history"
)

// digestsSizeMax bounds the texts that are kept beside their digests; beyond, all
// are forgotten.
const digestsSizeMax = 8 << 20

// digests keeps the digests of articles, for pages show the same ones again and
// again. An article that reads otherwise than before is digested anew: that is
// what the digests are for. Safe for concurrent use.
type digests struct {
	mu    sync.Mutex
	known map[board.ArticleID]digested
	size  int
}

type digested struct {
	article board.Article
	sum     history.Sum
}

func (d *digests) of(a *board.Article) history.Sum {
	d.mu.Lock()
	defer d.mu.Unlock()
	if known, ok := d.known[a.ID]; ok && known.article == *a {
		return known.sum
	}
	if d.size += a.Size(); d.known == nil || d.size > digestsSizeMax {
		d.known, d.size = make(map[board.ArticleID]digested), a.Size()
	}
	sum := history.SumOf(*a)
	d.known[a.ID] = digested{*a, sum}
	return sum
}
