package modetest

import (
	"fmt"
	"slices"

	"consequor/board"
	"consequor/modes"
)

// labOutcome is how a request ended, for its client.
type labOutcome string

const (
	labOK      labOutcome = "ok"
	labUnknown labOutcome = "unknown"
	labRefused labOutcome = "refused"
)

// labRequest is one request of the script's client.
type labRequest struct {
	at      board.ReplicaID
	event   modes.Request
	life    uint64     // of the replica it was asked of
	outcome labOutcome // empty: still open
	why     string
	kind    modes.RefusalKind
	id      board.ArticleID // of the post
	upTo    board.Vector    // of the read
	judged  int             // answers that the mode gave
}

func (q *labRequest) done() bool { return q.outcome != "" }

func (q *labRequest) finish(outcome labOutcome, why string) {
	if !q.done() {
		q.outcome, q.why = outcome, why
	}
}

func (q *labRequest) String() string {
	return fmt.Sprintf("%s %d at %s (%q, key %q)", q.event.Verb, q.event.ID, q.at, q.event.Article.Title, q.event.Article.Key)
}

// isFor reports whether a is the article that q asked for.
func (q *labRequest) isFor(a board.Article) bool {
	want := q.event.Article
	want.ID, want.Parent = a.ID, q.event.Target
	if want.Key != "" { // a retry under the same key may have been taken at another time
		want.Time = a.Time
	}
	return q.event.Verb.Writes() && want == a
}

// ask gives a replica a request. What hosts answer alone is answered here.
func (l *lab) ask(at board.ReplicaID, e modes.Request) *labRequest {
	r := l.replica(at)
	e.ID = modes.RequestID(len(l.requests) + 1)
	e.Deadline = l.now + labTimeout
	if !e.Target.IsZero() {
		_, e.OnBoard = r.board.Get(e.Target)
	}
	q := &labRequest{at: at, event: e, life: r.incarnation}
	l.requests = append(l.requests, q)
	l.line("%s", q)
	switch {
	case r.machine == nil:
		q.finish(labRefused, "the replica is down")
	case !e.Verb.Writes() && e.Verb != modes.VerbSync && !e.Fresh && r.localReads != "" && r.board.Vector().Covers(e.Seen):
		q.upTo = r.board.Vector()
		q.finish(labOK, "")
	default:
		r.open = append(r.open, q)
		r.pending = append(r.pending, e)
	}
	return q
}

// answered finds the request that an effect answers, and judges that it may.
// It is nil when the answer comes too late to matter.
func (r *labReplica) answered(id modes.RequestID, with string) *labRequest {
	l := r.lab
	if id == 0 || int(id) > len(l.requests) {
		l.fault("%s: %s to request %d, which nobody asked", r.id, with, id)
	}
	q := l.requests[id-1]
	if q.at != r.id || q.life != r.incarnation {
		l.fault("%s: %s to request %d, which was asked of %s, life %d", r.id, with, id, q.at, q.life)
	}
	if q.judged++; q.judged > 1 {
		l.fault("%s: %s to %s, which is answered already", r.id, with, q)
	}
	if q.done() {
		return nil
	}
	r.open = slices.DeleteFunc(r.open, func(other *labRequest) bool { return other == q })
	return q
}

func (r *labReplica) onRefuse(e modes.Refuse) {
	q := r.answered(e.Request, "Refuse")
	if e.Kind == "" || e.Why == "" {
		r.lab.fault("%s: refuses request %d without kind (%q) or reason (%q)", r.id, e.Request, e.Kind, e.Why)
	}
	if q != nil {
		q.kind = e.Kind
		q.finish(labRefused, string(e.Kind)+": "+e.Why)
	}
}

func (r *labReplica) onReply(e modes.Reply) {
	q := r.answered(e.Request, "Reply")
	if q == nil {
		return
	}
	l := r.lab
	switch {
	case !q.event.Verb.Writes() && q.event.Verb != modes.VerbSync:
		l.fault("%s: Reply to %s", r.id, q)
	case e.Outcome == modes.Unknown:
		q.finish(labUnknown, e.Why)
	case e.Outcome != modes.OK:
		l.fault("%s: Reply with outcome %d to %s", r.id, e.Outcome, q)
	default:
		q.id = e.ID
		q.finish(labOK, "")
		if q.event.Verb.Writes() {
			r.onPosted(q, e)
		}
	}
}

// onPosted judges the acknowledgement of a post.
func (r *labReplica) onPosted(q *labRequest, e modes.Reply) {
	l := r.lab
	a, stored := l.stored[e.ID]
	switch {
	case !stored:
		l.fault("%s: ok for %s, but article %s is on no board", r.id, q, e.ID)
	case !q.isFor(a):
		l.fault("%s: ok for %s with article %s, which is %+v", r.id, q, e.ID, a)
	case r.sealed:
		l.fault("%s: ok for %s after it was sealed", r.id, q)
	case e.Copies < 1:
		l.fault("%s: ok for %s on %d disks", r.id, q, e.Copies)
	case e.ID.Compare(q.event.Target) <= 0:
		l.fault("%s: %s got id %s, not above its parent's, %s", r.id, q, e.ID, q.event.Target)
	}
	for _, other := range l.requests {
		if other.id == e.ID && other.event.Article.Key != q.event.Article.Key {
			l.fault("%s: %s got id %s, which %s has", r.id, q, e.ID, other)
		}
		if same := other.event.Article.Key == q.event.Article.Key && q.event.Article.Key != ""; same && other.outcome == labOK && other.id != e.ID {
			l.fault("%s: %s got id %s, but under that key there is %s", r.id, q, e.ID, other.id)
		}
	}
}

func (r *labReplica) onServe(e modes.Serve) {
	q := r.answered(e.Request, "Serve")
	if q == nil {
		return
	}
	l := r.lab
	switch {
	case q.event.Verb != modes.VerbRead && q.event.Verb != modes.VerbChoose:
		l.fault("%s: Serve for %s", r.id, q)
	case !r.board.Vector().Covers(e.UpTo):
		l.fault("%s: serves %s up to %s, but its board is %s", r.id, q, e.UpTo, r.board.Vector())
	case !e.UpTo.Covers(q.event.Seen):
		l.fault("%s: serves %s up to %s, but its session has seen %s", r.id, q, e.UpTo, q.event.Seen)
	case e.Guarantee == "":
		l.fault("%s: serves %s without a guarantee", r.id, q)
	}
	q.upTo = e.UpTo
	q.finish(labOK, "")
}
