package api_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"

	"consequor/replicad/api"
	pb "consequor/replicad/api/consequorpb"
)

// Health is told per replica and for the process; at first nothing serves, and
// a name nobody spoke of is not known.
func TestHealth(t *testing.T) {
	l := listen(t)
	ctx, stop := context.WithCancel(context.Background())
	server := api.NewServer(&fake{}, api.ServerOptions{})
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx, l) }()
	defer func() { stop(); <-ended }()
	client := healthpb.NewHealthClient(connect(t, l.Addr().String()))
	state := func(name string) string {
		answer, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{Service: name})
		if err != nil {
			return "error"
		}
		return answer.GetStatus().String()
	}
	for _, step := range []struct {
		name    string
		serving bool
	}{{"r1", true}, {"", true}, {"r1", false}} {
		server.SetServing(step.name, step.serving)
		if got := state(step.name); (got == "SERVING") != step.serving {
			t.Errorf("%q set to %v is %s", step.name, step.serving, got)
		}
	}
	if got := state("r2"); got != "error" {
		t.Errorf("r2 is %s", got)
	}
}

func TestNothingServesAtFirst(t *testing.T) {
	client := healthpb.NewHealthClient(connect(t, serve(t, &fake{}, api.ServerOptions{})))
	answer, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{})
	if err != nil || answer.GetStatus() != healthpb.HealthCheckResponse_NOT_SERVING {
		t.Errorf("%v, %v", answer, err)
	}
}

// Reflection lists our service, health and itself.
func TestReflection(t *testing.T) {
	conn := connect(t, serve(t, &fake{}, api.ServerOptions{}))
	stream, err := reflectionpb.NewServerReflectionClient(conn).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ask := &reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}}
	if err := stream.Send(ask); err != nil {
		t.Fatal(err)
	}
	answer, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, service := range answer.GetListServicesResponse().GetService() {
		names = append(names, service.GetName())
	}
	for _, want := range []string{"consequor.v1.Board", "grpc.health.v1.Health"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is not among %v", want, names)
		}
	}
}

// The server is told to stop while a post is in its hands: the post ends well,
// a new one is refused and surely not done, and Run returns.
func TestStopInOrder(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	inService, goOn := make(chan struct{}), make(chan struct{})
	f := &fake{do: func(_ context.Context, r api.Request) (*api.Answer, error) {
		if r.Title == "slow" {
			close(inService)
			<-goOn
		}
		return &api.Answer{}, nil
	}}
	l := listen(t)
	ended := make(chan error, 1)
	go func() { ended <- api.NewServer(f, api.ServerOptions{StopTimeout: patience}).Run(ctx, l) }()
	c := dial(t, api.Target{Replicas: []api.Endpoint{{Name: "r1", Addr: l.Addr().String()}}})
	slow := make(chan error, 1)
	go func() {
		_, err := c.DoAny(timeLimit(t, patience), api.Request{Verb: api.Post, Title: "slow"})
		slow <- err
	}()
	<-inService
	stop()
	waitFor(t, "new posts to be refused", func() bool {
		_, err := c.Do(timeLimit(t, 20*time.Millisecond), api.Request{Verb: api.Post, Title: "new", Replica: "r1"})
		var e *api.Error
		return errors.As(err, &e) && e.Outcome == api.Refused
	})
	close(goOn)
	if err := <-slow; err != nil {
		t.Errorf("the post that was in progress: %v", err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A request that does not end is cut off, by either way in, and the listener
// is free again when Run returns.
func TestStopCutsOff(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	inService := make(chan struct{}, 2)
	f := &fake{do: func(ctx context.Context, r api.Request) (*api.Answer, error) {
		inService <- struct{}{}
		return stuck(ctx, r)
	}}
	l := listen(t)
	ended := make(chan error, 1)
	go func() { ended <- api.NewServer(f, api.ServerOptions{StopTimeout: time.Millisecond}).Run(ctx, l) }()
	pipe := openRawPipe(t, plain(t, l.Addr().String()))
	client := plain(t, l.Addr().String())
	cutOff := make(chan error, 1)
	go func() {
		_, err := client.Do(t.Context(), read(1).GetRequest())
		cutOff <- err
	}()
	if err := pipe.Send(&pb.Calls{Calls: []*pb.Call{read(1)}}); err != nil {
		t.Fatal(err)
	}
	<-inService
	<-inService
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := <-cutOff; err == nil {
		t.Error("the stuck request was answered")
	}
	again, err := net.Listen("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

// A listener that fails ends Run with its error.
func TestListenerFails(t *testing.T) {
	l := listen(t)
	l.Close()
	err := api.NewServer(&fake{}, api.ServerOptions{}).Run(t.Context(), l)
	if err == nil || !strings.Contains(err.Error(), "serve clients at 127.0.0.1:") {
		t.Errorf("got %v", err)
	}
}

// After posts, a hop past a dead and a paused replica, a request cut off and
// both ends closed, no goroutine of ours or of gRPC is left.
func TestNothingIsLeft(t *testing.T) {
	before := goroutines()
	t.Run("a life", func(t *testing.T) {
		var rs replicas
		rs.addDead(t)
		rs.addPaused(t)
		rs.add(t, fine)
		rs.add(t, stuck)
		c := dial(t, rs.target)
		for range 3 {
			if _, err := c.DoAny(timeLimit(t, patience), post); err != nil {
				t.Error(err)
			}
		}
		if _, err := c.Do(timeLimit(t, 20*time.Millisecond), api.Request{Verb: api.Read, Replica: "r4"}); err == nil {
			t.Error("the stuck replica answered")
		}
	})
	var left string
	waitFor(t, "goroutines to end", func() bool {
		left = goroutines()
		return strings.Count(left, "\n\n") <= strings.Count(before, "\n\n")
	})
}

// goroutines lists the stacks of all that run gRPC's or our code.
func goroutines() string {
	stacks := make([]byte, 4<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	var ours []string
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		if strings.Contains(stack, "google.golang.org/grpc") || strings.Contains(stack, "replicad/api.") {
			ours = append(ours, stack)
		}
	}
	return strings.Join(ours, "\n\n")
}

// A client may be told of TLS; without it at the other end nothing is sent.
func TestOneSidedTLS(t *testing.T) {
	addr := serve(t, untouched(t), api.ServerOptions{HandshakeTimeout: 50 * time.Millisecond})
	c := dial(t, api.Target{Replicas: []api.Endpoint{{Name: "r1", Addr: addr}}, TLS: &tls.Config{}})
	_, err := c.Do(timeLimit(t, patience), api.Request{Verb: api.Sync, Replica: "r1"})
	if e := asError(t, err); e.Kind != "not_connected" || e.Outcome != api.Refused {
		t.Errorf("got %+v", e)
	}
}
