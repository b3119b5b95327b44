package api

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	pb "consequor/replicad/api/consequorpb"
)

// The limits of calls that wait in a client's pipe to be sent.
const (
	queuedCallsMax = 4096      // beyond, a call is refused as overloaded
	callsSizeMax   = 128 << 10 // bytes in one message, half of what a server takes; one larger call still makes a message
)

// How a call in a pipe can fail without an answer.
var (
	errUnsent    = errors.New("the call was not sent")
	errLost      = errors.New("the connection broke before the answer came")
	errQueueFull = errors.New("too many calls wait to be sent")
)

// clientPipe is a client's end of one open pipe. One goroutine sends, one
// receives; both end when the stream does.
//
//	do ──> queue ──> send ──> server ──> receive ──> done ──> do
//
// A call is unsent while in the queue, and from then on sent: whether the
// server has it can only be told by its result.
type clientPipe struct {
	stream pb.Board_PipeClient
	hangUp context.CancelFunc
	wake   chan struct{} // holds one: the queue or cancels have grown
	ended  chan struct{} // closed when the stream has ended
	mark   atomic.Uint64 // the highest seq that the server has told of, in its greeting or since

	mu      sync.Mutex
	calls   map[uint64]*clientCall // sent, not answered
	queue   []*clientCall
	cancels []uint64
	lastID  uint64
	over    bool // nothing is sent any more
}

// clientCall is one call on its way.
type clientCall struct {
	message pb.Call
	size    int
	done    chan struct{} // closed once result or err is there
	result  *pb.Result
	err     error
}

// openPipe waits for the server's greeting. ctx bounds the opening, not the
// pipe.
func openPipe(ctx context.Context, board pb.BoardClient) (*clientPipe, error) {
	life, hangUp := context.WithCancel(context.Background())
	stop := context.AfterFunc(ctx, hangUp)
	p, err := greet(life, board)
	if !stop() { // ctx ended, and hung up
		err = ctx.Err()
	}
	if err != nil {
		hangUp()
		return nil, err
	}
	p.hangUp = hangUp
	return p, nil
}

func greet(ctx context.Context, board pb.BoardClient) (*clientPipe, error) {
	stream, err := board.Pipe(ctx)
	if err != nil {
		return nil, err
	}
	greeting, err := stream.Recv()
	if err != nil {
		return nil, err
	}
	p := &clientPipe{
		stream: stream,
		wake:   make(chan struct{}, 1),
		ended:  make(chan struct{}),
		calls:  make(map[uint64]*clientCall),
	}
	p.raiseMark(greeting.GetMark())
	return p, nil
}

// raiseMark notes that articles up to seq are known. Keys that were made with
// an old mark would be too old one day, on a pipe that lives long.
func (p *clientPipe) raiseMark(seq uint64) {
	for {
		known := p.mark.Load()
		if seq <= known || p.mark.CompareAndSwap(known, seq) {
			return
		}
	}
}

// run serves the pipe until its stream ends, and returns why it did.
func (p *clientPipe) run() error {
	var sender sync.WaitGroup
	sender.Go(p.send)
	err := p.receive()
	p.end()
	sender.Wait()
	return err
}

// do carries out one request. An error is errUnsent, errQueueFull, errLost or
// ctx's; after the last two the server may have the call.
func (p *clientPipe) do(ctx context.Context, r *pb.Request, size int, timeout time.Duration) (*pb.Result, error) {
	call := &clientCall{size: size, done: make(chan struct{})}
	call.message.Request = r
	call.message.TimeoutMs = uint32(max(timeout.Milliseconds(), 1))
	if err := p.enqueue(call); err != nil {
		return nil, err
	}
	select {
	case <-call.done:
	case <-ctx.Done():
		p.abandon(call, ctx.Err())
		<-call.done
	}
	return call.result, call.err
}

func (p *clientPipe) enqueue(call *clientCall) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.over:
		return errUnsent
	case len(p.queue) >= queuedCallsMax:
		return errQueueFull
	}
	p.lastID++
	call.message.Id = p.lastID
	p.queue = append(p.queue, call)
	p.wakeSender()
	return nil
}

func (p *clientPipe) wakeSender() {
	select {
	case p.wake <- struct{}{}:
	default: // it is awake, and looks again
	}
}

// abandon ends a call that its caller no longer waits for, unless it has just
// ended.
func (p *clientPipe) abandon(call *clientCall, why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id := call.message.Id
	if _, sent := p.calls[id]; sent {
		delete(p.calls, id)
		call.end(nil, why)
		p.cancels = append(p.cancels, id)
		p.wakeSender()
		return
	}
	for i, queued := range p.queue {
		if queued == call {
			p.queue = append(p.queue[:i], p.queue[i+1:]...)
			call.end(nil, errUnsent)
			return
		}
	}
}

func (c *clientCall) end(result *pb.Result, err error) {
	c.result, c.err = result, err
	close(c.done)
}

// send sends what is queued, as much as fits in each message.
func (p *clientPipe) send() {
	defer p.hangUp() // receive then ends as well
	for {
		select {
		case <-p.wake:
		case <-p.ended:
			return
		}
		for p.pending() {
			m := p.cutMessage()
			if err := p.stream.Send(m); err != nil {
				return // receive learns why
			}
		}
	}
}

// pending reports whether there is something to send. When others are at work
// it lets them add to it first.
func (p *clientPipe) pending() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.calls) > 0 && len(p.queue) > 0 {
		p.mu.Unlock()
		runtime.Gosched()
		p.mu.Lock()
	}
	return !p.over && len(p.queue)+len(p.cancels) > 0
}

// cutMessage takes from the queue what goes into one message. Its calls count
// as sent from here on.
func (p *clientPipe) cutMessage() *pb.Calls {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := &pb.Calls{Cancel: p.cancels}
	p.cancels = nil
	n, size := 0, 0
	for n < len(p.queue) && (n == 0 || size+p.queue[n].size <= callsSizeMax) {
		call := p.queue[n]
		size += call.size
		n++
		p.calls[call.message.Id] = call
		m.Calls = append(m.Calls, &call.message)
	}
	rest := copy(p.queue, p.queue[n:])
	clear(p.queue[rest:])
	p.queue = p.queue[:rest]
	return m
}

// receive hands results to their callers until the stream ends.
func (p *clientPipe) receive() error {
	for {
		m, err := p.stream.Recv()
		if err != nil {
			return err
		}
		p.raiseMark(m.GetMark())
		p.mu.Lock()
		for _, result := range m.GetResults() {
			if call, ok := p.calls[result.GetId()]; ok { // else: abandoned
				delete(p.calls, result.GetId())
				call.end(result, nil)
			}
		}
		p.mu.Unlock()
	}
}

// end fails all calls: the queued ones are unsent, the others lost.
func (p *clientPipe) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	for _, call := range p.queue {
		call.end(nil, errUnsent)
	}
	for _, call := range p.calls {
		call.end(nil, errLost)
	}
	p.queue, p.calls = nil, nil
	close(p.ended)
}
