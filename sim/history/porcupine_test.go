package history

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"consequor/board"
)

// oracleCount is how many generated histories a checker is compared on.
const oracleCount = 10_000

// chain is the state of the board as the oracle sees it: how many articles, and
// a digest of which ones in which order.
type chain struct {
	length int
	hash   uint64
}

func (c chain) with(article int) chain {
	return chain{c.length + 1, c.hash*1_000_003 + uint64(article)}
}

// appends is a post of an article, asks a read; told is what the client was
// told: the id and the chain, or nothing.
type (
	appends struct{ article int }
	asks    struct{}
	told    struct {
		id    int
		chain chain
	}
)

var oneOrder = porcupine.Model{
	Init: func() any { return chain{} },
	Step: func(state, input, output any) (bool, any) {
		now, out := state.(chain), output.(told)
		if post, ok := input.(appends); ok {
			next := now.with(post.article)
			return out.id == 0 || out.id == next.length, next
		}
		return now == out.chain, now
	},
}

// drawn is an operation of a generated history, whose place in the order is
// known.
type drawn struct {
	call, end int // end -1: never answered
	post      bool
	point     float64 // when it takes effect; posts that never do are not drawn
	place     int     // a post's id, a read's length
}

// drawOrder makes a right history of fresh reads and posts of one sequential
// epoch, and breaks some.
func drawOrder(random *rand.Rand) []drawn {
	ops := make([]drawn, 6+random.IntN(9))
	for i := range ops {
		o := &ops[i]
		o.call = random.IntN(20)
		o.end = o.call + random.IntN(8)
		o.post = random.IntN(2) == 0
		o.point = float64(o.call) + random.Float64()*float64(o.end-o.call)
		if o.post && random.IntN(5) == 0 {
			o.end = -1
			o.point += 5 * random.Float64()
		}
	}
	byPoint := make([]*drawn, len(ops))
	for i := range ops {
		byPoint[i] = &ops[i]
	}
	slices.SortStableFunc(byPoint, func(a, b *drawn) int {
		if a.point < b.point {
			return -1
		}
		return 1
	})
	length := 0
	for _, o := range byPoint {
		if o.post {
			length++
		}
		o.place = length
	}
	for range random.IntN(3) {
		corrupt(random, ops, length)
	}
	slices.SortStableFunc(ops, func(a, b drawn) int { return a.call - b.call })
	return ops
}

// corrupt changes what one or two operations were told.
func corrupt(random *rand.Rand, ops []drawn, length int) {
	a, b := &ops[random.IntN(len(ops))], &ops[random.IntN(len(ops))]
	switch {
	case a.post && b.post:
		a.place, b.place = b.place, a.place
	case a.post:
		a.call = max(0, a.call-random.IntN(6))
	case random.IntN(2) == 0:
		a.place = min(length, a.place+1+random.IntN(2))
	default:
		a.place = max(0, a.place-1-random.IntN(2))
	}
}

func historyOf(ops []drawn) *History {
	h := &History{Epochs: []Epoch{{Number: 1, Mode: "sequential", Promise: Sequential}}}
	var all []board.Article
	for i, o := range ops {
		op := Op{Number: i + 1, Call: time.Duration(o.call), Return: time.Duration(o.end), Outcome: OK, Epoch: 1, Replica: 1}
		if o.post {
			id := board.ArticleID{Seq: uint64(o.place)}
			a := board.Article{ID: id, Title: "t", Key: id.String()}
			op.Verb, op.Key, op.Content, op.IDs = Post, a.Key, ContentOf(&a), []board.ArticleID{id}
			all = append(all, a)
			if o.end < 0 {
				op.Outcome, op.Return, op.IDs, op.Epoch = Unknown, 0, nil, 0
			}
		} else {
			op.Verb, op.Fresh, op.View = Read, true, &View{}
			if o.place > 0 {
				op.View.UpTo = board.Vector{{Seq: uint64(o.place)}}
			}
		}
		h.Ops = append(h.Ops, op)
	}
	slices.SortFunc(all, func(a, b board.Article) int { return a.ID.Compare(b.ID) })
	h.Boards = []Board{{1, all}}
	return h
}

// linearizable asks the oracle. What the boards hold at the end is a read of
// all, behind everything.
func linearizable(ops []drawn) bool {
	const over = 100
	byPlace := make([]int, len(ops)+1) // which article has the id
	length := 0
	for i, o := range ops {
		if o.post {
			byPlace[o.place] = i + 1
			length++
		}
	}
	chains := []chain{{}}
	for place := 1; place <= length; place++ {
		chains = append(chains, chains[place-1].with(byPlace[place]))
	}
	history := []porcupine.Operation{{ClientId: len(ops), Input: asks{}, Output: told{chain: chains[length]}, Call: over + 1, Return: over + 2}}
	for i, o := range ops {
		operation := porcupine.Operation{ClientId: i, Input: asks{}, Output: told{chain: chains[o.place]}, Call: int64(o.call), Return: int64(o.end)}
		if o.post {
			operation.Input, operation.Output = appends{i + 1}, told{id: o.place}
		}
		if o.end < 0 {
			operation.Output, operation.Return = told{}, over
		}
		history = append(history, operation)
	}
	return porcupine.CheckOperations(oneOrder, history)
}

// C1 and C2 find a history of posts and fresh reads right exactly when it is
// linearizable, as porcupine's search has it.
func TestOrderAgainstPorcupine(t *testing.T) {
	counts := map[bool]int{}
	for seed := range uint64(oracleCount) {
		ops := drawOrder(rand.New(rand.NewPCG(seed, 1)))
		verdicts := Check(historyOf(ops), StepsDefault)
		c1, c2 := verdicts[1], verdicts[2]
		right := c1.Outcome != Violated && c2.Outcome != Violated
		if c1.Outcome == Undecided || c2.Outcome == Undecided {
			t.Fatalf("seed %d: %+v", seed, verdicts)
		}
		if want := linearizable(ops); right != want {
			t.Fatalf("seed %d: the checkers say %v, porcupine %v: %s\n%+v", seed, right, want, verdict(verdicts[1:3]), ops)
		}
		counts[right]++
	}
	if counts[true] < oracleCount/5 || counts[false] < oracleCount/5 {
		t.Errorf("%d right histories, %d wrong ones: that proves little", counts[true], counts[false])
	}
	t.Logf("%d right histories, %d wrong ones", counts[true], counts[false])
}
