package replica

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"consequor/modes"
	"consequor/replicad/api"
	"consequor/topologies"
)

// boardReportEvery is how often at most a replica that only grows is reported
// again. Changes of its role or step are reported at once.
const boardReportEvery = 100 * time.Millisecond

// A mode that changes its mind all the time is reported urgentBurst times at
// once and urgentRate times a second in the long run: the supervisor has to
// read each report.
const (
	urgentBurst = 64
	urgentRate  = 100
)

// reporter keeps each hosted replica's status and writes what changes, as JSON
// lines, for the supervisor. A slow reader sees the newest status, not each.
type reporter struct {
	mu      sync.Mutex
	status  map[string]*api.Status // by replica
	urgent  map[string]bool        // changed in more than the size of the board
	grown   map[string]bool        // changed in that only
	loops   map[string]*loop
	waiting map[string]string // what the mode waits for in its own words, also while its plugin's silence is told instead
	changed chan struct{}
	watch   []func(api.Status) // told of every urgent change
	answers chan topologies.Answer
}

func newReporter(p *process) *reporter {
	r := &reporter{
		status: make(map[string]*api.Status), urgent: make(map[string]bool), grown: make(map[string]bool),
		loops: make(map[string]*loop), waiting: make(map[string]string), changed: make(chan struct{}, 1),
		answers: make(chan topologies.Answer, answersQueued),
	}
	for _, replica := range p.hostedReplicas() {
		r.status[replica.Name] = &api.Status{
			Name: replica.Name, Step: api.Starting, Mode: p.config.Mode.Name, Epoch: p.config.Epoch,
			Vector: "-", Since: time.Now().UTC(), Faults: p.config.Faults.Number,
		}
	}
	return r
}

// update changes a replica's status and has it reported at once.
func (r *reporter) update(name string, change func(*api.Status)) {
	r.mu.Lock()
	s := r.status[name]
	before := *s
	change(s)
	if *s == before {
		r.mu.Unlock()
		return
	}
	s.Since = time.Now().UTC()
	r.urgent[name] = true
	now, watch := *s, r.watch
	r.mu.Unlock()
	for _, f := range watch {
		f(now)
	}
	r.wake()
}

func (r *reporter) wake() {
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// failed reports that a replica will not serve again.
func (r *reporter) failed(l *loop, why string) {
	r.update(l.self.Name, func(s *api.Status) { s.Step, s.Fault, s.Role, s.Coordinator = api.Failed, why, "", "" })
}

// boardChanged notes that a replica's board has grown.
func (r *reporter) boardChanged(l *loop) {
	r.mu.Lock()
	first := !r.grown[l.self.Name]
	r.grown[l.self.Name] = true
	r.loops[l.self.Name] = l
	r.mu.Unlock()
	if first {
		r.wake()
	}
}

// modeChanged takes over what the mode reports of itself.
func (r *reporter) modeChanged(l *loop, m modes.Status) {
	r.update(l.self.Name, func(s *api.Status) {
		r.waiting[l.self.Name] = brief(m.Waiting)
		s.Role, s.Term, s.Behind, s.Waiting = brief(string(m.Role)), m.Term, m.Behind, r.waiting[l.self.Name]
		s.Coordinator, s.Backup = "", ""
		if m.Coordinator != 0 {
			s.Coordinator = l.process.replicaName(m.Coordinator)
		}
		if m.Backup != 0 {
			s.Backup = l.process.replicaName(m.Backup)
		}
		switch {
		case s.Step == api.Failed:
		case m.CaughtUp:
			s.Step = api.CaughtUp
		case m.Joined && s.Step == api.Started:
			s.Step = api.Joined
		}
	})
}

// pluginStarted tells which process runs the mode; what it waits for, it says
// itself.
func (r *reporter) pluginStarted(l *loop, pid int, sum string, restarts int) {
	r.update(l.self.Name, func(s *api.Status) {
		r.waiting[l.self.Name] = ""
		s.PluginPID, s.ModeSHA256, s.PluginRestarts, s.Waiting = pid, sum, restarts, ""
	})
}

// pluginLost tells that no mode runs until there is another plugin, and why.
func (r *reporter) pluginLost(name, why string) {
	r.update(name, func(s *api.Status) {
		s.PluginEnded = brief(why)
		r.waiting[name] = "its plugin: " + s.PluginEnded
		s.PluginPID, s.Role, s.Coordinator, s.Backup, s.Waiting = 0, "", "", "", r.waiting[name]
		if s.Step != api.Failed && s.Step != api.Starting {
			s.Step = api.Started
		}
	})
}

// pluginSilent tells that the mode does not answer, or, with no text, that it
// does again.
func (r *reporter) pluginSilent(l *loop, text string) {
	r.update(l.self.Name, func(s *api.Status) { s.Waiting = cmp.Or(text, r.waiting[l.self.Name]) })
}

// diskChanged tells that the disk of all hosted replicas is full, or has room
// again.
func (r *reporter) diskChanged(full bool) {
	for name := range r.status { // order does not matter: each tells of itself; the keys never change
		r.update(name, func(s *api.Status) { s.DiskFull = full })
	}
}

// epochBegan tells that the replica is in another epoch, whose mode has yet to
// start.
func (r *reporter) epochBegan(l *loop, epoch uint64, mode string) {
	r.update(l.self.Name, func(s *api.Status) {
		r.waiting[l.self.Name] = ""
		s.Epoch, s.Mode = epoch, mode
		s.Role, s.Term, s.Coordinator, s.Backup, s.Waiting = "", 0, "", "", ""
		s.Change = api.Change{Attempt: s.Change.Attempt}
		if s.Step != api.Failed {
			s.Step = api.Started
		}
	})
}

// changeBegan tells that word of a new mode change has come.
func (r *reporter) changeBegan(name string, attempt uint64) {
	r.update(name, func(s *api.Status) { s.Change = api.Change{Attempt: attempt} })
}

// changeCame tells how far a mode change has come.
func (r *reporter) changeCame(name string, change func(*api.Change)) {
	r.update(name, func(s *api.Status) { change(&s.Change) })
}

// watchWith has f called with every hosted replica's status now and at every
// urgent change.
func (r *reporter) watchWith(f func(api.Status)) {
	r.mu.Lock()
	r.watch = append(r.watch, f)
	var now []api.Status
	for _, s := range r.status {
		now = append(now, *s)
	}
	r.mu.Unlock()
	for _, s := range now {
		f(s)
	}
}

// serving reports whether all hosted replicas serve.
func (r *reporter) serving() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.status {
		if s.Step != api.CaughtUp {
			return false
		}
	}
	return true
}

// all returns every hosted replica's status as it is now, by name.
func (r *reporter) all() []api.Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]api.Status, 0, len(r.status))
	for _, name := range slices.Sorted(maps.Keys(r.status)) {
		r.measure(name)
		list = append(list, *r.status[name])
	}
	return list
}

// measure brings the size of the board up to date.
func (r *reporter) measure(name string) {
	if l := r.loops[name]; l != nil {
		s := r.status[name]
		s.Articles, s.Vector, s.Behind = l.disk.Len(), l.view.Load().Board.String(), l.view.Load().Behind
	}
}

// run writes changed statuses to w, and answers piece by piece in between, until
// ctx ends or w breaks.
func (r *reporter) run(ctx context.Context, w io.Writer) error {
	pause, rest := time.NewTimer(0), time.NewTimer(0)
	defer pause.Stop()
	defer rest.Stop()
	quiet := true // the pause between two reports of growth is over
	allowed := newBucket(urgentBurst, urgentRate)
	encoder := json.NewEncoder(w)
	var answer speech
	for {
		changed, paused, answers, more := r.changed, pause.C, r.answers, never
		if wait := allowed.wait(); wait > 0 {
			changed, paused = nil, nil
			rest.Reset(wait)
		}
		if answer.left {
			answers, more = nil, always
		}
		select {
		case <-ctx.Done():
			return r.write(encoder, true)
		case <-rest.C:
			continue
		case a := <-answers:
			answer = speech{rest: a, left: true}
			continue
		case <-more:
			if err := answer.write(encoder); err != nil {
				return err
			}
			continue
		case <-changed:
		case <-paused:
			quiet = true
		}
		allowed.take()
		if err := r.write(encoder, quiet); err != nil {
			return err
		}
		if quiet {
			quiet = false
			pause.Reset(boardReportEvery)
		}
	}
}

// One of these channels can always be read from, the other one never.
var (
	always = func() <-chan struct{} {
		c := make(chan struct{})
		close(c)
		return c
	}()
	never <-chan struct{}
)

// write reports what has changed: the urgent, and with grown also the rest.
func (r *reporter) write(encoder *json.Encoder, grown bool) error {
	r.mu.Lock()
	due := maps.Clone(r.urgent)
	clear(r.urgent)
	if grown {
		maps.Copy(due, r.grown)
		clear(r.grown)
	}
	var lines []api.Status
	for _, name := range slices.Sorted(maps.Keys(due)) {
		r.measure(name)
		lines = append(lines, *r.status[name])
	}
	r.mu.Unlock()
	for _, line := range lines {
		if err := encoder.Encode(line); err != nil {
			return err
		}
	}
	return nil
}
