package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"consequor/supervisor"
)

// demoStaleRead reads where the news has not come yet: alone, in the session
// that has posted it, and afresh. First at a replica that nothing reaches any
// more, where the last two are refused rather than answered with less; then at
// one that everything reaches late, where they wait.
type demoStaleRead struct{}

type staleReadResult struct {
	demoResult
	Modes []*staleSide `json:"modes"`
}

// staleSide is what one mode answers.
type staleSide struct {
	Mode    string      `json:"mode"`
	Behind  string      `json:"behind"`  // the replica
	Cut     []staleRead `json:"cut"`     // reads there while nothing reaches it
	Delayed []staleRead `json:"delayed"` // reads there while everything comes late
}

// staleRead is a read after a post that was acknowledged before it.
type staleRead struct {
	How     string  `json:"how"` // alone, session, fresh
	Refused bool    `json:"refused"`
	Shows   bool    `json:"shows"` // the post
	MS      float64 `json:"ms"`
}

const (
	staleDelay   = "100ms"
	staleTimeout = "2s"  // of a read that nothing can answer
	lateTimeout  = "20s" // of one that has to wait
)

// The ways to read.
var (
	readAlone   = staleRead{How: "alone"}
	readSession = staleRead{How: "session"}
	readFresh   = staleRead{How: "fresh"}
)

func (r staleRead) flags() []string {
	switch r.How {
	case readSession.How:
		return nil
	case readFresh.How:
		return []string{"--fresh", "--no-session"}
	}
	return []string{"--no-session"}
}

// Help is printed with --help.
func (demoStaleRead) Help() string {
	return `In sequential and in read-your-write: one replica is cut off, then made late. Whoever has no session may be
shown less there; a session and --fresh are refused, or wait, but are never shown less.

  consequorctl demo stale-read`
}

func (c *demoStaleRead) Run(ctx context.Context, console *Console, cluster clusterFlag) error {
	if cluster != "" {
		return usagef("demo stale-read counts every article of its board: it cannot play on %s", cluster)
	}
	r := &staleReadResult{demoResult: demoResult{Demo: "stale-read"}, Modes: []*staleSide{}}
	return tell(ctx, console, cluster, &r.demoResult, r, r.print, func(ctx context.Context, s *story) error { return r.play(ctx, s) })
}

func (r *staleReadResult) print(w io.Writer) {
	stale, broken := 0, 0
	for _, side := range r.Modes {
		for _, read := range slices.Concat(side.Cut, side.Delayed) {
			switch {
			case read.Refused || read.Shows:
			case read.How == readAlone.How:
				stale++
			default:
				broken++
			}
		}
	}
	fmt.Fprintf(w, "stale answers: %d to reads without a session, %d to reads in the session or with --fresh\n", stale, broken)
}

func (r *staleReadResult) play(ctx context.Context, s *story) error {
	status, err := s.up(ctx, "three")
	if err != nil {
		return err
	}
	if err := r.mode(ctx, s, status); err != nil {
		return err
	}
	s.say("Now the same in read-your-write: there is no coordinator, each replica takes posts on its own account, and a post is acknowledged by one disk.")
	swapped := new(supervisor.SwapResult)
	if err := s.do(ctx, swapped, "mode", "swap", "read-your-write"); err != nil {
		return err
	}
	s.got("mode %s runs in epoch %d, after %s", swapped.Mode, swapped.Epoch, swapped.From)
	if status, err = s.whole(ctx); err != nil {
		return err
	}
	return r.mode(ctx, s, status)
}

// mode plays one mode: a post where it is taken, reads where it has not come.
func (r *staleReadResult) mode(ctx context.Context, s *story, status *supervisor.ClusterStatus) error {
	at, behind := postedAndBehind(status)
	side := &staleSide{Mode: status.Mode, Behind: behind, Cut: []staleRead{}, Delayed: []staleRead{}}
	r.Modes = append(r.Modes, side)
	if err := side.whileCut(ctx, s, at); err != nil {
		return err
	}
	if err := s.fault(ctx, "heal"); err != nil {
		return err
	}
	if err := side.whileLate(ctx, s, at); err != nil {
		return err
	}
	return s.fault(ctx, "heal")
}

// postedAndBehind chooses where to post and where to read: the coordinator, and
// one that holds no office.
func postedAndBehind(status *supervisor.ClusterStatus) (at, behind string) {
	names := namesOf(status)
	at, behind = names[0], names[len(names)-1]
	if status.Coordinator == nil {
		return at, behind
	}
	at = *status.Coordinator
	for _, name := range names {
		if name != at && (status.Backup == nil || name != *status.Backup) {
			behind = name
		}
	}
	return at, behind
}

func (p *staleSide) whileCut(ctx context.Context, s *story, at string) error {
	if err := s.fault(ctx, "cut", p.Behind, "rest"); err != nil {
		return err
	}
	posted, err := p.post(ctx, s, at, "While "+p.Behind+" is cut off")
	if err != nil {
		return err
	}
	page, err := s.read(ctx, at, "--no-session")
	if err != nil {
		return err
	}
	there := page != nil && page.holds(posted.ID)
	for _, how := range []staleRead{readAlone, readSession, readFresh} {
		if err := how.ask(ctx, s, p.Behind, posted.ID, staleTimeout); err != nil {
			return err
		}
		p.Cut = append(p.Cut, how)
	}
	alone, session, fresh := p.Cut[0], p.Cut[1], p.Cut[2]
	s.claim(there && !alone.Refused && !alone.Shows,
		fmt.Sprintf("A stale answer: %s serves what it has, and that lacks article %s, which %s shows and which was acknowledged before. The answer's label says no more than is true: "+
			"nobody promised a stranger the newest.", p.Behind, posted.ID, at),
		fmt.Sprintf("in mode %s a read at %s, to which nothing came, was not behind one at %s", p.Mode, p.Behind, at))
	s.claim(session.Refused && fresh.Refused,
		fmt.Sprintf("Whoever has posted it gets no such answer: its session carries a token of what it has seen, and %s, which cannot have that, refuses rather than show less. "+
			"So does a read with --fresh, whose promise is to show every post that was acknowledged before.", p.Behind),
		fmt.Sprintf("in mode %s %s answered its session, or a fresh read, though nothing came to it", p.Mode, p.Behind))
	return nil
}

func (p *staleSide) whileLate(ctx context.Context, s *story, at string) error {
	if err := s.fault(ctx, "delay", "rest", p.Behind, staleDelay, "--one-way"); err != nil {
		return err
	}
	for _, how := range []staleRead{readSession, readFresh} {
		posted, err := p.post(ctx, s, at, "While all comes late: "+how.How)
		if err != nil {
			return err
		}
		if err := how.ask(ctx, s, p.Behind, posted.ID, lateTimeout); err != nil {
			return err
		}
		p.Delayed = append(p.Delayed, how)
	}
	s.claim(p.Delayed[0].Shows && p.Delayed[1].Shows,
		fmt.Sprintf("Where news comes, if late, these two wait for it: the session %.1f ms until its own post was there, the fresh read %.1f ms until it had asked what there is.",
			p.Delayed[0].MS, p.Delayed[1].MS),
		fmt.Sprintf("in mode %s a read in the session, or a fresh one, did not show a post that was acknowledged before", p.Mode))
	return nil
}

func (p *staleSide) post(ctx context.Context, s *story, at, title string) (*written, error) {
	posted, err := s.post(ctx, title, at)
	if err == nil && posted == nil {
		err = failedf("the post at %s was not acknowledged", at)
	}
	return posted, err
}

// ask reads so, and notes what came of it.
func (r *staleRead) ask(ctx context.Context, s *story, at, id, timeout string) error {
	began := time.Now()
	page, err := s.read(ctx, at, append(r.flags(), "--timeout", timeout)...)
	if err != nil {
		return err
	}
	r.MS = millis(time.Since(began))
	r.Refused, r.Shows = page == nil, page != nil && page.holds(id)
	return nil
}
