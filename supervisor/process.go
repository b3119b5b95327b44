package supervisor

import (
	"fmt"
	"slices"
	"syscall"
	"time"

	"consequor/replicad/api"
	"consequor/topologies"
)

// keeper is what a process needs of the supervisor.
type keeper interface {
	// launch starts the process.
	launch(process string) (*child, error)
	// served makes durable that the process has served.
	served(process string) error
}

// The limits of one process.
const (
	requestsMax = 64               // that wait; beyond, the caller is told to come again
	waitersMax  = 256              // callers that share one restart, kill or stop
	stopLimit   = 10 * time.Second // an orderly stop that takes longer becomes a kill
	quickDeath  = 10 * time.Second // who lived longer was not in a crash loop
)

// process keeps one replicad process as it is wanted. One goroutine, run, owns
// it all; requests come to it by a channel and are done one after the other.
//
//	          spawn                        asked for: kill, stop
//	(none) ─────────> child ───────────────────────────────────────> (none)
//	  ^                 │ died unasked                                killed, stopped
//	  │ after a pause   v
//	  └────────────  policy ── given up, or a fault ──> (none) failed
type process struct {
	name   string
	hosts  []string // replicas
	policy topologies.Restart
	keeper keeper
	hub    *hub

	requests chan *request
	orders   chan topologies.Order
	closing  <-chan struct{} // closed: stop in order, for good
	hurry    <-chan struct{} // closed: at once
	done     chan struct{}   // closed: run has returned, no child is left

	// Owned by run.
	child   *child                // nil: none
	reports <-chan api.Status     // of the child; nil: none, or no more
	paused  bool                  // by SIGSTOP
	told    bool                  // this child was told to go
	last    map[string]api.Status // last reports of this child, by replica
	deaths  int                   // quick ones in a row
	ending  bool                  // closing was seen
	timer   *time.Timer           // child: time to kill it; no child: time to spawn one
	op      *request              // under way: waits for the child's end
	joined  []*request            // that share op's end
	queue   []*request
}

// request is a verb for a process. Its answer is sent once.
type request struct {
	verb    Verb
	plugin  string // the replica whose plugin is meant; empty: the process itself
	respawn bool
	answer  chan outcome // of capacity 1
}

type outcome struct {
	pid  int
	idle bool // resume: nothing of it was paused
	err  error
}

func newProcess(name string, hosts []string, policy topologies.Restart, k keeper, h *hub, closing, hurry <-chan struct{}) *process {
	return &process{
		name: name, hosts: hosts, policy: policy, keeper: k, hub: h,
		requests: make(chan *request, requestsMax), orders: make(chan topologies.Order, ordersQueued), closing: closing, hurry: hurry, done: make(chan struct{}),
	}
}

// do hands a request to run and waits for its answer.
func (p *process) do(r request) outcome {
	r.answer = make(chan outcome, 1)
	select {
	case p.requests <- &r:
	case <-p.done:
		return outcome{err: errStopping()}
	default:
		return outcome{err: p.busy()}
	}
	select {
	case o := <-r.answer:
		return o
	case <-p.done:
	}
	select {
	case o := <-r.answer: // both were ready
		return o
	default:
		return outcome{err: errStopping()}
	}
}

func errStopping() *Error {
	return &Error{Kind: KindStopping, Message: "the cluster is going down"}
}

func (p *process) busy() *Error {
	return &Error{Kind: KindBusy, Message: p.name + " has too many requests waiting", Hint: "try again in a moment"}
}

func (p *process) run() {
	defer close(p.done)
	p.timer = time.NewTimer(time.Hour)
	p.timer.Stop()
	p.spawn()
	for !p.ending || p.child != nil {
		p.step()
	}
}

// step handles the next thing that happens.
func (p *process) step() {
	var exited <-chan exit
	if p.child != nil {
		exited = p.child.exited
	}
	select {
	case <-p.closing:
		p.closing = nil
		p.onClosing()
	case <-p.hurry:
		p.hurry = nil
		p.onHurry()
	case r := <-p.requests:
		p.onRequest(r)
	case o := <-p.orders:
		p.onOrder(o)
	case s, ok := <-p.reports:
		if !ok {
			p.reports = nil // all are in; its end is near
			return
		}
		p.onReport(s)
	case e := <-exited:
		p.onExit(e)
	case <-p.timer.C:
		p.onTimer()
	}
}

func (p *process) onClosing() {
	p.ending = true
	p.timer.Stop()
	p.terminate("is stopping")
}

func (p *process) onHurry() {
	p.ending = true
	p.timer.Stop()
	p.signal(syscall.SIGKILL)
}

func (p *process) onTimer() {
	if p.child == nil {
		p.spawn()
		return
	}
	p.note(fmt.Sprintf("did not stop within %v and is killed", stopLimit))
	p.signal(syscall.SIGKILL)
}

// onReport takes a replica's word on itself. At the first word that it has
// started, the process goes on record; only then is it told to take part.
func (p *process) onReport(s api.Status) {
	if s.Name == "" && len(p.hosts) == 1 {
		s.Name = p.hosts[0]
	}
	if !slices.Contains(p.hosts, s.Name) {
		p.note(fmt.Sprintf("reports on %q, which it does not host", s.Name))
		return
	}
	p.last[s.Name] = s
	p.hub.reported(s)
	up := s.Step == api.Started || s.Step == api.Joined || s.Step == api.CaughtUp
	if !up || p.told {
		return
	}
	p.told = true
	err := p.keeper.served(p.name)
	if err == nil {
		err = p.child.sendGo()
	}
	if err != nil {
		p.note("cannot be told to go: " + err.Error())
		p.signal(syscall.SIGKILL)
	}
}

// spawn starts the process, unless it is to end.
func (p *process) spawn() {
	p.timer.Stop()
	if p.ending {
		return
	}
	c, err := p.keeper.launch(p.name)
	if err != nil {
		p.mourn(exit{-1, "cannot be started: " + err.Error()}, 0, "")
		return
	}
	p.child, p.reports, p.paused, p.told = c, c.reports, false, false
	p.last = make(map[string]api.Status)
	p.hub.spawned(p.hosts, c.pid)
}

// onExit takes leave of the child and does what its end was waited for.
func (p *process) onExit(e exit) {
	c := p.child
	for p.reports != nil {
		s, ok := <-p.reports
		if !ok {
			p.reports = nil
			break
		}
		p.onReport(s)
	}
	c.hangUp()
	p.timer.Stop()
	p.child, p.paused = nil, false
	op, all := p.op, p.joined
	p.op, p.joined = nil, nil

	o := outcome{pid: c.pid}
	switch {
	case p.ending:
		p.hub.died(p.hosts, EventStopped, StateStopped, "is stopped")
		if op != nil && op.verb == Restart {
			o = outcome{err: errStopping()}
		}
	case op == nil || op.verb == Kill && op.respawn:
		p.mourn(e, time.Since(c.started), lastWords(c.logPath, c.logFrom))
	case op.verb == Kill:
		p.hub.died(p.hosts, EventKilled, StateKilled, "was killed, and stays down until it is restarted")
	case op.verb == Stop:
		p.hub.died(p.hosts, EventStopped, StateStopped, "is stopped, until it is restarted")
	case op.verb == Restart:
		p.hub.died(p.hosts, EventStopped, StateStarting, "is being restarted")
		o = p.respawn()
	}
	for _, r := range all {
		r.answer <- o
	}
	for p.op == nil && len(p.queue) > 0 {
		r := p.queue[0]
		p.queue = p.queue[1:]
		p.begin(r)
	}
}

// respawn starts the process because someone asked for it.
func (p *process) respawn() outcome {
	p.deaths = 0
	p.spawn()
	if p.child == nil {
		return outcome{err: &Error{Kind: KindInternal, Message: p.name + " cannot be started", Hint: "see why with: consequorctl status"}}
	}
	return outcome{pid: p.child.pid}
}

// wordsHead stands between why a process died and, on lines of their own, its
// last words.
const wordsHead = "; its last words:"

// mourn does what the policy says after a death that nobody asked for.
func (p *process) mourn(e exit, lived time.Duration, words string) {
	if lived < quickDeath {
		p.deaths++
	} else {
		p.deaths = 1
	}
	if words != "" {
		words = wordsHead + "\n" + words
	}
	switch {
	case e.code == topologies.ExitFault:
		p.hub.died(p.hosts, EventFailed, StateFailed, p.fault(e)+words)
	case e.code == 0 && p.policy.Policy == topologies.OnFailure:
		p.hub.died(p.hosts, EventStopped, StateStopped, "has ended by itself, in order")
	case p.policy.Policy == topologies.Never:
		p.hub.died(p.hosts, EventFailed, StateFailed, e.text+" and is not started again, says the restart policy"+words)
	case p.deaths >= p.policy.GiveUpAfter:
		p.hub.died(p.hosts, EventFailed, StateFailed, fmt.Sprintf("is in a crash loop: %s, the last of %d quick deaths%s", e.text, p.deaths, words))
	default:
		pause := backoff(p.policy, p.deaths)
		p.timer.Reset(pause)
		p.hub.died(p.hosts, EventDied, StateStarting, fmt.Sprintf("%s; it is started again in %v", e.text, pause))
	}
}

// fault is why a process ended that no new start can mend.
func (p *process) fault(e exit) string {
	for _, host := range p.hosts {
		if s := p.last[host]; s.Fault != "" {
			return "has failed: " + s.Fault
		}
	}
	return e.text + ", which a new start cannot mend"
}

// backoff is the pause after the nth quick death in a row.
func backoff(r topologies.Restart, n int) time.Duration {
	pause := r.Backoff
	for i := 1; i < n && pause < r.BackoffMax; i++ {
		pause *= 2
	}
	return min(pause, r.BackoffMax)
}

func (p *process) note(text string) { p.hub.note(EventNote, p.name, p.name+" "+text) }

// signal sends s to the child, if there is one.
func (p *process) signal(s syscall.Signal) {
	if p.child == nil {
		return
	}
	if err := p.child.signal(s); err != nil {
		p.note(err.Error())
	}
}

// terminate begins an orderly stop. A paused child has to go on to obey.
func (p *process) terminate(text string) {
	if p.child == nil {
		return
	}
	p.hub.note(EventStopping, p.name, p.name+" "+text)
	p.timer.Reset(stopLimit)
	if p.paused {
		p.paused = false
		p.hub.setPaused(p.hosts, false)
	}
	p.signal(syscall.SIGTERM)
	p.signalPlugins(syscall.SIGCONT)
	p.signal(syscall.SIGCONT)
}

// signalPlugins sends s to the plugins of the child, as far as they are known
// and there.
func (p *process) signalPlugins(s syscall.Signal) {
	for _, pid := range p.plugins() {
		if err := signalPlugin(pid, p.child.pid, s); err != nil {
			p.note(err.Error())
		}
	}
}

// plugins lists the pids of the child's plugins, each once.
func (p *process) plugins() []int {
	var pids []int
	for _, host := range p.hosts {
		if pid := p.last[host].PluginPID; pid != 0 && !slices.Contains(pids, pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}
