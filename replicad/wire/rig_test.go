package wire_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"consequor/board"
	"consequor/replicad/wire"
	"consequor/replicad/wire/wiretest"
)

const clusterID = "c0ffee"

// patience is how long a test waits for what must happen. No test that passes
// takes anything like it.
const patience = 30 * time.Second

// rig is a cluster of processes r1, r2, ... in one process, over real TCP.
// Process rN hosts replica N only.
type rig struct {
	t         testing.TB
	ca        *wiretest.CA
	addrs     []string // where each accepts
	routes    []string // where the others dial it; addrs unless a proxy stands there
	listeners []net.Listener
	limits    wire.Limits
	members   []*member
}

// member is one life of one process.
type member struct {
	*wire.Node
	*recorder
	id   board.ReplicaID
	log  *lockedBuffer
	stop func() // ends it, and returns once Run has
}

func newRig(t testing.TB, size int) *rig {
	t.Helper()
	r := &rig{t: t, ca: wiretest.NewCA(t), members: make([]*member, size)}
	for range size {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		r.listeners = append(r.listeners, listener)
		r.addrs = append(r.addrs, listener.Addr().String())
	}
	r.routes = slices.Clone(r.addrs)
	t.Cleanup(func() {
		for _, m := range r.members {
			if m != nil {
				m.stop()
			}
		}
		for _, l := range r.listeners {
			if l != nil {
				l.Close()
			}
		}
		checkNothingLeft(t)
	})
	return r
}

func name(i int) string { return board.ReplicaID(i).String() }

func (r *rig) config(i int) wire.Config {
	cfg := wire.Config{
		Cluster: clusterID,
		Process: name(i),
		Hosts:   []board.ReplicaID{board.ReplicaID(i)},
		Listen:  r.addrs[i-1],
		TLS:     r.ca.TLS(wire.CertName(name(i), clusterID)),
		Limits:  r.limits,
	}
	for k, route := range r.routes {
		cfg.Peers = append(cfg.Peers, wire.Peer{
			Process:  name(k + 1),
			Addr:     route,
			Replicas: []board.ReplicaID{board.ReplicaID(k + 1)},
		})
	}
	if l := r.listeners[i-1]; l != nil {
		cfg.Listener = l
		r.listeners[i-1] = nil // its node closes it
	}
	return cfg
}

// start begins a life of process i.
func (r *rig) start(i int) *member {
	r.t.Helper()
	return r.startWith(i, r.config(i))
}

func (r *rig) startWith(i int, cfg wire.Config) *member {
	r.t.Helper()
	return r.startPrepared(i, cfg, func(*member) {})
}

// startPrepared lets prepare touch the member before anything happens to it.
func (r *rig) startPrepared(i int, cfg wire.Config, prepare func(*member)) *member {
	r.t.Helper()
	m := &member{recorder: newRecorder(r.t, name(i)), id: board.ReplicaID(i), log: &lockedBuffer{}}
	cfg.Handler = m.recorder
	cfg.Logger = slog.New(slog.NewTextHandler(m.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	node, err := wire.New(cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	m.Node = node
	prepare(m)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- node.Run(ctx) }()
	m.stop = sync.OnceFunc(func() {
		cancel()
		m.open()
		if err := <-done; err != nil {
			r.t.Errorf("%s: Run: %v", name(i), err)
		}
		m.check()
	})
	r.members[i-1] = m
	return m
}

// startAll begins all lives and waits until all are connected.
func (r *rig) startAll() []*member {
	r.t.Helper()
	for i := range r.members {
		r.start(i + 1)
	}
	for _, m := range r.members {
		for k := range r.members {
			if name(k+1) != m.process {
				m.awaitUp(name(k+1), 1)
			}
		}
	}
	return r.members
}

// proxy puts a proxy on the way to process i. It must come before start.
func (r *rig) proxy(i int) *proxy {
	r.t.Helper()
	p := newProxy(r.t, r.addrs[i-1])
	r.routes[i-1] = p.listener.Addr().String()
	return p
}

// frame is one from m to replica to, with a body that tells its number.
func (m *member) frame(to board.ReplicaID, number int) wire.Frame {
	return wire.Frame{From: m.id, To: to, Kind: 7, Epoch: 3, Incarnation: 5, Body: fmt.Append(nil, number)}
}

func (m *member) stats(process string) wire.LinkStats {
	for _, s := range m.Stats() {
		if s.Process == process {
			return s
		}
	}
	panic("no stats of " + process)
}

// recorder is a handler that keeps what it is told, and objects to what it
// must not be told.
type recorder struct {
	t       testing.TB
	process string

	mu     sync.Mutex
	change *sync.Cond
	frames []wire.Frame
	marks  []string          // "up r2", "down r2"
	whys   map[string]error  // of the last OnDown
	downs  map[string]int    // per peer
	ups    map[string]int    // per peer
	within map[string]int    // OnFrame calls not yet returned
	wrong  []string          // broken promises
	closed func(uint8) bool  // kinds that block in OnFrame; nil: none
	onUp   func(peer string) // called by OnUp, if set
	forget bool              // keep no bodies
}

func newRecorder(t testing.TB, process string) *recorder {
	r := &recorder{
		t: t, process: process,
		whys: make(map[string]error), ups: make(map[string]int),
		downs: make(map[string]int), within: make(map[string]int),
	}
	r.change = sync.NewCond(&r.mu)
	return r
}

func (r *recorder) OnUp(peer string) {
	r.mu.Lock()
	if r.ups[peer] != r.downs[peer] {
		r.wrong = append(r.wrong, "OnUp of "+peer+", which is up")
	}
	r.ups[peer]++
	r.marks = append(r.marks, "up "+peer)
	onUp := r.onUp
	r.change.Broadcast()
	r.mu.Unlock()
	if onUp != nil {
		onUp(peer)
	}
}

func (r *recorder) OnDown(peer string, why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ups[peer] != r.downs[peer]+1 {
		r.wrong = append(r.wrong, "OnDown of "+peer+", which is not up")
	}
	if why == nil {
		r.wrong = append(r.wrong, "OnDown of "+peer+" without a reason")
	}
	if r.within[peer] > 0 {
		r.wrong = append(r.wrong, "OnDown of "+peer+" while one of its frames is being delivered")
	}
	r.downs[peer]++
	r.whys[peer] = why
	r.marks = append(r.marks, "down "+peer)
	r.change.Broadcast()
}

func (r *recorder) OnFrame(f wire.Frame) {
	peer := f.From.String()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ups[peer] != r.downs[peer]+1 {
		r.wrong = append(r.wrong, "a frame of "+peer+", which is not up")
	}
	r.within[peer]++
	r.change.Broadcast()
	for r.closed != nil && r.closed(f.Kind) {
		r.change.Wait()
	}
	r.within[peer]--
	if r.forget {
		f.Body = nil
	}
	r.frames = append(r.frames, f)
	r.change.Broadcast()
}

// shut makes OnFrame block for frames of kinds.
func (r *recorder) shut(kinds func(uint8) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = kinds
}

// open lets all frames pass.
func (r *recorder) open() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = nil
	r.change.Broadcast()
}

// await waits until ok, which is asked after every call of the handler.
func (r *recorder) await(what string, ok func() bool) {
	r.t.Helper()
	late := false
	timer := time.AfterFunc(patience, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		late = true
		r.change.Broadcast()
	})
	defer timer.Stop()
	r.mu.Lock()
	defer r.mu.Unlock()
	for !ok() {
		if late {
			r.t.Fatalf("%s: still waiting for %s; %d frames, %v", r.process, what, len(r.frames), r.marks)
		}
		r.change.Wait()
	}
}

func (r *recorder) awaitUp(peer string, times int) {
	r.t.Helper()
	r.await(fmt.Sprintf("OnUp %d of %s", times, peer), func() bool { return r.ups[peer] >= times })
}

func (r *recorder) awaitDown(peer string, times int) error {
	r.t.Helper()
	r.await(fmt.Sprintf("OnDown %d of %s", times, peer), func() bool { return r.downs[peer] >= times })
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.whys[peer]
}

// awaitFrames waits for n frames since the start and returns them.
func (r *recorder) awaitFrames(n int) []wire.Frame {
	r.t.Helper()
	r.await(fmt.Sprintf("%d frames", n), func() bool { return len(r.frames) >= n })
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.frames)
}

func (r *recorder) awaitWithin(peer string, n int) {
	r.t.Helper()
	r.await("frames in delivery", func() bool { return r.within[peer] >= n })
}

func (r *recorder) check() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.wrong {
		r.t.Errorf("%s was told wrongly: %s", r.process, w)
	}
	for peer := range r.ups {
		if r.ups[peer] != r.downs[peer] {
			r.t.Errorf("%s: %d OnUp and %d OnDown of %s at the end", r.process, r.ups[peer], r.downs[peer], peer)
		}
	}
}

// proxy passes bytes between those who dial it and one address, until told
// otherwise.
type proxy struct {
	t        testing.TB
	listener net.Listener
	target   string
	swallow  atomic.Bool // take all bytes and pass none on

	mu                 sync.Mutex
	dialers, acceptors []net.Conn // the two ends of each connection, by arrival
	done               sync.WaitGroup
}

func newProxy(t testing.TB, target string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{t: t, listener: listener, target: target}
	p.done.Go(p.run)
	t.Cleanup(func() {
		listener.Close()
		p.cut()
		p.done.Wait()
	})
	return p
}

func (p *proxy) run() {
	for {
		dialer, err := p.listener.Accept()
		if err != nil {
			return
		}
		acceptor, err := net.Dial("tcp", p.target)
		if err != nil {
			dialer.Close()
			continue
		}
		p.mu.Lock()
		p.dialers, p.acceptors = append(p.dialers, dialer), append(p.acceptors, acceptor)
		p.mu.Unlock()
		p.done.Go(func() { p.copy(acceptor, dialer) })
		p.done.Go(func() { p.copy(dialer, acceptor) })
	}
}

// copy ends when either end is closed. It does not close the other.
func (p *proxy) copy(dst io.Writer, src io.Reader) {
	buf := make([]byte, 64<<10)
	for {
		n, err := src.Read(buf)
		if err != nil {
			return
		}
		if p.swallow.Load() {
			continue
		}
		if _, err := dst.Write(buf[:n]); err != nil {
			return
		}
	}
}

// dialed is how often somebody came.
func (p *proxy) dialed() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.dialers)
}

// cut closes both ends of all connections there have been.
func (p *proxy) cut() {
	p.abandon()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, end := range p.acceptors {
		end.Close()
	}
}

// abandon closes the dialers' ends only: the acceptors hear nothing of it.
func (p *proxy) abandon() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, end := range p.dialers {
		end.Close()
	}
}

// lockedBuffer is a log that a test can read while it grows, and that tells
// when it does.
type lockedBuffer struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	grew chan struct{} // closed at the next write; nil: nobody waits
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.grew != nil {
		close(b.grew)
		b.grew = nil
	}
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	text, _ := b.read()
	return text
}

// read returns what is there, and what is closed when there is more.
func (b *lockedBuffer) read() (text string, grew <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.grew == nil {
		b.grew = make(chan struct{})
	}
	return b.buf.String(), b.grew
}

// checkNothingLeft fails the test if a goroutine of wire or yamux is still
// there. Those that were told to end may need a moment for their last steps.
func checkNothingLeft(t testing.TB) {
	t.Helper()
	deadline := time.Now().Add(patience)
	buf := make([]byte, 4<<20)
	for {
		left := ""
		for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(stack, "/yamux.") || strings.Contains(stack, "replicad/wire.") {
				left += stack + "\n\n"
			}
		}
		if left == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("goroutines left behind:\n%s", left)
		}
		runtime.Gosched()
	}
}
