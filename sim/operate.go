package sim

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/replicad/host"
	"consequor/sim/cluster"
	"consequor/sim/history"
)

// patience is how long after a request's deadline its client still waits: the
// host's last word comes LastWord after it.
const patience = host.LastWord + 50*time.Millisecond

// notConnected is the kind of what a process refuses that is not there.
const notConnected modes.RefusalKind = "not_connected"

// asked is an operation of a session, with all its tries.
type asked struct {
	session *session
	number  int // in the history
	request host.Request
	query   *board.Query // of a read; nil: the whole board
	began   uint64       // the epoch in which the list began that it goes on with; 0: none
	random  *rand.Rand   // how it goes on
	timeout time.Duration
	left    int             // tries, the one under way included
	hops    bool            // it may go elsewhere
	madeFor board.ReplicaID // its key was made for this replica, and nothing was done with it so far; 0: it stands
	remade  bool            // once before
	doubt   bool            // a try of it may have been done, and was not answered
	ended   func(o *asked)  // when it is over; nil: nobody waits
	limit   time.Duration   // 0, or until when it is tried again and again
	before  []board.Vector  // sync: what all boards showed when it was asked for
}

// op is the operation's record. The slice grows: the pointer is for the moment.
func (o *asked) op() *history.Op { return &o.session.run.history.Ops[o.number-1] }

// begin makes an operation, and its record.
func (s *session) begin(a asking, random *rand.Rand) *asked {
	r := s.run
	o := &asked{session: s, number: len(r.history.Ops) + 1, random: random, timeout: a.timeout, left: a.tries, hops: a.hops}
	o.request = host.Request{Verb: a.verb, Fresh: a.fresh}
	record := history.Op{
		Number: o.number, Session: s.number, Verb: answeredVerb[a.verb], Fresh: a.fresh,
		Call: r.now(), Outcome: history.Unknown,
	}
	switch a.verb {
	case modes.VerbReply:
		o.request.Target = a.targetOr(s, random)
		record.Parent = o.request.Target
	case modes.VerbChoose:
		o.request.Target = a.targetOr(s, random)
		record.Target = o.request.Target
	case modes.VerbRead:
		o.query = s.queryFor(a.page, random)
		if o.query != nil && o.query.UpTo != nil {
			o.began = s.listing.epoch
		}
	}
	if a.verb.Writes() {
		o.write(a, &record)
	}
	s.busy = true
	r.history.Ops = append(r.history.Ops, record)
	if record.Key != "" {
		s.keeps(o)
	}
	r.emit(cluster.Event{Replica: a.at, Kind: cluster.Called, Op: o.number}, "session %d: %s at %s", s.number, record.Verb, a.at)
	return o
}

// targetOr is the article that an operation is about.
func (a *asking) targetOr(s *session, random *rand.Rand) board.ArticleID {
	if !a.target.IsZero() {
		return a.target
	}
	return s.anyKnown(random)
}

// write fills in what is posted.
func (o *asked) write(a asking, record *history.Op) {
	article := &o.request.Article
	article.Author, article.Title = fmt.Sprintf("session %d", o.session.number), titleOf(o.number)
	switch a.key {
	case keyMade:
		article.Key, o.madeFor = o.session.makeKey("key "+article.Title, a.at), a.at
	case keyOwn:
		article.Key = "own key of " + article.Title
	}
	posted := *article
	posted.Parent = record.Parent
	record.Key, record.Content = article.Key, history.ContentOf(&posted)
}

// queryFor says which page a read asks for; nil: the whole board.
func (s *session) queryFor(kind pageKind, random *rand.Rand) *board.Query {
	q := &board.Query{All: true, Count: 1 + random.IntN(12)}
	switch kind {
	case pageAll:
		return nil
	case pageRoots:
		q.All = false
		q.Count = board.PageCountMax
	case pageAfter:
		if s.listing != nil {
			q.After, q.UpTo = s.listing.after, s.listing.upTo
		}
	case pageSince:
		q.Since = s.since.Seen
	}
	return q
}

// reopen lets an operation that was over be tried again. What was refused is
// open once more; what was acknowledged stays so.
func (o *asked) reopen() {
	if op := o.op(); op.Outcome == history.Refused {
		op.Outcome, op.Return, op.Kind, op.Why = history.Unknown, 0, "", ""
	}
}

// try asks one replica. A client that has waited for too long, or whose
// connection has broken, hears no answer any more.
func (o *asked) try(at board.ReplicaID) {
	r, s := o.session.run, o.session
	now := r.now()
	q := o.request
	q.Token = s.tokenFor(at)
	if o.query != nil && (q.Verb == modes.VerbRead) { // a listing goes on in what it began with
		q.Token.Seen = q.Token.Seen.Join(o.query.UpTo).Join(o.query.Since)
		q.Token.Cluster = tokenCluster(q.Token)
	}
	if q.Verb == modes.VerbSync {
		o.before = r.boards()
	}
	q.Deadline = now + o.timeout
	q.Article.Time = int64(now)
	op := o.op()
	t := len(op.Tries)
	op.Tries = append(op.Tries, history.Try{Replica: at, Call: now, Outcome: history.Unknown})
	waits := o.timeout + patience
	if o.limit == 0 && o.random.IntN(8) == 0 {
		waits = drawTime(o.random, time.Millisecond, waits)
	}
	over := false
	end := func(a host.Answer, gaveUp bool) {
		if !over {
			over = true
			o.end(t, at, a, gaveUp)
		}
	}
	r.cluster.Replica(at).Ask(q, func(a host.Answer) { end(a, false) })
	if !over {
		r.after(waits, func() { end(host.Answer{Outcome: host.Unknown, Why: "no answer in time"}, true) })
	}
}

// tokenCluster is the cluster's name, if the token says anything.
func tokenCluster(t board.Token) string {
	if len(t.Seen) == 0 && t.Epoch == 0 {
		return ""
	}
	return cluster.Name
}

// end takes a try's answer.
func (o *asked) end(t int, at board.ReplicaID, a host.Answer, gaveUp bool) {
	if a.Outcome == host.OK {
		a = o.take(at, a)
	}
	if a.Outcome == host.Unknown && !o.request.Verb.Writes() {
		a.Outcome, a.Kind = host.Refused, modes.Deadline // it leaves nothing behind
	}
	if a.Outcome == host.Unknown && a.Why == modes.KeyTooOld && o.mayRemakeKey() {
		o.remakeKey(t, at)
		return
	}
	o.madeFor = 0
	o.recordTry(t, at, a)
	if o.goesOn(a) {
		o.left--
		o.session.run.coverage.Faults[Retries]++
		o.session.run.after(pauseBetween(o.random), func() { o.again(at) })
		return
	}
	o.over(at)
}

// mayRemakeKey reports whether a key that is too old may be replaced, as clients'
// library does: it was made for this very try, from a mark that had become stale.
func (o *asked) mayRemakeKey() bool { return o.madeFor != 0 && (!o.remade || o.limit > 0) }

// remakeKey tries again with another key. Nothing was done with the old one: if
// something was, nobody has posted that article.
func (o *asked) remakeKey(t int, at board.ReplicaID) {
	r, op := o.session.run, o.op()
	op.Tries[t].Return, op.Tries[t].Text = r.now(), modes.KeyTooOld+": another is made"
	r.after(pauseBetween(o.random), func() {
		o.remade = true
		key := o.session.makeKey(fmt.Sprintf("key %s, try %d", titleOf(o.number), t+2), o.madeFor)
		o.request.Article.Key, o.op().Key = key, key
		o.again(o.madeFor)
	})
}

// recordTry writes down one try, and what it means for the operation: once any
// of its tries is in doubt, the operation is never refused.
func (o *asked) recordTry(t int, at board.ReplicaID, a host.Answer) {
	r, op := o.session.run, o.op()
	try := &op.Tries[t]
	try.Return = r.now()
	acknowledged := op.Outcome == history.OK
	switch a.Outcome {
	case host.OK:
		try.Outcome, try.Text = history.OK, a.ID.String()
		if !acknowledged {
			op.Outcome, op.Return, op.Replica = history.OK, r.now(), at
			op.Epoch = cmp.Or(o.began, a.Epoch) // a list is of the epoch in which it began
			op.Kind, op.Why = "", ""
		}
		r.server = at
	case host.Refused:
		try.Outcome, try.Text = history.Refused, string(cmp.Or(a.Kind, notConnected))
		if o.request.Verb.Writes() {
			r.refused = append(r.refused, refusedTry{o.number, int64(try.Call)})
		}
		if !acknowledged && !o.doubt {
			op.Outcome, op.Return, op.Epoch, op.Replica = history.Refused, r.now(), a.Epoch, at
			op.Kind, op.Why = try.Text, a.Why
		}
	case host.Unknown:
		try.Outcome, try.Text = history.Unknown, a.Why
		o.doubt = true
		if !acknowledged {
			op.Outcome, op.Return, op.Kind, op.Why = history.Unknown, 0, "", a.Why
		}
	}
}

// goesOn reports whether the client tries again: not after an answer, and not
// after a word that no other replica would say otherwise.
func (o *asked) goesOn(a host.Answer) bool {
	switch {
	case a.Outcome == host.OK, a.Why == modes.KeyTooOld:
		return false
	case a.Outcome == host.Refused && (a.Kind == modes.NotFound || a.Kind == modes.InvalidPost || a.Kind == modes.OtherCluster):
		return false
	case o.limit > 0:
		return o.session.run.now() < o.limit
	case o.request.Verb.Writes() && o.request.Article.Key == "":
		return false // a post without a key has no protection
	}
	return o.left > 1
}

// again tries once more, here or elsewhere.
func (o *asked) again(at board.ReplicaID) {
	r := o.session.run
	if o.hops && o.madeFor == 0 && o.random.IntN(4) > 0 {
		at = r.reachable(board.ReplicaID(1 + o.random.IntN(r.plan.Replicas)))
		r.coverage.Faults[Hops]++
	}
	o.reopen()
	if o.limit > 0 {
		o.timeout = max(time.Millisecond, o.limit-r.now())
	}
	r.emit(cluster.Event{Replica: at, Kind: cluster.Tried, Op: o.number}, "session %d tries again at %s", o.session.number, at)
	o.try(at)
}

// over ends an operation, for now.
func (o *asked) over(at board.ReplicaID) {
	op := o.op()
	o.session.free()
	if o.session.run.trace != nil {
		o.session.run.emit(cluster.Event{Replica: at, Kind: cluster.Returned, Op: o.number}, "%s", outcomeWords(op))
	}
	if o.ended != nil {
		o.ended(o)
	}
}

func outcomeWords(op *history.Op) string {
	switch {
	case op.Outcome == history.OK && len(op.IDs) > 0:
		return "ok " + op.IDs[0].String()
	case op.Outcome == history.OK && op.View != nil:
		return fmt.Sprintf("ok %d articles up to %s", op.View.Count, op.View.UpTo)
	case op.Outcome == history.OK:
		return "ok"
	}
	return fmt.Sprintf("%s %s %s", op.Outcome, op.Kind, op.Why)
}

// answeredVerb is the history's word for a request's verb.
var answeredVerb = map[modes.Verb]history.Verb{
	modes.VerbRead: history.Read, modes.VerbPost: history.Post, modes.VerbChoose: history.Choose,
	modes.VerbReply: history.Reply, modes.VerbSync: history.Sync,
}
