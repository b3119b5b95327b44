package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// barrierLimit is how long one waits at a barrier for the others.
const barrierLimit = time.Minute

// meeting lets those that play side by side wait for each other. A round ends
// when all are at one barrier, or breaks when that cannot come about: somebody
// has ended, or all wait, but not at the same one.
type meeting struct {
	limit time.Duration

	mu      sync.Mutex
	members []string
	at      map[string]string // who waits in this round, and at which barrier
	over    map[string]string // who has ended, and how
	round   *round
}

type round struct {
	done chan struct{} // closed when it ends
	err  error         // set before
}

func newMeeting(members []string) *meeting {
	return &meeting{
		limit: barrierLimit, members: members, at: make(map[string]string), over: make(map[string]string),
		round: &round{done: make(chan struct{})},
	}
}

// brokenMeeting is why nobody can meet any more. It is what came of another
// failure, or of sections that do not fit together.
type brokenMeeting struct {
	text      string
	ofAnother bool
}

func (e *brokenMeeting) Error() string { return e.text }

// meet waits until all are at this barrier.
func (m *meeting) meet(ctx context.Context, who, where string) error {
	m.mu.Lock()
	current := m.round
	m.at[who] = where
	m.settle()
	m.mu.Unlock()
	late := time.NewTimer(m.limit)
	defer late.Stop()
	select {
	case <-current.done:
		return current.err
	case <-ctx.Done():
		m.withdraw(who, current)
		return ctx.Err()
	case <-late.C:
		return m.withdraw(who, current)
	}
}

// withdraw gives up waiting, unless the round has ended meanwhile.
func (m *meeting) withdraw(who string, from *round) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if from != m.round {
		return from.err
	}
	delete(m.at, who)
	return &brokenMeeting{text: fmt.Sprintf("after %v not here: %s", m.limit, strings.Join(m.absent(who), ", "))}
}

func (m *meeting) absent(who string) []string {
	return slices.DeleteFunc(slices.Clone(m.members), func(name string) bool { return m.at[name] != "" || name == who })
}

// leave tells that a member has ended.
func (m *meeting) leave(who string, failed bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.over[who] = "has ended"
	if failed {
		m.over[who] = "has failed"
	}
	m.settle()
}

// settle ends the round if nobody is awaited any more, or somebody in vain. The
// lock is held.
func (m *meeting) settle() {
	if len(m.at) == 0 {
		return
	}
	var err error
	for _, name := range m.members {
		if how := m.over[name]; how != "" {
			err = &brokenMeeting{fmt.Sprintf("%s %s and will not come", name, how), how == "has failed"}
			break
		}
	}
	if err == nil && len(m.at) < len(m.members) {
		return
	}
	if err == nil {
		err = m.apart()
	}
	m.round.err = err
	close(m.round.done)
	m.round = &round{done: make(chan struct{})}
	clear(m.at)
}

// apart: all wait, but not at one barrier.
func (m *meeting) apart() error {
	first := m.at[m.members[0]]
	for _, name := range m.members[1:] {
		if m.at[name] != first {
			return &brokenMeeting{text: fmt.Sprintf("all wait for ever: %s at barrier %s, %s at barrier %s", m.members[0], first, name, m.at[name])}
		}
	}
	return nil
}
