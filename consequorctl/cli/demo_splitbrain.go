package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"consequor/modes/builtin"
	"consequor/supervisor"
)

// demoSplitBrain does the same to two protocols that have a coordinator and a
// backup: one link is cut, another one is slow in one direction, nobody dies.
//
//  1. r1 coordinates, r2 is its backup. The link between r1 and r3 is cut, and
//     what r2 says takes its time to r1.
//  2. r3 loses r1, and wants r2 to coordinate.
//  3. A client posts at r3. Another one posts at r1, which has heard of nothing.
//
// Whether both are told one id is the difference between a suspicion and a
// majority.
type demoSplitBrain struct{}

type splitBrainResult struct {
	demoResult
	Exhibit    *splitSide `json:"example_primary"`
	Sequential *splitSide `json:"sequential"`
}

// splitSide is what became of the two posts in one of the protocols.
type splitSide struct {
	Topology string            `json:"topology"`
	Acks     []splitAck        `json:"acknowledged"`
	Boards   map[string]string `json:"boards"` // by replica: the two posts there, as "ID TITLE"; one that halted is not here
	Halted   map[string]string `json:"halted"` // by replica: why
}

type splitAck struct {
	Title   string `json:"title"`
	Replica string `json:"replica"`
	ID      string `json:"id"`
}

const (
	splitDelay   = "2s"  // on the way of the news to the old coordinator
	splitTimeout = "20s" // of a post: an election may come first
)

// Help is printed with --help.
func (demoSplitBrain) Help() string {
	return `The mode example-primary is in no list of modes: it is broken, and runs with unsafe: true alone.

  consequorctl demo split-brain`
}

func (c *demoSplitBrain) Run(ctx context.Context, console *Console, cluster clusterFlag) error {
	if cluster != "" {
		return usagef("demo split-brain compares two clusters of its own: it cannot play on %s", cluster)
	}
	r := &splitBrainResult{demoResult: demoResult{Demo: "split-brain"}, Exhibit: newSplitSide(builtin.ExhibitName), Sequential: newSplitSide("three")}
	return tell(ctx, console, cluster, &r.demoResult, r, r.print, func(ctx context.Context, s *story) error { return r.play(ctx, s) })
}

func newSplitSide(topology string) *splitSide {
	return &splitSide{Topology: topology, Acks: []splitAck{}, Boards: map[string]string{}, Halted: map[string]string{}}
}

func (r *splitBrainResult) print(w io.Writer) {
	fmt.Fprintf(w, "two posts, one cut: the ids %s under %s, %s under sequential\n", r.Exhibit.ids(), builtin.ExhibitName, r.Sequential.ids())
}

func (s *splitSide) ids() string {
	var ids []string
	for _, a := range s.Acks {
		ids = append(ids, a.ID)
	}
	if len(ids) == 0 {
		return "(none)"
	}
	return strings.Join(ids, " and ")
}

func (r *splitBrainResult) play(ctx context.Context, s *story) error {
	s.say("First the protocol of the predecessor: one primary, one backup, no terms and no majorities. It is broken and is in this program to be looked at.")
	if err := r.Exhibit.play(ctx, s); err != nil {
		return err
	}
	r.Exhibit.judgeBroken(s)
	if err := s.down(ctx); err != nil {
		return err
	}
	s.say("Now the same under sequential, whose coordinator is one by a majority of votes, for a term that is part of each message.")
	if err := r.Sequential.play(ctx, s); err != nil {
		return err
	}
	r.Sequential.judgeWhole(s)
	return nil
}

func (p *splitSide) play(ctx context.Context, s *story) error {
	if _, err := s.up(ctx, p.Topology); err != nil {
		return err
	}
	status, err := s.offices(ctx)
	if err != nil {
		return err
	}
	if err := p.split(ctx, s, status); err != nil {
		return err
	}
	if p.Topology == builtin.ExhibitName { // to heal it would only show how it halts
		return p.look(ctx, s)
	}
	if err := s.fault(ctx, "heal"); err != nil {
		return err
	}
	for _, name := range namesOf(status) {
		if err := s.sync(ctx, name); err != nil {
			return err
		}
	}
	return p.look(ctx, s)
}

// split cuts the link and posts on both of its ends.
func (p *splitSide) split(ctx context.Context, s *story, status *supervisor.ClusterStatus) error {
	old, backup := *status.Coordinator, *status.Backup
	third := namesOf(status)[slices.IndexFunc(namesOf(status), func(name string) bool { return name != old && name != backup })]
	s.got("%s coordinates, %s is its backup", old, backup)
	if err := s.fault(ctx, "delay", backup, old, splitDelay, "--one-way"); err != nil {
		return err
	}
	if err := s.fault(ctx, "cut", old, third); err != nil {
		return err
	}
	for _, post := range []splitAck{{Title: "Yours", Replica: third}, {Title: "Mine", Replica: old}} {
		answer, err := s.post(ctx, post.Title, post.Replica, "--no-session", "--timeout", splitTimeout)
		if err != nil {
			return err
		}
		if answer != nil {
			post.ID = answer.ID
			p.Acks = append(p.Acks, post)
		}
	}
	return nil
}

// look reads every board that is served.
func (p *splitSide) look(ctx context.Context, s *story) error {
	cluster, err := s.find()
	if err != nil {
		return err
	}
	status, err := cluster.Status(ctx)
	if err != nil {
		return err
	}
	for _, r := range status.Replicas {
		if r.State == supervisor.StateServing {
			page, err := s.read(ctx, r.Name, "--no-session")
			if err != nil {
				return err
			}
			if page != nil {
				p.Boards[r.Name] = listed(page)
				continue
			}
		}
		if p.Halted[r.Name], err = whyDown(ctx, cluster, r.Name); err != nil {
			return err
		}
		s.line("%s does not serve, it has failed: %s", r.Name, inertLine(p.Halted[r.Name]))
	}
	s.gap()
	return nil
}

// whyDown is the first line of why a replica does not serve; its end may be news
// that is still on its way.
func whyDown(ctx context.Context, cluster *supervisor.Client, replica string) (why string, err error) {
	err = awaitStatus(ctx, cluster, replica+" is down", func(status *supervisor.ClusterStatus) bool {
		r := status.Replica(replica)
		why, _, _ = strings.Cut(r.Why, "\n")
		return r.State != supervisor.StateServing
	})
	why, _, _ = strings.Cut(why, "; its last words")
	return strings.TrimPrefix(why, "has failed: "), err // as it is told once its process has ended
}

// listed is a page in one line.
func listed(page *readResult) string {
	var list []string
	for _, a := range page.Articles {
		list = append(list, a.ID+" "+a.Title)
	}
	return strings.Join(list, ", ")
}

// different counts the boards that are unlike each other.
func (p *splitSide) different() int {
	seen := make(map[string]bool)
	for _, board := range p.Boards {
		seen[board] = true
	}
	return len(seen)
}

func (p *splitSide) judgeBroken(s *story) {
	if len(p.Acks) != 2 || p.Acks[0].ID != p.Acks[1].ID || p.different() < 2 && len(p.Halted) == 0 {
		s.claim(false, "", fmt.Sprintf("under %s the two posts were told the ids %s, and %d boards differ", builtin.ExhibitName, p.ids(), p.different()))
		return
	}
	s.claim(true,
		fmt.Sprintf("One id, %s, was acknowledged for two articles: %s. The backup took over because a single replica could not reach the primary, the primary had not "+
			"heard of it, and nothing in their messages tells old from new. %s", p.Acks[0].ID, p.titles(), p.damage()), "")
}

// damage says how the replicas are left.
func (p *splitSide) damage() string {
	var parts []string
	if n := p.different(); n > 1 {
		parts = append(parts, fmt.Sprintf("The boards that are still served differ, for good: %d of them.", n))
	}
	for _, name := range slices.Sorted(maps.Keys(p.Halted)) {
		parts = append(parts, fmt.Sprintf("%s was given both, and has halted.", name))
	}
	return strings.Join(parts, " ")
}

func (p *splitSide) titles() string {
	var list []string
	for _, a := range p.Acks {
		list = append(list, fmt.Sprintf("%s at %s", a.Title, a.Replica))
	}
	return strings.Join(list, " and ")
}

func (p *splitSide) judgeWhole(s *story) {
	s.claim(len(p.Acks) == 2 && p.Acks[0].ID != p.Acks[1].ID && p.different() == 1 && len(p.Boards) == 3,
		fmt.Sprintf("Two ids, %s, and the same articles under them on every replica. A majority elected the new coordinator for a higher term, and the old one could not "+
			"give out anything without a majority: its client waited until the post had gone the right way.", p.ids()),
		fmt.Sprintf("under sequential the two posts were told the ids %s, and %d of 3 boards serve, %d unlike each other", p.ids(), len(p.Boards), p.different()))
}
