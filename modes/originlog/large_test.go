package originlog_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/modes/modetest"
	"consequor/modes/quorum"
	"consequor/modes/readyourwrite"
)

// largeSize is more replicas than push to all others.
const largeSize = 17

// largeCluster is one in mode read-your-write that has come up.
func largeCluster(options ...modes.Option) *modetest.Cluster {
	c := modetest.NewCluster(modetest.ClusterConfig{New: readyourwrite.New, Replicas: largeSize, Seed: 1, Options: options})
	c.Advance(time.Second)
	return c
}

// end gives a request to a replica and lets it end.
func end(t *testing.T, c *modetest.Cluster, at board.ReplicaID, r modes.Request) *modetest.Call {
	t.Helper()
	if r.Deadline == 0 {
		r.Deadline = c.Now() + 5*time.Second
	}
	call := c.Do(at, r)
	if !c.AdvanceUntil(10*time.Second, func() bool { return call.Done }) {
		t.Fatalf("%s at %s was not answered", r.Verb, at)
	}
	return call
}

// In a large cluster a replica pushes to few others; a post that must be on more
// disks than those gets there all the same.
func TestLargeManyCopies(t *testing.T) {
	for _, copies := range []int{6, 7, largeSize} {
		c := largeCluster(modes.Option{Name: "copies", Value: fmt.Sprint(copies)})
		if post := end(t, c, 1, modes.Request{Verb: modes.VerbPost, Article: board.Article{Title: "t", Key: "k~0.1"}}); !post.OK {
			t.Errorf("copies %d: %s", copies, post.Answer)
		}
	}
}

// A sync in a large cluster reaches everybody that is connected.
func TestLargeSync(t *testing.T) {
	c := largeCluster()
	end(t, c, 1, modes.Request{Verb: modes.VerbPost, Article: board.Article{Title: "t", Key: "k~0.1"}})
	sync := end(t, c, 2, modes.Request{Verb: modes.VerbSync})
	if !sync.OK || !strings.Contains(sync.Answer, "missed []") {
		t.Errorf("sync: %s", sync.Answer)
	}
}

// Those that a replica pushes to are down, and still what it has gets around.
func TestLargeNeighboursDown(t *testing.T) {
	c := largeCluster()
	for _, id := range []board.ReplicaID{2, 3, 5, 9, 17} {
		c.Crash(id, 0)
	}
	post := end(t, c, 1, modes.Request{Verb: modes.VerbPost, Article: board.Article{Title: "t", Key: "k~0.1"}})
	c.Advance(10 * time.Second)
	for id := board.ReplicaID(1); id <= largeSize; id++ {
		if c.Up(id) && !c.Board(id).Vector().Has(post.ID) {
			t.Errorf("%s has no %s", id, post.ID)
		}
	}
}

// Where everybody pushes to all others, what was posted goes to each once, and
// is not passed on by all who get it: 17 replicas would send 17 times as much.
func TestLargeIsNotPassedOnByAll(t *testing.T) {
	copies := modes.Option{Name: "copies", Value: fmt.Sprint(largeSize)}
	for _, test := range []struct {
		name    string
		new     func() modes.Mode
		options []modes.Option
	}{
		{"quorum", quorum.New, nil},
		{"read-your-write on all disks", readyourwrite.New, []modes.Option{copies}},
	} {
		spans := 0
		c := modetest.NewCluster(modetest.ClusterConfig{New: test.new, Replicas: largeSize, Seed: 1, Options: test.options,
			Trace: func(line string) {
				if strings.Contains(line, "send board") {
					spans++
				}
			},
		})
		c.Advance(time.Second)
		end(t, c, 1, modes.Request{Verb: modes.VerbPost, Article: board.Article{Title: "t"}})
		c.Advance(5 * time.Second)
		if spans < largeSize-1 || spans > 2*largeSize {
			t.Errorf("%s: %d spans were sent for one post", test.name, spans)
		}
	}
}
