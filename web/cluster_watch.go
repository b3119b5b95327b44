package web

import (
	"context"
	"sync"
	"time"

	"consequor/supervisor"
)

// The limits of what shows the living cluster.
const (
	watchersMax  = 100                    // streams open at a time; one more is refused
	watchQueue   = 4                      // messages that wait for a reader; one who lets more wait is dropped
	watchPause   = 150 * time.Millisecond // between two messages
	watchAgain   = time.Second            // until a supervisor that does not answer is asked again
	linksPause   = time.Second            // between two questions for all links
	linksTimeout = 2 * time.Second        // for one
	eventsShown  = 60                     // of the timeline, the newest
)

// facts are what is known of the cluster at one moment.
type facts struct {
	status *supervisor.ClusterStatus // nil: nothing
	err    error                     // why no newer status comes; nil: it is the newest
	events []supervisor.Event        // the last eventsShown, by rising Seq
	links  *links                    // nil: not known
}

// watches are the readers of the cluster's page. They share one watch, which
// runs as long as there is one of them.
type watches struct {
	cluster *cluster
	sampler *sampler
	render  func(f *facts, control bool) []byte

	ctx     context.Context // of Run
	running sync.WaitGroup

	mu      sync.Mutex
	current *watch
	readers int
}

// watch is fed by the supervisor, or, where there is none, by asking replicas.
type watch struct {
	ws   *watches
	stop context.CancelFunc
	poke chan struct{} // something may be new

	mu sync.Mutex
	facts

	// Guarded by ws.mu.
	streams map[*stream]bool // whether the reader may control
	last    map[bool][]byte  // message, for those who may control and for the others
}

func newWatches(c *cluster, render func(*facts, bool) []byte) *watches {
	return &watches{cluster: c, render: render, sampler: &sampler{control: c.source.Control()}, ctx: context.Background()}
}

// open begins a stream; nil: there are too many.
func (ws *watches) open(control bool) (s *stream, done func()) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.readers == watchersMax {
		return nil, nil
	}
	ws.readers++
	w := ws.current
	if w == nil {
		w = &watch{ws: ws, poke: make(chan struct{}, 1), streams: make(map[*stream]bool), last: make(map[bool][]byte)}
		var ctx context.Context
		ctx, w.stop = context.WithCancel(ws.ctx)
		ws.current = w
		ws.running.Go(func() { w.run(ctx) })
	}
	s = &stream{messages: make(chan []byte, watchQueue)}
	w.streams[s] = control
	if m := w.last[control]; m != nil {
		s.messages <- m
	} else {
		w.wake()
	}
	return s, func() { ws.close(w, s) }
}

// close ends a stream, and the watch with the last one.
func (ws *watches) close(w *watch, s *stream) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.readers--
	delete(w.streams, s)
	if len(w.streams) == 0 && ws.current == w {
		ws.current = nil
		w.stop()
	}
}

// run tells all readers what is new until nobody wants to know.
func (w *watch) run(ctx context.Context) {
	defer w.stop()
	var feeding sync.WaitGroup
	defer feeding.Wait()
	if control := w.ws.cluster.source.Control(); control != nil {
		feeding.Go(func() { again(ctx, func() { w.followStatus(ctx, control) }) })
		feeding.Go(func() { again(ctx, func() { w.followEvents(ctx, control) }) })
		feeding.Go(func() { again(ctx, func() { w.askLinks(ctx) }) })
	} else {
		feeding.Go(func() { again(ctx, func() { w.askStatus(ctx) }) })
	}
	for {
		select {
		case <-w.poke:
		case <-ctx.Done():
			return
		}
		w.tell()
		if !wait(ctx, watchPause) {
			return
		}
	}
}

// again does something over and over, with a pause between.
func again(ctx context.Context, do func()) {
	for ctx.Err() == nil {
		do()
		wait(ctx, watchAgain)
	}
}

func wait(ctx context.Context, d time.Duration) (on bool) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (w *watch) wake() {
	select {
	case w.poke <- struct{}{}:
	default:
	}
}

func (w *watch) change(f func()) {
	w.mu.Lock()
	f()
	w.mu.Unlock()
	w.wake()
}

func (w *watch) followStatus(ctx context.Context, control Control) {
	err := control.WatchStatus(ctx, func(s *supervisor.ClusterStatus) error {
		w.change(func() { w.status, w.err = s, nil })
		return nil
	})
	if ctx.Err() == nil {
		w.change(func() { w.err = err })
	}
}

// followEvents begins with those that are kept: the supervisor may be another
// one by now, which counts anew.
func (w *watch) followEvents(ctx context.Context, control Control) {
	w.mu.Lock()
	w.events = nil
	w.mu.Unlock()
	_ = control.Events(ctx, 0, func(e supervisor.Event) error { // the status tells that the supervisor is gone
		w.change(func() { w.events = lastOf(append(w.events, e)) })
		return nil
	})
}

func lastOf(events []supervisor.Event) []supervisor.Event {
	if n := len(events) - eventsShown; n > 0 {
		return append([]supervisor.Event(nil), events[n:]...) // readers may have the old one
	}
	return events
}

func (w *watch) askLinks(ctx context.Context) {
	w.mu.Lock()
	status := w.status
	w.mu.Unlock()
	if found := w.ws.sampler.sample(ctx, status); found != nil {
		w.change(func() { w.links = found })
	}
}

func (w *watch) askStatus(ctx context.Context) {
	_, status, err := w.ws.cluster.reach(ctx)
	if ctx.Err() == nil {
		w.change(func() { w.err = err; w.status = status })
	}
}

// tell sends each reader what the cluster is like, unless it is what it was.
func (w *watch) tell() {
	w.mu.Lock()
	f := w.facts
	w.mu.Unlock()
	if f.status == nil && f.err == nil {
		return // nothing has come yet
	}
	for _, control := range []bool{false, true} {
		if !w.wanted(control) {
			continue
		}
		if m := w.ws.render(&f, control); m != nil {
			w.send(control, m)
		}
	}
}

func (w *watch) wanted(control bool) bool {
	w.ws.mu.Lock()
	defer w.ws.mu.Unlock()
	for _, c := range w.streams {
		if c == control {
			return true
		}
	}
	delete(w.last, control) // the next one is told anew
	return false
}

func (w *watch) send(control bool, message []byte) {
	w.ws.mu.Lock()
	defer w.ws.mu.Unlock()
	if string(w.last[control]) == string(message) {
		return
	}
	w.last[control] = message
	for s, c := range w.streams {
		if c != control {
			continue
		}
		select {
		case s.messages <- message:
		default:
			delete(w.streams, s)
			close(s.messages)
		}
	}
}

// factsNow are those for a page that is loaded: as they are then.
func (v *visit) factsNow() *facts {
	f := &facts{err: v.renew()}
	f.status = v.status
	control := v.s.config.Source.Control()
	if control == nil || f.err != nil {
		return f
	}
	ctx, cancel := context.WithTimeout(v.ctx, linksTimeout)
	defer cancel()
	var asking sync.WaitGroup
	asking.Go(func() { f.links = v.s.watches.sampler.sample(ctx, v.status) })
	events, err := control.KeptEvents(ctx)
	if err == nil {
		f.events = lastOf(events)
	}
	asking.Wait()
	return f
}

// renew asks the supervisor how the cluster is just now: what a page shares with
// others may be of before what was done on the page before. An error leaves what
// was last known.
func (v *visit) renew() error {
	if v.s.config.Source.Control() != nil {
		ctx, cancel := context.WithTimeout(v.ctx, 2*askLimit)
		defer cancel()
		status, err := v.s.config.Source.Status(ctx)
		if err != nil {
			return err
		}
		status.WebControl = nil
		v.status = status
	}
	if v.status == nil {
		return errAbsent
	}
	return nil
}
