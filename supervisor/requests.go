package supervisor

import (
	"encoding/json"
	"fmt"
	"slices"
	"syscall"

	"consequor/topologies"
)

// onRequest does r now, or lets it wait for the end of the child that an
// earlier request waits for as well. Equal requests share one end: twenty
// restarts at once are one restart.
func (p *process) onRequest(r *request) {
	switch {
	case p.ending:
		r.answer <- outcome{err: errStopping()}
	case p.op == nil || r.plugin != "":
		p.begin(r)
	case r.verb == p.op.verb && r.respawn == p.op.respawn:
		p.share(r)
	case r.verb == Kill && p.op.verb == Stop:
		p.op = r // whoever asked for the stop gets it, too
		p.share(r)
		p.signal(syscall.SIGKILL)
	case len(p.queue) >= requestsMax:
		r.answer <- outcome{err: p.busy()}
	default:
		if r.verb == Kill {
			p.signal(syscall.SIGKILL) // it need not wait for an orderly stop
		}
		p.queue = append(p.queue, r)
	}
}

func (p *process) share(r *request) {
	if len(p.joined) >= waitersMax {
		r.answer <- outcome{err: p.busy()}
		return
	}
	p.joined = append(p.joined, r)
}

// begin does r, or begins it: kill, stop and restart are answered in onExit.
func (p *process) begin(r *request) {
	if r.plugin != "" {
		r.answer <- p.actOnPlugin(r)
		return
	}
	if p.child == nil {
		r.answer <- p.actOnNone(r)
		return
	}
	switch r.verb {
	case Pause:
		r.answer <- p.pause()
	case Resume:
		r.answer <- p.resume()
	case Kill:
		p.op, p.joined = r, []*request{r}
		p.signal(syscall.SIGKILL)
	case Stop:
		p.op, p.joined = r, []*request{r}
		p.terminate("is being stopped")
	case Restart:
		p.op, p.joined = r, []*request{r}
		p.terminate("is being stopped, to be restarted")
	}
}

// actOnNone does r to a process that is not there, but may be about to be
// started again.
func (p *process) actOnNone(r *request) outcome {
	if r.verb == Restart {
		return p.respawn()
	}
	waiting := p.timer.Stop()
	switch {
	case waiting && r.verb == Kill && !r.respawn:
		p.hub.died(p.hosts, EventKilled, StateKilled, "was killed, and stays down until it is restarted")
		return outcome{}
	case waiting && r.verb == Stop:
		p.hub.died(p.hosts, EventStopped, StateStopped, "is stopped, until it is restarted")
		return outcome{}
	case waiting:
		p.timer.Reset(p.policy.Backoff)
	}
	return outcome{err: &Error{Kind: KindNotAlive, Message: fmt.Sprintf("cannot %s %s: it has no process", r.verb, p.name),
		Hint: "start it with: consequorctl restart " + p.name}}
}

// pause stops the process, then its plugins: in the other order it could start
// a new plugin in between.
func (p *process) pause() outcome {
	if err := p.child.signal(syscall.SIGSTOP); err != nil {
		return outcome{err: &Error{Kind: KindInternal, Message: err.Error()}}
	}
	p.signalPlugins(syscall.SIGSTOP)
	p.paused = true
	p.hub.setPaused(p.hosts, true)
	return outcome{pid: p.child.pid}
}

// resume has the process and its plugins go on, also those that were paused
// alone.
func (p *process) resume() outcome {
	p.signalPlugins(syscall.SIGCONT)
	if err := p.child.signal(syscall.SIGCONT); err != nil {
		return outcome{err: &Error{Kind: KindInternal, Message: err.Error()}}
	}
	if !p.paused {
		idle := !slices.ContainsFunc(p.hosts, p.hub.pluginPaused)
		p.hub.hold(p.hosts, 0)
		return outcome{pid: p.child.pid, idle: idle}
	}
	p.paused = false
	p.hub.setPaused(p.hosts, false)
	return outcome{pid: p.child.pid}
}

var pluginSignals = map[Verb]syscall.Signal{
	Kill:    syscall.SIGKILL,
	Restart: syscall.SIGKILL, // its replicad starts it again, always
	Pause:   syscall.SIGSTOP,
	Resume:  syscall.SIGCONT,
}

func (p *process) actOnPlugin(r *request) outcome {
	pid := p.last[r.plugin].PluginPID
	if p.child == nil || pid == 0 {
		return outcome{err: &Error{Kind: KindNotAlive, Message: fmt.Sprintf("cannot %s the plugin of %s: it has none", r.verb, r.plugin)}}
	}
	s := pluginSignals[r.verb]
	if err := signalPlugin(pid, p.child.pid, s); err != nil {
		return outcome{err: &Error{Kind: KindNotAlive, Message: fmt.Sprintf("cannot %s the plugin of %s: %v", r.verb, r.plugin, err)}}
	}
	p.hub.note(EventPlugin, r.plugin, fmt.Sprintf("the plugin of %s, pid %d, was sent %v (%s)", r.plugin, pid, s, r.verb))
	idle := r.verb == Resume && !p.paused && !p.hub.pluginPaused(r.plugin)
	switch r.verb {
	case Pause:
		p.hub.hold(p.servedBy(pid), pid)
	case Resume:
		p.hub.hold(p.servedBy(pid), 0)
	}
	return outcome{pid: pid, idle: idle}
}

// servedBy lists the replicas that the plugin pid serves.
func (p *process) servedBy(pid int) []string {
	return slices.DeleteFunc(slices.Clone(p.hosts), func(host string) bool { return p.last[host].PluginPID != pid })
}

// give has the child told an order, if there is one that was told to go and the
// order is not one too many. Orders are given again as long as they hold.
func (p *process) give(o topologies.Order) {
	select {
	case p.orders <- o:
	default:
	}
}

func (p *process) onOrder(o topologies.Order) {
	if p.child == nil || !p.told {
		return
	}
	line, err := json.Marshal(o)
	if err == nil && len(line) >= topologies.OrderSizeMax {
		err = fmt.Errorf("%d bytes, the limit is %d", len(line), topologies.OrderSizeMax)
	}
	if err != nil {
		p.note(fmt.Sprintf("cannot be ordered to %s: %v", o.Kind, err))
		return
	}
	p.child.order(append(line, '\n'))
}
