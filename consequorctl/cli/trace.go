package cli

import (
	"context"
	"fmt"
	"time"

	"consequor/topologies"
)

// traceCmd carries out one of the five requests, and tells its way through the
// cluster.
//
//	trace.go         the commands
//	trace_line.go    flags may stand before the verb
//	trace_record.go  the request is carried out, and the replicas write down what happens
//	trace_event.go   what they wrote, in order and in words
//	trace_link.go    which events belong together, and to the request
//	trace_cause.go   what came of what
//	trace_way.go     the way from the question to the answer
//	trace_story.go   the way in a few lines
//	trace_table.go   each event on a line
//	trace_result.go  both for people, and all of it for machines
type traceCmd struct {
	Routine bool          `help:"Show all that happened meanwhile: heartbeats too, and what belongs to other requests."`
	Linger  time.Duration `help:"Watch on for so long after the answer: what the request still causes." default:"0s"`

	Post   tracePost   `cmd:"" help:"Add an article that starts a thread, and tell its way."`
	Reply  traceReply  `cmd:"" help:"Add an article under another one, and tell its way."`
	Read   traceRead   `cmd:"" help:"List articles, and tell the way."`
	Choose traceChoose `cmd:"" help:"Open one article with its parent and replies, and tell the way."`
	Sync   traceSync   `cmd:"" help:"Bring the replica, and where the mode says so all, up to date, and tell the way."`
}

// Help is shown with the command's flags.
func (*traceCmd) Help() string {
	return `The request is carried out as ever, and its answer is printed. Meanwhile every replica writes down what happens: what it
was asked, what it sent and what arrived, what its mode decided, what got to its disk. That is told first in a few lines (who
was asked, on which disks it was when, what was waited for longest), then event by event, with a column for each replica
and times in milliseconds since the request was sent.

  consequorctl trace post hello --at r2
  consequorctl trace --at r3 read --fresh
  consequorctl trace --routine --linger 50ms reply 17 'and one more'
  consequorctl trace choose 17 --json

A replica that is down or paused is named, and so is what it could not tell. Other requests that are under way at the same time
show as far as they cannot be told apart; how many there were is said. -q tells the answer and the story, without the events.

Exit codes: those of the request.`
}

// Validate is called by the parser.
func (t *traceCmd) Validate() error {
	if t.Linger < 0 || t.Linger > lingerMax {
		return fmt.Errorf("--linger %v: want 0s to %v", t.Linger, lingerMax)
	}
	return nil
}

// lingerMax leaves the request itself some of the time that a trace may take.
const lingerMax = topologies.TraceForMax / 2

// Each verb has the arguments and flags of the command of that name.
type (
	tracePost   struct{ postCmd }
	traceReply  struct{ replyCmd }
	traceRead   struct{ readCmd }
	traceChoose struct{ chooseCmd }
	traceSync   struct{ syncCmd }
)

func (c *tracePost) Run(ctx context.Context, console *Console, cluster clusterFlag, t *traceCmd) error {
	return t.trace(ctx, console, cluster, &c.postCmd)
}

func (c *traceReply) Run(ctx context.Context, console *Console, cluster clusterFlag, t *traceCmd) error {
	return t.trace(ctx, console, cluster, &c.replyCmd)
}

func (c *traceRead) Run(ctx context.Context, console *Console, cluster clusterFlag, t *traceCmd) error {
	return t.trace(ctx, console, cluster, &c.readCmd)
}

func (c *traceChoose) Run(ctx context.Context, console *Console, cluster clusterFlag, t *traceCmd) error {
	return t.trace(ctx, console, cluster, &c.chooseCmd)
}

func (c *traceSync) Run(ctx context.Context, console *Console, cluster clusterFlag, t *traceCmd) error {
	return t.trace(ctx, console, cluster, &c.syncCmd)
}
