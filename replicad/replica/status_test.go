package replica

import (
	"bytes"
	"encoding/json"
	"sync"
	"testing"

	"consequor/replicad/api"
)

// statuses takes a process's reports and tells tests what they wait for.
type statuses struct {
	mu    sync.Mutex
	t     *testing.T
	rest  []byte
	pid   int
	pids  chan int // each plugin's pid, once
	steps map[api.Step]chan struct{}
}

func statusPipe(t *testing.T) (*statuses, <-chan int) {
	s := &statuses{t: t, pids: make(chan int, 16), steps: make(map[api.Step]chan struct{})}
	for _, step := range []api.Step{api.Started, api.Joined, api.CaughtUp, api.Failed} {
		s.steps[step] = make(chan struct{})
	}
	return s, s.pids
}

// statusOf is closed when the process reports that step.
func statusOf(_ *testing.T, s *statuses, step api.Step) <-chan struct{} { return s.steps[step] }

func (s *statuses) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest = append(s.rest, b...)
	for {
		line, rest, whole := bytes.Cut(s.rest, []byte("\n"))
		if !whole {
			return len(b), nil
		}
		s.rest = rest
		var status api.Status
		if err := json.Unmarshal(line, &status); err != nil {
			s.t.Errorf("report %q: %v", line, err)
			continue
		}
		s.take(status)
	}
}

func (s *statuses) take(status api.Status) {
	if status.PluginPID != 0 && status.PluginPID != s.pid {
		s.pid = status.PluginPID
		s.pids <- s.pid
	}
	if c := s.steps[status.Step]; c != nil {
		select {
		case <-c:
		default:
			close(c)
		}
	}
}
