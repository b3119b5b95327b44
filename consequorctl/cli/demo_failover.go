package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"consequor/supervisor"
)

// demoFailover tells what the death of a coordinator costs: clients post at a
// steady pace, the coordinator is killed, and then come the times at which who
// knew what. --pause tells the other half of it: a coordinator that is not dead
// but does not know that it is none any more.
type demoFailover struct {
	Mode     string `help:"The mode (default: sequential)." placeholder:"MODE"`
	Replicas int    `help:"How many replicas: 3 or 5. Of 5, the coordinator is killed and then its successor." default:"0" placeholder:"N"`
	Both     bool   `help:"Kill coordinator and backup at once, of five." xor:"how"`
	Pause    bool   `help:"SIGSTOP the coordinator, post at it, and let it go on when there is another one." xor:"how"`
}

type demoFailoverResult struct {
	demoResult
	Mode    string         `json:"mode"`
	Deaths  []deathResult  `json:"deaths"`
	Pending *pendingResult `json:"pending,omitempty"` // --pause
	Orphans *orphanResult  `json:"orphans,omitempty"` // in a mode without a coordinator
	*verdict
}

// deathResult is how a death, or a pause, went by. Times are milliseconds since
// the signal was asked for.
type deathResult struct {
	Replicas   []string      `json:"replicas"`
	Role       string        `json:"role"`
	LastAck    float64       `json:"last_ack_ms"` // before; 0 or less
	Dead       float64       `json:"dead_ms"`     // or stopped, as the supervisor saw it
	Noticed    []noticedThat `json:"noticed"`     // whose log says so; a whole millisecond each
	Elected    *electedThen  `json:"elected"`     // null: the mode has no coordinator
	FirstAck   float64       `json:"first_ack_ms"`
	FirstAckBy string        `json:"first_ack_by"`
	Silence    float64       `json:"silence_ms"` // the longest in which nobody was acknowledged anything
	dead       time.Time
	between    string // who was elected before the last of them was killed, and died with them
}

type noticedThat struct {
	Replica string  `json:"replica"`
	Gone    string  `json:"gone"` // whose connection broke
	MS      float64 `json:"ms"`
}

type electedThen struct {
	Replica string  `json:"replica"`
	Term    uint64  `json:"term"`
	MS      float64 `json:"ms"`
}

// Validate is called by the parser.
func (c *demoFailover) Validate() error {
	switch {
	case c.Replicas == 0:
	case c.Replicas != 3 && c.Replicas != 5:
		return fmt.Errorf("--replicas %d: want 3 or 5", c.Replicas)
	case c.Both && c.Replicas == 3:
		return fmt.Errorf("--both: of 3 replicas no majority would be left; want --replicas 5")
	}
	return nil
}

// Help is printed with --help.
func (demoFailover) Help() string {
	return `It ends "acknowledged N, lost 0, doubled 0", or with exit code 1. Times are from the command on: when each
replica saw its connection break, when who was elected, when a post was acknowledged again.

  consequorctl demo failover
  consequorctl demo failover --pause
  consequorctl demo failover --mode quorum
  consequorctl demo failover --cluster three`
}

func (c *demoFailover) Run(ctx context.Context, console *Console, cluster clusterFlag) error {
	if cluster != "" && (c.Mode != "" || c.Replicas != 0) {
		return usagef("--mode and --replicas are for a cluster of the demo's own, and %s runs", cluster)
	}
	r := &demoFailoverResult{demoResult: demoResult{Demo: "failover"}, Deaths: []deathResult{}, verdict: new(verdict)}
	return tell(ctx, console, cluster, &r.demoResult, r, r.print, func(ctx context.Context, s *story) error { return c.play(ctx, s, r) })
}

func (r *demoFailoverResult) print(w io.Writer) {
	fmt.Fprintf(w, "acknowledged %d, lost %d, doubled %d\n", r.Acknowledged, r.Lost, r.Doubled)
}

// topology is what the demo's own cluster is made of.
func (c *demoFailover) topology() (name string, flags []string) {
	name = "three"
	if c.Replicas == 5 || c.Both {
		name = "five"
	}
	if c.Mode != "" {
		flags = []string{"--mode", c.Mode}
	}
	return name, flags
}

func (c *demoFailover) play(ctx context.Context, s *story, r *demoFailoverResult) error {
	topology, flags := c.topology()
	if _, err := s.up(ctx, topology, flags...); err != nil {
		return err
	}
	status, err := s.offices(ctx)
	if err != nil {
		return err
	}
	r.Mode = status.Mode
	f, err := c.begin(ctx, s, status)
	if err != nil {
		return err
	}
	defer f.close()
	if err := f.kills(ctx, status, r); err != nil {
		return err
	}
	if err := f.recover(ctx); err != nil {
		return err
	}
	f.load.stop()
	f.tellOrphans(r)
	v, err := f.load.verdict(ctx)
	if err != nil {
		return err
	}
	r.verdict = v
	f.judge(r)
	return nil
}

// begin has the cluster work before anything happens to it.
func (c *demoFailover) begin(ctx context.Context, s *story, status *supervisor.ClusterStatus) (*failoverStory, error) {
	if c.Both && len(status.Replicas) < 5 {
		return nil, usagef("--both: cluster %s has %d replicas, and two dead would leave no majority; want 5", status.Cluster, len(status.Replicas))
	}
	cluster, err := s.find()
	if err != nil {
		return nil, err
	}
	f := &failoverStory{story: s, demoFailover: c, cluster: cluster, leaderless: leaderless(status)}
	if f.load, err = s.startLoad(ctx, f.leaderless && !c.Pause, c.replicasAsked(status)...); err != nil {
		return nil, err
	}
	f.events = newChronicle(ctx, cluster)
	if err := f.load.recorder.awaitAcks(ctx, acksBeforeMin); err != nil {
		f.close()
		return nil, err
	}
	f.tellLoad(status)
	return f, nil
}

func (f *failoverStory) tellLoad(status *supervisor.ClusterStatus) {
	rate := steadyClients * int(time.Second/steadyPace)
	where := "each at another replica every time"
	if f.load.homely {
		where = "each at a replica of its own, and at another one when that is dead"
	}
	if f.Pause {
		where = fmt.Sprintf("at the others than %s, and %d more at %[1]s alone", f.pauseTarget(status), loyalClients)
	}
	f.say("%d clients post now, up to %d articles a second together, %s (by hand, in another terminal: consequorctl bench --clients %[1]d). %[4]s",
		steadyClients, rate, where, f.officesNow(status))
}

// failoverStory is one telling of it.
type failoverStory struct {
	*story
	*demoFailover
	cluster    *supervisor.Client
	load       *steady
	events     *chronicle
	leaderless bool
	down       []string // to be brought back
}

func (f *failoverStory) close() {
	f.load.close()
	if f.events != nil {
		f.events.close()
	}
}

func (f *failoverStory) officesNow(status *supervisor.ClusterStatus) string {
	if f.leaderless {
		return fmt.Sprintf("Mode %s has no coordinator: each replica takes posts on its own account.", status.Mode)
	}
	text := fmt.Sprintf("%s coordinates: all posts go through it.", *status.Coordinator)
	if status.Backup != nil {
		text += fmt.Sprintf(" %s is its backup, and takes over first.", *status.Backup)
	}
	return text
}

// kills does to the cluster what the story is about.
func (f *failoverStory) kills(ctx context.Context, status *supervisor.ClusterStatus, r *demoFailoverResult) error {
	target := "coordinator"
	if f.leaderless {
		target = status.Replicas[0].Name
	}
	if f.Pause {
		return f.pause(ctx, status, r)
	}
	targets := [][]string{{target}}
	switch {
	case f.Both && f.leaderless:
		targets = [][]string{{target, status.Replicas[1].Name}}
	case f.Both:
		targets = [][]string{{"backup", "coordinator"}}
	case len(status.Replicas) >= 5 && f.leaderless:
		targets = append(targets, []string{status.Replicas[1].Name})
	case len(status.Replicas) >= 5:
		targets = append(targets, []string{target})
	}
	for _, these := range targets {
		death, err := f.strike(ctx, these)
		if err != nil {
			return err
		}
		r.Deaths = append(r.Deaths, *death)
		if err := f.load.recorder.awaitAcks(ctx, acksBeforeMin); err != nil {
			return err
		}
	}
	return nil
}

// recover brings back whom the story has killed.
func (f *failoverStory) recover(ctx context.Context) error {
	for _, name := range f.down {
		if _, err := f.act(ctx, supervisor.Restart, name, "--wait", "20s"); err != nil {
			return err
		}
	}
	return awaitStatus(ctx, f.cluster, "all replicas serve again", whole)
}

// judge says what became of the posts.
func (f *failoverStory) judge(r *demoFailoverResult) {
	v, old := r.verdict, ""
	if f.Pause && !f.leaderless {
		old = " What the old coordinator had begun is in the one order, once, or was never acknowledged."
	}
	f.claim(v.OK(), fmt.Sprintf("The clients have stopped, and every replica has been read from end to end. Of the posts %d were acknowledged, and each of these is "+
		"on each of the boards, once, under the id that its client was told; %d ended unknown, %d were refused.%s", v.Acknowledged, v.Unknown, v.Refused, old),
		fmt.Sprintf("%d violations, the first: %s", len(v.Violations), firstOf(v.Violations)))
}

func firstOf(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return list[0]
}
