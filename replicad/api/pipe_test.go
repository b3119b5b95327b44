package api_test

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"consequor/board"
	"consequor/replicad/api"
	pb "consequor/replicad/api/consequorpb"
)

// The pipe as a client in another language uses it, message by message.

// openRawPipe opens a pipe and takes the greeting.
func openRawPipe(t *testing.T, client pb.BoardClient) pb.Board_PipeClient {
	t.Helper()
	pipe, err := client.Pipe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if greeting := receive(t, pipe); len(greeting.GetResults()) > 0 {
		t.Fatalf("greeting %v", greeting)
	}
	return pipe
}

func receive(t *testing.T, pipe pb.Board_PipeClient) *pb.Results {
	t.Helper()
	m, err := pipe.Recv()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// exchange sends one message and takes one.
func exchange(t *testing.T, pipe pb.Board_PipeClient, m *pb.Calls) []*pb.Result {
	t.Helper()
	if err := pipe.Send(m); err != nil {
		t.Fatal(err)
	}
	return receive(t, pipe).GetResults()
}

func read(id uint64) *pb.Call { return &pb.Call{Id: id, Request: &pb.Request{Verb: pb.Verb_VERB_READ}} }

// The greeting names the highest seq of all boards in the process.
func TestGreetingHasTheMark(t *testing.T) {
	f := &fake{status: func(context.Context) ([]api.Status, error) {
		return []api.Status{{Vector: "40,41.2"}, {Vector: ""}, {Vector: "7"}}, nil
	}}
	pipe, err := plain(t, serve(t, f, api.ServerOptions{})).Pipe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if mark := receive(t, pipe).GetMark(); mark != 41 {
		t.Errorf("mark %d, want 41", mark)
	}
}

// Three calls in one message; the second is canceled; the others are not, and
// each ends under its own id.
func TestCancelEndsOneCall(t *testing.T) {
	goOn, inService := make(chan struct{}), make(chan struct{}, 3)
	f := &fake{do: func(ctx context.Context, _ api.Request) (*api.Answer, error) {
		inService <- struct{}{}
		select {
		case <-goOn:
			return &api.Answer{}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
	pipe := openRawPipe(t, plain(t, serve(t, f, api.ServerOptions{})))
	if err := pipe.Send(&pb.Calls{Calls: []*pb.Call{read(1), read(2), read(3)}}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		<-inService
	}
	canceled := exchange(t, pipe, &pb.Calls{Cancel: []uint64{2, 99}})
	if len(canceled) != 1 || canceled[0].GetId() != 2 || canceled[0].GetFailure().GetKind() != "canceled" {
		t.Fatalf("after the cancel: %v", canceled)
	}
	close(goOn)
	ended := map[uint64]bool{}
	for len(ended) < 2 {
		for _, result := range receive(t, pipe).GetResults() {
			ended[result.GetId()] = result.GetAnswer() != nil
		}
	}
	if !ended[1] || !ended[3] {
		t.Errorf("calls 1 and 3: %v", ended)
	}
}

// A call beyond the pipe's limit, one beyond the server's, and one whose id is
// taken are refused; the calls in progress are not disturbed.
func TestCallsMax(t *testing.T) {
	for name, o := range map[string]api.ServerOptions{
		"pipe":   {PipeCallsMax: 1},
		"server": {CallsMax: 1},
	} {
		t.Run(name, func(t *testing.T) {
			goOn := make(chan struct{})
			f := &fake{do: func(context.Context, api.Request) (*api.Answer, error) {
				<-goOn
				return &api.Answer{}, nil
			}}
			pipe := openRawPipe(t, plain(t, serve(t, f, o)))
			refused := exchange(t, pipe, &pb.Calls{Calls: []*pb.Call{read(1), read(2)}})
			if len(refused) != 1 || refused[0].GetId() != 2 || refused[0].GetFailure().GetKind() != "overloaded" {
				t.Errorf("call 2: %v", refused)
			}
			taken := exchange(t, pipe, &pb.Calls{Calls: []*pb.Call{read(1)}})
			if len(taken) != 1 || taken[0].GetFailure().GetKind() != "invalid" {
				t.Errorf("call 1 once more: %v", taken)
			}
			close(goOn)
			if done := receive(t, pipe).GetResults(); len(done) != 1 || done[0].GetId() != 1 || done[0].GetAnswer() == nil {
				t.Errorf("call 1: %v", done)
			}
		})
	}
}

// A client that closes its side gets the answers to what is open, then the end.
func TestHalfClosedPipeIsAnswered(t *testing.T) {
	goOn := make(chan struct{})
	f := &fake{do: func(context.Context, api.Request) (*api.Answer, error) {
		<-goOn
		return &api.Answer{}, nil
	}}
	pipe := openRawPipe(t, plain(t, serve(t, f, api.ServerOptions{})))
	if err := pipe.Send(&pb.Calls{Calls: []*pb.Call{read(1)}}); err != nil {
		t.Fatal(err)
	}
	if err := pipe.CloseSend(); err != nil {
		t.Fatal(err)
	}
	close(goOn)
	if done := receive(t, pipe).GetResults(); len(done) != 1 || done[0].GetAnswer() == nil {
		t.Errorf("call 1: %v", done)
	}
	if m, err := pipe.Recv(); err == nil || status.Code(err) != codes.Unknown && err.Error() != "EOF" {
		t.Errorf("after the last answer: %v, %v", m, err)
	}
}

// Pages of a megabyte for twelve callers at once, more than one message or one
// window holds, all arrive whole.
func TestManyLargeAnswers(t *testing.T) {
	const pages, articles = 12, 16
	body := strings.Repeat("x", board.BodyLenMax)
	f := &fake{do: func(context.Context, api.Request) (*api.Answer, error) {
		a := &api.Answer{}
		for i := range articles {
			a.Articles = append(a.Articles, board.Entry{Article: board.Article{ID: board.ArticleID{Seq: uint64(i + 1)}, Body: body}})
		}
		return a, nil
	}}
	c := dial(t, api.Target{Replicas: []api.Endpoint{{Name: "r1", Addr: serve(t, f, api.ServerOptions{})}}})
	sizes := make(chan int, pages)
	for range pages {
		go func() {
			a, err := c.DoAny(timeLimit(t, patience), api.Request{Verb: api.Read})
			if err != nil {
				t.Error(err)
				a = &api.Answer{}
			}
			sizes <- len(a.Articles)
		}()
	}
	for range pages {
		if n := <-sizes; n != articles {
			t.Errorf("a page of %d articles, want %d", n, articles)
		}
	}
}
