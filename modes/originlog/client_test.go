package originlog_test

import (
	"fmt"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/modes/modetest"
)

// client is one session: it posts one article after another, and reads.
type client struct {
	run        *run
	number     int
	operations []*operation
	reads      []*modetest.Call // not looked at yet
	seen       board.Vector
}

// operation is one article with all its tries.
type operation struct {
	title  string
	key    board.Key
	seen   board.Vector // by its session, when it was begun
	parent board.ArticleID
	calls  []*modetest.Call
	over   bool
}

// act notes what has come back, and begins an operation, goes on with the last
// one, or reads.
func (c *client) act() {
	r := c.run
	for len(c.reads) > 0 && c.reads[0].Done {
		if c.reads[0].OK {
			c.seen = c.seen.Join(c.reads[0].UpTo)
		}
		c.reads = c.reads[1:]
	}
	if n := len(c.operations); n > 0 && !c.operations[n-1].over {
		c.retry(c.operations[n-1])
		return
	}
	if n := len(c.operations); r.late && n > 0 && r.random.IntN(4) == 0 {
		c.askAgain(c.operations[r.random.IntN(n)])
		return
	}
	switch r.random.IntN(4) {
	case 0, 3:
		if len(c.reads) == 0 {
			c.read()
		}
	case 1, 2:
		c.begin()
	}
}

func (c *client) begin() {
	r, at := c.run, c.run.any()
	op := &operation{title: fmt.Sprintf("c%d.%d", c.number, len(c.operations)), seen: c.seen}
	switch r.random.IntN(6) {
	case 0: // no protection
	case 1:
		op.key = board.ParseKey("mine " + op.title) // a user's own, without a home
	default:
		op.key = board.MakeKey("key "+op.title, c.seen.SeqMax(), at)
	}
	if len(c.seen) > 0 && r.random.IntN(2) == 0 {
		op.parent = c.seen[r.random.IntN(len(c.seen))]
	}
	c.operations = append(c.operations, op)
	c.call(op, at)
}

func (c *client) call(op *operation, at board.ReplicaID) {
	r := c.run
	request := modes.Request{
		Verb: modes.VerbPost, Mark: op.key.Mark, Home: op.key.Home, Seen: op.seen,
		Article:  board.Article{Title: op.title, Key: op.key.Text, Time: int64(len(op.calls))},
		Deadline: r.cluster.Now() + r.between(50*time.Millisecond, 2*time.Second),
	}
	if !op.parent.IsZero() {
		request.Verb, request.Target = modes.VerbReply, op.parent
		_, request.OnBoard = r.cluster.Board(at).Get(request.Target)
	}
	op.calls = append(op.calls, r.cluster.Do(at, request))
}

// retry looks at the last try: an unknown one is tried again with its key.
func (c *client) retry(op *operation) {
	last := op.calls[len(op.calls)-1]
	impatient := op.key.Text != "" && c.run.random.IntN(8) == 0 // a second try while the first is under way
	switch {
	case last.Done && last.OK:
		op.over = true
		c.seen = c.seen.With(last.ID)
	case last.Done && (op.key.Text == "" || len(op.calls) > 4):
		op.over = true
	case last.Done || impatient && len(op.calls) < 4:
		c.call(op, c.run.any())
	}
}

// askAgain makes one more try of what is long over.
func (c *client) askAgain(op *operation) {
	if op.key.Text != "" && len(op.calls) < 8 {
		c.call(op, c.run.any())
	}
}

func (c *client) read() {
	r := c.run
	c.reads = append(c.reads, r.cluster.Do(r.any(), modes.Request{
		Verb: modes.VerbRead, Fresh: r.random.IntN(3) == 0, Seen: c.seen, Deadline: r.cluster.Now() + r.between(50*time.Millisecond, 2*time.Second),
	}))
}
