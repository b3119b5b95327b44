package supervisor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"consequor/supervisor/modechange"
	"consequor/topologies"
)

// changer runs mode changes. It shows the pure core what the hub knows, and
// does what the core wants done. One goroutine, run, owns it.
//
//	hub ── reports ──> core ──> record, durable
//	                        ──> orders ──> processes ──> lifelines
//	                        ──> progress ──> events, and whoever asked
type changer struct {
	core    *modechange.Changer
	hub     *hub
	site    site
	start   time.Time // zero of the core's time
	begins  chan *swap
	closing <-chan struct{}

	swap *swap // that someone asked for and that is under way; nil: none
}

// site is what the changer needs of the supervisor.
type site interface {
	// record makes a step of a change durable. A mode that begins is mode.
	record(r modechange.Record, mode topologies.Mode) error
	// order has a replica's process told something, if it can be told.
	order(replica string, o topologies.Order)
	// mode is the one that is on record.
	mode() topologies.Mode
}

func newChanger(core *modechange.Changer, h *hub, s site, closing <-chan struct{}) *changer {
	return &changer{core: core, hub: h, site: s, start: time.Now(), begins: make(chan *swap), closing: closing}
}

// begin hands a change to run and returns when it is under way, or why it is
// not.
func (c *changer) begin(w *swap) error {
	select {
	case c.begins <- w:
		return <-w.begun
	case <-c.closing:
		return errStopping()
	}
}

// run returns when the end has begun. A change that is under way then goes on,
// or is called off, when the cluster is brought up again.
func (c *changer) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		reports, changed := c.hub.reports()
		c.step(reports)
		timer.Stop()
		if at, ok := c.core.Wake(); ok {
			timer.Reset(time.Until(c.start.Add(at)))
		}
		select {
		case <-changed:
		case w := <-c.begins:
			c.onBegin(w)
		case <-timer.C:
		case <-c.closing:
			c.abandon()
			return
		}
	}
}

func (c *changer) now() time.Duration { return time.Since(c.start) }

func (c *changer) onBegin(w *swap) {
	if c.core.Busy() {
		w.begun <- &Error{Kind: KindChanging, Message: "another mode change is under way", Hint: "see how far it is with: consequorctl status"}
		return
	}
	if cut := c.hub.cutLinks(); cut != "" {
		w.begun <- &Error{Kind: KindLinkCut, Message: "a mode change needs all links: " + cut, Hint: "bring them back with: consequorctl heal"}
		return
	}
	reports, _ := c.hub.reports()
	if refusal := c.core.Begin(c.now(), reports); refusal != nil {
		w.begun <- &Error{Kind: KindReplicaDown, Message: refusal.Why, Hint: c.hub.bringBack(refusal.Replica)}
		return
	}
	w.from = c.site.mode().Name
	c.swap = w
	w.begun <- nil
}

// bringBack is what makes a replica serve again that is in the state state.
func bringBack(replica string, state State) string {
	switch state {
	case StatePaused:
		return "let it go on with: consequorctl resume " + replica
	case StateFailed:
		return "see why with: consequorctl status; once that is mended: consequorctl restart " + replica
	case StateStarting, StateServing:
		return "see what it waits for, and when it serves: consequorctl status --watch"
	}
	return "bring it back with: consequorctl restart " + replica
}

// step lets the core look, and does what it wants: first what is to be durable,
// then what that allows.
func (c *changer) step(reports []modechange.Report) {
	for {
		var out modechange.Output
		c.core.Step(c.now(), reports, &out)
		for _, o := range out.Orders {
			c.site.order(o.To, c.orderOf(o))
		}
		for _, p := range out.Told {
			c.tell(p)
		}
		if out.Save != nil {
			c.save(*out.Save)
		}
		if out.End != nil {
			c.end(out.End)
		}
		c.hub.hang(string(c.core.Phase()), c.core.Waits())
		if out.Save == nil {
			return
		}
	}
}

func (c *changer) save(r modechange.Record) {
	next := topologies.Mode{}
	if c.swap != nil {
		next = c.swap.mode
	}
	if err := c.site.record(r, next); err != nil {
		c.hub.note(EventMode, "", "mode: "+err.Error())
		c.core.NotSaved(err.Error())
		return
	}
	c.core.Saved()
	c.hub.decided(c.site.mode(), r.Epoch)
}

// orderOf fills in what the core knows nothing of: the modes.
func (c *changer) orderOf(o modechange.Order) topologies.Order {
	order := topologies.Order{Kind: topologies.OrderKind(o.Kind), Attempt: o.Attempt, Epoch: o.Epoch, ModeEpoch: o.ModeEpoch, Target: o.Target}
	switch {
	case o.Kind == modechange.OrderActivate:
		order.Mode = c.site.mode()
	case o.Kind == modechange.OrderPrepare && c.swap != nil:
		order.Mode = c.swap.mode
	}
	return order
}

func (c *changer) tell(p modechange.Progress) {
	c.hub.note(EventMode, "", fmt.Sprintf("mode: %s: %s", p.Phase, p.Text))
	if c.swap != nil {
		c.swap.tell(SwapProgress{Step: string(p.Phase), Text: p.Text, Decided: p.Phase == modechange.Activate})
	}
}

// end tells how the change went.
func (c *changer) end(e *modechange.End) {
	mode := c.site.mode().Name
	last := SwapProgress{Text: endText(e, mode)}
	c.hub.note(EventMode, "", "mode: "+last.Text)
	w := c.swap
	if c.swap = nil; w == nil {
		return
	}
	if e.Swapped {
		last.Result = &SwapResult{Mode: mode, Epoch: e.Epoch, From: w.from, Steps: stepsOf(e.Took), PauseMS: milliseconds(e.Pause), Missing: append([]string{}, e.Missing...)}
	} else {
		last.Error = &Error{Kind: Kind(e.Cause), Message: fmt.Sprintf("mode %s: %s", w.mode.Name, last.Text), Hint: swapHints[e.Cause]}
	}
	w.tell(last)
}

var swapHints = map[modechange.Cause]string{
	modechange.NotPrepared: "why is in the logs: consequorctl logs",
	modechange.ReplicaDown: "all replicas are needed: see consequorctl status",
	modechange.CalledOff:   "see consequorctl status, and try again",
}

func endText(e *modechange.End, mode string) string {
	missing := ""
	if len(e.Missing) > 0 {
		missing = "; not yet on " + strings.Join(e.Missing, ", ")
	}
	switch {
	case e.Swapped:
		return fmt.Sprintf("%s runs in epoch %d, posts waited %v%s", mode, e.Epoch, e.Pause.Round(time.Millisecond), missing)
	case e.Cause == modechange.CalledOff:
		return fmt.Sprintf("called off, for %s; %s goes on in epoch %d%s", e.Why, mode, e.Epoch, missing)
	}
	return fmt.Sprintf("not begun, for %s; %s goes on untouched", e.Why, mode)
}

// abandon takes leave of whoever waits for a change when the cluster goes down.
func (c *changer) abandon() {
	w := c.swap
	if w == nil {
		return
	}
	if c.core.Decided() && c.core.Phase() == modechange.Activate {
		w.tell(SwapProgress{Text: "decided; it goes on when the cluster is brought up again", Result: &SwapResult{
			Mode: w.mode.Name, Epoch: c.core.Record().Epoch, From: w.from, Steps: []SwapStep{}, Missing: c.core.Waits()}})
		return
	}
	w.tell(SwapProgress{Error: &Error{Kind: KindStopping, Message: "the cluster is going down: the mode is not changed"}})
}

// resumeChange makes the state durable. If a mode change was under way when the
// last supervisor ended, the state then says that it is called off, in an epoch
// of its own, before any replica is started.
func (s *supervisor) resumeChange() error {
	s.core = modechange.New(s.state.record(), s.state.replicas())
	var out modechange.Output
	s.core.Step(0, nil, &out)
	if out.Save != nil {
		s.state.setRecord(*out.Save)
	}
	if err := s.state.save(s.base); err != nil {
		return fmt.Errorf("keep the cluster's state: %w", err)
	}
	if out.Save != nil {
		s.core.Saved()
	}
	return nil
}

// record makes a step of a mode change durable.
func (s *supervisor) record(r modechange.Record, mode topologies.Mode) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, before := s.state.record(), s.state.Mode
	s.state.setRecord(r)
	if r.ModeEpoch > was.ModeEpoch {
		s.state.Mode = mode
	}
	if err := s.state.save(s.base); err != nil {
		s.state.setRecord(was)
		s.state.Mode = before
		return fmt.Errorf("put the mode change in epoch %d on record: %w", r.Epoch, err)
	}
	return nil
}

func (s *supervisor) order(replica string, o topologies.Order) {
	for _, p := range s.processes {
		if slices.Contains(p.hosts, replica) {
			p.give(o)
		}
	}
}

func (s *supervisor) mode() topologies.Mode {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.Mode
}
