package replica

import (
	"testing"

	"consequor/board"
	"consequor/replicad/api"
)

// A raw read shows a board as it is: to a session that has seen more, and while
// the mode can promise nothing because the other replicas are away.
func TestRawReadWaitsForNothing(t *testing.T) {
	c := newCluster(t, 3, "quorum")
	for i := range c.config {
		c.start(i)
	}
	client := c.client()
	posted := c.do(client, api.Request{Verb: api.Post, Replica: "r1", Title: "t"}).ID
	c.stop(1)
	c.stop(2)

	ahead := board.Token{Cluster: c.id, Epoch: 7, Seen: board.Vector{{Seq: 5000, Origin: 1}}}
	a := c.do(client, api.Request{Verb: api.Read, Replica: "r1", Raw: true, Token: ahead})
	if len(a.Articles) != 1 || a.Articles[0].ID != posted || a.Guarantee != "none" || a.Token.Seen.String() != posted.String() {
		t.Errorf("%d articles, guarantee %q, token %s; want %s alone, none", len(a.Articles), a.Guarantee, a.Token, posted)
	}
	a = c.do(client, api.Request{Verb: api.Read, Replica: "r1", Raw: true, Since: a.Token.String()})
	if len(a.Articles) != 0 {
		t.Errorf("beyond all that it has it lists %v", a.Articles)
	}
}
