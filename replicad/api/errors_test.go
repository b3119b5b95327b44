package api_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"consequor/replicad/api"
	pb "consequor/replicad/api/consequorpb"
)

// failing is a Service that fails every request with the error it holds.
func failing(err error) *fake {
	return &fake{do: func(context.Context, api.Request) (*api.Answer, error) { return nil, err }}
}

// A plain gRPC client sees every error as a code, a message, and an ErrorInfo
// with kind, outcome and hint.
func TestErrorsAsAnyGRPCClientSeesThem(t *testing.T) {
	for _, test := range []struct {
		outcome api.Outcome
		kind    string
		want    codes.Code
	}{
		{api.Refused, "not_found", codes.NotFound},
		{api.Refused, "invalid", codes.InvalidArgument},
		{api.Refused, "no_majority", codes.Unavailable},
		{api.Refused, "overloaded", codes.ResourceExhausted},
		{api.Refused, "disk_full", codes.ResourceExhausted},
		{api.Refused, "deadline", codes.DeadlineExceeded},
		{api.Refused, "other_cluster", codes.FailedPrecondition},
		{api.Refused, "a_kind_of_next_year", codes.FailedPrecondition},
		{api.Unknown, "deadline", codes.DeadlineExceeded},
		{api.Unknown, "no_majority", codes.Unknown},
		{api.Unknown, "a_kind_of_next_year", codes.Unknown},
	} {
		t.Run(string(test.outcome)+" "+test.kind, func(t *testing.T) {
			f := failing(&api.Error{Outcome: test.outcome, Kind: test.kind, Message: "it went wrong", Hint: "do this"})
			_, err := plain(t, serve(t, f, api.ServerOptions{})).Do(t.Context(), &pb.Request{Verb: pb.Verb_VERB_READ})
			s := status.Convert(err)
			if s.Code() != test.want || s.Message() != "it went wrong" {
				t.Errorf("got %s %q, want %s", s.Code(), s.Message(), test.want)
			}
			info := errorInfo(t, s)
			got := []string{info.GetDomain(), info.GetReason(), info.GetMetadata()["outcome"], info.GetMetadata()["hint"]}
			if diff := cmp.Diff([]string{"consequor", test.kind, string(test.outcome), "do this"}, got); diff != "" {
				t.Errorf("- want + got\n%s", diff)
			}
		})
	}
}

// Our own client gives back the very error, its message headed by what was
// asked of whom.
func TestErrorsAsOurClientSeesThem(t *testing.T) {
	for _, want := range []api.Error{
		{Outcome: api.Refused, Kind: "not_found", Message: "no article 99", Hint: "look at the list"},
		{Outcome: api.Unknown, Kind: "key_too_old", Message: "key too old", Key: "mine"},
		{Outcome: api.Refused, Kind: "a_kind_of_next_year", Message: "never heard of", Key: "mine"},
	} {
		addr := serve(t, failing(&want), api.ServerOptions{})
		c := dial(t, api.Target{Replicas: []api.Endpoint{{Name: "r2", Addr: addr}}})
		_, err := c.Do(t.Context(), api.Request{Verb: api.Post, Title: "x", Key: "mine", Replica: "r2"})
		got := asError(t, err)
		want.Message = "post at r2 (" + addr + "): " + want.Message
		want.Key = "mine"
		if want.Outcome == api.Unknown {
			want.Hint = got.Hint
			if !strings.Contains(got.Hint, "mine") {
				t.Errorf("hint %q does not show the key", got.Hint)
			}
		}
		if diff := cmp.Diff(&want, got); diff != "" {
			t.Errorf("- want + got\n%s", diff)
		}
	}
}

// A service's own words may hold anything; they arrive, made fit for the wire.
func TestErrorWithUnfitText(t *testing.T) {
	f := failing(&api.Error{Outcome: api.Refused, Kind: "not_found", Message: "no \xff" + strings.Repeat("x", 10_000)})
	addr := serve(t, f, api.ServerOptions{})
	_, err := plain(t, addr).Do(t.Context(), &pb.Request{Verb: pb.Verb_VERB_READ})
	if s := status.Convert(err); s.Code() != codes.NotFound || !strings.HasPrefix(s.Message(), "no \uFFFDx") {
		t.Errorf("Do: %s %.20q", s.Code(), s.Message())
	}
	c := dial(t, api.Target{Replicas: []api.Endpoint{{Name: "r1", Addr: addr}}})
	_, err = c.DoAny(t.Context(), api.Request{Verb: api.Read})
	if e := asError(t, err); e.Kind != "not_found" || !strings.Contains(e.Message, "no \uFFFDx") {
		t.Errorf("Pipe: %s %.80q", e.Kind, e.Message)
	}
}

// A service that breaks its promise to fail with *Error: what is not known to
// be refused is unknown for a post, and a bug.
func TestForeignErrors(t *testing.T) {
	addr := serve(t, failing(errors.New("a bug")), api.ServerOptions{})
	c := dial(t, api.Target{Replicas: []api.Endpoint{{Name: "r1", Addr: addr}}})
	_, err := c.DoAny(t.Context(), api.Request{Verb: api.Read})
	if e := asError(t, err); e.Outcome != api.Refused || e.Kind != "internal" {
		t.Errorf("read: %+v", e)
	}
	_, err = plain(t, addr).Do(t.Context(), &pb.Request{Verb: pb.Verb_VERB_POST, Title: "x"})
	if s := status.Convert(err); s.Code() != codes.Internal || errorInfo(t, s).GetMetadata()["outcome"] != "unknown" {
		t.Errorf("post: %v", s)
	}
}

func asError(t testing.TB, err error) *api.Error {
	t.Helper()
	var e *api.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v (%T), want an *api.Error", err, err)
	}
	return e
}

func errorInfo(t *testing.T, s *status.Status) *errdetails.ErrorInfo {
	t.Helper()
	for _, detail := range s.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info
		}
	}
	t.Fatalf("%v has no ErrorInfo", s)
	return nil
}

// plain is a client as anyone would generate it.
func plain(t testing.TB, addr string) pb.BoardClient { return pb.NewBoardClient(connect(t, addr)) }

func connect(t testing.TB, addr string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}
