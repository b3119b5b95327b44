package modeplugin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"

	"consequor/board"
	"consequor/modes"
	"consequor/modes/modeplugin/internal/modepb"
)

const (
	// openMax is how long a running plugin may take to connect one more replica.
	openMax = 5 * time.Second

	// endMax is how long a plugin may live on without its control stream.
	endMax = time.Second
)

// Process is a running mode plugin.
type Process struct {
	config      LaunchConfig
	child       *child
	client      *plugin.Client
	conn        *grpc.ClientConn
	service     modepb.ModeClient
	control     grpc.ServerStreamingClient[modepb.ControlEvent]
	end         context.CancelFunc // of the control stream
	description modes.Description
	sum         string
	cleaned     chan struct{} // closed when nothing is left of it

	mu       sync.Mutex
	machines map[*Machine]struct{} // those open; nil once the process has ended
}

// Description is what the mode says of itself.
func (p *Process) Description() modes.Description { return p.description }

// PID is the plugin's process id.
func (p *Process) PID() int { return p.child.cmd.Process.Pid }

// SHA256 is the sum, in hex, of the binary that runs.
func (p *Process) SHA256() string { return p.sum }

// Done is closed when the process has ended, for whatever reason.
func (p *Process) Done() <-chan struct{} { return p.child.exited }

// Err says how the process ended; nil while it runs.
func (p *Process) Err() error {
	if err := p.child.ended(); err != nil {
		return fmt.Errorf("%s ended: %w", p.name(), err)
	}
	return nil
}

// Stopped reports whether a signal may have stopped the process, so that no
// answer can be expected of it.
func (p *Process) Stopped() bool { return stopped(p.PID()) }

func (p *Process) name() string { return fmt.Sprintf("mode plugin %d", p.PID()) }

// Kill ends the process at once, waits until it has gone, and leaves nothing
// of it. It may be called more than once.
func (p *Process) Kill() {
	p.child.kill()
	<-p.cleaned
}

// watch starts what ends with the process: one goroutine that ends it should
// its control stream break, and one that cleans up behind it.
func (p *Process) watch() {
	var streams sync.WaitGroup
	streams.Go(func() {
		for p.control.RecvMsg(&modepb.ControlEvent{}) == nil { // none has a meaning yet
		}
		select { // most often it broke because the process is ending
		case <-p.child.exited:
		case <-time.After(endMax):
			p.child.kill()
		}
	})
	go func() {
		<-p.child.exited
		if err := p.child.ended(); !errors.Is(err, errKilled) {
			p.config.Logger.Warn("mode plugin ended", "plugin", p.config.name(), "pid", p.PID(), "cause", err)
		}
		p.closeMachines()
		p.end()
		p.client.Kill() // closes what go-plugin holds; the process is gone
		streams.Wait()
		close(p.cleaned)
	}()
}

func (p *Process) closeMachines() {
	p.mu.Lock()
	machines := p.machines
	p.machines = nil
	p.mu.Unlock()
	for m := range machines {
		m.Close()
	}
}

// Ping asks the plugin for its health.
func (p *Process) Ping(ctx context.Context) error {
	health := grpc_health_v1.NewHealthClient(p.conn)
	answer, err := health.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: plugin.GRPCServiceName})
	if err == nil && answer.Status != grpc_health_v1.HealthCheckResponse_SERVING {
		err = errors.New(answer.Status.String())
	}
	if err != nil {
		return fmt.Errorf("ping %s: %w", p.name(), err)
	}
	return nil
}

// Open starts a state machine for a replica in the plugin.
func (p *Process) Open(replica board.ReplicaID) (*Machine, error) {
	conn, err := p.connect(replica)
	if err != nil {
		return nil, fmt.Errorf("%s: open a machine for %s: %w", p.name(), replica, err)
	}
	m := newMachine(replica, p.name(), conn)
	m.closed = func() { p.forget(m) }
	p.mu.Lock()
	if p.machines != nil {
		p.machines[m] = struct{}{}
		p.mu.Unlock()
		return m, nil
	}
	p.mu.Unlock()
	m.Close()
	return nil, p.Err()
}

func (p *Process) forget(m *Machine) {
	p.mu.Lock()
	delete(p.machines, m)
	p.mu.Unlock()
}

// connect lets the plugin dial a socket that exists for this one connection.
func (p *Process) connect(replica board.ReplicaID) (net.Conn, error) {
	dir, err := os.MkdirTemp(p.config.SocketDir, "m")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	address := &net.UnixAddr{Net: "unix", Name: filepath.Join(dir, replica.String())}
	listener, err := net.ListenUnix("unix", address)
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	ctx, cancel := context.WithTimeout(context.Background(), openMax)
	defer cancel()
	if _, err := p.service.Open(ctx, &modepb.OpenRequest{Replica: uint32(replica), Socket: address.Name}); err != nil {
		return nil, err
	}
	// It has connected already; this takes it from the queue.
	if err := listener.SetDeadline(time.Now().Add(openMax)); err != nil {
		return nil, err
	}
	return listener.Accept()
}
