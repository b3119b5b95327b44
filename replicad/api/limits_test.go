package api_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"

	"consequor/board"
	"consequor/replicad/api"
	pb "consequor/replicad/api/consequorpb"
)

// untouched is a Service that must not be reached.
func untouched(t *testing.T) *fake {
	return &fake{do: func(_ context.Context, r api.Request) (*api.Answer, error) {
		t.Errorf("the service was asked to %s", r.Verb)
		return &api.Answer{}, nil
	}}
}

// What breaks a limit is refused by the client, before it sends anything, in
// words that name the part and the limit.
func TestClientRefusesWhatBreaksALimit(t *testing.T) {
	c := dial(t, api.Target{Replicas: []api.Endpoint{{Name: "r1", Addr: serve(t, untouched(t), api.ServerOptions{})}}})
	for want, r := range map[string]api.Request{
		"post: body: 65537 bytes, the limit is 65536":                           {Verb: api.Post, Body: strings.Repeat("x", board.BodyLenMax+1)},
		"post: title: not valid UTF-8":                                          {Verb: api.Post, Title: "\xff"},
		"post: body: empty, and so is the title":                                {Verb: api.Post},
		"post: key: 65 bytes, the limit is 64":                                  {Verb: api.Post, Title: "x", Key: strings.Repeat("k", 65)},
		"reply: target: no article is named":                                    {Verb: api.Reply, Title: "x"},
		"choose: target: article id 0.2: want a number from 1":                  {Verb: api.Choose, Target: board.ArticleID{Origin: 2}},
		"read: count: -1, want 0 (the default) or more":                         {Verb: api.Read, Count: -1},
		"read: author: not valid UTF-8":                                         {Verb: api.Read, Author: "\xff"},
		"read: token: not valid UTF-8":                                          {Verb: api.Read, Token: board.Token{Cluster: "\xff"}},
		"read: since: token \"x\": want CLUSTER:EPOCH:VECTOR":                   {Verb: api.Read, Since: "x"},
		"fly: verb \"fly\": want read, post, choose, reply or sync":             {Verb: "fly"},
		"read: after: article id \"x\": want a number from 1, as in 17 or 17.2": {Verb: api.Read, After: "x"},
	} {
		_, err := c.DoAny(t.Context(), r)
		if e := asError(t, err); e.Message != want || e.Kind != "invalid" || e.Outcome != api.Refused {
			t.Errorf("got  %s %s: %s\nwant %s", e.Outcome, e.Kind, e.Message, want)
		}
	}
	_, err := c.DoAny(t.Context(), api.Request{Verb: api.Read, Replica: "r9"})
	if e := asError(t, err); e.Kind != "no_such_replica" || e.Hint != "this cluster has r1" {
		t.Errorf("unknown replica: %+v", e)
	}
}

// The server asks the same of clients that are not ours. None of it reaches
// the service.
func TestServerRefusesWhatBreaksALimit(t *testing.T) {
	client := plain(t, serve(t, untouched(t), api.ServerOptions{}))
	for want, r := range map[string]*pb.Request{
		"body: 65537 bytes, the limit is 65536":                             {Verb: pb.Verb_VERB_POST, Body: strings.Repeat("x", board.BodyLenMax+1)},
		"replica: 64 bytes, the limit is 63":                                {Verb: pb.Verb_VERB_READ, Replica: strings.Repeat("r", 64)},
		"target: article id \"x\": want a number from 1, as in 17 or 17.2":  {Verb: pb.Verb_VERB_CHOOSE, Target: "x"},
		"token: 61441 bytes, the limit is 61440":                            {Verb: pb.Verb_VERB_READ, Token: strings.Repeat("t", api.TokenLenMax+1)},
		"token \"x\": want CLUSTER:EPOCH:VECTOR":                            {Verb: pb.Verb_VERB_READ, Token: "x"},
		"verb \"VERB_UNSPECIFIED\": want read, post, choose, reply or sync": {},
		"verb \"99\": want read, post, choose, reply or sync":               {Verb: 99},
	} {
		_, err := client.Do(t.Context(), r)
		if s := status.Convert(err); s.Code() != codes.InvalidArgument || s.Message() != want {
			t.Errorf("got  %s: %s\nwant %s", s.Code(), s.Message(), want)
		}
	}
	_, err := client.Do(t.Context(), &pb.Request{Body: strings.Repeat("x", 257<<10)})
	if code := status.Code(err); code != codes.ResourceExhausted {
		t.Errorf("a message above 256 KiB: %v", err)
	}
}

// A client whose protobuf does not check UTF-8 is told what is wrong, and that
// it is wrong with the request.
func TestServerRefusesInvalidUTF8(t *testing.T) {
	conn := connect(t, serve(t, untouched(t), api.ServerOptions{}))
	const titleField = 5
	request := protowire.AppendTag(nil, titleField, protowire.BytesType)
	request = protowire.AppendBytes(request, []byte("\xff"))
	err := conn.Invoke(t.Context(), pb.Board_Do_FullMethodName, request, &[]byte{}, grpc.ForceCodec(rawCodec{}))
	s := status.Convert(err)
	if s.Code() != codes.InvalidArgument || !strings.Contains(s.Message(), "UTF-8") {
		t.Fatalf("got %v", s)
	}
	if info := errorInfo(t, s); info.GetReason() != "invalid" || info.GetMetadata()["outcome"] != "refused" {
		t.Errorf("info %v", info)
	}
	stream, err := conn.NewStream(t.Context(), &pb.Board_ServiceDesc.Streams[0], pb.Board_Pipe_FullMethodName, grpc.ForceCodec(rawCodec{}))
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.SendMsg([]byte("garbage")); err != nil {
		t.Fatal(err)
	}
	var greeting []byte
	if err := stream.RecvMsg(&greeting); err != nil {
		t.Fatal(err)
	}
	if code := status.Code(stream.RecvMsg(&greeting)); code != codes.InvalidArgument {
		t.Errorf("a pipe that carries garbage ends %s", code)
	}
}

// rawCodec sends bytes as they are, under protobuf's name.
type rawCodec struct{}

func (rawCodec) Marshal(v any) ([]byte, error)      { return v.([]byte), nil }
func (rawCodec) Unmarshal(data []byte, v any) error { *v.(*[]byte) = data; return nil }
func (rawCodec) Name() string                       { return "proto" }

// Garbage, a connection that says nothing, and one too many are closed; who
// comes after is served.
func TestConnectionsThatAreClosed(t *testing.T) {
	f := &fake{do: instant}
	addr := serve(t, f, api.ServerOptions{HandshakeTimeout: 50 * time.Millisecond, ConnectionsMax: 2})
	for _, words := range []string{"GET / HTTP/1.1\r\n\r\n", "\x00\xff garbage garbage garbage garbage", ""} {
		conn := dialRaw(t, addr)
		if _, err := io.WriteString(conn, words); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, conn); errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after %q the connection stays open", words)
		}
	}
	c := dial(t, api.Target{Replicas: []api.Endpoint{{Name: "r1", Addr: addr}}})
	if _, err := c.DoAny(t.Context(), api.Request{Verb: api.Read}); err != nil {
		t.Error(err)
	}
}

// The third of two allowed connections is closed at once; when one of the two
// goes, its place can be had.
func TestConnectionsMax(t *testing.T) {
	addr := serve(t, &fake{do: instant}, api.ServerOptions{ConnectionsMax: 1})
	first := dial(t, api.Target{Replicas: []api.Endpoint{{Name: "r1", Addr: addr}}})
	if _, err := first.DoAny(t.Context(), api.Request{Verb: api.Read}); err != nil {
		t.Fatal(err)
	}
	second := dial(t, api.Target{Replicas: []api.Endpoint{{Name: "r1", Addr: addr}}})
	_, err := second.Do(t.Context(), api.Request{Verb: api.Read, Replica: "r1"})
	if e := asError(t, err); e.Kind != "not_connected" || e.Outcome != api.Refused {
		t.Errorf("one connection too many: %+v", e)
	}
	first.Close()
	waitFor(t, "the place of the first", func() bool {
		_, err := second.Do(t.Context(), api.Request{Verb: api.Read, Replica: "r1"})
		return err == nil
	})
}

// dialRaw connects, with patience for all that is read.
func dialRaw(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// A request without a deadline has 5 s, one that asks for an hour has 60 s, by
// either way in.
func TestDeadlines(t *testing.T) {
	left := make(chan time.Duration, 1)
	f := &fake{do: func(ctx context.Context, _ api.Request) (*api.Answer, error) {
		deadline, _ := ctx.Deadline()
		left <- time.Until(deadline)
		return &api.Answer{}, nil
	}}
	client := plain(t, serve(t, f, api.ServerOptions{}))
	pipe := openRawPipe(t, client)
	for _, test := range []struct{ want, least, most time.Duration }{
		{0, 4 * time.Second, 5 * time.Second},
		{2 * time.Second, time.Second, 2 * time.Second},
		{time.Hour, 59 * time.Second, 60 * time.Second},
	} {
		ctx, cancel := t.Context(), func() {}
		if test.want > 0 {
			ctx, cancel = context.WithTimeout(ctx, test.want)
		}
		if _, err := client.Do(ctx, &pb.Request{Verb: pb.Verb_VERB_READ}); err != nil {
			t.Fatal(err)
		}
		cancel()
		if got := <-left; got < test.least || got > test.most {
			t.Errorf("Do with %v has %v", test.want, got)
		}
		call := &pb.Call{Id: 1, TimeoutMs: uint32(test.want.Milliseconds()), Request: &pb.Request{Verb: pb.Verb_VERB_READ}}
		exchange(t, pipe, &pb.Calls{Calls: []*pb.Call{call}})
		if got := <-left; got < test.least || got > test.most {
			t.Errorf("a call with %v has %v", test.want, got)
		}
	}
}
