package host_test

import (
	"testing"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/modes/quorum"
	"consequor/replicad/host"
)

// 1. r1 is sealed for a mode change, and r2 is not yet. At r2 comes a post whose
// key has its home at r1.
// 2. r1 gives no ids any more. r2 is sealed as well, and the next epoch begins.
// 3. The post is done then: its client has waited, and was told nothing else.
func TestForwardToSealedHome(t *testing.T) {
	c := newCluster(t, 3, quorum.New)
	c.advance(time.Second)
	c.node(1).h.Seal()
	c.settle()
	id := c.node(2).request(host.Request{
		Verb: modes.VerbPost, Deadline: c.now + 5*time.Second,
		Article: board.Article{Title: "t", Key: board.MakeKey("k", 0, 1).Text},
	})
	c.advance(100 * time.Millisecond)
	for _, n := range c.nodes[1:] {
		n.h.Seal()
	}
	c.advance(100 * time.Millisecond)
	for _, n := range c.nodes {
		n.activate(host.Activation{Epoch: 2, ModeEpoch: 2, Mode: "next"})
	}
	c.advance(time.Second)
	if a := c.node(2).answer(id); a.Outcome != host.OK || a.Epoch != 2 {
		t.Errorf("it ended %+v", a)
	}
}
