package originlog

import (
	"time"

	"consequor/modes"
)

// forwardAgain is how long a home may be silent before a post is sent to it
// again. That is safe: the key tells it from others.
const forwardAgain = 500 * time.Millisecond

// Forward sees to a post whose home is elsewhere; false: it is here. The home
// is asked for it, or, when it cannot be reached, everybody for a copy.
func (l *Log) Forward(q *Request) bool {
	if q.home == l.self {
		return false
	}
	home := l.peer(q.home)
	if !home.connected {
		l.Fetch(nil, true)
		return true
	}
	if due := q.forwardedAt + forwardAgain; q.forwarded && q.forwardedUp == home.ups && l.now < due {
		l.wake(due)
		return true
	}
	q.forwarded, q.forwardedAt, q.forwardedUp = true, l.now, home.ups
	l.wake(l.now + forwardAgain)
	f := forward{incarnation: l.incarnation, request: q.ID, mark: q.Mark, seen: q.Seen, article: q.Article}
	if q.Deadline > 0 {
		f.left = max(q.Deadline-l.now, 1)
	}
	if q.Target.Origin == l.self { // a crash may yet undo the parent: the home must not hear of it before it is on this disk
		l.out.Send(q.home, appendForward(nil, &f))
	} else {
		l.out.SendNow(q.home, appendForward(nil, &f))
	}
	return true
}

// onForward takes another replica's post, as if it were one of a client here;
// but it is never refused. One too many is dropped: it comes again.
func (l *Log) onForward(p *peer, f *forward) {
	q := &Request{from: p.id, incarnation: f.incarnation, home: homeOf(f.article.Key, l.replicas)}
	q.ID, q.Verb, q.Mark, q.Seen, q.Article, q.Target = f.request, modes.VerbPost, f.mark, f.seen, f.article, f.article.Parent
	if !q.Target.IsZero() {
		q.Verb = modes.VerbReply
	}
	if f.left > 0 {
		q.Deadline = l.now + f.left
	}
	if l.waiting.byAsker[q.asker()] != nil || len(l.waiting.byAsker) >= l.limits.waiting {
		return
	}
	l.add(q)
	if q.Article.Key == "" || q.home != l.self {
		l.unknown(q, l.self.String()+" is not its home")
		return
	}
	l.judge(q)
}

func (l *Log) onDone(d done) {
	if q := l.waiting.byAsker[asker{l.self, d.incarnation, d.request}]; q != nil && q.Verb.Writes() {
		l.acknowledge(q, d.id, d.copies)
	}
}

func (l *Log) onUnknown(u unknown) {
	if q := l.waiting.byAsker[asker{l.self, u.incarnation, u.request}]; q != nil && q.Verb.Writes() {
		l.unknown(q, u.why)
	}
}
