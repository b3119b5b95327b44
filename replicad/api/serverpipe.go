package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"

	pb "consequor/replicad/api/consequorpb"
)

// The limits, in bytes, of results that wait in a pipe to be sent.
const (
	resultsSizeMax = 1 << 20  // in one message; one larger result still makes a message
	unsentSizeMax  = 64 << 20 // in all; beyond, a client that does not read has its reads refused as overloaded
)

// serverPipe is a server's end of one pipe. One goroutine receives; each call
// has a goroutine, and whichever ends a call while nobody is sending sends for
// all that end meanwhile.
//
//	receive ──> begin ──> go answer ──> finish ──> flush ──> client
//	                         │             └ unsent ┘
//	                      Service
type serverPipe struct {
	s      *Server
	stream pb.Board_PipeServer
	ctx    context.Context // of all calls: ends with the stream, or when sending fails
	fail   context.CancelFunc
	mark   func(context.Context) (uint64, error) // the highest seq on the boards here

	mu         sync.Mutex
	cancels    map[uint64]context.CancelFunc // of calls that are in the Service
	open       int                           // calls begun, the result not yet sent
	unsent     []*pb.Result
	unsentSize int
	spare      []*pb.Result  // the slice that was sent last, for reuse
	sending    bool          // one goroutine is in flush
	closing    bool          // it ends as soon as no call is open
	over       bool          // it has: nothing begins any more
	drained    chan struct{} // closed once over
}

func newServerPipe(s *Server, stream pb.Board_PipeServer, mark func(context.Context) (uint64, error)) *serverPipe {
	p := &serverPipe{s: s, stream: stream, mark: mark, cancels: make(map[uint64]context.CancelFunc), drained: make(chan struct{})}
	p.ctx, p.fail = context.WithCancel(stream.Context())
	return p
}

// run serves until the client closes its side, the connection breaks or the
// server stops, and then until the calls in progress have ended. The receiving
// goroutine ends with the stream, after run: Server.stop waits for it.
func (p *serverPipe) run() error {
	defer p.fail()
	received := make(chan error, 1)
	p.s.pipes.Go(func() { received <- p.receive() })
	var err error
	select {
	case err = <-received:
	case <-p.ctx.Done():
		err = context.Cause(p.ctx)
	case <-p.s.stopping:
		err = refused(KindStopping, "the replica is leaving").toStatus()
	}
	p.close()
	<-p.drained
	return err
}

// close ends the pipe once no call is open. What a stopping server still
// receives until then is refused, so that the client knows it was not done.
func (p *serverPipe) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closing = true
	p.endIfDrained()
}

// endIfDrained is called with mu held.
func (p *serverPipe) endIfDrained() {
	if p.closing && p.open == 0 && !p.over {
		p.over = true
		close(p.drained)
	}
}

// receive begins calls until the client closes its side (nil), breaks the
// rules, or is gone.
func (p *serverPipe) receive() error {
	for {
		m, err := p.stream.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		for _, call := range m.GetCalls() {
			if err := p.begin(call); err != nil {
				return err
			}
		}
		p.cancel(m.GetCancel())
	}
}

// begin starts a call, or queues its refusal. A client that sends on and on
// without reading its refusals loses the pipe.
func (p *serverPipe) begin(call *pb.Call) error {
	p.mu.Lock()
	if p.over {
		p.mu.Unlock()
		return nil // the end of the stream tells
	}
	if p.open >= 2*p.s.o.PipeCallsMax {
		p.mu.Unlock()
		return refused(KindOverloaded, "%d calls are open in this pipe", p.open).toStatus()
	}
	p.open++
	ctx, e := p.admit(call)
	p.mu.Unlock()
	if e != nil {
		p.finish(&pb.Result{Id: call.GetId(), End: &pb.Result_Failure{Failure: encodeFailure(e)}})
		return nil
	}
	go p.answer(ctx, call)
	return nil
}

// admit gives a call its context, or says why it is refused.
func (p *serverPipe) admit(call *pb.Call) (context.Context, *Error) {
	id := call.GetId()
	if _, taken := p.cancels[id]; taken {
		return nil, invalid(fmt.Errorf("call %d: another open call has this id", id))
	}
	if len(p.cancels) >= p.s.o.PipeCallsMax {
		return nil, refused(KindOverloaded, "%d requests are in progress in this pipe, the limit", p.s.o.PipeCallsMax)
	}
	if e := p.s.begin(); e != nil {
		return nil, e
	}
	want := time.Duration(call.GetTimeoutMs()) * time.Millisecond
	ctx, cancel := context.WithTimeout(p.ctx, p.s.timeout(want))
	p.cancels[id] = cancel
	return ctx, nil
}

// cancel ends the contexts of calls that the client no longer waits for.
func (p *serverPipe) cancel(ids []uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range ids {
		if cancel, ok := p.cancels[id]; ok {
			cancel()
		}
	}
}

// answer carries out one call.
func (p *serverPipe) answer(ctx context.Context, call *pb.Call) {
	result := &pb.Result{Id: call.GetId()}
	answer, e := p.s.do(ctx, call.GetRequest())
	if e != nil {
		result.End = &pb.Result_Failure{Failure: encodeFailure(e)}
	} else {
		result.End = &pb.Result_Answer{Answer: answer}
	}
	p.s.end()
	p.mu.Lock()
	p.cancels[call.GetId()]() // frees the context's timer
	delete(p.cancels, call.GetId())
	p.mu.Unlock()
	p.finish(result)
}

// finish queues a result, and sends the queue unless someone is at it.
func (p *serverPipe) finish(result *pb.Result) {
	p.mu.Lock()
	defer p.mu.Unlock()
	size := resultSize(result)
	if p.unsentSize+size > unsentSizeMax && hasArticles(result) {
		e := refused(KindOverloaded, "%d bytes of answers wait to be read by this client", p.unsentSize)
		result.End = &pb.Result_Failure{Failure: encodeFailure(e)}
		size = resultSize(result)
	}
	p.unsent = append(p.unsent, result)
	p.unsentSize += size
	if p.sending {
		return
	}
	p.sending = true
	for len(p.unsent) > 0 {
		p.flush()
	}
	p.sending = false
}

// flush sends one message of results. It is called with mu held, which it
// gives up while it sends.
func (p *serverPipe) flush() {
	if p.open > len(p.unsent) {
		p.mu.Unlock()
		runtime.Gosched() // calls that are about to end join this message
		p.mu.Lock()
	}
	batch := p.cutBatch()
	p.mu.Unlock()
	err := p.stream.Send(&pb.Results{Results: batch, Mark: p.newMark(batch)})
	p.mu.Lock()
	if err != nil {
		p.fail()
	}
	p.open -= len(batch)
	clear(batch)
	p.spare = batch[:0]
	p.endIfDrained()
}

// newMark is for clients whose mark has become stale: they have made a key that
// was too old at once. 0: nobody needs one.
func (p *serverPipe) newMark(batch []*pb.Result) uint64 {
	for _, result := range batch {
		if result.GetFailure().GetKind() == KindKeyTooOld {
			mark, err := p.mark(p.ctx)
			if err != nil {
				return 0 // the failure then stands as it is
			}
			return mark
		}
	}
	return 0
}

// cutBatch takes from the queue what goes into one message.
func (p *serverPipe) cutBatch() []*pb.Result {
	if p.unsentSize <= resultsSizeMax {
		batch := p.unsent
		p.unsent, p.unsentSize, p.spare = p.spare, 0, nil
		return batch
	}
	n, size := 0, 0
	for n < len(p.unsent) && (n == 0 || size < resultsSizeMax) {
		size += resultSize(p.unsent[n])
		n++
	}
	batch := append([]*pb.Result(nil), p.unsent[:n]...)
	p.unsent = append(p.unsent[:0], p.unsent[n:]...)
	p.unsentSize -= size
	return batch
}

// hasArticles tells answers to reads, which may be large and can be asked
// again, from those that say what was done.
func hasArticles(r *pb.Result) bool {
	return len(r.GetAnswer().GetArticles()) > 0 || r.GetAnswer().GetArticle() != nil
}

// resultSize is about how many bytes a result takes on the wire; it is never
// far below.
func resultSize(r *pb.Result) int {
	const rest = 512
	answer := r.GetAnswer()
	size := rest + len(answer.GetToken()) + len(answer.GetNext())
	for _, a := range answer.GetArticles() {
		size += articleSize(a)
	}
	return size + articleSize(answer.GetArticle()) + articleSize(answer.GetParent())
}

func articleSize(a *pb.Article) int {
	const rest = 192
	return rest + len(a.GetTitle()) + len(a.GetBody()) + len(a.GetAuthor())
}
