package replica

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"consequor/board"
	"consequor/replicad/api"
	"consequor/topologies"
)

// follow reads what lies beyond token, page by page, each going on with the
// token of the one before; it returns what came and the last token.
func (c *cluster) follow(client *api.Client, name string, token board.Token, count int) ([]string, board.Token) {
	c.t.Helper()
	var came []string
	for {
		a := c.do(client, api.Request{Verb: api.Read, Replica: name, Since: token.String(), Count: count})
		for _, e := range a.Articles {
			came = append(came, fmt.Sprintf("%s (%d)", e.ID, e.Replies))
		}
		token = a.Token
		if a.Next == "" {
			return came, token
		}
	}
}

// Who follows the board goes on with the token of the page before. A page that
// ends early gives one that stops where it did; its cursor goes on as well.
func TestFollow(t *testing.T) {
	c := newCluster(t, 3, "sequential")
	for i := range c.config {
		c.start(i)
	}
	client := c.client()
	post := func(parent uint64) {
		t.Helper()
		r := api.Request{Verb: api.Post, Replica: "r1", Title: "t"}
		if parent > 0 {
			r.Verb, r.Target = api.Reply, board.ArticleID{Seq: parent}
		}
		c.do(client, r)
	}
	for _, parent := range []uint64{0, 1, 0, 1, 3} {
		post(parent)
	}
	start := c.do(client, api.Request{Verb: api.Read, Replica: "r1", Count: 1})
	if start.Next == "" || start.Token.Seen.String() != "5" {
		t.Fatalf("the first page ends at %q, token %s; want more, within 5", start.Next, start.Token)
	}

	// From nothing: all articles. The replies that a page counts are those it
	// has shown, so that no count goes back afterwards.
	came, token := c.follow(client, "r1", board.Token{Cluster: c.id}, 2)
	if got := strings.Join(came, ", "); got != "1 (1), 2 (0), 3 (0), 4 (0), 5 (0)" || token.Seen.String() != "5" {
		t.Errorf("followed %s up to %s", got, token)
	}
	for range 3 {
		post(3)
	}
	// At a replica that may not have them yet: it waits for what the token has.
	came, token = c.follow(client, "r3", token, 1)
	if n := len(came); n > 3 || !token.Seen.Covers(board.Vector{{Seq: uint64(5 + n)}}) {
		t.Errorf("followed %q up to %s", came, token)
	}

	// The cursor goes on as well, within the first page's vector, and says so.
	first := c.do(client, api.Request{Verb: api.Read, Replica: "r1", Since: start.Token.String(), Count: 1})
	post(0)
	rest := c.do(client, api.Request{Verb: api.Read, Replica: "r2", Since: start.Token.String(), After: first.Next})
	if len(rest.Articles) != 2 || rest.Next != "" || rest.Token.Seen.String() != "8" {
		t.Errorf("the rest: %d articles, next %q, token %s; want 7 and 8, none, 8", len(rest.Articles), rest.Next, rest.Token)
	}
	rest = c.do(client, api.Request{Verb: api.Read, Replica: "r2", After: start.Next})
	if len(rest.Articles) != 1 || rest.Token.Seen.String() != "5" {
		t.Errorf("the second page of roots: %d articles, token %s; want 3, within 5", len(rest.Articles), rest.Token)
	}

	c.refusesTokens(client)
}

// refusesTokens: a token of a later epoch is waited for until the deadline, one
// of an earlier epoch is good, one of another cluster is refused at once.
func (c *cluster) refusesTokens(client *api.Client) {
	c.t.Helper()
	for _, test := range []struct{ since, kind, message string }{
		{c.id + ":9:5", api.KindBehind, "the token is of epoch 9, and r1 was still in epoch 1 at the deadline"},
		{"another:1:5", api.KindOtherCluster, "since: the token is of cluster another, this is " + c.id},
		{c.id + ":1:5000", api.KindBehind, ""},
		{c.id + ":0:5", "", ""},
	} {
		for _, r := range []api.Request{{Since: test.since}, {Fresh: true, Since: test.since}} {
			r.Verb, r.Replica = api.Read, "r1"
			ctx, cancel := context.WithTimeout(c.t.Context(), 700*time.Millisecond)
			_, err := client.Do(ctx, r)
			cancel()
			var e *api.Error
			if !errors.As(err, &e) && test.kind == "" {
				continue
			}
			if e == nil || e.Outcome != api.Refused || e.Kind != test.kind || !strings.Contains(e.Message, test.message) {
				c.t.Errorf("since %s: %+v, want %s", test.since, err, test.kind)
			}
		}
	}
}

// Who follows the board follows it through mode changes: a token of an earlier
// epoch is good, ids of the cluster and of replicas stand side by side, and one
// who comes with the token of an epoch that has yet to begin here is answered
// when it has.
func TestFollowAcrossModes(t *testing.T) {
	s := newSite(t, 3, sequentialMode)
	client := s.client()
	s.post(client, "r1", "a", 1)
	s.post(client, "r1", "b", 2)
	came, first := s.follow(client, "r1", board.Token{Cluster: s.id}, 1)
	s.follows("in epoch 1", came, "1 (0), 2 (0)")

	s.swap(topologies.Mode{Name: "quorum"})
	s.do(client, api.Request{Verb: api.Post, Replica: "r2", Title: "c"})
	came, second := s.follow(client, "r3", first, 1)
	s.follows("with a token of epoch 1", came, "3.2 (0)")
	if first.Epoch != 1 || second.Epoch != 2 {
		t.Errorf("the tokens are %s and %s, want epochs 1 and 2", first, second)
	}

	next := second
	next.Epoch++
	early := make(chan *api.Answer, 1)
	go func() {
		early <- s.do(client, api.Request{Verb: api.Read, Replica: "r1", Since: next.String()})
	}()
	s.swap(topologies.Mode{Name: "read-your-write"})
	if a := <-early; a.Epoch != 3 || len(a.Articles) != 0 {
		t.Errorf("with a token of epoch 3, before it began: %d articles in epoch %d", len(a.Articles), a.Epoch)
	}
	posted := s.do(client, api.Request{Verb: api.Post, Replica: "r1", Title: "d"})
	all, err := posted.Token.Join(next)
	if err != nil {
		t.Fatal(err)
	}
	came, _ = s.follow(client, "r3", all, 1)
	s.follows("with all there is", came, "")
	came, _ = s.follow(client, "r3", first, 1)
	s.follows("with a token of epoch 1 again", came, "3.2 (0), 4.1 (0)")
}

// swap takes the site into another mode.
func (s *site) swap(mode topologies.Mode) {
	s.t.Helper()
	s.prepare(mode)
	s.awaitAll("being prepared", func(r api.Status) bool { return r.Change.Prepared })
	s.seal()
	s.activate(mode)
}

func (s *site) follows(when string, came []string, want string) {
	s.t.Helper()
	if got := strings.Join(came, ", "); got != want {
		s.t.Errorf("%s came %q, want %q", when, got, want)
	}
}
