package modetest

import (
	"fmt"
	"slices"
	"time"

	"consequor/board"
	"consequor/modes"
)

// labScenario is one part of the script.
type labScenario struct {
	name    string
	sizeMin int // of the cluster
	play    func(l *lab)
}

// labScript is what every mode is put through. A mode may answer as it likes
// while something is broken, within the contract; when all is well again it
// must do as it is asked.
var labScript = []labScenario{
	{"fresh", 1, playFresh},
	{"many at once", 1, playMany},
	{"retry", 1, playRetry},
	{"cancel", 1, playCancel},
	{"not found", 1, playNotFound},
	{"restart", 1, playRestart},
	{"crash before the disk", 1, playCrash},
	{"cut", 2, playCut},
	{"lost and doubled", 2, playLossy},
	{"seal", 1, playSeal},
	{"stop", 1, playStop},
}

// Every replica takes posts and replies, reads them all, and opens them.
func playFresh(l *lab) {
	l.startAll()
	for _, at := range l.ids() {
		root := l.mustPost(at, board.ArticleID{})
		for _, other := range l.ids() {
			l.mustPost(other, root)
		}
	}
	for _, at := range l.ids() {
		l.mustRead(at, modes.Request{Verb: modes.VerbRead, Seen: l.seen})
		l.mustRead(at, modes.Request{Verb: modes.VerbRead, Seen: l.seen, Fresh: true})
		for _, id := range l.known() {
			l.mustRead(at, modes.Request{Verb: modes.VerbChoose, Target: id, Seen: l.seen})
		}
	}
	l.finish()
}

// Forty posts at once, without and with keys, at all replicas.
func playMany(l *lab) {
	l.startAll()
	l.mustPost(1, board.ArticleID{})
	var asked []*labRequest
	for i := range 40 {
		at := board.ReplicaID(i%len(l.replicas) + 1)
		asked = append(asked, l.ask(at, l.newPost(at, board.ArticleID{}, i%2 == 0)))
	}
	if !l.run(labPatience, func() bool { return !slices.ContainsFunc(asked, func(q *labRequest) bool { return !q.done() }) }) {
		l.fault("of %d posts at once some are never answered", len(asked))
	}
	for _, q := range asked {
		if q.outcome != labOK {
			l.fault("%s ends %s: %s", q, q.outcome, q.why)
		}
	}
	l.finish()
}

// A key is sent again: after its answer, at another replica, and while its
// first try is under way.
func playRetry(l *lab) {
	l.startAll()
	for _, at := range l.ids() {
		e := l.newPost(at, board.ArticleID{}, true)
		first := l.persist(at, e)
		for _, other := range l.ids() {
			if again := l.persist(other, e); again.id != first.id {
				l.fault("%s got id %s, the first try %s", again, again.id, first.id)
			}
		}
		twice := l.newPost(at, board.ArticleID{}, true)
		a, b := l.ask(at, twice), l.ask(at, twice)
		if !l.run(labPatience, func() bool { return a.done() && b.done() }) {
			l.fault("of two tries of a key one is never answered: %q, %q", a.outcome, b.outcome)
		}
	}
	l.finish()
}

// Clients go away while their requests are under way.
func playCancel(l *lab) {
	l.startAll()
	l.mustPost(1, board.ArticleID{})
	for i := range 8 {
		for _, at := range l.ids() {
			q := l.ask(at, l.newPost(at, board.ArticleID{}, i%2 == 0))
			l.idle(time.Duration(i) * labLatency / 2)
			if !q.done() {
				l.replica(at).cancel(q)
			}
			q = l.ask(at, modes.Request{Verb: modes.VerbRead, Fresh: true})
			if !q.done() {
				l.replica(at).cancel(q)
			}
		}
	}
	l.finish()
}

// A reply to an article that is not there, and to open one, is refused.
func playNotFound(l *lab) {
	l.startAll()
	l.mustPost(1, board.ArticleID{})
	for _, at := range l.ids() {
		e := l.newPost(at, board.ArticleID{Seq: 1 << 40}, true)
		q := l.ask(at, e)
		if !l.run(labPatience, q.done) || q.outcome != labRefused || q.kind != modes.NotFound {
			l.fault("%s, a reply to no article, ends %q: %s", q, q.outcome, q.why)
		}
	}
	l.finish()
}

// One replica after the other is restarted; what it knew, it knows.
func playRestart(l *lab) {
	l.startAll()
	e := l.newPost(1, board.ArticleID{}, true)
	first := l.persist(1, e)
	for _, at := range l.ids() {
		l.mustPost(at, board.ArticleID{})
		l.replica(at).crash()
		l.idle(50 * time.Millisecond)
		l.replica(at).start()
		l.mustPost(at, first.id)
		if again := l.persist(at, e); again.id != first.id {
			l.fault("%s, a retry after a restart, got id %s, the first try %s", again, again.id, first.id)
		}
		l.mustRead(at, modes.Request{Verb: modes.VerbRead, Seen: l.seen})
	}
	for _, r := range l.replicas { // all at once
		r.crash()
	}
	l.startAll()
	l.finish()
}

// A replica crashes with a post under way, after its messages have left and
// before anything was written: at its first step, its second, and so on.
func playCrash(l *lab) {
	l.startAll()
	l.mustPost(1, board.ArticleID{})
	for steps := range 6 {
		for _, at := range l.ids() {
			e := l.newPost(at, board.ArticleID{}, true)
			l.ask(at, e)
			l.stepsOf(at, steps)
			l.replica(at).crashing = true
			l.run(labPatience, func() bool { return l.replica(at).machine == nil })
			if l.replica(at).machine != nil { // it had no step to make
				l.replica(at).crashing = false
				l.replica(at).crash()
			}
			l.idle(20 * time.Millisecond)
			l.replica(at).start()
			l.persist(at, e)
		}
	}
	l.finish()
}

// stepsOf runs until the replica has made so many more steps, or rests.
func (l *lab) stepsOf(at board.ReplicaID, steps int) {
	r := l.replica(at)
	until := r.number + uint64(steps)
	l.run(20*labLatency, func() bool { return r.number >= until })
}

// Each replica in turn is cut off. Both sides are asked; whatever they answer,
// after the cut is healed everything is everywhere.
func playCut(l *lab) {
	l.startAll()
	root := l.mustPost(1, board.ArticleID{})
	for _, at := range l.ids() {
		l.isolate(at)
		var asked []*labRequest
		for _, other := range l.ids() {
			asked = append(asked,
				l.ask(other, l.newPost(other, root, true)),
				l.ask(other, l.newPost(other, board.ArticleID{}, false)),
				l.ask(other, modes.Request{Verb: modes.VerbRead, Seen: l.seen, Fresh: true}),
				l.ask(other, modes.Request{Verb: modes.VerbSync}))
		}
		l.idle(labTimeout / 2)
		l.heal()
		if !l.run(labPatience, func() bool { return !slices.ContainsFunc(asked, func(q *labRequest) bool { return !q.done() }) }) {
			l.fault("after a cut some requests are never answered")
		}
		for _, q := range asked {
			if q.event.Article.Key != "" {
				l.persist(q.at, q.event)
			}
		}
	}
	l.finish()
}

// Every third message is lost, every fourth comes twice.
func playLossy(l *lab) {
	l.startAll()
	l.mustPost(1, board.ArticleID{})
	l.copies = func(n int) int {
		switch {
		case n%3 == 0:
			return 0
		case n%4 == 0:
			return 2
		}
		return 1
	}
	for i := range 12 {
		at := board.ReplicaID(i%len(l.replicas) + 1)
		q := l.ask(at, l.newPost(at, board.ArticleID{}, true))
		l.run(labPatience, q.done)
	}
	l.heal()
	for _, q := range slices.Clone(l.requests) {
		if q.event.Verb.Writes() {
			l.persist(q.at, q.event)
		}
	}
	l.finish()
}

// The mode is asked to stop taking posts, and a replica restarts meanwhile.
func playSeal(l *lab) {
	l.startAll()
	l.mustPost(1, board.ArticleID{})
	for _, r := range l.replicas {
		r.sealGiven = true
		r.pending = append(r.pending, modes.Seal{})
		l.ask(r.id, l.newPost(r.id, board.ArticleID{}, true))
	}
	l.mustSeal()
	r := l.replicas[len(l.replicas)-1]
	r.crash()
	r.start()
	l.mustSeal()
	for _, at := range l.ids() {
		q := l.ask(at, l.newPost(at, board.ArticleID{}, true))
		l.run(labPatience, q.done)
		if q.outcome == labOK {
			l.fault("%s ends ok in a sealed epoch", q)
		}
	}
	l.judgeBoards()
}

func (l *lab) mustSeal() {
	if !l.run(labPatience, func() bool { return !slices.ContainsFunc(l.replicas, func(r *labReplica) bool { return !r.sealed }) }) {
		l.fault("%v after Seal not all replicas are sealed", labPatience)
	}
}

// One replica after the other leaves in order and comes back; the others go on.
func playStop(l *lab) {
	l.startAll()
	l.mustPost(1, board.ArticleID{})
	for _, at := range l.ids() {
		r := l.replica(at)
		r.pending = append(r.pending, modes.Stop{})
		if !l.run(labPatience, func() bool { return r.stopped }) {
			l.fault("%v after Stop %s is not stopped", labPatience, at)
		}
		r.crash()
		if len(l.replicas) > 2 {
			other := board.ReplicaID(int(at)%len(l.replicas) + 1)
			l.mustPost(other, board.ArticleID{})
		}
		r.start()
		l.mustPost(at, board.ArticleID{})
	}
	l.finish()
}

// startAll starts every replica that is down.
func (l *lab) startAll() {
	for _, r := range l.replicas {
		if r.machine == nil {
			r.start()
		}
	}
}

// known lists the articles that were acknowledged.
func (l *lab) known() []board.ArticleID {
	var ids []board.ArticleID
	for _, q := range l.requests {
		if q.event.Verb.Writes() && q.outcome == labOK && !slices.Contains(ids, q.id) {
			ids = append(ids, q.id)
		}
	}
	return ids
}

// newPost makes a post, or a reply when parent is given, unlike all others.
func (l *lab) newPost(at board.ReplicaID, parent board.ArticleID, keyed bool) modes.Request {
	l.titles++
	e := modes.Request{
		Verb: modes.VerbPost, Target: parent, Seen: l.seen,
		Article: board.Article{Author: "ada", Title: fmt.Sprintf("post %d", l.titles), Body: "a body", Time: int64(l.now) + 1},
	}
	if !parent.IsZero() {
		e.Verb = modes.VerbReply
	}
	if keyed {
		key := board.MakeKey(fmt.Sprintf("key%d", l.titles), l.seen.SeqMax(), at)
		e.Article.Key, e.Mark, e.Home = key.Text, key.Mark, key.Home
	}
	return e
}

// mustPost posts until it is acknowledged, with the session's token.
func (l *lab) mustPost(at board.ReplicaID, parent board.ArticleID) board.ArticleID {
	e := l.newPost(at, parent, true)
	before := l.seen
	q := l.persist(at, e)
	if q.id.Seq <= before.SeqMax() {
		l.fault("%s got id %s, though its session has seen %s", q, q.id, before)
	}
	l.seen = l.seen.Join(board.Vector{q.id})
	return q.id
}

// persist asks until the answer is ok, as a client with a key does.
func (l *lab) persist(at board.ReplicaID, e modes.Request) *labRequest {
	for end := l.now + labPatience; ; {
		q := l.ask(at, e)
		l.run(labPatience, q.done)
		switch {
		case q.outcome == labOK:
			return q
		case !q.done():
			l.fault("%s is never answered", q)
		case l.now >= end:
			l.fault("%s is not done after %v: %s: %s", q, labPatience, q.outcome, q.why)
		}
		l.idle(20 * time.Millisecond)
	}
}

// mustRead reads until it is served, and judges what it shows.
func (l *lab) mustRead(at board.ReplicaID, e modes.Request) {
	q := l.persist(at, e)
	if !q.upTo.Covers(e.Seen) {
		l.fault("%s shows %s, but its session has seen %s", q, q.upTo, e.Seen)
	}
	for _, id := range l.known() {
		if _, onBoard := l.replica(at).board.Get(id); q.upTo.Has(id) && !onBoard {
			l.fault("%s shows up to %s, but lacks %s", q, q.upTo, id)
		}
	}
	l.seen = l.seen.Join(q.upTo)
}

// finish mends everything, syncs every replica, and judges what is left.
func (l *lab) finish() {
	l.heal()
	l.startAll()
	for _, at := range l.ids() {
		l.mustPost(at, board.ArticleID{})
	}
	for range 2 { // the second for what the first one spread
		for _, at := range l.ids() {
			l.persist(at, modes.Request{Verb: modes.VerbSync})
		}
	}
	l.judgeBoards()
	for _, r := range l.replicas {
		if v := r.board.Vector(); !v.Equal(l.replicas[0].board.Vector()) {
			l.fault("after sync the board of %s is %s, that of %s is %s", r.id, v, l.replicas[0].id, l.replicas[0].board.Vector())
		}
		for _, id := range l.known() {
			if _, ok := r.board.Get(id); !ok {
				l.fault("%s was acknowledged, and is not on the board of %s", id, r.id)
			}
		}
	}
}

// judgeBoards judges what must hold of all boards at any time.
func (l *lab) judgeBoards() {
	keys := make(map[string]board.ArticleID)
	for _, r := range l.replicas {
		all, _ := r.board.Keys(r.board.Len())
		for _, k := range all {
			if other, ok := keys[k.Key]; ok && other != k.ID {
				l.fault("under key %q there are %s and %s", k.Key, other, k.ID)
			}
			keys[k.Key] = k.ID
		}
	}
	for _, q := range l.requests {
		if q.event.Verb.Writes() && l.onlyRefused(q) {
			for _, a := range l.stored {
				if q.isFor(a) {
					l.fault("%s was refused (%s), and is on a board as %s", q, q.why, a.ID)
				}
			}
		}
	}
}

// onlyRefused reports whether every try of q's post was refused.
func (l *lab) onlyRefused(q *labRequest) bool {
	return !slices.ContainsFunc(l.requests, func(other *labRequest) bool {
		return other.event.Article.Title == q.event.Article.Title && other.outcome != labRefused
	})
}
