package web

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"consequor/supervisor"
)

// mayor is a supervisor that keeps what it is told to do, of a village.
type mayor struct {
	vl *village

	mu     sync.Mutex
	told   []string
	status supervisor.ClusterStatus
	events []supervisor.Event
	fail   error
	gone   bool
	asked  int           // for links
	news   chan struct{} // closed when something is new
}

// office is the Source of a village with a mayor.
type office struct{ m *mayor }

func (o office) Control() Control { return o.m }

func (o office) Status(ctx context.Context) (*supervisor.ClusterStatus, error) {
	o.m.mu.Lock()
	defer o.m.mu.Unlock()
	if o.m.gone {
		return nil, fmt.Errorf("the supervisor is gone")
	}
	s := o.m.status
	return &s, nil
}

const controlToken = "the-token-of-this-start"

// newMayor serves a village of so many replicas with a mayor.
func newMayor(t *testing.T, replicas int) (m *mayor, url string) {
	t.Helper()
	m = &mayor{vl: newVillage(t, replicas), news: make(chan struct{})}
	seen, err := m.vl.source.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m.status = *seen
	secret := "http://127.0.0.1:1" + ControlURL("", controlToken)
	m.status.Cluster, m.status.WebControl = "town", &secret
	for i := range m.status.Replicas {
		m.status.Replicas[i].PID, m.status.Replicas[i].PluginPID = 101+i, 201+i
	}
	m.events = []supervisor.Event{{Seq: 1, Time: time.Unix(1, 0), Kind: supervisor.EventSpawned, Text: "r1 is spawned"}}
	url, _ = serve(t, Config{Source: office{m}, ControlToken: controlToken, Modes: fakeModes{}})
	return m, url
}

// happen changes what the mayor knows.
func (m *mayor) happen(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
	close(m.news)
	m.news = make(chan struct{})
}

func (m *mayor) tell(format string, args ...any) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.told = append(m.told, fmt.Sprintf(format, args...))
	return m.fail
}

// heard is what the mayor was told since the last time.
func (m *mayor) heard() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	text := strings.Join(m.told, "; ")
	m.told = nil
	return text
}

func (m *mayor) Act(_ context.Context, verb supervisor.Verb, target string, _ supervisor.ActOptions) (*supervisor.ActResult, error) {
	return &supervisor.ActResult{Target: target, Replicas: []string{strings.TrimPrefix(target, "plugin:")}, Role: "follower", PID: 7}, m.tell("%s %s", verb, target)
}

func (m *mayor) ChangeLinks(_ context.Context, r supervisor.FaultRequest) (*supervisor.FaultResult, error) {
	return &supervisor.FaultResult{Verb: r.Verb, Links: make([]supervisor.LinkFault, 2)}, m.tell("%s %v %v %v", r.Verb, r.A, r.B, r.OneWay)
}

func (m *mayor) Swap(_ context.Context, r supervisor.SwapRequest, _ func(supervisor.SwapProgress)) (*supervisor.SwapResult, error) {
	return &supervisor.SwapResult{Mode: r.Mode.Name, Epoch: 2, From: "sequential"}, m.tell("swap %s", r.Mode.Name)
}

func (m *mayor) Links(context.Context) (*supervisor.LinksResult, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked++
	count := uint64(m.asked) * 100
	var r supervisor.LinksResult
	for _, from := range m.status.Replicas {
		for _, to := range m.status.Replicas {
			if from.Name != to.Name {
				r.Links = append(r.Links, supervisor.Link{LinkFault: supervisor.LinkFault{From: from.Name, To: to.Name}, Up: true, Received: &count})
			}
		}
	}
	return &r, nil
}

func (m *mayor) KeptEvents(context.Context) ([]supervisor.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.events, nil
}

func (m *mayor) Events(ctx context.Context, since uint64, f func(supervisor.Event) error) error {
	return m.follow(ctx, func() error {
		for ; since < uint64(len(m.events)); since++ {
			if err := f(m.events[since]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (m *mayor) WatchStatus(ctx context.Context, f func(*supervisor.ClusterStatus) error) error {
	return m.follow(ctx, func() error { s := m.status; return f(&s) })
}

func (m *mayor) follow(ctx context.Context, tell func() error) error {
	for {
		m.mu.Lock()
		gone, news := m.gone, m.news
		var err error
		if !gone {
			err = tell()
		}
		m.mu.Unlock()
		if gone || err != nil {
			return fmt.Errorf("the supervisor is gone")
		}
		select {
		case <-news:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

type fakeModes struct{}

func (fakeModes) Names(context.Context, *supervisor.ClusterStatus) []string {
	return []string{"quorum", "sequential"}
}

func (fakeModes) Swap(_ context.Context, _ *supervisor.ClusterStatus, mode string, options []string) (*supervisor.SwapRequest, error) {
	var r supervisor.SwapRequest
	r.Mode.Name = strings.Join(append([]string{mode}, options...), " ")
	return &r, nil
}
