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
	want, err := l.request(ctx, &r)
	if err != nil {
		return nil, err
	}
	if a, ok := l.local(&r, &want); ok {
		return l.finish(&r, a)
	}
	w, entered := l.open(want)
	if !entered {
		return nil, refused(modes.Stopping, l.self.Name+" is stopping", "ask another replica")
	}
	select {
	case a := <-w.answer:
		return l.finish(&r, a)
	case <-ctx.Done():
		l.forget(w)
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
	h := host.Request{Verb: verb, Target: r.Target, Token: r.Token, Fresh: r.Fresh, Deadline: l.deadline(ctx, now)}
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
func (l *loop) local(r *api.Request, h *host.Request) (host.Answer, bool) {
	v := l.view.Load()
	enough := (r.Verb == api.Read || r.Verb == api.Choose) && !r.Fresh && v.Guarantee != "" &&
		r.Token.Epoch <= v.Epoch && (r.Token.Cluster == "" || r.Token.Cluster == l.process.config.ClusterID) &&
		v.Board.Covers(h.Token.Seen)
	return host.Answer{Outcome: host.OK, Epoch: v.Epoch, Board: v.Board, Guarantee: v.Guarantee, Behind: v.Behind}, enough
}

// finish makes the client's answer of the host's, and reads the board for it.
func (l *loop) finish(r *api.Request, h host.Answer) (*api.Answer, error) {
	switch h.Outcome {
	case host.Refused:
		return nil, l.refusal(h)
	case host.Unknown:
		return nil, l.unknown(r, h)
	}
	a := &api.Answer{
		Replica: l.self.Name, Mode: l.process.config.Mode.Name, Epoch: h.Epoch, Guarantee: h.Guarantee,
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

func (l *loop) refusal(h host.Answer) error {
	e := refused(h.Kind, h.Why, "")
	switch h.Kind {
	case modes.NoMajority:
		e.Hint = "restart replicas until a majority is up: consequorctl status shows which are down"
	case modes.NotFound:
		e.Hint = "consequorctl read --all lists the ids on the board"
	case modes.Overloaded, modes.EpochChanging, modes.NoCoordinator, modes.Deadline:
		e.Hint = "try again, or give it longer with --timeout"
	case modes.Behind:
		e.Hint = "wait, ask another replica, or read without the session's token: --no-session"
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

// readPage fills in the page that a read asks for.
func (l *loop) readPage(r *api.Request, a *api.Answer) error {
	q := board.Query{All: r.All, UpTo: a.Token.Seen, Count: r.Count}
	if r.Since != "" {
		since, err := board.ParseToken(r.Since)
		if err != nil {
			return refused(modes.InvalidPost, err.Error(), "pass a token from an earlier answer")
		}
		if since.Cluster != "" && since.Cluster != l.process.config.ClusterID {
			return refused(modes.OtherCluster, "the token after --since is of cluster "+since.Cluster, "")
		}
		q.All, q.Since = true, since.Seen
	}
	page, err := l.page(&q, r.After)
	if err != nil {
		return err
	}
	a.Articles, a.Next = page.Entries, next(&q, &page)
	return nil
}

// readThread fills in the article, its parent and its replies.
func (l *loop) readThread(r *api.Request, a *api.Answer) error {
	upTo := a.Token.Seen
	entry, ok, err := l.entry(r.Target, upTo)
	if err != nil {
		return err
	}
	if !ok {
		return refused(modes.NotFound, fmt.Sprintf("no article %s at %s", r.Target, l.self.Name), "consequorctl read --all lists the ids on the board")
	}
	a.Article = entry
	if !entry.IsRoot() {
		parent, ok, err := l.entry(entry.Parent, upTo)
		if err != nil {
			return err
		}
		if ok {
			a.Parent = &parent
		}
	}
	q := board.Query{Under: r.Target, UpTo: upTo, Count: r.Count}
	page, err := l.page(&q, r.After)
	if err != nil {
		return err
	}
	a.Articles, a.Next = page.Entries, next(&q, &page)
	return nil
}

// entry finds one article with the number of its replies: it is the first one
// of a page that begins right below it.
func (l *loop) entry(id board.ArticleID, upTo board.Vector) (board.Entry, bool, error) {
	page, err := l.disk.Page(board.Query{All: true, After: id.Before(), UpTo: upTo, Count: 1})
	if err != nil || len(page.Entries) == 0 || page.Entries[0].ID != id {
		return board.Entry{}, false, l.boardError(err)
	}
	return page.Entries[0], true, nil
}

// page reads one page from the board. after is an api.Cursor: all pages of one
// reading stay within the vector of the first.
func (l *loop) page(q *board.Query, after string) (board.Page, error) {
	cursor, err := api.ParseCursor(after)
	if err != nil {
		return board.Page{}, refused(modes.InvalidPost, err.Error(), "pass an id, or next as the page before gave it")
	}
	q.After = cursor.After
	if cursor.UpTo != nil {
		q.UpTo = q.UpTo.Meet(cursor.UpTo)
	}
	page, err := l.disk.Page(*q)
	return page, l.boardError(err)
}

// next is the cursor behind a page; empty at the end.
func next(q *board.Query, page *board.Page) string {
	if !page.More || len(page.Entries) == 0 {
		return ""
	}
	return api.Cursor{After: page.Entries[len(page.Entries)-1].ID, UpTo: q.UpTo}.String()
}

func (l *loop) boardError(err error) error {
	if err == nil {
		return nil
	}
	l.log.Error("read the board", "err", err)
	return refused(modes.Unreachable, fmt.Sprintf("read the board of %s: %v", l.self.Name, err), "ask another replica")
}

// Status tells how each hosted replica is; see api.Service.
func (p *process) Status(ctx context.Context) ([]api.Status, error) {
	if err := ctx.Err(); err != nil {
		return nil, errors.Join(errors.New("status"), err)
	}
	return p.reporter.all(), nil
}
