package replica

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"consequor/board"
	"consequor/modes/modeplugin"
	"consequor/replicad/api"
	"consequor/replicad/store"
	"consequor/replicad/wire"
	"consequor/topologies"
)

// How long an orderly end may take, step by step.
const (
	handOverLimit = 2 * time.Second // for the modes to hand over
	reportsLimit  = time.Second     // for the supervisor to take the last reports
)

// VotersMax is how many replicas decide, in modes that have deciders.
const VotersMax = 7

// faultError ends the process for good: to start it again would not help.
type faultError struct {
	why  string
	help string // what a person can do, if the fault is this process's end; may be empty
}

func (e *faultError) Error() string { return e.why }

// helped is the fault as it ends the process: with what helps.
func (e *faultError) helped() *faultError {
	if e.help == "" {
		return e
	}
	return &faultError{why: e.why + "; " + e.help}
}

// Options are what a process is given beside its configuration.
type Options struct {
	Config topologies.Process
	// Self is how this program is started as itself, to run a built-in mode:
	// the words before "mode-plugin NAME".
	Self []string
	// Reports takes the hosted replicas' statuses, as JSON lines; may be nil.
	Reports io.Writer
	// Go is closed when the supervisor has noted that the data exists; nil:
	// there is no supervisor to wait for.
	Go <-chan struct{}
	// Orders are the supervisor's; nil: none come.
	Orders <-chan topologies.Order
	Log    *slog.Logger
	// PluginOutput takes what the plugin prints, line by line; may be nil.
	PluginOutput io.Writer

	limits limits // zero: the default ones

	// open is where state machines run: in the plugin, but for a benchmark.
	open func(*modeplugin.Process, board.ReplicaID) (steps, error)
}

// limits are what tests make small.
type limits struct {
	watchEvery     time.Duration
	recordsSizeMax int // see disk
}

var defaultLimits = limits{watchEvery: watchEvery, recordsSizeMax: recordsSizeMax}

// process is a replicad process.
type process struct {
	config   topologies.Process
	limits   limits
	open     func(*modeplugin.Process, board.ReplicaID) (steps, error)
	self     []string
	log      *slog.Logger
	output   io.Writer
	store    *store.Store
	node     *wire.Node
	plugin   *keeper
	loops    []*loop
	reporter *reporter
	tap      tap
	spans    map[board.ReplicaID]chan span
	ids      []board.ReplicaID // of all replicas, rising
	byID     map[board.ReplicaID]*topologies.Replica
}

// Run is a replicad process from disk to serving and back. It returns when
// ctx ends, after an orderly end, or when the process can't go on; then the
// error is a fault if starting it again would not help (see ExitCode).
func Run(ctx context.Context, o Options) error {
	p := &process{
		config: o.Config, limits: cmp.Or(o.limits, defaultLimits), self: o.Self, log: o.Log, output: o.PluginOutput,
		spans: make(map[board.ReplicaID]chan span), byID: make(map[board.ReplicaID]*topologies.Replica),
	}
	if p.open = o.open; p.open == nil {
		p.open = openPlugin
	}
	for i := range p.config.Replicas {
		p.ids = append(p.ids, p.config.Replicas[i].ID)
		p.byID[p.config.Replicas[i].ID] = &p.config.Replicas[i]
	}
	p.reporter = newReporter(p)
	var reporting sync.WaitGroup
	reportCtx, stopReporting := context.WithCancel(context.Background())
	if o.Reports != nil {
		reporting.Go(func() {
			if err := p.reporter.run(reportCtx, o.Reports); err != nil {
				p.log.Warn("reports end", "err", err)
			}
		})
	}
	err := p.serve(ctx, &o)
	if err != nil {
		p.fail(err)
	}
	stopReporting()
	reported := make(chan struct{})
	go func() {
		reporting.Wait()
		close(reported)
	}()
	select {
	case <-reported:
	case <-time.After(reportsLimit): // nobody reads them
	}
	return err
}

// fail tells the supervisor of a fault, in the replicas' own status.
func (p *process) fail(err error) {
	if ExitCode(err) != ExitFault {
		return
	}
	for _, r := range p.hostedReplicas() {
		p.reporter.update(r.Name, func(s *api.Status) {
			s.Step = api.Failed
			if s.Fault == "" {
				s.Fault = err.Error()
			}
		})
	}
}

// serve opens everything in order and closes it in the opposite order.
func (p *process) serve(ctx context.Context, o *Options) (err error) {
	p.store, err = store.Open(p.config.DataDir, store.Options{
		Logger: p.log, NoSync: p.config.Ephemeral, MustExist: p.config.Served, Cluster: p.config.ClusterID,
		DiskFull: p.reporter.diskChanged, Cancel: ctx.Done(),
	})
	if ctx.Err() != nil && errors.Is(err, store.ErrClosed) {
		return nil // it waited for room on the disk
	}
	if err != nil {
		return p.storeError(err)
	}
	defer func() { err = errors.Join(err, p.store.Close()) }()

	for _, r := range p.hostedReplicas() {
		l, err := newLoop(p, r)
		if err != nil {
			return &faultError{why: err.Error()}
		}
		p.loops = append(p.loops, l)
	}
	listeners, err := p.listen()
	if err != nil {
		return err
	}
	peers, err := net.Listen("tcp", p.peerAddr())
	if err != nil {
		closeAll(listeners)
		return fmt.Errorf("listen for peers: %w", err)
	}
	defer closeAll(append(listeners, peers)) // closed already, unless the start is cut short
	if err := p.joinPeers(peers); err != nil {
		return err
	}
	p.plugin = newKeeper(p)
	running, err := p.plugin.first(ctx)
	if running == nil {
		return err
	}
	for _, l := range p.loops {
		p.reporter.update(l.self.Name, func(s *api.Status) { s.Step = api.Started })
	}
	if o.Go != nil {
		select {
		case <-o.Go:
		case <-ctx.Done():
			running.Kill()
			return nil
		}
	}
	return p.run(ctx, listeners, running, o.Orders)
}

// storeError says which errors of the disk make a new start pointless.
func (p *process) storeError(err error) error {
	var corrupt *store.CorruptError
	if errors.As(err, &corrupt) || errors.Is(err, store.ErrLost) || errors.Is(err, store.ErrOtherCluster) {
		return &faultError{why: err.Error()}
	}
	return err
}

// listen opens the client API's listeners, one for each hosted replica's
// address.
func (p *process) listen() (listeners []net.Listener, err error) {
	opened := make(map[string]bool)
	for _, r := range p.hostedReplicas() {
		if opened[r.Client] {
			continue
		}
		opened[r.Client] = true
		l, err := net.Listen("tcp", r.Client)
		if err != nil {
			closeAll(listeners)
			return nil, fmt.Errorf("listen for clients of %s: %w", r.Name, err)
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		l.Close() // it has taken nothing in, so there is nothing to lose
	}
}

func (p *process) peerAddr() string { return p.hostedReplicas()[0].Peer }

// joinPeers prepares the node that talks to the other processes.
func (p *process) joinPeers(listener net.Listener) error {
	tls, err := wire.LoadTLS(p.config.TLS.CA, p.config.TLS.Cert, p.config.TLS.Key, p.config.ClusterID)
	if err != nil {
		return err
	}
	c := wire.Config{
		Cluster: p.config.ClusterID, Process: p.config.Name, Hosts: p.config.Hosts,
		Listener: listener, TLS: tls, Handler: p, Logger: p.log, Faults: wireFaults(&p.config.Faults),
	}
	for _, r := range p.config.Replicas {
		switch i := slices.IndexFunc(c.Peers, func(peer wire.Peer) bool { return peer.Process == r.Process }); {
		case r.Process == p.config.Name:
		case i >= 0:
			c.Peers[i].Replicas = append(c.Peers[i].Replicas, r.ID)
		default:
			c.Peers = append(c.Peers, wire.Peer{Process: r.Process, Addr: r.Peer, Replicas: []board.ReplicaID{r.ID}})
		}
		if p.local(r.ID) == nil {
			p.spans[r.ID] = make(chan span, spanQueueMax)
		}
	}
	p.node, err = wire.New(c)
	return err
}

// run serves until ctx ends or something breaks, then ends in order: no more orders
// are taken, the modes hand over, clients get their last answers, then peers, plugin and loops end.
func (p *process) run(ctx context.Context, listeners []net.Listener, running *modeplugin.Process, given <-chan topologies.Order) error {
	base, cancel := context.WithCancel(context.Background())
	defer cancel()
	failed := make(chan error, len(listeners)+len(p.loops)+2)
	var loops, peers, clients, plugins, orders sync.WaitGroup

	loopCtx, endLoops := context.WithCancel(base)
	for _, l := range p.loops {
		loops.Go(func() { l.run(loopCtx) })
		loops.Go(func() {
			select {
			case why := <-l.halted:
				failed <- &faultError{why: l.self.Name + " halted: " + why}
			case <-loopCtx.Done():
			}
		})
	}
	peerCtx, endPeers := context.WithCancel(base)
	peers.Go(func() { failed <- p.node.Run(peerCtx) })
	for _, queue := range p.spans {
		peers.Add(1)
		go p.sendSpans(peerCtx, queue, &peers)
	}
	pluginCtx, endPlugin := context.WithCancel(base)
	plugins.Go(func() { failed <- p.plugin.keep(pluginCtx, running) })
	orderCtx, endOrders := context.WithCancel(base)
	duties := newDuties(p)
	orders.Go(func() { duties.run(orderCtx, given) })
	clientCtx, endClients := context.WithCancel(base)
	for _, l := range listeners {
		server := api.NewServer(p, api.ServerOptions{})
		p.reporter.watchWith(func(s api.Status) {
			server.SetServing(s.Name, s.Step == api.CaughtUp)
			server.SetServing("", p.reporter.serving())
		})
		clients.Go(func() { failed <- server.Run(clientCtx, l) })
	}

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	endOrders()
	orders.Wait()
	if err == nil {
		p.handOver()
	}
	endClients()
	clients.Wait()
	endPlugin()
	plugins.Wait()
	endPeers()
	peers.Wait()
	endLoops()
	loops.Wait()
	return err
}

// handOver asks every mode to leave in order, and waits for that, within
// limits.
func (p *process) handOver() {
	limit := time.After(handOverLimit)
	for _, l := range p.loops {
		l.in.put(l.host.Stop)
	}
	for _, l := range p.loops {
		select {
		case <-l.stopped:
		case <-limit:
			l.log.Warn("the mode did not hand over in time", "limit", handOverLimit)
			return
		}
	}
}

// local returns the loop of a replica that this process hosts, or nil.
func (p *process) local(id board.ReplicaID) *loop {
	for _, l := range p.loops {
		if l.self.ID == id {
			return l
		}
	}
	return nil
}

func (p *process) hostedReplicas() []topologies.Replica {
	var hosted []topologies.Replica
	for _, r := range p.config.Replicas {
		if slices.Contains(p.config.Hosts, r.ID) {
			hosted = append(hosted, r)
		}
	}
	return hosted
}

func (p *process) voters() []board.ReplicaID { return p.ids[:min(len(p.ids), VotersMax)] }

func (p *process) replicaName(id board.ReplicaID) string {
	if r := p.byID[id]; r != nil {
		return r.Name
	}
	return id.String()
}

func (p *process) names(ids []board.ReplicaID) []string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = p.replicaName(id)
	}
	return names
}
