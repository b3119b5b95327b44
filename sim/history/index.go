package history

import (
	"math/bits"
	"slices"
	"sort"
	"time"

	"consequor/board"
)

// index is the final order: every article that any board holds at the end, by
// rising id, and what is asked of it again and again.
type index struct {
	articles  []*board.Article
	at        map[board.ArticleID]int // position in articles
	sums      []Sum
	replies   map[board.ArticleID][]int // positions, rising
	origins   map[board.ReplicaID]*origin
	vector    board.Vector // of all
	opOf      []int        // by position: the operation that added it, as an index into Ops; -1: none
	articleOf []int        // by operation: the position of what it added; -1: nothing, or nobody knows
	cost      int          // in steps, to make all this
}

// origin is one log, with running totals: entry i tells of its first i
// articles.
type origin struct {
	at             []int // positions, rising
	seqs           []uint64
	sums, rootSums []Sum
	roots          []int
	latestCall     []time.Duration // of the operations that added them
	latestCallOp   []int
}

func newIndex(h *History) *index {
	x := &index{at: map[board.ArticleID]int{}, replies: map[board.ArticleID][]int{}, origins: map[board.ReplicaID]*origin{}}
	x.collect(h.Boards)
	for i, a := range x.articles {
		x.at[a.ID] = i
		x.vector = x.vector.With(a.ID)
		x.sums = append(x.sums, SumOf(*a))
		if !a.IsRoot() {
			x.replies[a.Parent] = append(x.replies[a.Parent], i)
		}
	}
	x.match(h.Ops)
	for i, a := range x.articles {
		o := x.origins[a.ID.Origin]
		if o == nil {
			o = newOrigin()
			x.origins[a.ID.Origin] = o
		}
		o.add(x, h.Ops, i)
	}
	n := len(x.articles) + len(h.Ops)
	x.cost = n * (bits.Len(uint(n)) + 1)
	return x
}

// collect takes every article of any board, each id once; of two contents the
// first counts.
func (x *index) collect(boards []Board) {
	known := map[board.ArticleID]bool{}
	for i := range boards {
		if i > 0 && shared(boards[i-1].Articles, boards[i].Articles) {
			continue
		}
		for k := range boards[i].Articles {
			if a := &boards[i].Articles[k]; !known[a.ID] {
				known[a.ID] = true
				x.articles = append(x.articles, a)
			}
		}
	}
	slices.SortStableFunc(x.articles, func(a, b *board.Article) int { return a.ID.Compare(b.ID) })
}

// shared reports whether two boards are the same slice.
func shared(a, b []board.Article) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

func newOrigin() *origin {
	return &origin{sums: []Sum{0}, rootSums: []Sum{0}, roots: []int{0}, latestCall: []time.Duration{0}, latestCallOp: []int{-1}}
}

// add appends the article at a position.
func (o *origin) add(x *index, ops []Op, position int) {
	n, a := len(o.at), x.articles[position]
	o.at = append(o.at, position)
	o.seqs = append(o.seqs, a.ID.Seq)
	o.sums = append(o.sums, o.sums[n]+x.sums[position])
	root, rootSum := 0, Sum(0)
	if a.IsRoot() {
		root, rootSum = 1, x.sums[position]
	}
	o.roots = append(o.roots, o.roots[n]+root)
	o.rootSums = append(o.rootSums, o.rootSums[n]+rootSum)
	call, by := o.latestCall[n], o.latestCallOp[n]
	if op := x.opOf[position]; op >= 0 && ops[op].Call >= call {
		call, by = ops[op].Call, op
	}
	o.latestCall, o.latestCallOp = append(o.latestCall, call), append(o.latestCallOp, by)
}

// upTo counts the articles of an origin whose seq is at most so high.
func (o *origin) upTo(seq uint64) int {
	return sort.Search(len(o.seqs), func(i int) bool { return o.seqs[i] > seq })
}

// rank counts the articles whose id is at most so high.
func (x *index) rank(id board.ArticleID) int {
	n, found := slices.BinarySearchFunc(x.articles, id, func(a *board.Article, id board.ArticleID) int { return a.ID.Compare(id) })
	if found {
		n++
	}
	return n
}

// held counts the articles that a board with this vector holds.
func (x *index) held(v board.Vector) int {
	n := 0
	for _, id := range v {
		if o := x.origins[id.Origin]; o != nil {
			n += o.upTo(id.Seq)
		}
	}
	return n
}

// exists returns the article id of the final order.
func (x *index) exists(id board.ArticleID) (*board.Article, bool) {
	i, ok := x.at[id]
	if !ok {
		return nil, false
	}
	return x.articles[i], true
}

// highest is the highest id that the vector names.
func highest(v board.Vector) (id board.ArticleID) {
	for _, last := range v {
		if last.Compare(id) > 0 {
			id = last
		}
	}
	return id
}
