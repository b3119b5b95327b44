package cli

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"consequor/board"
	"consequor/replicad/api"
)

// mixedLoad is a crowd that uses everything there is: it posts, replies, reads
// pages, follows, opens threads and syncs, in sessions that go from replica to
// replica, and reads freshly, without them. What it is told is not looked at
// here: it is written down.
type mixedLoad struct {
	crowd   *crowd
	clients []*mixedClient
	timeout time.Duration
	ended   odometer // requests

	cancel context.CancelFunc
	loaded chan struct{} // closed when all clients have ended

	mu  sync.Mutex
	sum askedSums
}

// askedSums counts how requests ended.
type askedSums struct {
	OK      int `json:"ok"`
	Refused int `json:"refused"`
	Unknown int `json:"unknown"`
}

// mixedClient is one client of it.
type mixedClient struct {
	*member
	number int
	random *rand.Rand
	posts  int
	known  []board.ArticleID // that it may open and reply to
	next   string            // where its list goes on; empty: at the beginning
	since  string            // the token that it follows from
}

const (
	mixedPause = 4 * time.Millisecond // of a client between two requests: a record shall stay readable
	knownMax   = 32                   // articles that a client keeps in mind
	mixedPage  = 20                   // articles of a page
)

func newMixedLoad(crowd *crowd, seed uint64, timeout time.Duration) *mixedLoad {
	l := &mixedLoad{crowd: crowd, timeout: timeout}
	for i, m := range crowd.members {
		l.clients = append(l.clients, &mixedClient{member: m, number: i, random: rand.New(rand.NewPCG(seed, uint64(i)+1))})
	}
	return l
}

// start lets all clients begin; stop ends them.
func (l *mixedLoad) start(ctx context.Context) {
	ctx, l.cancel = context.WithCancel(ctx)
	l.loaded = make(chan struct{})
	go func() {
		defer close(l.loaded)
		l.crowd.each(func(i int, _ *member) { l.client(ctx, l.clients[i]) })
	}()
}

// stop returns when no request is under way any more.
func (l *mixedLoad) stop() {
	l.cancel()
	<-l.loaded
}

func (l *mixedLoad) client(ctx context.Context, c *mixedClient) {
	pause := time.NewTicker(mixedPause)
	defer pause.Stop()
	for ctx.Err() == nil {
		_ = l.ask(context.WithoutCancel(ctx), c, l.timeout, c.request()) // its end counts, and is counted
		select {
		case <-pause.C:
		case <-ctx.Done():
		}
	}
}

// calm has each client ask every replica for everything once more. Nothing is in
// the way, so nothing may fail.
func (l *mixedLoad) calm(ctx context.Context, timeout time.Duration) error {
	l.crowd.each(func(i int, m *member) {
		c := l.clients[i]
		for range m.replicas {
			for _, r := range []api.Request{c.post(), {Verb: api.Read, All: true}, {Verb: api.Read, Fresh: true}, {Verb: api.Sync}} {
				_ = l.ask(ctx, c, timeout, r) // the checkers judge it
			}
		}
	})
	return ctx.Err()
}

func (l *mixedLoad) ask(ctx context.Context, c *mixedClient, timeout time.Duration, r api.Request) error {
	c.alone = r.Verb == api.Read && r.Fresh // a token would bring by itself much of what fresh promises
	answer, err := c.send(ctx, timeout, r)
	l.count(err)
	l.ended.add()
	if err == nil {
		c.learn(&r, answer)
	} else if r.After != "" || r.Since != "" {
		c.next, c.since = "", ""
	}
	return err
}

func (l *mixedLoad) count(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var e *api.Error
	switch {
	case err == nil:
		l.sum.OK++
	case errors.As(err, &e) && e.Outcome == api.Refused:
		l.sum.Refused++
	default:
		l.sum.Unknown++
	}
}

func (l *mixedLoad) sums() askedSums {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sum
}

func (c *mixedClient) post() api.Request {
	c.posts++
	return api.Request{Verb: api.Post, Author: "bench", Title: fmt.Sprintf("post %d of client %d", c.posts, c.number)}
}

// request draws what the client asks for next.
func (c *mixedClient) request() api.Request {
	switch n := c.random.IntN(20); {
	case n < 8 || len(c.known) == 0 && n < 14:
		return c.post()
	case n < 10:
		r := c.post()
		r.Verb, r.Target = api.Reply, c.anyKnown()
		return r
	case n < 12:
		return api.Request{Verb: api.Choose, Target: c.anyKnown(), Count: mixedPage, Fresh: c.random.IntN(2) == 0}
	case n < 14:
		return api.Request{Verb: api.Read, Fresh: true, Count: mixedPage}
	case n < 16:
		return api.Request{Verb: api.Read, All: true, After: c.next, Count: mixedPage}
	case n < 19:
		return api.Request{Verb: api.Read, Since: c.since, All: c.since == "", Count: mixedPage}
	}
	return api.Request{Verb: api.Sync}
}

func (c *mixedClient) anyKnown() board.ArticleID { return c.known[c.random.IntN(len(c.known))] }

// learn keeps what an answer is good for later.
func (c *mixedClient) learn(r *api.Request, a *api.Answer) {
	switch {
	case r.Verb.Writes():
		c.knows(a.ID)
	case r.Verb != api.Read:
		return
	case r.Since != "" || r.All && r.After == "":
		c.since, c.next = a.Token.String(), a.Next
	case r.All:
		c.next = a.Next
	}
	for i := max(0, len(a.Articles)-2); i < len(a.Articles); i++ {
		c.knows(a.Articles[i].ID)
	}
}

func (c *mixedClient) knows(id board.ArticleID) {
	c.known = append(c.known, id)
	c.known = c.known[max(0, len(c.known)-knownMax):]
}
