package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"consequor/modes"
	"consequor/replicad/api"
	"consequor/supervisor"
)

// strike kills the targets at once, waits until posts are acknowledged again,
// and tells when what happened.
func (f *failoverStory) strike(ctx context.Context, targets []string) (*deathResult, error) {
	before, err := f.cluster.Status(ctx)
	if err != nil {
		return nil, err
	}
	asked := time.Now()
	done, err := f.killAll(ctx, targets)
	if err != nil {
		return nil, err
	}
	d := &deathResult{Noticed: []noticedThat{}, Role: done[len(done)-1].Role}
	for _, one := range done {
		d.Replicas = append(d.Replicas, one.Replicas...)
		if before.Coordinator != nil && one.Role == string(modes.RoleCoordinator) && !slices.Contains(one.Replicas, *before.Coordinator) {
			d.between = one.Replicas[0]
		}
	}
	f.down = append(f.down, d.Replicas...)
	dead, err := f.awaitEach(ctx, d.Replicas, supervisor.EventKilled, asked)
	if err != nil {
		return nil, err
	}
	d.Dead, d.dead = millis(dead.Sub(asked)), dead
	if err := f.awaitElected(ctx, d, before, asked); err != nil {
		return nil, err
	}
	if err := f.awaitAck(ctx, d, asked, dead); err != nil {
		return nil, err
	}
	f.noticed(d, before, asked)
	f.tellDeath(d)
	return d, nil
}

// killAll kills all targets at the same time: an office is held by whoever holds
// it when the command comes, so who is named last is the last to be asked for.
func (f *failoverStory) killAll(ctx context.Context, targets []string) ([]*supervisor.ActResult, error) {
	if len(targets) == 1 {
		done, err := f.act(ctx, supervisor.Kill, targets[0])
		return []*supervisor.ActResult{done}, err
	}
	names, err := f.resolve(ctx, targets)
	if err != nil {
		return nil, err
	}
	done, errs := make([]*supervisor.ActResult, len(names)), make([]error, len(names))
	for i, name := range names {
		f.show([]string{"kill", name})
		done[i] = new(supervisor.ActResult)
	}
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() { errs[i] = f.perform(ctx, done[i], []string{"kill", name}) })
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			return nil, err
		}
		f.got("killed %s (%s, pid %d)", names[i], done[i].Role, done[i].PID)
	}
	return done, nil
}

// resolve gives the replicas that targets mean now.
func (f *failoverStory) resolve(ctx context.Context, targets []string) ([]string, error) {
	status, err := f.cluster.Status(ctx)
	if err != nil {
		return nil, err
	}
	names := slices.Clone(targets)
	for i, t := range targets {
		holder := map[string]*string{"coordinator": status.Coordinator, "backup": status.Backup}[t]
		switch {
		case holder != nil:
			names[i] = *holder
		case status.Replica(t) == nil:
			return nil, failedf("cluster %s has no %s now", status.Cluster, t)
		}
	}
	return names, nil
}

// awaitEach returns when the supervisor had seen the event of every replica.
func (f *failoverStory) awaitEach(ctx context.Context, replicas []string, kind supervisor.EventKind, from time.Time) (last time.Time, err error) {
	for _, name := range replicas {
		e, err := f.events.await(ctx, fmt.Sprintf("%s is %s", name, kind), from, func(e supervisor.Event) bool { return e.Kind == kind && e.Replica == name })
		if err != nil {
			return last, err
		}
		if e.Time.After(last) {
			last = e.Time
		}
	}
	return last, nil
}

// awaitElected notes who coordinates next, if the office was hit.
func (f *failoverStory) awaitElected(ctx context.Context, d *deathResult, before *supervisor.ClusterStatus, asked time.Time) error {
	if f.leaderless || before.Coordinator == nil || !slices.Contains(d.Replicas, *before.Coordinator) {
		return nil
	}
	replica, term, at, err := f.events.elected(ctx, asked, d.Replicas)
	if err == nil {
		d.Elected = &electedThen{replica, term, millis(at.Sub(asked))}
	}
	return err
}

// awaitAck notes the last acknowledgment before and the first one after.
func (f *failoverStory) awaitAck(ctx context.Context, d *deathResult, asked, dead time.Time) error {
	first, err := f.load.firstSentAfter(ctx, dead)
	if err != nil {
		return err
	}
	d.FirstAck, d.FirstAckBy = millis(first.at.Sub(asked)), first.by
	from := asked
	if last, ok := f.load.lastBefore(asked); ok {
		d.LastAck, from = millis(last.at.Sub(asked)), last.at
	}
	d.Silence = millis(f.load.silence(from, first.at))
	return nil
}

// noticed asks the logs of the others who saw a connection break.
func (f *failoverStory) noticed(d *deathResult, before *supervisor.ClusterStatus, asked time.Time) {
	for _, r := range before.Replicas {
		for _, gone := range d.Replicas {
			if slices.Contains(d.Replicas, r.Name) || r.State != supervisor.StateServing {
				continue
			}
			if at, ok := peerLost(f.cluster, r.Name, gone, asked); ok {
				d.Noticed = append(d.Noticed, noticedThat{r.Name, gone, float64(max(0, at.Sub(asked)).Milliseconds())})
			}
		}
	}
	slices.SortStableFunc(d.Noticed, func(a, b noticedThat) int { return int(a.MS - b.MS) })
}

// timetable is a table of times, in milliseconds.
type timetable []timetableRow

type timetableRow struct {
	at     float64
	digits int // after the point
	text   string
}

func (t *timetable) add(at float64, format string, args ...any) {
	*t = append(*t, timetableRow{at, 1, fmt.Sprintf(format, args...)})
}

// table prints rows in the order of their times.
func (f *failoverStory) table(rows timetable) {
	slices.SortStableFunc(rows, func(a, b timetableRow) int { return cmp.Compare(a.at, b.at) })
	for _, r := range rows {
		f.line("  %10.*f ms  %s", r.digits, r.at, r.text)
	}
}

// tellDeath is the table of times.
func (f *failoverStory) tellDeath(d *deathResult) {
	f.gap()
	var t timetable
	t.add(d.LastAck, "the last post before is acknowledged")
	t.add(0, "SIGKILL is asked for %s", strings.Join(d.Replicas, " and "))
	for _, n := range d.Noticed {
		t = append(t, timetableRow{n.MS, 0, fmt.Sprintf("%s sees its connection to %s break (its log, to the millisecond)", n.Replica, n.Gone)})
	}
	t.add(d.Dead, "the supervisor sees that %s dead", isOrAre(d.Replicas))
	if d.Elected != nil {
		t.add(d.Elected.MS, "%s is coordinator, elected for term %d", d.Elected.Replica, d.Elected.Term)
	}
	t.add(d.FirstAck, "the first post that was sent after it is acknowledged, by %s", d.FirstAckBy)
	f.table(t)
	if d.between != "" {
		f.say("%s had been elected between the two kills, and died as coordinator too.", d.between)
	}
	switch {
	case d.Elected != nil:
		f.say("So the board took posts again %.1f ms after the kill, an election included. Clients whose replica or post was hit have sent it again with its key.", d.FirstAck)
	case f.leaderless:
		f.say("Nobody coordinates, so nobody had to be elected: the other replicas went on. The longest in which no client was acknowledged anything is %.1f ms.", d.Silence)
	default:
		f.say("No coordinator died, so there was nothing to elect. The longest in which no client was acknowledged anything is %.1f ms.", d.Silence)
	}
}

func isOrAre(names []string) string {
	if len(names) == 1 {
		return names[0] + " is"
	}
	return strings.Join(names, " and ") + " are"
}

// orphanResult counts the posts that were under way at a replica when it was
// killed, in a mode in which nobody else may give them an id.
type orphanResult struct {
	Posts   int `json:"posts"`
	Unknown int `json:"unknown"`
}

// orphaned: a post was under way when its home was killed. A client whose own
// replica is dead posts at the next one, which is the next to be killed.
func orphaned(p postEnd, deaths []deathResult) bool {
	var gone []string
	for _, d := range deaths {
		gone = append(gone, d.Replicas...)
		if slices.Contains(gone, p.home) && p.sent.Before(d.dead) && p.at.After(d.dead) {
			return true
		}
	}
	return false
}

// tellOrphans says what became of them.
func (f *failoverStory) tellOrphans(r *demoFailoverResult) {
	if !f.load.homely {
		return
	}
	r.Orphans = new(orphanResult)
	for _, p := range f.load.list(func(p postEnd) bool { return orphaned(p, r.Deaths) }) {
		r.Orphans.Posts++
		if p.outcome == api.Unknown {
			r.Orphans.Unknown++
		}
	}
	text := fmt.Sprintf("In this mode only the replica that was asked first, the home of a post, may give it an id. %s waited for a dead home, up to %v each; %d of these ended unknown",
		counted(r.Orphans.Posts, "post"), f.load.patience, r.Orphans.Unknown)
	if r.Orphans.Unknown > 0 {
		text += ": now that the home is back, it can be asked again with the same key"
	}
	f.say("%s.", text)
}
