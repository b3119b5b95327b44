package host_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/modes/modetest"
	"consequor/modes/quorum"
	"consequor/modes/readyourwrite"
	"consequor/replicad/host"
)

// As TestRandom, but in the modes without a coordinator, with sessions that go
// from replica to replica. In the end, besides what holds for every mode: in
// quorum a read shows all that was acknowledged before it was called, and all
// that reads showed that had returned by then, and ids rise in real time; in
// read-your-write a session's reads show all that it has posted and read, and
// no post is shown without what its session had seen.
func TestRandomQuorum(t *testing.T) { runOriginSeeds(t, "quorum") }

func TestRandomReadYourWrite(t *testing.T) { runOriginSeeds(t, "read-your-write") }

func runOriginSeeds(t *testing.T, mode string) {
	first, last := *firstFlag, *firstFlag+*seedsFlag/2
	if *seedFlag != 0 {
		first, last = *seedFlag, *seedFlag+1
	}
	posts, reads := 0, 0
	for seed := first; seed < last; seed++ {
		o := newOrigins(t, seed, mode)
		if *seedFlag != 0 {
			o.trace = t.Logf
		}
		if err := o.all(); err != nil {
			t.Fatalf("%s %v: %v\nrepeat: go test ./replicad/host -v -run %s -seed %d", mode, o.options, err, t.Name(), seed)
		}
		posts, reads = posts+len(o.posts()), reads+len(o.reads)
	}
	t.Logf("%d posts were acknowledged, %d reads judged", posts, reads)
}

// origins is a history in a mode of origin logs.
type origins struct {
	*history
	mode     string
	options  map[string]string
	sessions []*session
	reads    []shown
	asked    map[*operation]asked
}

// session is a client that carries what it has seen.
type session struct {
	seen board.Vector
	op   *operation // its last one
	busy bool       // a read is under way
}

// asked is when an operation was first called, and what its session had seen.
type asked struct {
	at   time.Duration
	seen board.Vector
}

// shown is a read that was answered.
type shown struct {
	at               board.ReplicaID
	called, returned time.Duration
	fresh            bool
	upTo             board.Vector
}

func newOrigins(t *testing.T, seed uint64, mode string) *origins {
	o := &origins{history: newHistory(t, seed), mode: mode, options: map[string]string{}, asked: map[*operation]asked{}}
	o.record.Mode = mode
	n := len(o.sites)
	if mode == "quorum" {
		write := 1 + o.random.IntN(n)
		o.options["write"], o.options["read"] = fmt.Sprint(write), fmt.Sprint(n-write+1)
		if o.random.IntN(2) == 0 {
			o.options = map[string]string{}
		}
		o.modes[mode] = modetest.Configured(quorum.New, o.options)
	} else {
		o.options["copies"] = fmt.Sprint(1 + o.random.IntN(min(2, n)))
		o.options["sync_on_read"] = []string{"token", "total"}[o.random.IntN(2)]
		o.modes[mode] = modetest.Configured(readyourwrite.New, o.options)
	}
	for range 1 + o.busy {
		o.sessions = append(o.sessions, &session{})
	}
	return o
}

func (o *origins) all() error {
	for _, s := range o.sites {
		s.boot()
	}
	o.advance(o.between(0, 400*time.Millisecond))
	for range 120 {
		for _, s := range o.sessions {
			o.act(s)
		}
		if o.random.IntN(o.calm) == 0 {
			o.fault()
		}
		o.advance(o.between(0, 60*time.Millisecond))
		if o.err != nil {
			return o.err
		}
	}
	o.heal()
	o.finish()
	if o.err == nil {
		o.verify()
	}
	return o.err
}

// act has a session post, try again, or read; one thing after another.
func (o *origins) act(s *session) {
	if s.busy || o.random.IntN(3) == 0 {
		return
	}
	if op := s.op; op != nil {
		last := op.tries[len(op.tries)-1]
		switch {
		case !last.done && (op.key == "" || o.random.IntN(10) > 0):
			return
		case last.done && last.answer.Outcome == host.OK:
			s.seen, s.op = s.seen.With(last.answer.ID), nil
		case last.done && (op.key == "" || len(op.tries) > 5):
			s.op = nil
		default:
			o.try(op)
			return
		}
	}
	if o.random.IntN(2) == 0 {
		o.read(s)
		return
	}
	op := &operation{title: fmt.Sprintf("op%d", len(o.ops))}
	switch o.random.IntN(6) {
	case 0: // no key
	case 1:
		op.key = "own key of " + op.title
	default:
		op.key = board.MakeKey("key of "+op.title, s.seen.SeqMax(), o.any().id).Text
	}
	if len(s.seen) > 0 && o.random.IntN(3) == 0 {
		op.parent = s.seen[o.random.IntN(len(s.seen))]
	}
	o.ops, s.op = append(o.ops, op), op
	o.asked[op] = asked{o.now, s.seen}
	o.try(op)
}

func (o *origins) try(op *operation) {
	s := o.any()
	t := &try{name: fmt.Sprintf("%s try %d", op.title, len(op.tries)), at: s.id}
	op.tries = append(op.tries, t)
	r := host.Request{
		Verb: modes.VerbPost, Target: op.parent, Token: o.token(o.asked[op].seen),
		Deadline: o.now + o.between(20*time.Millisecond, 1500*time.Millisecond),
		Article:  board.Article{Title: op.title, Author: t.name, Key: op.key},
	}
	if !op.parent.IsZero() {
		r.Verb = modes.VerbReply
	}
	s.ask(r, func(a host.Answer) {
		o.trace("%s %s at %s: %d %s %s %s", o.now, t.name, t.at, a.Outcome, a.ID, a.Kind, a.Why)
		if t.done {
			o.fail("%s is answered twice", t.name)
		}
		t.done, t.answer, t.returned = true, a, o.now
	})
}

func (o *origins) token(seen board.Vector) board.Token {
	return board.Token{Cluster: "test", Epoch: 1, Seen: seen}
}

// read asks a replica's mode, or, where that allows it, its host alone.
func (o *origins) read(s *session) {
	at, called, token, fresh := o.any(), o.now, o.token(s.seen), o.random.IntN(4) == 0
	end := func(v board.Vector) {
		if !v.Covers(token.Seen) {
			o.fail("a read at %s shows %s, and its session has seen %s", at.id, v, token.Seen)
		}
		s.seen = s.seen.Join(v)
		o.reads = append(o.reads, shown{at.id, called, o.now, fresh, v})
	}
	if view := at.view; at.up && !fresh && view.Guarantee != "" && view.Board.Covers(s.seen) {
		end(view.Board)
		return
	}
	s.busy = true
	r := host.Request{Verb: modes.VerbRead, Token: token, Fresh: fresh, Deadline: o.now + o.between(20*time.Millisecond, time.Second)}
	at.ask(r, func(a host.Answer) {
		o.trace("%s read at %s, called at %s: %d %s %s %s", o.now, at.id, called, a.Outcome, a.Board, a.Kind, a.Why)
		s.busy = false
		if a.Outcome == host.OK {
			end(a.Board)
		}
	})
}

// acknowledged is a post that was, when it was first.
type acknowledged struct {
	op *operation
	id board.ArticleID
	at time.Duration
}

func (o *origins) posts() []acknowledged {
	var posts []acknowledged
	for _, op := range o.ops {
		first := acknowledged{op: op}
		for _, t := range op.tries {
			if t.done && t.answer.Outcome == host.OK && (first.id.IsZero() || t.returned < first.at) {
				first.id, first.at = t.answer.ID, t.returned
			}
		}
		if !first.id.IsZero() {
			posts = append(posts, first)
		}
	}
	return posts
}

// verify checks the final boards, and all reads, against what was answered.
func (o *origins) verify() {
	all := o.sites[0].shown.Span(nil)
	for _, s := range o.sites[1:] {
		if other := s.shown.Span(nil); !slices.Equal(other, all) {
			o.fail("r1 has %d articles up to %s, %s has %d up to %s", len(all), o.sites[0].shown.Vector(), s.id, len(other), s.shown.Vector())
		}
	}
	keys, titles, authors := map[string]board.ArticleID{}, map[string]board.ArticleID{}, map[string]board.ArticleID{}
	for _, a := range all {
		if old, ok := keys[a.Key]; ok && a.Key != "" {
			o.fail("key %q has the ids %s and %s", a.Key, old, a.ID)
		}
		if old, ok := titles[a.Title]; ok && a.Title != "last" {
			o.fail("%s is there as %s and as %s", a.Title, old, a.ID)
		}
		keys[a.Key], titles[a.Title], authors[a.Author] = a.ID, a.ID, a.ID
	}
	for _, op := range o.ops {
		for _, t := range op.tries {
			o.verifyOriginTry(t, titles[op.title], authors)
		}
	}
	posts := o.posts()
	for _, read := range o.reads {
		o.verifyRead(read, posts, titles)
	}
	if o.mode == "quorum" {
		o.verifyIDs(posts, titles)
	}
}

func (o *origins) verifyOriginTry(t *try, id board.ArticleID, authors map[string]board.ArticleID) {
	switch refused, there := authors[t.name]; {
	case !t.done:
		o.fail("%s was never answered", t.name)
	case t.answer.Outcome == host.OK && t.answer.ID != id:
		o.fail("%s was acknowledged as %s, and the boards have %s", t.name, t.answer.ID, id)
	case t.answer.Outcome == host.Refused && there:
		o.fail("%s was refused (%s: %s), and is there as %s", t.name, t.answer.Kind, t.answer.Why, refused)
	}
}

// verifyRead holds a read to what was answered before it was called.
func (o *origins) verifyRead(read shown, posts []acknowledged, titles map[string]board.ArticleID) {
	for _, p := range posts {
		if (o.mode == "quorum" || read.fresh) && p.at < read.called && !read.upTo.Has(p.id) {
			o.fail("a read called at %s at %s shows up to %s, and %s was acknowledged at %s", read.called, read.at, read.upTo, p.id, p.at)
		}
	}
	if o.mode == "quorum" {
		for _, before := range o.reads {
			if before.returned < read.called && !read.upTo.Covers(before.upTo) {
				o.fail("a read called at %s at %s shows up to %s, and one that returned at %s showed up to %s", read.called, read.at, read.upTo, before.returned, before.upTo)
			}
		}
		return
	}
	for _, op := range o.ops {
		if id := titles[op.title]; !id.IsZero() && read.upTo.Has(id) && !read.upTo.Covers(o.asked[op].seen) {
			o.fail("a read called at %s at %s shows %s without what its session had seen, %s, but up to %s", read.called, read.at, id, o.asked[op].seen, read.upTo)
		}
	}
}

// verifyIDs checks that what was acknowledged before another was called has the
// lower seq.
func (o *origins) verifyIDs(posts []acknowledged, titles map[string]board.ArticleID) {
	for _, p := range posts {
		for _, op := range o.ops {
			if id := titles[op.title]; !id.IsZero() && p.at < o.asked[op].at && id.Seq <= p.id.Seq {
				o.fail("%s, called at %s, has the id %s; %s was acknowledged at %s", op.title, o.asked[op].at, id, p.id, p.at)
			}
		}
	}
}
