package replica

import (
	"context"
	"errors"
	"fmt"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/replicad/api"
	"consequor/replicad/host"
)

// answerMargin is how long before its client's deadline a request's own ends,
// so that the last word still arrives.
const answerMargin = host.LastWord + 50*time.Millisecond

var verbs = map[api.Verb]modes.Verb{
	api.Read: modes.VerbRead, api.Post: modes.VerbPost, api.Choose: modes.VerbChoose,
	api.Reply: modes.VerbReply, api.Sync: modes.VerbSync,
}

// Do carries out one of the five requests; see api.Service.
func (p *process) Do(ctx context.Context, r api.Request) (*api.Answer, error) {
	l, err := p.hosted(r.Replica)
	if err != nil {
		return nil, err
	}
	if r.Raw && r.Verb == api.Read {
		return l.finish(&r, nil, l.raw())
	}
	want, err := l.request(ctx, &r)
	if err != nil {
		return nil, err
	}
	tapped := p.tap.on().asked(l, &r)
	if a, ok := l.local(&want); ok {
		p.tap.on().answeredAlone(l, tapped, &a)
		return l.finish(&r, &want, a)
	}
	w, entered := l.open(want, tapped)
	if !entered {
		return nil, refused(modes.Stopping, l.self.Name+" is stopping", "ask another replica")
	}
	select {
	case a := <-w.answer:
		return l.finish(&r, &want, a)
	case <-ctx.Done():
		l.forget(w)
		p.tap.on().abandoned(l, tapped)
		return nil, gone(&r, ctx.Err())
	}
}

// hosted finds the replica that a request is for.
func (p *process) hosted(name string) (*loop, error) {
	for _, l := range p.loops {
		if name == "" || l.self.Name == name {
			return l, nil
		}
	}
	return nil, refused(api.KindNoSuchReplica, fmt.Sprintf("no replica %s in process %s", name, p.config.Name), "ask at the address that status shows for "+name)
}

// request turns a client's request into the host's.
func (l *loop) request(ctx context.Context, r *api.Request) (host.Request, error) {
	verb, ok := verbs[r.Verb]
	if !ok {
		return host.Request{}, refused(modes.InvalidPost, fmt.Sprintf("no request is called %q", r.Verb), "")
	}
	now := time.Now()
	token, err := l.required(r)
	if err != nil {
		return host.Request{}, err
	}
	h := host.Request{Verb: verb, Target: r.Target, Token: token, Fresh: r.Fresh, Deadline: l.deadline(ctx, now)}
	if verb.Writes() {
		h.Article = board.Article{Author: r.Author, Title: r.Title, Body: r.Body, Key: r.Key, Time: now.UnixNano()}
		if err := h.Article.Validate(); err != nil {
			return h, refused(modes.InvalidPost, err.Error(), "shorten or correct it")
		}
	}
	return h, nil
}

// deadline is when the mode must have answered, in the host's time.
func (l *loop) deadline(ctx context.Context, now time.Time) time.Duration {
	at, ok := ctx.Deadline()
	if !ok {
		at = now.Add(5 * time.Second)
	}
	left := at.Sub(now)
	return now.Sub(l.began) + left - min(answerMargin, left/2)
}

// local answers a read from what the loop last published, if that is enough.
func (l *loop) local(h *host.Request) (host.Answer, bool) {
	v := l.view.Load()
	return v.Answer(), v.Answers(h, l.process.config.ClusterID, l.holds)
}

// guaranteeNone is what a raw answer meets: it may lack anything.
const guaranteeNone = "none"

// raw answers from the board as the loop last published it, whatever the mode
// would say to that.
func (l *loop) raw() host.Answer {
	a := l.view.Load().Answer()
	a.Guarantee = guaranteeNone
	return a
}

// holds reports whether an article is on the board. If the board can't be read,
// the host finds out, and says so.
func (l *loop) holds(id board.ArticleID) bool {
	_, ok, err := l.disk.Get(id)
	return ok && err == nil
}

// finish makes the client's answer of the host's, and reads the board for it.
func (l *loop) finish(r *api.Request, want *host.Request, h host.Answer) (*api.Answer, error) {
	switch h.Outcome {
	case host.Refused:
		return nil, l.refusal(want, h)
	case host.Unknown:
		return nil, l.unknown(r, h)
	}
	a := &api.Answer{
		Replica: l.self.Name, Mode: h.Mode, Epoch: h.Epoch, Guarantee: h.Guarantee,
		Applied: l.disk.Len(), Key: r.Key, ID: h.ID, Copies: h.Copies, Count: h.Count,
		Asked: l.process.names(h.Asked), Missed: l.process.names(h.Missed), Reached: l.process.names(h.Reached),
		Token: board.Token{Cluster: l.process.config.ClusterID, Epoch: h.Epoch, Seen: h.Board},
	}
	a.Known = a.Applied + h.Behind
	switch r.Verb {
	case api.Post, api.Reply:
		a.Token.Seen = board.Vector{h.ID}
		return a, nil
	case api.Read:
		return a, l.readPage(r, a)
	case api.Choose:
		return a, l.readThread(r, a)
	}
	return a, nil
}

// unknown makes the error of something that may have been done.
func (l *loop) unknown(r *api.Request, h host.Answer) error {
	if h.Why == modes.KeyTooOld {
		return &api.Error{Outcome: api.Unknown, Kind: api.KindKeyTooOld,
			Message: h.Why,
			Hint:    "too many articles came since the key was made: look with consequorctl read whether it is there, else post with a new key"}
	}
	return &api.Error{Outcome: api.Unknown, Kind: api.KindDeadline,
		Message: "it may or may not have been done: " + h.Why, Hint: retryHint(r)}
}

func (l *loop) refusal(want *host.Request, h host.Answer) error {
	if h.Kind == modes.Deadline && want.Token.Epoch > h.Epoch { // the host has kept it for that epoch
		h.Kind = modes.Behind
		h.Why = fmt.Sprintf("the token is of epoch %d, and %s was still in epoch %d at the deadline", want.Token.Epoch, l.self.Name, h.Epoch)
	}
	e := refused(h.Kind, h.Why, "")
	switch h.Kind {
	case modes.NoMajority, modes.NoQuorum:
		e.Hint = "consequorctl status shows what is missing: restart replicas that are down, heal links that are cut"
	case modes.NotFound:
		e.Hint = "consequorctl read --all lists the ids on the board"
	case modes.Overloaded, modes.EpochChanging, modes.NoCoordinator, modes.Deadline:
		e.Hint = "try again, or give it longer with --timeout"
	case modes.Behind:
		e.Hint = "bring back what is missing (consequorctl status), ask another replica, or do without the session: --no-session"
		if want.Fresh {
			e.Hint = "bring back what is missing (consequorctl status), or read without --fresh"
		}
	case modes.DiskFull:
		e.Hint = fmt.Sprintf("make room on the disk of %s: %s; reads go on, and other replicas may take posts", l.self.Name, l.process.config.DataDir)
	case modes.OtherCluster:
		e.Hint = "use another session: --session NAME"
	}
	return e
}

// refused makes the error of something that is surely not done.
func refused(kind modes.RefusalKind, message, hint string) *api.Error {
	return &api.Error{Outcome: api.Refused, Kind: string(kind), Message: message, Hint: hint}
}

// gone is the end of a request whose client did not wait.
func gone(r *api.Request, err error) error {
	outcome := api.Refused
	if r.Verb.Writes() {
		outcome = api.Unknown
	}
	return &api.Error{Outcome: outcome, Kind: api.KindDeadline, Message: fmt.Sprintf("%s: %v", r.Verb, err), Hint: retryHint(r)}
}

func retryHint(r *api.Request) string {
	switch {
	case !r.Verb.Writes():
		return "try again"
	case r.Key == "":
		return "it had no key, so a retry may post it twice: look with consequorctl read first"
	}
	return "retry with the same key: --key '" + r.Key + "'"
}

// Status tells how each hosted replica is; see api.Service.
func (p *process) Status(ctx context.Context) ([]api.Status, error) {
	if err := ctx.Err(); err != nil {
		return nil, errors.Join(errors.New("status"), err)
	}
	return p.reporter.all(), nil
}
