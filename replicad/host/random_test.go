package host_test

import (
	"container/heap"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"testing"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/modes/sequential"
	"consequor/mutants"
	"consequor/replicad/host"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "run TestRandom with this seed only, and print its trace")
	firstFlag = flag.Uint64("first", 1, "the first seed for TestRandom")
	seedsFlag = flag.Uint64("seeds", 400, "so many seeds for TestRandom")
)

// Hosts run the sequential mode over disks that lose what was not synced, at
// every boundary, plugins that die alone, links that break, lose, double, delay
// and hear one way only, processes that pause, and spans that are cut half-way,
// while clients post with a key, retry at other replicas, and read. Then
// everything heals, and: no acknowledged post is lost, a try that was refused
// never appears, one key has one id, ids are dense, boards are equal, a read is
// never behind what it must show, and posts go through again.
func TestRandom(t *testing.T) {
	if *seedFlag != 0 {
		h := newHistory(t, *seedFlag)
		h.trace = t.Logf
		if err := h.all(); err != nil {
			t.Fatal(err)
		}
		return
	}
	for seed := *firstFlag; seed < *firstFlag+*seedsFlag; seed++ {
		if err := newHistory(t, seed).all(); err != nil {
			t.Fatalf("%v\nrepeat: go test ./replicad/host -run TestRandom -seed %d", err, seed)
		}
	}
}

// One seed run twice gives one trace.
func TestRandomRepeats(t *testing.T) {
	for seed := uint64(1); seed <= 5; seed++ {
		var sums [2]uint64
		for i := range sums {
			hash := fnv.New64a()
			h := newHistory(t, seed)
			h.trace = func(format string, args ...any) { fmt.Fprintf(hash, format+"\n", args...) }
			if err := h.all(); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			sums[i] = hash.Sum64()
		}
		if sums[0] != sums[1] {
			t.Errorf("seed %d: two runs gave the traces %x and %x", seed, sums[0], sums[1])
		}
	}
}

var firstRecord = host.Activation{Epoch: 1, ModeEpoch: 1, Mode: "sequential"}

// history is one random run.
type history struct {
	t      *testing.T
	random *rand.Rand
	now    time.Duration
	queue  agenda
	count  uint64
	sites  []*site
	links  map[[2]board.ReplicaID]*link // by the lower one first
	ops    []*operation
	trace  func(format string, args ...any)
	err    error

	// The seed's own mix of faults.
	modes              map[string]func() modes.Mode
	record             host.Activation // what a process that starts is told
	loss, double, late int             // per mille of frames
	cutSpans           int             // per mille of a span's frames, after which the rest is lost
	busy               int             // bounds what clients begin in one round
	calm               int             // a fault in one of so many rounds
	diskMax, stepMax   time.Duration
	quiet              bool

	mutant mutants.Mutant // the rule that hosts leave out
}

// operation is one post with all its tries.
type operation struct {
	title, key string
	tries      []*try
	over       bool

	parent board.ArticleID // of a reply
	since  uint64          // when it began, all replicas' modes had begun in this epoch or later
}

type try struct {
	name   string
	at     board.ReplicaID
	done   bool
	answer host.Answer

	returned time.Duration
}

type happening struct {
	at    time.Duration
	order uint64
	do    func()
}

type agenda []happening

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].order < a[j].order
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(happening)) }
func (a *agenda) Pop() any {
	old := *a
	last := old[len(old)-1]
	*a = old[:len(old)-1]
	return last
}

func newHistory(t *testing.T, seed uint64) *history {
	h := &history{t: t, random: rand.New(rand.NewPCG(seed, 11)), links: map[[2]board.ReplicaID]*link{}, trace: func(string, ...any) {}}
	h.record = firstRecord
	h.modes = map[string]func() modes.Mode{firstRecord.Mode: func() modes.Mode { return sequential.NewVariant(true, mutants.None) }}
	if h.random.IntN(6) == 0 {
		h.modes[firstRecord.Mode] = sequential.New
	}
	if h.random.IntN(2) == 0 { // else the network is one of ordered connections
		h.loss, h.double, h.late = h.random.IntN(40), h.random.IntN(40), h.random.IntN(80)
	}
	h.cutSpans = h.random.IntN(500)
	h.busy, h.calm = 2+h.random.IntN(10), 3+h.random.IntN(8)
	h.diskMax = []time.Duration{time.Millisecond, 5 * time.Millisecond, 60 * time.Millisecond}[h.random.IntN(3)]
	h.stepMax = []time.Duration{100 * time.Microsecond, 3 * time.Millisecond}[h.random.IntN(2)]
	c := &cluster{t: t}
	n := []int{1, 2, 3, 3, 3, 5}[h.random.IntN(6)]
	for i := range n {
		s := &site{run: h, node: &node{c: c, id: board.ReplicaID(i + 1)}, linked: map[board.ReplicaID]time.Duration{}}
		h.sites = append(h.sites, s)
		c.nodes = append(c.nodes, s.node)
	}
	for i, s := range h.sites {
		for _, other := range h.sites[i+1:] {
			h.links[[2]board.ReplicaID{s.id, other.id}] = &link{}
		}
	}
	return h
}

func (h *history) between(least, most time.Duration) time.Duration {
	return least + time.Duration(h.random.Int64N(int64(most-least)+1))
}

func (h *history) perMille(p int) bool { return !h.quiet && h.random.IntN(1000) < p }

func (h *history) fail(format string, args ...any) {
	if h.err == nil {
		h.err = fmt.Errorf("at %s: %s", h.now, fmt.Sprintf(format, args...))
	}
}

func (h *history) at(at time.Duration, do func()) {
	h.count++
	heap.Push(&h.queue, happening{at, h.count, do})
}

// advance lets time pass.
func (h *history) advance(d time.Duration) {
	end := h.now + d
	for h.err == nil && len(h.queue) > 0 && h.queue[0].at <= end {
		next := heap.Pop(&h.queue).(happening)
		h.now = next.at
		next.do()
	}
	h.now = end
}

func (h *history) until(limit time.Duration, done func() bool) bool {
	for end := h.now + limit; h.now < end && h.err == nil; {
		if done() {
			return true
		}
		h.advance(5 * time.Millisecond)
	}
	return done()
}

// The run.

func (h *history) all() error {
	for _, s := range h.sites {
		s.boot()
	}
	h.advance(h.between(0, 400*time.Millisecond))
	for range 120 {
		if h.err != nil {
			return h.err
		}
		for range h.random.IntN(h.busy) {
			h.client()
		}
		if h.random.IntN(h.calm) == 0 {
			h.fault()
		}
		h.advance(h.between(0, 60*time.Millisecond))
	}
	h.heal()
	h.finish()
	if h.err == nil {
		h.verify()
	}
	return h.err
}

func (h *history) any() *site { return h.sites[h.random.IntN(len(h.sites))] }

func (h *history) fault() {
	a, b := h.any(), h.any()
	switch h.random.IntN(15) {
	case 0, 1:
		a.crash()
	case 2, 3, 4:
		if !a.up {
			a.boot()
		}
	case 5, 6, 7:
		a.pluginDown()
	case 8:
		if a != b {
			h.disconnect(a, b)
		}
	case 9, 10:
		for i, s := range h.sites {
			for _, other := range h.sites[i+1:] {
				h.connect(s, other)
			}
		}
	case 12:
		if a.paused <= h.now {
			a.paused = h.now + h.between(0, 1500*time.Millisecond)
		}
	case 13, 14:
		if a != b {
			h.link(a.id, b.id).deaf = a.id
		}
	case 11:
		if a.up && h.random.IntN(3) == 0 {
			a.touch(a.h.Stop)
		}
	}
}

func (h *history) heal() {
	h.quiet = true
	h.trace("%s all is healed", h.now)
	h.advance(2 * time.Second) // what is late arrives, and what is paused goes on
	for i, s := range h.sites {
		if !s.up {
			s.boot()
		}
		for _, other := range h.sites[i+1:] {
			h.connect(s, other)
		}
	}
}

// finish ends all operations and posts once more at each replica.
func (h *history) finish() {
	h.advance(4 * time.Second)
	for _, s := range h.sites {
		if !s.up { // it had been told to stop before
			s.boot()
		}
	}
	h.advance(2 * time.Second)
	for _, s := range h.sites {
		t := &try{name: "last"}
		key := board.MakeKey("last", s.shown.Vector().SeqMax(), s.id).Text
		s.ask(host.Request{Verb: modes.VerbPost, Article: board.Article{Title: "last", Author: "last", Key: key}, Deadline: h.now + 5*time.Second},
			func(a host.Answer) { t.done, t.answer = true, a })
		if !h.until(6*time.Second, func() bool { return t.done }) || t.answer.Outcome != host.OK {
			h.fail("after all was healed, a post at %s ended: %+v", s.id, t.answer)
			return
		}
	}
	h.advance(time.Second)
}

// client posts, retries or reads.
func (h *history) client() {
	if h.random.IntN(4) == 0 {
		h.read()
		return
	}
	if n := len(h.ops); n > 0 && h.random.IntN(6) == 0 { // long after it was done, its client asks again
		if op := h.ops[h.random.IntN(n)]; op.over && op.key != "" {
			h.try(op)
			return
		}
	}
	for _, op := range h.ops {
		if h.random.IntN(3) > 0 || op.over {
			continue
		}
		last := op.tries[len(op.tries)-1]
		switch {
		case last.done && last.answer.Outcome == host.OK, op.key == "", len(op.tries) > 5:
			op.over = last.done
		case last.done || h.random.IntN(10) == 0:
			h.try(op)
			return
		}
	}
	op := &operation{title: fmt.Sprintf("op%d", len(h.ops))}
	if h.random.IntN(5) > 0 {
		op.key = board.MakeKey("key of "+op.title, h.acknowledged(), h.any().id).Text
	}
	h.ops = append(h.ops, op)
	h.try(op)
}

func (h *history) try(op *operation) {
	s := h.any()
	t := &try{name: fmt.Sprintf("%s try %d", op.title, len(op.tries)), at: s.id}
	op.tries = append(op.tries, t)
	r := host.Request{
		Verb: modes.VerbPost, Deadline: h.now + h.between(20*time.Millisecond, 1500*time.Millisecond),
		Article: board.Article{Title: op.title, Author: t.name, Key: op.key},
	}
	if seq := h.acknowledged(); seq > 0 && len(h.ops)%3 == 0 {
		r.Verb, r.Target = modes.VerbReply, board.ArticleID{Seq: 1 + h.random.Uint64N(seq)}
	}
	s.ask(r, func(a host.Answer) {
		h.trace("%s %s at %s: %d %s %s %s", h.now, t.name, t.at, a.Outcome, a.ID, a.Kind, a.Why)
		if t.done {
			h.fail("%s is answered twice", t.name)
		}
		t.done, t.answer = true, a
	})
}

// acknowledged is the highest id that was.
func (h *history) acknowledged() (seq uint64) {
	for _, op := range h.ops {
		for _, t := range op.tries {
			if t.done && t.answer.Outcome == host.OK {
				seq = max(seq, t.answer.ID.Seq)
			}
		}
	}
	return seq
}

func (h *history) read() {
	s, called, must := h.any(), h.now, h.acknowledged()
	request := host.Request{Verb: modes.VerbRead, Fresh: true, Deadline: h.now + h.between(20*time.Millisecond, time.Second)}
	if h.random.IntN(2) == 0 {
		request.Fresh, request.Token = false, board.Token{Cluster: "test", Epoch: 1, Seen: board.Vector{{Seq: must}}}
		if must == 0 {
			request.Token.Seen = nil
		}
	}
	s.ask(request, func(a host.Answer) {
		if a.Outcome != host.OK {
			return
		}
		seq := a.Board.Seq(board.Cluster)
		if seq < must {
			h.fail("a read called at %s at %s shows up to %d, and must show %d", called, s.id, seq, must)
		}
		for i := range seq {
			if _, ok := s.shown.Get(board.ArticleID{Seq: i + 1}); !ok {
				h.fail("a read at %s up to %d does not show %d", s.id, seq, i+1)
			}
		}
	})
}

// verify checks the final boards against what was answered.
func (h *history) verify() {
	first := h.sites[0].shown.Span(nil)
	for _, s := range h.sites[1:] {
		other := s.shown.Span(nil)
		if len(other) != len(first) {
			h.fail("r1 has %d articles, %s has %d", len(first), s.id, len(other))
			return
		}
		for i := range first {
			if first[i] != other[i] {
				h.fail("r1 has %+v, %s has %+v", first[i], s.id, other[i])
			}
		}
	}
	keys, tries, titles := map[string]board.ArticleID{}, map[string]board.ArticleID{}, map[string]int{}
	for i, a := range first {
		if a.ID != (board.ArticleID{Seq: uint64(i + 1)}) {
			h.fail("article %d of the order has the id %s", i+1, a.ID)
		}
		if old, ok := keys[a.Key]; ok && a.Key != "" {
			h.fail("key %q has the ids %s and %s", a.Key, old, a.ID)
		}
		keys[a.Key], tries[a.Author] = a.ID, a.ID
		titles[a.Title]++
	}
	for _, op := range h.ops {
		if titles[op.title] > 1 {
			h.fail("%s is there %d times", op.title, titles[op.title])
		}
		for _, t := range op.tries {
			h.verifyTry(t, op, first, tries)
		}
	}
}

func (h *history) verifyTry(t *try, op *operation, all []board.Article, tries map[string]board.ArticleID) {
	if !t.done {
		h.fail("%s was never answered", t.name)
		return
	}
	switch t.answer.Outcome {
	case host.OK:
		if seq := t.answer.ID.Seq; seq == 0 || seq > uint64(len(all)) || all[seq-1].Title != op.title {
			h.fail("%s was acknowledged as %s, which is lost", t.name, t.answer.ID)
		}
	case host.Refused:
		if id, ok := tries[t.name]; ok {
			h.fail("%s was refused (%s: %s), and is there as %s", t.name, t.answer.Kind, t.answer.Why, id)
		}
	}
}
