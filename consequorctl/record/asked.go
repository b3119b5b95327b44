package record

import (
	"context"
	"errors"
	"time"

	"consequor/board"
	"consequor/replicad/api"
	"consequor/sim/history"
)

// Asked is one request that is written down. The goroutine that carries the
// request out owns it.
type Asked struct {
	pen     *Pen
	line    called
	request *api.Request
	sent    bool
	tries   []try
}

// listedMax is up to how many articles of a page are listed one by one.
const listedMax = 32

// Ask begins a request on behalf of a session (empty: of none), which was called
// at since (0: now). The request must then be sent with the context that is
// returned, and Ended be told what came of it. If the cluster is not recorded
// the result is nil, whose Ended does nothing.
func (p *Pen) Ask(ctx context.Context, session string, since time.Duration, r *api.Request) (context.Context, *Asked, error) {
	if p == nil || r.Raw {
		return ctx, nil, nil
	}
	if recorded, err := p.on(); !recorded || err != nil {
		return ctx, nil, err
	}
	if since == 0 {
		since = Now()
	}
	a := &Asked{pen: p, request: r, line: called{
		Op: p.next(), Session: session, Verb: history.Verb(r.Verb), Fresh: r.Fresh, At: since, Key: r.Key,
	}}
	switch r.Verb {
	case api.Reply:
		a.line.Parent = idText(r.Target)
	case api.Choose:
		a.line.Target = idText(r.Target)
	}
	if r.Verb.Writes() {
		posted := board.Article{Author: r.Author, Title: r.Title, Body: r.Body}
		if r.Verb == api.Reply {
			posted.Parent = r.Target
		}
		a.line.Content = history.ContentOf(&posted)
	}
	if r.Verb == api.Read || r.Verb == api.Choose {
		a.line.After = r.After
	}
	return api.WithWatch(ctx, &api.Watch{Sending: a.sending, Ended: a.tried}), a, nil
}

// sending writes down what is about to be sent.
func (a *Asked) sending(replica, key string) error {
	a.tries = append(a.tries, try{Replica: replica, Call: Now(), Outcome: history.Unknown})
	if a.sent {
		return a.pen.add(line{Tried: &tried{a.line.Op, last(a.tries).Call, key, replica}}, true)
	}
	a.sent = true
	a.line.Key, a.line.Replica = key, replica
	return a.pen.add(line{Called: &a.line}, true)
}

// tried notes how the last try ended.
func (a *Asked) tried(_ string, failure *api.Error) {
	t := last(a.tries)
	t.Return, t.Outcome = Now(), outcomeOf(failure)
	if failure != nil {
		t.Text = failure.Kind
	}
}

func last(tries []try) *try { return &tries[len(tries)-1] }

// Ended writes down how a request ended, once its session knows of it.
func (a *Asked) Ended(answer *api.Answer, failed error) error {
	if a == nil {
		return nil
	}
	if !a.sent { // nobody was there
		a.line.Content = 0
		if err := a.pen.add(line{Called: &a.line}, false); err != nil {
			return err
		}
	}
	e := ended{Op: a.line.Op, At: Now(), Tries: a.tries}
	if len(a.tries) > 0 {
		e.Replica = last(a.tries).Replica
	}
	if failed != nil {
		e.fail(failed)
	} else {
		e.answer(&a.pen.digests, a.request, answer)
	}
	if len(e.Tries) == 1 {
		e.Tries = nil // it is the operation itself
	}
	return a.pen.add(line{Ended: &e}, false)
}

func (e *ended) fail(failed error) {
	var failure *api.Error
	if !errors.As(failed, &failure) {
		failure = &api.Error{Outcome: api.Unknown, Message: failed.Error()}
	}
	e.Outcome, e.Kind, e.Why = outcomeOf(failure), failure.Kind, failure.Message
	if len(e.Tries) == 0 {
		e.Outcome = history.Refused // nothing was sent
	}
}

func (e *ended) answer(d *digests, r *api.Request, a *api.Answer) {
	e.Outcome, e.Replica, e.Epoch, e.Mode, e.Next = history.OK, a.Replica, a.Epoch, a.Mode, a.Next
	switch r.Verb {
	case api.Post, api.Reply:
		e.ID = a.ID.String()
	case api.Read:
		e.View = d.viewOf(r, a)
	case api.Choose:
		e.View = d.threadOf(r, a)
	case api.Sync:
		e.Seen = a.Token.Seen.String()
	}
}
