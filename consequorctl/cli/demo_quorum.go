package cli

import (
	"context"
	"fmt"
	"io"
)

// demoQuorum does the same to two clusters that differ in two numbers. Where a
// read asks R and a post is on W of N replicas before it is acknowledged, and R
// + W > N, any two such sets share a replica: a read meets every post. Where R +
// W <= N they can pass each other by, and a cut link is enough to show it.
type demoQuorum struct{}

type demoQuorumResult struct {
	demoResult
	Unsafe *quorumSide `json:"unsafe"` // R + W <= N
	Safe   *quorumSide `json:"safe"`   // R + W > N
}

// quorumSide is what happened to one of the two clusters. All posts and reads
// are those of the story's steps.
type quorumSide struct {
	Topology     string `json:"topology"`
	Acknowledged int    `json:"acknowledged"`
	Refused      int    `json:"refused"` // posts and reads
	Reads        int    `json:"reads"`   // that were answered
	Missed       int    `json:"missed"`  // posts, acknowledged before a read and not on its page
	Healed       int    `json:"healed"`  // of the acknowledged posts, on every board in the end
}

// Help is printed with --help.
func (demoQuorum) Help() string {
	return `One replica is cut off; posts and reads on both sides.

  consequorctl demo quorum`
}

func (c *demoQuorum) Run(ctx context.Context, console *Console, cluster clusterFlag) error {
	if cluster != "" {
		return usagef("demo quorum compares two clusters of its own: it cannot play on %s", cluster)
	}
	r := &demoQuorumResult{demoResult: demoResult{Demo: "quorum"}, Unsafe: &quorumSide{Topology: "unsafe"}, Safe: &quorumSide{Topology: "quorum"}}
	return tell(ctx, console, cluster, &r.demoResult, r, r.print, func(ctx context.Context, s *story) error { return r.play(ctx, s) })
}

func (r *demoQuorumResult) print(w io.Writer) {
	fmt.Fprintf(w, "acknowledged posts that a read missed: %d with R + W <= N, %d with R + W > N\n", r.Unsafe.Missed, r.Safe.Missed)
}

func (r *demoQuorumResult) play(ctx context.Context, s *story) error {
	s.say("First with R = 1 and W = 1 of 3 replicas: a post is acknowledged by one disk, a read asks one replica. 1 + 1 is not more than 3.")
	if err := r.Unsafe.play(ctx, s); err != nil {
		return err
	}
	s.claim(r.Unsafe.Missed > 0,
		fmt.Sprintf("%s were acknowledged, and %d times a read that began after that did not show one: the disk that had the post and the replica that answered the read "+
			"were not the same, and nothing made them meet.", counted(r.Unsafe.Acknowledged, "post"), r.Unsafe.Missed),
		"no read missed an acknowledged post with R + W <= N")
	s.say("Now the same steps with R = 2 and W = 2, which is what mode quorum does with 3 replicas unless it is told otherwise. 2 + 2 is more than 3.")
	if err := r.Safe.play(ctx, s); err != nil {
		return err
	}
	s.claim(r.Safe.Missed == 0 && r.Safe.Acknowledged > 0 && r.Safe.Reads > 0,
		fmt.Sprintf("%s was acknowledged, on two disks, and no read missed it: of any two replicas that acknowledge a post and any two that answer a read, one is "+
			"the same. The price: %d requests at r1, which was alone, were refused, so nobody was told anything that does not hold.", counted(r.Safe.Acknowledged, "post"), r.Safe.Refused),
		fmt.Sprintf("with R + W > N %d of %d acknowledged posts were missed by %d reads", r.Safe.Missed, r.Safe.Acknowledged, r.Safe.Reads))
	return nil
}

// play cuts one replica off the two others, posts on both sides, and reads on
// both sides. Each command is a session of its own: a session would be refused
// what it has not seen, and hide the difference.
func (q *quorumSide) play(ctx context.Context, s *story) error {
	if _, err := s.up(ctx, q.Topology); err != nil {
		return err
	}
	if err := s.fault(ctx, "cut", "r1", "rest"); err != nil {
		return err
	}
	var posted []string
	for _, step := range []struct{ title, at, readAt string }{{"Posted at r1", "r1", "r2"}, {"Posted at r2", "r2", "r1"}} {
		answer, err := s.post(ctx, step.title, step.at, "--no-session", "--timeout", "5s")
		if err != nil {
			return err
		}
		q.posted(answer)
		if answer != nil {
			posted = append(posted, answer.ID)
		}
		if err := q.read(ctx, s, step.readAt, posted); err != nil {
			return err
		}
	}
	if err := q.read(ctx, s, "r3", posted); err != nil {
		return err
	}
	return q.heal(ctx, s, posted)
}

func (q *quorumSide) posted(answer *written) {
	if answer == nil {
		q.Refused++
	} else {
		q.Acknowledged++
	}
}

// read reads at a replica, and counts which of the posts are not there.
func (q *quorumSide) read(ctx context.Context, s *story, at string, posted []string) error {
	page, err := s.read(ctx, at, "--no-session")
	if err != nil {
		return err
	}
	if page == nil {
		q.Refused++
		return nil
	}
	q.Reads++
	for _, id := range posted {
		if !page.holds(id) {
			q.Missed++
			s.got("-- %s is missing, and was acknowledged before", id)
		}
	}
	return nil
}

// heal makes the links whole, and counts which posts are on every board then.
func (q *quorumSide) heal(ctx context.Context, s *story, posted []string) error {
	if err := s.fault(ctx, "heal"); err != nil {
		return err
	}
	everywhere := make(map[string]int)
	for _, at := range []string{"r1", "r2", "r3"} {
		if err := s.sync(ctx, at); err != nil {
			return err
		}
		page := new(readResult)
		if err := s.perform(ctx, page, []string{"read", "--at", at, "--no-session"}); err != nil {
			return err
		}
		for _, id := range posted {
			if page.holds(id) {
				everywhere[id]++
			}
		}
	}
	for _, id := range posted {
		if everywhere[id] == 3 {
			q.Healed++
		}
	}
	s.got("%d of %d acknowledged posts are on all three boards now", q.Healed, len(posted))
	s.gap()
	if q.Healed < len(posted) {
		s.claim(false, "", fmt.Sprintf("after heal and sync %d of %d acknowledged posts are on all boards", q.Healed, len(posted)))
	}
	return s.down(ctx)
}
