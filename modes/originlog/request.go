package originlog

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/mutants"
)

// Request is one that waits at this replica: a client's of its own, or, with a
// key whose home this is, another replica's.
type Request struct {
	modes.Request
	from        board.ReplicaID // whose client asks
	incarnation uint64          // of from
	number      uint64          // of the last round, pull or push when it came
	done        bool            // answered or forgotten; lists may still have it

	// post, reply. home is the replica that alone mints its article.
	home        board.ReplicaID
	given       board.ArticleID // its article; zero: none yet
	looking     bool            // its parent is being looked up
	forwarded   bool            // its home may know of it
	forwardedAt time.Duration
	forwardedUp int // which of the home's connections it went by

	// The round that it takes part in, and what its last one said.
	round *Round

	// read, choose, sync: what the mode has found out.
	Found   bool              // UpTo is known
	UpTo    board.Vector      // what is to be shown
	Asked   []board.ReplicaID // in its last round
	Missed  []board.ReplicaID // whose boards were wanted there, but did not come
	foundAt time.Duration     // sync: when that was
	before  int               // sync: Log.brought when it came
}

// asker names a request among those of all lives of all replicas.
type asker struct {
	from        board.ReplicaID
	incarnation uint64
	id          modes.RequestID
}

// waiting holds the requests that are not answered, in the order they came.
type waiting struct {
	byAsker map[asker]*Request
	list    []*Request // may hold some that are done: at most half
}

func newWaiting() waiting { return waiting{byAsker: make(map[asker]*Request)} }

func (w *waiting) compact() {
	if len(w.list) > 2*len(w.byAsker) {
		w.list = slices.DeleteFunc(w.list, func(q *Request) bool { return q.done })
	}
}

func (l *Log) add(q *Request) {
	l.waiting.byAsker[q.asker()] = q
	l.waiting.list = append(l.waiting.list, q)
}

func (q *Request) asker() asker { return asker{q.from, q.incarnation, q.ID} }

// OnRequest takes a client's request, or ends it at once when it surely comes
// to nothing.
func (l *Log) OnRequest(r modes.Request) {
	q := &Request{Request: r, from: l.self, incarnation: l.incarnation, number: l.number, before: l.brought}
	if len(l.waiting.byAsker) >= l.limits.waiting {
		l.out.Refuse(q.ID, modes.Overloaded, fmt.Sprintf("%d requests wait at %s already", l.limits.waiting, l.self))
		return
	}
	l.add(q)
	if q.Verb.Writes() {
		q.Article.ID, q.Article.Parent = board.ArticleID{}, q.Target
		if q.home = l.self; q.Article.Key != "" && l.mutant != mutants.M27 { // M27: home is where it comes first
			q.home = homeOf(q.Article.Key, l.replicas)
		}
		l.judge(q)
	}
}

// judge ends a post that its home cannot mint, or not any more.
func (l *Log) judge(q *Request) {
	_, known := l.keys.find(q.Article.Key)
	switch {
	case l.leaving.sealWanted:
		l.endSealed(q)
	case l.leaving.stopping:
		l.endStopping(q)
	case known || q.home != l.self:
	case l.tooOld(q):
		l.unknown(q, modes.KeyTooOld)
	case q.Mark > l.board.SeqMax()+seqAheadMax:
		l.End(q, modes.InvalidPost, "the key's mark is far above every article: it was not made here")
	case q.Seen.SeqMax() > l.board.SeqMax()+seqAheadMax:
		l.End(q, modes.InvalidPost, "the session's token is far above every article: it was not made here")
	}
}

// OnCancel returns the request whose last word is asked for; nil: it is
// answered, or its client has gone and it is forgotten.
func (l *Log) OnCancel(id modes.RequestID) *Request {
	q := l.waiting.byAsker[asker{l.self, l.incarnation, id}]
	if q != nil && !l.Late(q) {
		l.forget(q)
		return nil
	}
	return q
}

// Late reports whether q's deadline has passed.
func (l *Log) Late(q *Request) bool { return q.Deadline > 0 && q.Deadline <= l.now }

// forget drops q, unanswered or not.
func (l *Log) forget(q *Request) {
	l.Leave(q)
	q.done = true
	delete(l.waiting.byAsker, q.asker())
}

// Answers.

// Serve lets q be answered from this board up to q.UpTo.
func (l *Log) Serve(q *Request, guarantee string) {
	if !l.board.Covers(q.UpTo) || !q.UpTo.Covers(q.Seen) {
		panic(fmt.Sprintf("%s is to serve up to %s, its board holds %s, and the session has seen %s", l.self, q.UpTo, l.board, q.Seen))
	}
	l.forget(q)
	l.notePulls(q)
	l.out.Serve(modes.Serve{Request: q.ID, UpTo: q.UpTo, Guarantee: guarantee, Asked: q.Asked, Missed: q.Missed})
}

// End ends q without success: refused where that is surely true, else unknown.
func (l *Log) End(q *Request, kind modes.RefusalKind, why string) {
	if !l.Refusable(q) {
		l.unknown(q, why)
		return
	}
	l.forget(q)
	l.out.Refuse(q.ID, kind, why)
}

// Refusable reports whether q is surely not done, now and later. A post is not
// that once it has its article, was sent on, or has another home: that one may
// know of it from an earlier try.
func (l *Log) Refusable(q *Request) bool {
	if !q.Verb.Writes() {
		return true
	}
	_, known := l.keys.find(q.Article.Key)
	return q.from == l.self && q.home == l.self && q.given.IsZero() && !known && !l.tooOld(q)
}

// tooOld reports whether q's key, which is not in the table, may have an article
// all the same.
func (l *Log) tooOld(q *Request) bool {
	if l.mutant == mutants.M29 { // as if all keys were remembered
		return false
	}
	return q.Article.Key != "" && l.keys.tooOld(q.Mark)
}

// unknown says that a post may be done.
func (l *Log) unknown(q *Request, why string) {
	l.forget(q)
	switch {
	case q.from != l.self:
		l.out.SendNow(q.from, appendUnknown(nil, unknown{q.incarnation, q.ID, why}))
	case l.mutant == mutants.M30: // though it was minted or sent on
		l.out.Refuse(q.ID, modes.Deadline, why)
	default:
		l.out.Reply(modes.Reply{Request: q.ID, Outcome: modes.Unknown, Why: why})
	}
}

// acknowledge says that a post is done.
func (l *Log) acknowledge(q *Request, id board.ArticleID, copies int) {
	l.forget(q)
	if q.from == l.self {
		l.out.Reply(modes.Reply{Request: q.ID, Outcome: modes.OK, ID: id, Copies: copies, Guarantee: l.config.Label(q)})
	} else {
		l.out.Send(q.from, appendDone(nil, done{q.incarnation, q.ID, id, copies}))
	}
}

// Names lists replicas for people.
func Names(ids []board.ReplicaID) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = id.String()
	}
	return strings.Join(names, ", ")
}
