package cli

import (
	"context"
	"slices"
	"time"

	"consequor/replicad/api"
	"consequor/supervisor"
)

// pendingResult counts what became of the posts that lay at a replica while it
// was stopped.
type pendingResult struct {
	Posts        int      `json:"posts"`
	Acknowledged int      `json:"acknowledged"`
	Unknown      int      `json:"unknown"`
	Refused      int      `json:"refused"`
	IDs          []string `json:"ids"` // of the acknowledged ones, in the order of their answers
	Resumed      float64  `json:"resumed_ms"`
}

// loyalClients post at the replica that will be stopped, and nowhere else: each
// has a post there when it wakes up.
const loyalClients = 4

// replicasAsked is at which replicas each client of the load posts: anyone's in
// turn, unless one will be stopped. A client that waits for that one is no use
// for telling how the others are.
func (c *demoFailover) replicasAsked(status *supervisor.ClusterStatus) [][]string {
	if !c.Pause {
		return nil
	}
	target := c.pauseTarget(status)
	others := slices.DeleteFunc(namesOf(status), func(name string) bool { return name == target })
	var asked [][]string
	for i := range steadyClients {
		asked = append(asked, slices.Concat(others[i%len(others):], others[:i%len(others)]))
	}
	for range loyalClients {
		asked = append(asked, []string{target})
	}
	return asked
}

func (c *demoFailover) pauseTarget(status *supervisor.ClusterStatus) string {
	if status.Coordinator != nil {
		return *status.Coordinator
	}
	return status.Replicas[0].Name
}

// pause stops the target, and lets it go on when there is another coordinator:
// the old one wakes up in an office that it does not hold any more, with posts
// before it.
func (f *failoverStory) pause(ctx context.Context, before *supervisor.ClusterStatus, r *demoFailoverResult) error {
	target := f.pauseTarget(before)
	asked := time.Now()
	done, err := f.act(ctx, supervisor.Pause, target)
	if err != nil {
		return err
	}
	f.say("Each of the %d clients that post at %s alone waits now for the answer to one post. The other %d clients go on.", loyalClients, target, steadyClients)
	d := &deathResult{Replicas: done.Replicas, Role: done.Role, Noticed: []noticedThat{}}
	if err := f.othersGoOn(ctx, d, before, asked); err != nil {
		return err
	}
	f.tellPause(d)
	r.Deaths = append(r.Deaths, *d)
	return f.wake(ctx, target, asked, r)
}

// othersGoOn waits until posts are acknowledged without the stopped replica.
func (f *failoverStory) othersGoOn(ctx context.Context, d *deathResult, before *supervisor.ClusterStatus, asked time.Time) error {
	stopped, err := f.awaitEach(ctx, d.Replicas, supervisor.EventPaused, asked)
	if err != nil {
		return err
	}
	d.Dead = millis(stopped.Sub(asked))
	if err := f.awaitElected(ctx, d, before, asked); err != nil {
		return err
	}
	if err := f.awaitAck(ctx, d, asked, stopped); err != nil {
		return err
	}
	return f.load.recorder.awaitAcks(ctx, acksBeforeMin)
}

func (f *failoverStory) tellPause(d *deathResult) {
	var t timetable
	t.add(d.LastAck, "the last post before is acknowledged")
	t.add(0, "SIGSTOP is asked for %s: it says nothing more, its links stand", d.Replicas[0])
	if d.Elected != nil {
		t.add(d.Elected.MS, "%s is coordinator, elected for term %d: %s had fallen silent", d.Elected.Replica, d.Elected.Term, d.Replicas[0])
	}
	t.add(d.FirstAck, "the first post that was sent after it is acknowledged, by %s", d.FirstAckBy)
	f.table(t)
	f.gap()
}

// wake lets the old coordinator go on, and counts what became of what lay before
// it.
func (f *failoverStory) wake(ctx context.Context, replica string, asked time.Time, r *demoFailoverResult) error {
	woken := time.Now()
	p := &pendingResult{IDs: []string{}, Resumed: millis(woken.Sub(asked))}
	r.Pending = p
	if _, err := f.act(ctx, supervisor.Resume, replica, "--wait", "20s"); err != nil {
		return err
	}
	if err := f.load.recorder.awaitAcks(ctx, acksBeforeMin); err != nil {
		return err
	}
	f.load.stop() // what was pending has ended then
	for _, post := range f.load.list(func(p postEnd) bool { return p.client >= steadyClients && p.sent.Before(woken) && p.at.After(woken) }) {
		p.count(post)
	}
	f.tellPending(replica, p)
	return nil
}

func (f *failoverStory) tellPending(replica string, p *pendingResult) {
	office := ", and takes itself for the coordinator until it hears of the newer term"
	if f.leaderless {
		office = ""
	}
	f.say("%s goes on %.1f ms after it was stopped%s. Of the %d posts that lay before it %d are acknowledged by now, %d ended unknown, %d were refused.",
		replica, p.Resumed, office, p.Posts, p.Acknowledged, p.Unknown, p.Refused)
	if p.Posts == 0 {
		f.claim(false, "", "no post was pending at "+replica)
	}
}

func (p *pendingResult) count(post postEnd) {
	p.Posts++
	switch post.outcome {
	case api.Refused:
		p.Refused++
	case api.Unknown:
		p.Unknown++
	default:
		p.Acknowledged++
		p.IDs = append(p.IDs, post.id)
	}
}
