package wire

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"

	"consequor/board"
)

// Node is one process's place among its peers.
type Node struct {
	cfg        Config
	listener   net.Listener
	lobby      lobby
	complaints *complaints

	faults   atomic.Pointer[Faults] // in force, or about to be; never written to
	posting  sync.Mutex             // held while they change
	settling chan struct{}          // holds a token while a SetFaults waits

	// Written by New only.
	links     []*link // by the peer's lowest replica
	byProcess map[string]*link
	byReplica map[board.ReplicaID]*link
	hosted    map[board.ReplicaID]bool
}

// New checks cfg, all of it at once, and opens the listener, so that Addr is
// known and a peer that dials already has only to wait a little. Run must
// follow: it closes what New has opened.
func New(cfg Config) (*Node, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("wire: %w", err)
	}
	n := &Node{
		cfg:        cfg,
		listener:   cfg.Listener,
		lobby:      lobby{max: cfg.Limits.HandshakesMax},
		complaints: newComplaints(cfg.Logger),
		settling:   make(chan struct{}, 1),
		byProcess:  make(map[string]*link),
		byReplica:  make(map[board.ReplicaID]*link),
		hosted:     make(map[board.ReplicaID]bool),
	}
	n.faults.Store(cfg.Faults.clone())
	for _, id := range cfg.Hosts {
		n.hosted[id] = true
	}
	for _, peer := range cfg.Peers {
		n.addLink(peer)
	}
	slices.SortFunc(n.links, func(a, b *link) int {
		return cmp.Compare(lowest(a.peer.Replicas), lowest(b.peer.Replicas))
	})
	if n.listener == nil {
		listener, err := net.Listen("tcp", cfg.Listen)
		if err != nil {
			return nil, fmt.Errorf("listen for peers: %w", err)
		}
		n.listener = listener
	}
	return n, nil
}

func (n *Node) addLink(peer Peer) {
	l := newLink(n, peer)
	n.links = append(n.links, l)
	n.byProcess[peer.Process] = l
	for _, id := range peer.Replicas {
		n.byReplica[id] = l
	}
}

func lowest(ids []board.ReplicaID) board.ReplicaID { return slices.Min(ids) }

// Run connects to the peers, and keeps at it until ctx ends. It returns when
// every connection is closed and every goroutine is gone, with nil unless the
// listener died. Every peer that was up has had its OnDown by then. Frames that
// were sent just before may be lost.
func (n *Node) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { n.listener.Close() })
	defer stop()

	var links sync.WaitGroup
	for _, l := range n.links {
		links.Go(func() { l.run(ctx) })
		if !l.dials {
			links.Go(func() { l.knockWhenNew(ctx) })
		}
	}
	err := n.accept(ctx)
	cancel()
	n.listener.Close() // again, if ctx has done it: then there is nothing to report
	links.Wait()
	for _, l := range n.links {
		if unserved := l.takeOffer(); unserved != nil {
			unserved.fail(errStopping)
		}
	}
	return err
}

// Send puts f on the message stream of the process that hosts f.To. It never
// blocks. It returns false if f is dropped at once: the peer is down or not
// known, its outbox is full, f is too long, or f.From is not hosted here. True
// is no promise that f arrives. Nobody may write to f.Body any more.
func (n *Node) Send(f Frame) bool {
	l, err := n.route(&f)
	if err != nil {
		n.complaints.warn("send", "frame dropped", "why", err)
		return false
	}
	return l.lanes[messages].out.push(f)
}

// SendBulk puts f on the bulk stream of the process that hosts f.To: a stream
// with an order of its own that never holds up messages. It waits for room in
// the outbox until ctx ends or the peer goes down (ErrDown). That it returns
// nil is no promise that f arrives. Nobody may write to f.Body any more.
func (n *Node) SendBulk(ctx context.Context, f Frame) error {
	l, err := n.route(&f)
	if err != nil {
		return err
	}
	if err := l.lanes[bulk].out.pushWait(ctx, f); err != nil {
		return fmt.Errorf("send %d bytes to %s: %w", len(f.Body), f.To, err)
	}
	return nil
}

// route finds the link for f, or says what is wrong with f.
func (n *Node) route(f *Frame) (*link, error) {
	l := n.byReplica[f.To]
	switch {
	case l == nil:
		return nil, fmt.Errorf("frame to %s, which is no peer's", f.To)
	case !n.hosted[f.From]:
		return nil, fmt.Errorf("frame from %s, which is not hosted here", f.From)
	case len(f.Body) > FrameBodyMax:
		return nil, fmt.Errorf("frame to %s with a body of %d bytes, the limit is %d", f.To, len(f.Body), FrameBodyMax)
	}
	return l, nil
}

// Up reports whether process is connected.
func (n *Node) Up(process string) bool {
	l := n.byProcess[process]
	return l != nil && l.up.Load()
}

// Addr is where this node accepts peers.
func (n *Node) Addr() net.Addr { return n.listener.Addr() }

// hello is this process's introduction, encoded.
func (n *Node) hello(kind greeting) []byte {
	return appendHello(nil, &hello{
		Type:     kind,
		Cluster:  n.cfg.Cluster,
		Process:  n.cfg.Process,
		Replicas: n.cfg.Hosts,
	})
}
