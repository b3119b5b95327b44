package modeplugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"consequor/board"
	"consequor/modes"
	"consequor/modes/modeplugin/internal/modepb"
)

// controlWaitMax is how long a plugin waits for its host to want it.
const controlWaitMax = 10 * time.Second

// exitUsage is the exit code of a plugin that was not started by a host.
const exitUsage = 2

// Serve is the main of a mode plugin: it offers the mode that newMode makes to
// the host that started this process, one for each replica that it hosts, until
// the host wants it no more. It does not return.
func Serve(describe modes.Description, newMode func() modes.Mode) {
	if os.Getenv(handshake.MagicCookieKey) != handshake.MagicCookieValue {
		fmt.Fprintf(os.Stderr, "this is the mode %q, a plugin of consequor: replicad starts it, people do not\n", describe.Name)
		fmt.Fprintln(os.Stderr, "hint: name it in a topology, under modes, and run consequorctl up")
		os.Exit(exitUsage)
	}
	stderr := os.Stderr // go-plugin puts another one in its place
	watchLifeline(stderr)
	s := &server{describe: describe, newMode: newMode, stderr: stderr}
	s.unwanted = time.AfterFunc(controlWaitMax, func() { s.exit(1, "the host did not open the control stream") })
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: handshake,
		Plugins:         plugin.PluginSet{pluginName: &adapter{server: s}},
		Logger:          hclog.New(&hclog.LoggerOptions{Output: stderr, Level: hclog.Error}),
		GRPCServer: func(options []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(options, grpc.MaxRecvMsgSize(frameSizeMax), grpc.MaxSendMsgSize(frameSizeMax))...)
		},
	})
	os.Exit(0)
}

// watchLifeline ends the process when the host has gone: the other end of the
// pipe was the host's alone.
func watchLifeline(stderr io.Writer) {
	fd, err := strconv.Atoi(os.Getenv(lifelineEnv))
	if err != nil {
		return // a host that has no lifeline
	}
	lifeline := os.NewFile(uintptr(fd), "lifeline")
	go func() {
		io.Copy(io.Discard, lifeline) // ends with the host, whatever the error
		fmt.Fprintln(stderr, "the host is gone")
		os.Exit(1)
	}()
}

// server is the plugin's side of the gRPC service.
type server struct {
	modepb.UnimplementedModeServer
	describe   modes.Description
	newMode    func() modes.Mode
	stderr     io.Writer
	unwanted   *time.Timer
	controlled atomic.Bool

	mu       sync.Mutex
	machines int // state machines that run
}

func (s *server) exit(code int, why string) {
	fmt.Fprintln(s.stderr, why)
	os.Exit(code)
}

func (s *server) Describe(context.Context, *modepb.DescribeRequest) (*modepb.Description, error) {
	return descriptionToWire(s.describe), nil
}

// Control holds the process up: its end, for whatever reason, ends it.
func (s *server) Control(_ *modepb.ControlRequest, stream grpc.ServerStreamingServer[modepb.ControlEvent]) error {
	if !s.controlled.CompareAndSwap(false, true) {
		return status.Error(codes.AlreadyExists, "this plugin has a host already")
	}
	s.unwanted.Stop()
	<-stream.Context().Done()
	os.Exit(0)
	return nil
}

// Open starts a state machine at the end of the socket that the host named.
func (s *server) Open(ctx context.Context, request *modepb.OpenRequest) (*modepb.OpenResponse, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", request.Socket)
	if err != nil {
		return nil, status.Errorf(codes.Unavailable, "machine of %s: %v", board.ReplicaID(request.Replica), err)
	}
	s.useProcessors(+1)
	go func() { // ends with its socket
		defer s.useProcessors(-1)
		serveMachine(conn, s.newMode())
	}()
	return &modepb.OpenResponse{}, nil
}

// useProcessors counts a state machine in or out. Each uses one processor at a
// time; with more than that the Go runtime would spend the others, which this
// machine's other processes want, on looking for work.
func (s *server) useProcessors(change int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.machines += change
	if want := min(runtime.NumCPU(), max(1, s.machines)); want != runtime.GOMAXPROCS(0) {
		runtime.GOMAXPROCS(want)
	}
}

// serveMachine steps mode with every batch that comes, until the socket ends or
// a batch cannot be answered; the host has been told why then.
func serveMachine(conn net.Conn, mode modes.Mode) {
	defer conn.Close()
	m := stepper{mode: mode, conn: conn}
	frames := newFrameReader(conn)
	for {
		message, err := frames.next()
		var oversize *oversizeError
		switch {
		case errors.As(err, &oversize):
			m.reject(err)
			return
		case err != nil: // the host is gone, or has closed this replica
			return
		}
		if !m.step(message) {
			return
		}
	}
}

// stepper is one state machine in the plugin.
type stepper struct {
	mode   modes.Mode
	conn   net.Conn
	number uint64 // of the last batch
	now    time.Duration
	out    modes.Effects
	buf    []byte
}

// step answers the batch in message with its effects; or says why it cannot,
// and returns false.
func (m *stepper) step(message []byte) bool {
	if err := m.answer(message); err != nil {
		m.reject(err)
		return false
	}
	_, err := m.conn.Write(m.buf)
	return err == nil
}

// reject tells the host why there is no answer. When that fails the host is
// gone, and needs no answer.
func (m *stepper) reject(why error) {
	m.buf = appendFault(beginFrame(m.buf), m.number, why.Error())
	if endFrame(m.buf, "fault") == nil {
		m.conn.Write(m.buf)
	}
}

// answer leaves the frame with the effects of the batch in m.buf.
func (m *stepper) answer(message []byte) error {
	batch, err := decodeBatch(message)
	if err != nil {
		return err
	}
	if batch.Number != m.number+1 || batch.Now < m.now {
		return fmt.Errorf("batch %d at %v follows batch %d at %v", batch.Number, batch.Now, m.number, m.now)
	}
	m.number, m.now = batch.Number, batch.Now
	clear(m.out.List)
	m.out.List = m.out.List[:0]
	m.mode.Step(batch, &m.out)
	if m.buf, err = appendEffects(beginFrame(m.buf), m.number, &m.out); err != nil {
		return err
	}
	return endFrame(m.buf, "effects of step "+strconv.FormatUint(m.number, 10))
}
