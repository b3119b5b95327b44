package api

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"consequor/board"
	pb "consequor/replicad/api/consequorpb"
)

// Target says where a cluster's replicas are.
type Target struct {
	Replicas    []Endpoint
	Connections int         // to each replica; 0: 1. More help only where one core cannot keep up
	TLS         *tls.Config // nil: plain text, for loopback
}

// Endpoint is where one replica takes clients.
type Endpoint struct {
	ID   board.ReplicaID // 0: its place in the list, from 1
	Name string          // "r1"
	Addr string          // host:port
}

// deadlineDefault is the time of a request whose context has no deadline.
const deadlineDefault = 5 * time.Second

// errClosed is returned for requests of a closed client.
var errClosed = errors.New("the client is closed")

// Client carries requests to the replicas of one cluster. It is safe for
// concurrent use, connects when first needed, and reconnects.
type Client struct {
	links   []*link
	ctx     context.Context
	close   context.CancelFunc
	running sync.WaitGroup
	next    atomic.Uint32 // where the next session begins
	first   atomic.Uint32 // the replica that answered DoAny last
}

// Dial makes a client. It does not connect yet.
func Dial(t Target) (*Client, error) {
	if len(t.Replicas) == 0 {
		return nil, errors.New("dial: no replicas named")
	}
	c := &Client{}
	c.ctx, c.close = context.WithCancel(context.Background())
	for i, endpoint := range t.Replicas {
		endpoint.ID = cmp.Or(endpoint.ID, board.ReplicaID(i+1))
		l, err := c.newLink(endpoint, &t)
		if err != nil {
			c.Close()
			return nil, fmt.Errorf("dial %s at %s: %w", endpoint.Name, endpoint.Addr, err)
		}
		c.links = append(c.links, l)
	}
	return c, nil
}

func (c *Client) newLink(endpoint Endpoint, t *Target) (*link, error) {
	l := &link{id: endpoint.ID, name: endpoint.Name, addr: endpoint.Addr}
	for range max(t.Connections, 1) {
		line, err := newLine(c.ctx, &c.running, endpoint.Addr, t)
		if err != nil {
			l.close()
			return nil, err
		}
		l.lines = append(l.lines, line)
	}
	return l, nil
}

// Close ends all requests and connections, and waits for them.
func (c *Client) Close() {
	for _, l := range c.links {
		l.shut()
	}
	c.close()
	c.running.Wait()
	for _, l := range c.links {
		l.close()
	}
}

// Do carries out r at the replica that it names, and nowhere else. What passes
// (an election, a full queue) is waited for until the context's deadline; a
// replica that is not there is not. An error is an *Error.
func (c *Client) Do(ctx context.Context, r Request) (*Answer, error) {
	i, e := c.find(r.Replica)
	if e != nil {
		return nil, e
	}
	answer, _, err := c.run(ctx, r, c.links[i:i+1], 0)
	return answer, err
}

// DoAny carries out r at any replica that answers before the context's
// deadline, first at the one that r names, if it names one, else at that of
// r's key, else at the one that answered last. An error is an *Error.
func (c *Client) DoAny(ctx context.Context, r Request) (*Answer, error) {
	first := int(c.first.Load())
	if r.Replica != "" {
		i, e := c.find(r.Replica)
		if e != nil {
			return nil, e
		}
		first = i
	}
	answer, at, err := c.run(ctx, r, c.links, first)
	if err == nil && at != first {
		c.first.Store(uint32(at))
	}
	return answer, err
}

// run carries out r at one of links, and tells at which one it ended.
func (c *Client) run(ctx context.Context, r Request, links []*link, first int) (*Answer, int, error) {
	if e := r.check(); e != nil {
		e.Message = string(r.Verb) + ": " + e.Message
		return nil, first, e
	}
	ctx, cancel := limited(ctx)
	defer cancel()
	return newErrand(r, links, first).run(ctx)
}

// limited gives ctx a deadline if it has none.
func limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, deadlineDefault)
}

// MakeKey makes a key for a post that is going to be sent to the replica of
// this name first, or to any that answers if name is empty. Do and DoAny make
// keys for posts that have none; this is for who wants to keep the key before
// anything is sent.
func (c *Client) MakeKey(ctx context.Context, token board.Token, name string) (string, error) {
	ctx, cancel := limited(ctx)
	defer cancel()
	links, first, patience := c.links, int(c.first.Load()), greetTime
	if name != "" {
		i, e := c.find(name)
		if e != nil {
			return "", e
		}
		links, first = c.links[i:i+1], 0
	}
	if deadline, _ := ctx.Deadline(); len(links) == 1 {
		patience = time.Until(deadline) // there is nobody else
	}
	var err error
	for i := range links {
		l := links[(first+i)%len(links)]
		pipe, openErr := l.pipe(ctx, patience)
		if openErr == nil {
			return makeKey(newKeyName(), token, pipe.mark.Load(), l.id), nil
		}
		err = l.absent("make a key", openErr)
	}
	return "", err
}

// newKeyName draws what makes a key unlike all others.
func newKeyName() string {
	var random [8]byte
	rand.Read(random[:]) // never fails
	return hex.EncodeToString(random[:])
}

// makeKey writes a key whose mark is the highest seq that its client has seen,
// be it in its session or in the replica's greeting.
func makeKey(name string, token board.Token, mark uint64, home board.ReplicaID) string {
	return board.MakeKey(name, max(token.Seen.SeqMax(), mark), home).Text
}

// Status asks the replica of this name how it and those in its process are.
func (c *Client) Status(ctx context.Context, name string) ([]Status, error) {
	i, e := c.find(name)
	if e != nil {
		return nil, e
	}
	l := c.links[i]
	m, err := l.lines[0].board.Status(ctx, &pb.StatusRequest{})
	if err != nil {
		e := fromStatus(l.lines[0].explain(err), Refused)
		e.Message = l.at("status") + ": " + e.Message
		return nil, e
	}
	list := make([]Status, len(m.GetReplicas()))
	for i, replica := range m.GetReplicas() {
		list[i] = decodeStatus(replica)
	}
	return list, nil
}

func (c *Client) find(name string) (int, *Error) {
	for i, l := range c.links {
		if l.name == name {
			return i, nil
		}
	}
	e := refused(KindNoSuchReplica, "no replica is called %q", name)
	e.Hint = "this cluster has " + c.names()
	return 0, e
}

func (c *Client) names() string {
	names := make([]string, len(c.links))
	for i, l := range c.links {
		names[i] = l.name
	}
	return strings.Join(names, ", ")
}
