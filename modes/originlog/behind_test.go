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
)

// A replica that is far behind is read from while it catches up, and large spans
// take their time: of each peer it gets what it lacks as often as it was pushed
// and pulled, once, and all reads are answered when that has come.
func TestReadsWhileFarBehind(t *testing.T) {
	const articles = 5000
	large, spans := false, 0 // what is sent next is a large span
	c := modetest.NewCluster(modetest.ClusterConfig{
		New: quorum.New, Replicas: 3, Seed: 1,
		Trace: func(line string) {
			if strings.Contains(line, "to r3: ") && strings.HasSuffix(line, fmt.Sprintf(" %d articles", articles)) {
				spans++
				large = true
			}
		},
		Link: func(from, to board.ReplicaID) []time.Duration {
			if large {
				large = false
				return []time.Duration{time.Second}
			}
			return []time.Duration{time.Millisecond}
		},
	})
	c.Advance(time.Second)
	c.Cut(1, 3, false)
	c.Cut(2, 3, false)
	for range articles {
		c.Do(1, modes.Request{Verb: modes.VerbPost, Article: board.Article{Title: "t"}})
	}
	c.Advance(2 * time.Second)
	c.HealAll()
	c.Advance(2500 * time.Microsecond) // they have told what they hold
	var reads []*modetest.Call
	for range 200 {
		reads = append(reads, c.Do(3, modes.Request{Verb: modes.VerbRead, Deadline: c.Now() + 10*time.Second}))
		c.Advance(10 * time.Millisecond)
	}
	c.Advance(10 * time.Second)
	for _, read := range reads {
		if !read.OK {
			t.Fatalf("read %d: %s", read.Request.ID, read.Answer)
		}
	}
	if spans > 4 || c.Board(3).Len() != articles {
		t.Errorf("%d spans of %d articles were sent to r3, which has %d", spans, articles, c.Board(3).Len())
	}
}
