package api

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"consequor/board"
	pb "consequor/replicad/api/consequorpb"
)

// How a client connects.
const (
	openTimeout     = 5 * time.Second // for a connection and the server's greeting
	redialMin       = 10 * time.Millisecond
	redialMax       = 500 * time.Millisecond
	clientPingEvery = 10 * time.Second // not below the server's clientPingMin
	clientPingLimit = 5 * time.Second
	answerSizeMax   = 8 << 20 // bytes in one message from a server
)

// errNoGreeting is the error of a pipe that a replica (paused, perhaps) did
// not greet in time.
var errNoGreeting = errors.New("the replica does not respond")

// link leads to one replica, by one or several connections that are used in
// turn.
type link struct {
	id    board.ReplicaID
	name  string
	addr  string
	lines []*line
	turn  atomic.Uint32
}

// pipe returns an open pipe, opening one within patience if need be. Nothing was
// sent if it fails.
func (l *link) pipe(ctx context.Context, patience time.Duration) (*clientPipe, error) {
	i := uint32(0)
	if len(l.lines) > 1 {
		i = l.turn.Add(1) % uint32(len(l.lines))
	}
	return l.lines[i].pipe(ctx, patience)
}

// at is the head of an error message: what was being done where.
func (l *link) at(doing string) string { return doing + " at " + l.name + " (" + l.addr + ")" }

// absent is the error of a request that found nobody: nothing was sent.
func (l *link) absent(doing string, err error) *Error {
	failure := fromStatus(err, Refused)
	switch {
	case errors.Is(err, errClosed):
		failure.Kind, failure.Message = KindClosed, err.Error()
	case errors.Is(err, context.Canceled):
		failure.Kind, failure.Message = KindCanceled, "given up before there was a connection"
	case failure.Kind == KindInternal || failure.Kind == KindDeadline:
		failure.Kind, failure.Message = KindNotConnected, err.Error()
	}
	failure.Outcome, failure.Message = Refused, l.at(doing)+": "+failure.Message
	return failure
}

// shut lets no more pipes open.
func (l *link) shut() {
	for _, line := range l.lines {
		line.mu.Lock()
		line.closed = true
		line.mu.Unlock()
	}
}

func (l *link) close() {
	for _, line := range l.lines {
		line.conn.Close()
	}
}

// line is one connection, and the pipe on it.
type line struct {
	conn    *grpc.ClientConn
	board   pb.BoardClient
	ctx     context.Context // ends when the client is closed
	running *sync.WaitGroup // goroutines of the client
	dialed  atomic.Pointer[error]

	open    atomic.Pointer[clientPipe]
	mu      sync.Mutex
	opening *opening // nil: nobody is at it
	closed  bool     // no attempt begins any more
}

// opening is one attempt to open a pipe, for all who wait for it.
type opening struct {
	done chan struct{} // closed when pipe or err is there
	pipe *clientPipe
	err  error
}

func newLine(ctx context.Context, running *sync.WaitGroup, addr string, o *Target) (*line, error) {
	l := &line{ctx: ctx, running: running}
	conn, err := grpc.NewClient("passthrough:///"+addr, l.dialOptions(o)...)
	if err != nil {
		return nil, err
	}
	l.conn, l.board = conn, pb.NewBoardClient(conn)
	return l, nil
}

func (l *line) dialOptions(o *Target) []grpc.DialOption {
	creds := insecure.NewCredentials()
	if o.TLS != nil {
		creds = credentials.NewTLS(o.TLS)
	}
	return []grpc.DialOption{
		grpc.WithTransportCredentials(creds),
		grpc.WithContextDialer(l.dial),
		grpc.WithNoProxy(),
		grpc.WithDisableServiceConfig(),
		grpc.WithDisableRetry(), // the client's own retries know about keys
		grpc.WithIdleTimeout(0),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: redialMin, Multiplier: 2, Jitter: 0.2, MaxDelay: redialMax},
			MinConnectTimeout: openTimeout}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: clientPingEvery, Timeout: clientPingLimit}),
		grpc.WithStaticStreamWindowSize(streamWindow),
		grpc.WithStaticConnWindowSize(connectionWindow),
		grpc.WithReadBufferSize(ioBufferSize),
		grpc.WithWriteBufferSize(ioBufferSize),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(answerSizeMax)),
	}
}

// dial keeps the error in its plain form; gRPC's own says everything thrice.
func (l *line) dial(ctx context.Context, addr string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	l.dialed.Store(&err)
	return conn, err
}

// pipe returns the open pipe, or waits until there is one or opening fails.
func (l *line) pipe(ctx context.Context, patience time.Duration) (*clientPipe, error) {
	if p := l.open.Load(); p != nil {
		return p, nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	attempt := l.attempt()
	select {
	case <-attempt.done:
		return attempt.pipe, attempt.err
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil, context.Canceled
		}
		return nil, errNoGreeting
	}
}

// attempt joins the attempt under way, or starts one.
func (l *line) attempt() *opening {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.opening != nil {
		return l.opening
	}
	o := &opening{done: make(chan struct{})}
	if o.pipe = l.open.Load(); o.pipe != nil {
		close(o.done)
		return o
	}
	if l.closed {
		o.err = errClosed
		close(o.done)
		return o
	}
	l.opening = o
	l.running.Go(func() { l.serve(o) })
	return o
}

// serve opens a pipe and runs it until it ends.
func (l *line) serve(o *opening) {
	ctx, cancel := context.WithTimeout(l.ctx, openTimeout)
	p, err := openPipe(ctx, l.board)
	cancel()
	l.mu.Lock()
	l.opening = nil
	o.pipe, o.err = p, l.explain(err)
	l.open.Store(p)
	l.mu.Unlock()
	close(o.done)
	if err != nil {
		return
	}
	stop := context.AfterFunc(l.ctx, p.hangUp)
	defer stop()
	p.run()
	l.open.CompareAndSwap(p, nil)
}

// explain says why there is no connection, in the words of the system.
func (l *line) explain(err error) error {
	if err == nil {
		return nil
	}
	if l.ctx.Err() != nil {
		return errClosed
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errNoGreeting
	}
	if dialed := l.dialed.Load(); dialed != nil && *dialed != nil {
		return plain(*dialed)
	}
	return err
}

// plain is the innermost word of a network error: "connection refused".
func plain(err error) error {
	var call *os.SyscallError
	var op *net.OpError
	switch {
	case errors.As(err, &call):
		return call.Err
	case errors.As(err, &op):
		return op.Err
	}
	return err
}
