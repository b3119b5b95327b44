package originlog_test

import (
	"strings"
	"testing"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/modes/modetest"
	"consequor/modes/originlog"
	"consequor/modes/quorum"
	"consequor/modes/readyourwrite"
)

// One lost message costs a post no more than another push, however far seqs have
// run ahead since its origin gave its last id.
func TestPushAfterHole(t *testing.T) {
	lose := 0
	c := modetest.NewCluster(modetest.ClusterConfig{New: quorum.New, Replicas: 2, Seed: 1, Link: func(from, to board.ReplicaID) []time.Duration {
		if lose--; lose >= 0 {
			return nil
		}
		return []time.Duration{time.Millisecond}
	}})
	c.Advance(time.Second)
	lose = 1 // the push
	key := board.MakeKey("k", 20_000, 1)
	call := c.Do(1, modes.Request{Verb: modes.VerbPost, Mark: key.Mark, Home: 1, Article: board.Article{Title: "t", Key: key.Text}, Deadline: c.Now() + 5*time.Second})
	c.AdvanceUntil(20*time.Second, func() bool { return call.Done })
	if !call.OK {
		t.Errorf("%s", call.Answer)
	}
}

// 1. At r3 a post has its id, 1.3, and is not on disk yet. Somebody guesses that
// id and replies to it with a key whose home is r1.
// 2. r3 crashes and loses the post; another one gets the id 1.3.
// 3. That one has no replies: r1 was told of none before 1.3 was on disk.
func TestReplyToWhatIsLost(t *testing.T) {
	slow, told := time.Millisecond, false
	c := modetest.NewCluster(modetest.ClusterConfig{
		New: readyourwrite.New, Replicas: 3, Seed: 1,
		Disk:    func(board.ReplicaID) time.Duration { return slow },
		Message: originlog.DescribeMessage,
		Trace:   func(line string) { told = told || strings.Contains(line, "r1 <- r3 forward") },
	})
	c.Advance(time.Second)
	slow = time.Second
	c.Do(3, modes.Request{Verb: modes.VerbPost, Article: board.Article{Title: "lost", Key: "k~0.3"}})
	reply := c.Do(3, modes.Request{Verb: modes.VerbReply, Target: board.ArticleID{Seq: 1, Origin: 3}, Article: board.Article{Title: "reply", Key: "k~0.1"}})
	c.AdvanceUntil(500*time.Millisecond, func() bool { return told })
	c.Pause(2) // r1 asks it for 1.3, and waits, and so still has the reply when there is a 1.3
	c.Advance(100 * time.Millisecond)
	c.Crash(3, 0)
	slow = time.Millisecond
	c.Restart(3)
	c.Do(3, modes.Request{Verb: modes.VerbPost, Article: board.Article{Title: "other", Key: "k2~0.3"}})
	c.Advance(5 * time.Second)
	if b := c.Board(1); b.Len() != 1 || !b.Vector().Has(board.ArticleID{Seq: 1, Origin: 3}) {
		t.Errorf("r1 holds %s; the reply ended %s", b.Vector(), reply.Answer)
	}
}
