package history

import (
	"fmt"
	"slices"
)

// A checker stops at the first thing that it finds. People want to know of each
// promise whether it was kept, so here every part of every checker looks at the
// whole history, and what it finds is told under the promise that it breaks.

// Kept says of one promise whether it was kept.
type Kept struct {
	Promise string // "durability"
	Words   string // what is promised
	Outcome KeptOutcome
	Asked   bool   // false: nothing in the history would have shown it; the outcome is unknown
	Broken  string // the property that was violated
	// Sentence is what broke it, or why nobody knows.
	Sentence string
	Ops      []int // numbers of the operations that prove it
}

// KeptOutcome is what became of a promise.
type KeptOutcome string

// What became of a promise, or of all.
const (
	Held     KeptOutcome = "held"
	Broken   KeptOutcome = "broken"
	NotKnown KeptOutcome = "unknown"
)

// Promises are those of one history.
type Promises []Kept

// Outcome is the worst: broken, then unknown. A promise that nothing has put to
// the test does not count.
func (p Promises) Outcome() KeptOutcome {
	is := func(wanted func(Kept) bool) bool { return slices.ContainsFunc(p, wanted) }
	switch {
	case is(func(k Kept) bool { return k.Outcome == Broken }):
		return Broken
	case is(func(k Kept) bool { return k.Outcome == NotKnown && k.Asked }):
		return NotKnown
	case is(func(k Kept) bool { return k.Outcome == Held }):
		return Held
	}
	return NotKnown
}

// part is one look at a history.
type part struct {
	look func(*check) *Verdict
}

var (
	partAcknowledged = &part{(*check).acknowledged}
	partOutcomes     = &part{(*check).outcomes}
	partKeys         = &part{(*check).keys}
	partContents     = &part{(*check).contents}
	partNobodys      = &part{(*check).nobodys}
	partEqual        = &part{(*check).equalBoards}
	partThreads      = &part{(*check).threads}
	partViews        = &part{(*check).views}
	partFuture       = &part{(*check).fromTheFuture}
	partClosed       = &part{(*check).closedViews}
	partFresh        = &part{(*check).freshReads}
	partPrefixes     = &part{(*check).prefixes}
	partSessionOrder = &part{(*check).sessionOrder}
	partRealTime     = &part{(*check).realTimeOrder}
	partDense        = &part{(*check).denseIDs}
	partQuorumReads  = &part{(*check).quorumReads}
	partRising       = &part{(*check).idsRise}
	partSessions     = &part{(*check).sessions}
	partFollow       = &part{(*check).writesFollowReads}
	partMonotonic    = &part{(*check).monotonicWrites}
	partRegular      = &part{(*check).regularReads}
	partSeen         = &part{(*check).seenThenNotFound}
	partDenied       = []*part{{(*check).deniedSequential}, {(*check).deniedQuorum}, {(*check).deniedSessions}}
	partOlder        = []*part{{(*check).olderEpochsSequential}, {(*check).olderEpochsQuorum}, {(*check).olderEpochsSessions}, {(*check).epochOrder}}
	partLiveness     = &part{(*check).liveness}
	partTerms        = &part{(*check).terms}
)

// promise is what a mode claims, as people know it.
type promise struct {
	name, words string
	properties  []string
	parts       []*part
	of          []Promise         // the modes that make it; nil: all
	asked       func(*check) bool // nil: whatever was asked
	notAsked    string            // why nothing shows whether it was kept
}

var promiseTable = []promise{
	{name: "durability", words: "every acknowledged post is on every live replica in the end",
		properties: []string{"durability", "equal boards"}, parts: []*part{partAcknowledged, partEqual},
		asked: anyOK(func(op *Op) bool { return op.Verb.Writes() }), notAsked: "no post was acknowledged"},
	{name: "no phantom", words: "nothing is shown that nobody has posted",
		properties: []string{"no phantom"}, parts: []*part{partNobodys, partViews, partFuture}},
	{name: "identity", words: "one key is one article, one id is one post, and it reads the same everywhere",
		properties: []string{"one key, one id", "one id, one key", "equal content"}, parts: []*part{partKeys, partContents, partEqual, partViews}},
	{name: "whole answers", words: "an answer shows all of what it claims to show, in order",
		properties: []string{"whole views", "order of lists"}, parts: []*part{partViews}, asked: viewed, notAsked: "nothing was read"},
	{name: "order of threads", words: "no reply is shown without its parent, and its id is above its parent's",
		properties: []string{"thread order"}, parts: []*part{partThreads, partViews, partClosed}},
	{name: "outcome", words: "what was refused is nowhere",
		properties: []string{"outcome"}, parts: []*part{partOutcomes}},

	{name: "one order", words: "every answer is a beginning of the one order, whose ids leave nothing out",
		properties: []string{"prefix", "dense ids"}, parts: []*part{partPrefixes, partDense}, of: []Promise{Sequential}},
	{name: "session order", words: "a session never sees less of the order than before, and always its own posts",
		properties: []string{"session order"}, parts: []*part{partSessionOrder}, of: []Promise{Sequential}, asked: inSessions, notAsked: "no session read anything"},
	{name: "real-time ids", words: "who posts after another post was acknowledged gets a higher id",
		properties: []string{"real-time order"}, parts: []*part{partRealTime, partFresh}, of: []Promise{Sequential}},
	{name: "fresh reads", words: "a fresh read, or a sync, is behind no post that was acknowledged before it",
		properties: []string{"fresh"}, parts: []*part{partFresh}, of: []Promise{Sequential},
		asked: func(c *check) bool { return hasFreshReads(c.h) }, notAsked: "there was no fresh read, and no sync"},

	{name: "completed posts", words: "a read shows every post that had been acknowledged when it was called",
		properties: []string{"quorum reads"}, parts: []*part{partQuorumReads}, of: []Promise{Quorum}, asked: viewed, notAsked: "nothing was read"},
	{name: "reads never go back", words: "a read shows everything that reads before it have shown",
		properties: []string{"reads go back"}, parts: []*part{partQuorumReads}, of: []Promise{Quorum}, asked: viewed, notAsked: "nothing was read"},
	{name: "rising ids", words: "who posts after another post was acknowledged gets a higher id",
		properties: []string{"ids rise"}, parts: []*part{partRising}, of: []Promise{Quorum}},

	{name: "read your writes", words: "a session's own posts are in everything that it reads later",
		properties: []string{"read your writes"}, parts: []*part{partSessions}, of: strict, asked: inSessions, notAsked: "no session read anything"},
	{name: "monotonic reads", words: "a session's reads never lose what it has seen",
		properties: []string{"monotonic reads"}, parts: []*part{partSessions}, of: strict, asked: inSessions, notAsked: "no session read anything"},
	{name: "monotonic writes", words: "a session's posts are seen in their order",
		properties: []string{"monotonic writes"}, parts: []*part{partMonotonic}, of: []Promise{Sequential, ReadYourWrite}},
	{name: "writes follow reads", words: "who sees a post sees what its author had read",
		properties: []string{"writes follow reads"}, parts: []*part{partFollow}, of: []Promise{Sequential, ReadYourWrite}},
	{name: "regular fresh reads", words: "a fresh read shows every post that had been acknowledged when it was called",
		properties: []string{"fresh"}, parts: []*part{partRegular}, of: []Promise{ReadYourWrite},
		asked: anyOK(func(op *Op) bool { return op.Fresh }), notAsked: "there was no fresh read"},
	{name: "nothing denied", words: "nobody is told that there is no such article who must know better",
		properties: []string{"seen, then not found", "posted, then not found"}, parts: slices.Concat([]*part{partSeen}, partDenied), of: strict},

	{name: "mode changes", words: "a new mode has all that the old one had acknowledged or shown, and gives higher ids",
		properties: []string{"older epochs", "epoch order"}, parts: partOlder, of: strict,
		asked: func(c *check) bool { return len(c.h.Epochs) > 1 }, notAsked: "the mode was not changed"},
	{name: "liveness", words: "when nothing is in the way, everything is answered in time",
		properties: []string{"liveness", "terms"}, parts: []*part{partLiveness, partTerms},
		asked: (*check).livenessAsked, notAsked: "nothing was asked for after all faults were healed and the cluster was whole"},
}

func anyOK(wanted func(*Op) bool) func(*check) bool {
	return func(c *check) bool {
		return slices.ContainsFunc(c.h.Ops, func(op Op) bool { return op.Outcome == OK && wanted(&op) })
	}
}

func viewed(c *check) bool {
	return anyOK(func(op *Op) bool { return op.View != nil })(c)
}

func inSessions(c *check) bool {
	return anyOK(func(op *Op) bool { return op.View != nil && op.Session != 0 })(c)
}

// CheckPromises judges a history promise by promise: those of every mode, and
// those of the modes that it ran in. Steps are as for Check, of each look.
func CheckPromises(h *History, steps int) Promises {
	c := newCheck(h, steps)
	found := looks{check: c, steps: steps, done: map[*part]*Verdict{}}
	var all Promises
	for i := range promiseTable {
		if p := &promiseTable[i]; p.of == nil || promises(p.of...)(h) {
			all = append(all, found.judge(p))
		}
	}
	return all
}

// looks are what the parts have found, each asked once.
type looks struct {
	check *check
	steps int
	done  map[*part]*Verdict // nil: nothing
}

func (l *looks) at(p *part) *Verdict {
	v, ok := l.done[p]
	if !ok {
		l.check.left = l.steps
		v = p.look(l.check)
		if v == nil && l.check.left < 0 {
			v = &Verdict{Outcome: Undecided, Sentence: outOfSteps}
		}
		l.done[p] = v
	}
	return v
}

func (l *looks) judge(p *promise) Kept {
	k := Kept{Promise: p.name, Words: p.words, Outcome: NotKnown, Asked: true}
	if l.check.unfit != "" {
		k.Sentence = l.check.unfit
		return k
	}
	if p.asked != nil && !p.asked(l.check) {
		k.Asked, k.Sentence = false, "Not asked: "+p.notAsked+"."
		return k
	}
	k.Outcome = Held
	for _, one := range p.parts {
		v := l.at(one)
		switch {
		case v == nil:
		case slices.Contains(p.properties, v.Property):
			k.Outcome, k.Broken, k.Sentence, k.Ops = Broken, v.Property, v.Sentence, v.Ops
			return k
		case v.Outcome == Undecided:
			k.Outcome, k.Sentence = NotKnown, v.Sentence
		case k.Outcome == Held:
			k.Outcome = NotKnown
			k.Sentence = fmt.Sprintf("What would show it is broken otherwise (%s), so this was not judged to the end.", v.Property)
		}
	}
	return k
}
