package api

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	pb "consequor/replicad/api/consequorpb"
)

// ServerOptions are the limits of a Server. A zero field has its default.
type ServerOptions struct {
	MessageSizeMax   int           // bytes in one message from a client; 256 KiB. Beyond: refused
	ConnectionsMax   int           // 512. Beyond: closed at once
	StreamsMax       uint32        // per connection; 256. Beyond: the client's gRPC waits
	CallsMax         int           // requests in progress, of all clients; 8,192. Beyond: refused as overloaded
	PipeCallsMax     int           // of those, in one pipe; 2,048. Beyond: refused as overloaded
	HandshakeTimeout time.Duration // until a new connection speaks HTTP/2; 5 s
	DeadlineDefault  time.Duration // of a request without one; 5 s
	DeadlineMax      time.Duration // of any request; 60 s. A longer one is cut
	StopTimeout      time.Duration // for requests in progress when Run's context ends; 2 s. Then they are cut off
	TLS              *tls.Config   // nil: plain text, for loopback
}

func (o ServerOptions) withDefaults() ServerOptions {
	o.MessageSizeMax = cmp.Or(o.MessageSizeMax, 256<<10)
	o.ConnectionsMax = cmp.Or(o.ConnectionsMax, 512)
	o.StreamsMax = cmp.Or(o.StreamsMax, 256)
	o.CallsMax = cmp.Or(o.CallsMax, 8192)
	o.PipeCallsMax = cmp.Or(o.PipeCallsMax, 2048)
	o.HandshakeTimeout = cmp.Or(o.HandshakeTimeout, 5*time.Second)
	o.DeadlineDefault = cmp.Or(o.DeadlineDefault, 5*time.Second)
	o.DeadlineMax = cmp.Or(o.DeadlineMax, 60*time.Second)
	o.StopTimeout = cmp.Or(o.StopTimeout, 2*time.Second)
	return o
}

// What keeps a server from holding dead connections, and clients from pinging
// it without need.
const (
	serverPingEvery   = 30 * time.Second
	serverPingTimeout = 10 * time.Second
	clientPingMin     = 5 * time.Second
	idleMax           = 15 * time.Minute // a connection without a stream
)

// The flow-control windows of both sides: larger than what is ever in flight
// on loopback, so that only a peer that does not read makes anyone wait.
const (
	streamWindow     = 2 << 20
	connectionWindow = 4 << 20
	ioBufferSize     = 64 << 10
)

// Server puts a Service before clients, with the limits of ServerOptions.
type Server struct {
	service  Service
	o        ServerOptions
	grpc     *grpc.Server
	health   *health.Server
	open     atomic.Int64   // requests in progress
	stopping chan struct{}  // closed when Run's context has ended
	pipes    sync.WaitGroup // goroutines of pipes
}

// NewServer makes a server that runs once. Nothing is serving by its health
// service until SetServing says so.
func NewServer(service Service, o ServerOptions) *Server {
	s := &Server{service: service, o: o.withDefaults(), health: health.NewServer(), stopping: make(chan struct{})}
	s.grpc = grpc.NewServer(s.grpcOptions()...)
	s.grpc.RegisterService(boardDescription(), &handlers{s: s})
	healthpb.RegisterHealthServer(s.grpc, s.health)
	reflection.Register(s.grpc)
	s.SetServing("", false)
	return s
}

func (s *Server) grpcOptions() []grpc.ServerOption {
	creds := insecure.NewCredentials()
	if s.o.TLS != nil {
		creds = credentials.NewTLS(s.o.TLS)
	}
	return []grpc.ServerOption{
		grpc.Creds(creds),
		grpc.ForceServerCodecV2(newKeepingCodec()),
		grpc.StreamInterceptor(interceptStream),
		grpc.MaxRecvMsgSize(s.o.MessageSizeMax),
		grpc.MaxConcurrentStreams(s.o.StreamsMax),
		grpc.ConnectionTimeout(s.o.HandshakeTimeout),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionIdle: idleMax, Time: serverPingEvery, Timeout: serverPingTimeout}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{
			MinTime: clientPingMin, PermitWithoutStream: true}),
		grpc.StaticStreamWindowSize(streamWindow),
		grpc.StaticConnWindowSize(connectionWindow),
		grpc.ReadBufferSize(ioBufferSize),
		grpc.WriteBufferSize(ioBufferSize),
		grpc.WaitForHandlers(true),
	}
}

// SetServing tells the health service whether the replica serves; the empty
// name stands for the process.
func (s *Server) SetServing(replica string, serving bool) {
	state := healthpb.HealthCheckResponse_NOT_SERVING
	if serving {
		state = healthpb.HealthCheckResponse_SERVING
	}
	s.health.SetServingStatus(replica, state)
}

// Run serves l until ctx ends: then new requests are refused, those in
// progress have StopTimeout to end, and the rest is cut off. It closes l and
// leaves nothing behind. An error is l's.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	served := make(chan error, 1)
	go func() { served <- s.grpc.Serve(limit(l, s.o.ConnectionsMax)) }()
	select {
	case err := <-served:
		s.stop()
		return fmt.Errorf("serve clients at %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	s.stop()
	if err := <-served; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("serve clients at %s: %w", l.Addr(), err)
	}
	return nil
}

func (s *Server) stop() {
	close(s.stopping)
	s.health.Shutdown()
	cutOff := time.AfterFunc(s.o.StopTimeout, s.grpc.Stop)
	s.grpc.GracefulStop()
	cutOff.Stop()
	s.pipes.Wait()
}

func (s *Server) isStopping() bool {
	select {
	case <-s.stopping:
		return true
	default:
		return false
	}
}

// begin counts a request in, or says why not; end counts it out.
func (s *Server) begin() *Error {
	if s.isStopping() {
		return refused(KindStopping, "the replica is leaving")
	}
	if s.open.Add(1) > int64(s.o.CallsMax) {
		s.open.Add(-1)
		return refused(KindOverloaded, "%d requests are in progress, the limit", s.o.CallsMax)
	}
	return nil
}

func (s *Server) end() { s.open.Add(-1) }

// do carries out one request; ctx has its deadline.
func (s *Server) do(ctx context.Context, m *pb.Request) (*pb.Answer, *Error) {
	r, err := decodeRequest(m)
	if err != nil {
		return nil, invalid(err)
	}
	if e := r.check(); e != nil {
		return nil, e
	}
	answer, err := s.service.Do(ctx, r)
	if err != nil {
		return nil, asError(r.Verb, err)
	}
	return encodeAnswer(answer), nil
}

// timeout is how long a request may take whose client gives it want.
func (s *Server) timeout(want time.Duration) time.Duration {
	if want <= 0 {
		want = s.o.DeadlineDefault
	}
	return min(want, s.o.DeadlineMax)
}
