package host_test

import (
	"fmt"
	"hash/fnv"
	"slices"
	"testing"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/modes/quorum"
	"consequor/modes/readyourwrite"
	"consequor/modes/sequential"
	"consequor/mutants"
	"consequor/replicad/host"
)

// As TestRandom, but all the time somebody changes the mode: to a newer build of
// itself, or to another one. He crashes at each of his steps, and replicas do;
// then the change is called off, or goes on. Clients post, retry under their
// keys in later epochs, reply, and read what they have seen. In the end: no
// acknowledged post is lost, one key has one id, what was refused is nowhere,
// ids rise from mode to mode, boards are equal, and everything goes on.
func TestRandomChange(t *testing.T) {
	first, last := *firstFlag, *firstFlag+*seedsFlag/2
	if *seedFlag != 0 {
		first, last = *seedFlag, *seedFlag+1
	}
	made, calledOff := 0, 0
	for seed := first; seed < last; seed++ {
		c := newChange(t, seed)
		if *seedFlag != 0 {
			c.trace = t.Logf
		}
		if err := c.all(); err != nil {
			t.Fatalf("%v\nrepeat: go test ./replicad/host -v -run TestRandomChange -seed %d", err, seed)
		}
		made, calledOff = made+c.driver.made, calledOff+c.driver.calledOff
	}
	t.Logf("%d changes were made, %d called off", made, calledOff)
}

// One seed run twice gives one trace.
func TestRandomChangeRepeats(t *testing.T) {
	for seed := uint64(1); seed <= 5; seed++ {
		var sums [2]uint64
		for i := range sums {
			hash := fnv.New64a()
			c := newChange(t, seed)
			c.trace = func(format string, args ...any) { fmt.Fprintf(hash, format+"\n", args...) }
			if err := c.all(); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			sums[i] = hash.Sum64()
		}
		if sums[0] != sums[1] {
			t.Errorf("seed %d: two runs gave the traces %x and %x", seed, sums[0], sums[1])
		}
	}
}

// change is a history in which the mode changes.
type change struct {
	*history
	driver driver
	names  []string // of modes to change to
}

func newChange(t *testing.T, seed uint64) *change {
	c := &change{history: newHistory(t, seed), names: []string{"sequential"}}
	if seed%4 != 0 {
		c.modes["quorum"], c.modes["read-your-write"] = quorum.New, readyourwrite.New
		c.names = []string{"sequential", "quorum", "read-your-write"}
	}
	c.modes["sequential"] = func() modes.Mode { return sequential.NewVariant(true, mutants.None) }
	c.record.Mode = c.names[c.random.IntN(len(c.names))]
	c.driver = driver{c: c, numbers: 1}
	return c
}

func (c *change) all() error {
	for _, s := range c.sites {
		s.boot()
	}
	c.driver.start()
	c.advance(c.between(0, 400*time.Millisecond))
	for range 120 {
		if c.err != nil {
			return c.err
		}
		for range c.random.IntN(c.busy) {
			c.client()
		}
		if c.random.IntN(2*c.calm) == 0 {
			c.fault()
		}
		if c.random.IntN(8) == 0 {
			c.driver.begin(c.names[c.random.IntN(len(c.names))], c.between(100*time.Millisecond, 3*time.Second))
		}
		c.advance(c.between(0, 60*time.Millisecond))
	}
	c.heal()
	c.advance(6 * time.Second)
	c.last("before the last change")
	c.lastChange()
	c.last("after the last change")
	c.advance(time.Second)
	if c.err == nil {
		c.verify()
	}
	return c.err
}

// lastChange changes the mode once more, with nothing in its way.
func (c *change) lastChange() {
	for _, s := range c.sites {
		if !s.up { // it had been told to stop before
			s.boot()
		}
	}
	c.advance(2 * time.Second)
	made := c.driver.made
	if !c.until(5*time.Second, func() bool { return c.driver.begin("sequential", 10*time.Second) }) {
		c.fail("after all was healed, no change begins")
		return
	}
	if !c.until(10*time.Second, func() bool { return c.driver.made > made && c.driver.step == stepIdle }) {
		c.fail("after all was healed, the mode does not change")
	}
}

// last posts at each replica.
func (c *change) last(when string) {
	if c.err != nil {
		return
	}
	for _, s := range c.sites {
		if !s.up {
			s.boot()
			c.advance(2 * time.Second)
		}
		t := &try{name: when, at: s.id}
		op := &operation{title: when + s.id.String(), tries: []*try{t}, since: c.modeOfAll()}
		op.key = board.MakeKey("key of "+op.title, s.shown.Vector().SeqMax(), s.id).Text
		c.ops = append(c.ops, op)
		s.ask(host.Request{Verb: modes.VerbPost, Article: board.Article{Title: op.title, Author: op.title, Key: op.key}, Deadline: c.now + 5*time.Second},
			func(a host.Answer) { t.done, t.answer = true, a })
		if !c.until(6*time.Second, func() bool { return t.done }) || t.answer.Outcome != host.OK {
			c.fail("%s, a post at %s in mode %s ended: %+v", when, s.id, c.record.Mode, t.answer)
			return
		}
	}
}

// modeOfAll is the lowest epoch that the mode of a replica may have begun with.
func (c *change) modeOfAll() uint64 {
	epoch := c.record.ModeEpoch
	for _, s := range c.sites {
		if s.up {
			epoch = min(epoch, s.active.ModeEpoch)
		}
	}
	return epoch
}

// client posts, retries, replies or reads.
func (c *change) client() {
	var open []*operation
	for _, op := range c.ops {
		if last := op.tries[len(op.tries)-1]; op.key != "" && len(op.tries) < 6 && (!last.done || last.answer.Outcome != host.OK) {
			open = append(open, op)
		}
	}
	switch p := c.random.IntN(10); {
	case p < 2:
		c.read()
	case p < 6 && len(open) > 0:
		c.try(open[c.random.IntN(len(open))])
	case p == 6 && len(c.ops) > 0: // long after it was done, its client asks again
		if op := c.ops[c.random.IntN(len(c.ops))]; op.key != "" {
			c.try(op)
		}
	default:
		op := &operation{title: fmt.Sprintf("op%d", len(c.ops)), since: c.modeOfAll()}
		switch c.random.IntN(5) {
		case 0: // no key
		case 1:
			op.key = "own key of " + op.title
		default:
			op.key = board.MakeKey("key of "+op.title, c.seen().Seen.SeqMax(), c.any().id).Text
		}
		if seen := c.seen(); len(seen.Seen) > 0 && c.random.IntN(3) == 0 {
			op.parent = seen.Seen[0]
			if c.random.IntN(4) == 0 { // perhaps nobody's: an origin's seqs have holes
				op.parent = board.ArticleID{Seq: 1 + c.random.Uint64N(op.parent.Seq), Origin: board.ReplicaID(c.random.IntN(len(c.sites) + 1))}
			}
		}
		c.ops = append(c.ops, op)
		c.try(op)
	}
}

func (c *change) try(op *operation) {
	s := c.any()
	t := &try{name: fmt.Sprintf("%s try %d", op.title, len(op.tries)), at: s.id}
	op.tries = append(op.tries, t)
	r := host.Request{
		Verb: modes.VerbPost, Target: op.parent, Deadline: c.now + c.between(20*time.Millisecond, 1500*time.Millisecond),
		Article: board.Article{Title: op.title, Author: t.name, Key: op.key},
	}
	if !op.parent.IsZero() {
		r.Verb = modes.VerbReply
	}
	if c.random.IntN(3) == 0 {
		r.Token = c.seen()
	}
	s.ask(r, func(a host.Answer) {
		c.trace("%s %s at %s: %d %s %s %s, epoch %d", c.now, t.name, t.at, a.Outcome, a.ID, a.Kind, a.Why, a.Epoch)
		if t.done {
			c.fail("%s is answered twice", t.name)
		}
		t.done, t.answer = true, a
	})
}

// seen is the token of somebody who has seen one acknowledged post.
func (c *change) seen() board.Token {
	for range 8 {
		if len(c.ops) == 0 {
			break
		}
		op := c.ops[c.random.IntN(len(c.ops))]
		for _, t := range op.tries {
			if t.done && t.answer.Outcome == host.OK {
				return board.Token{Cluster: "test", Epoch: t.answer.Epoch, Seen: board.Vector{t.answer.ID}}
			}
		}
	}
	return board.Token{}
}

func (c *change) read() {
	s, token := c.any(), c.seen()
	r := host.Request{Verb: modes.VerbRead, Token: token, Fresh: c.random.IntN(2) == 0, Deadline: c.now + c.between(20*time.Millisecond, time.Second)}
	s.ask(r, func(a host.Answer) {
		if a.Outcome != host.OK {
			return
		}
		for _, id := range token.Seen {
			if _, ok := s.shown.Get(id); !ok || !a.Board.Has(id) {
				c.fail("a read at %s shows %s, and its session has seen %s", s.id, a.Board, id)
			}
		}
		if a.Epoch < token.Epoch {
			c.fail("a read at %s is answered in epoch %d, and its session comes from epoch %d", s.id, a.Epoch, token.Epoch)
		}
	})
}

// verify checks the final boards against what was answered.
func (c *change) verify() {
	all := c.sites[0].shown.Span(nil)
	for _, s := range c.sites[1:] {
		if other := s.shown.Span(nil); !slices.Equal(other, all) {
			c.fail("r1 has %d articles up to %s, %s has %d up to %s", len(all), c.sites[0].shown.Vector(), s.id, len(other), s.shown.Vector())
			return
		}
	}
	keys, titles, authors := map[string]board.ArticleID{}, map[string]int{}, map[string]board.ArticleID{}
	for _, a := range all {
		if old, ok := keys[a.Key]; ok && a.Key != "" {
			c.fail("key %q has the ids %s and %s", a.Key, old, a.ID)
		}
		if a.ID.Compare(a.Parent) <= 0 {
			c.fail("article %s is a reply to %s", a.ID, a.Parent)
		}
		keys[a.Key], authors[a.Author] = a.ID, a.ID
		titles[a.Title]++
	}
	for _, op := range c.ops {
		if titles[op.title] > 1 {
			c.fail("%s is there %d times", op.title, titles[op.title])
		}
		for _, t := range op.tries {
			c.verifyTry(t, op, authors)
		}
	}
	c.verifyOrder()
}

func (c *change) verifyTry(t *try, op *operation, authors map[string]board.ArticleID) {
	if !t.done {
		c.fail("%s was never answered", t.name)
		return
	}
	switch t.answer.Outcome {
	case host.OK:
		if a, ok := c.sites[0].shown.Get(t.answer.ID); !ok || a.Title != op.title {
			c.fail("%s was acknowledged as %s in epoch %d, which is lost", t.name, t.answer.ID, t.answer.Epoch)
		}
	case host.Refused:
		if id, ok := authors[t.name]; ok {
			c.fail("%s was refused (%s: %s), and is there as %s", t.name, t.answer.Kind, t.answer.Why, id)
		}
	}
}

// verifyOrder checks that what was begun when all replicas had another mode has a
// higher seq than what was acknowledged before.
func (c *change) verifyOrder() {
	for _, earlier := range c.ops {
		for _, t := range earlier.tries {
			if !t.done || t.answer.Outcome != host.OK {
				continue
			}
			for _, later := range c.ops {
				last := later.tries[len(later.tries)-1]
				if later.since > t.answer.Epoch && last.done && last.answer.Outcome == host.OK && last.answer.ID.Seq <= t.answer.ID.Seq {
					c.fail("%s got %s in epoch %d; %s, begun in the mode of epoch %d, got %s", earlier.title, t.answer.ID, t.answer.Epoch, later.title, later.since, last.answer.ID)
				}
			}
		}
	}
}
