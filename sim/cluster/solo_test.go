package cluster_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/replicad/host"
	"consequor/sim/cluster"
)

// solo is a mode in which each replica is alone: it stores what is posted, and
// does what a title says.
type solo struct {
	logged bool // articles are visible at once, and nothing waits for the disk
	self   board.ReplicaID
	next   uint64
	seen   *[]modes.Event // of all lives
	closed *int
	err    error // of the next Step
}

func (m *solo) Close() error { *m.closed++; return nil }

func (m *solo) Step(batch modes.Batch) (*modes.Effects, error) {
	out := new(modes.Effects)
	for _, e := range batch.Events {
		*m.seen = append(*m.seen, e)
		switch e := e.(type) {
		case modes.Start:
			m.self, m.next = e.Self, e.Board.Seq(e.Self)+1
			out.LocalReads("local")
			out.Report(modes.Status{Role: modes.RolePeer, CaughtUp: true})
		case modes.Request:
			m.request(e, out)
		case modes.Seal:
			out.Sealed(board.Vector{{Seq: m.next - 1, Origin: m.self}})
		case modes.Stop:
			out.Stopped()
		}
	}
	return out, m.err
}

func (m *solo) request(e modes.Request, out *modes.Effects) {
	a := e.Article
	word, rest, _ := strings.Cut(a.Title, " ")
	switch word {
	case "ignore":
		return
	case "panic":
		panic(rest)
	case "halt":
		out.Halt(rest)
		return
	case "timer":
		out.SetTimer("timer", time.Second)
		return
	case "send":
		out.SendNow(3-m.self, []byte(rest))
		return
	case "board":
		out.SendBoard(3-m.self, nil, []byte(rest))
		return
	case "lead":
		out.Report(modes.Status{Role: modes.RoleCoordinator, Term: 7, CaughtUp: true})
		return
	case "die":
		m.err = errors.New(rest)
		return
	case "vanish":
		m.err = cluster.ErrCutOff
		return
	}
	a.ID = board.ArticleID{Seq: m.next, Origin: m.self}
	if word == "origin" {
		a.ID.Origin = 9
	}
	m.next++
	if m.logged {
		out.StoreLogged(a)
		return
	}
	out.Store(a)
	out.Reply(modes.Reply{Request: e.ID, Outcome: modes.OK, ID: a.ID})
}

// stage is a cluster of solo modes, and what was seen on it.
type stage struct {
	*cluster.Cluster
	t      *testing.T
	events []cluster.Event
	seen   map[board.ReplicaID]*[]modes.Event
	closed int // machines
}

func newStage(t *testing.T, n int, change func(*cluster.Config)) *stage {
	return soloStage(t, n, false, change)
}

func soloStage(t *testing.T, n int, logged bool, change func(*cluster.Config)) *stage {
	s := &stage{t: t, seen: make(map[board.ReplicaID]*[]modes.Event)}
	c := cluster.Config{
		Replicas: n, Seed: 5, Epoch: epoch(1, "solo"),
		Trace: func(e cluster.Event) { s.events = append(s.events, e) },
		Launch: func(_ string, r board.ReplicaID) (cluster.Machine, error) {
			return &solo{logged: logged, seen: s.seen[r], closed: &s.closed}, nil
		},
	}
	if change != nil {
		change(&c)
	}
	s.Cluster = cluster.New(c)
	t.Cleanup(s.Close)
	for _, r := range s.All() {
		s.seen[r.ID] = new([]modes.Event)
		r.Boot()
	}
	s.run(300 * time.Millisecond)
	return s
}

func (s *stage) run(d time.Duration) {
	s.t.Helper()
	run(s.t, s.Cluster, d)
}

// do asks r1, or another, to do what a title says.
func (s *stage) do(at board.ReplicaID, title string) *host.Answer {
	a := new(host.Answer)
	s.Replica(at).Ask(host.Request{
		Verb: modes.VerbPost, Deadline: s.Now() + 3*time.Second,
		Article: board.Article{Title: title, Key: title},
	}, func(b host.Answer) { *a = b })
	return a
}

// count counts trace events of a kind in a replica's column.
func (s *stage) count(at board.ReplicaID, kind cluster.EventKind) int {
	n := 0
	for _, e := range s.events {
		if e.Replica == at && e.Kind == kind {
			n++
		}
	}
	return n
}

// received lists the messages that a replica's mode has got.
func (s *stage) received(at board.ReplicaID) (texts []string) {
	for _, e := range *s.seen[at] {
		if r, ok := e.(modes.Receive); ok {
			texts = append(texts, string(r.Message))
		}
	}
	return texts
}

func (s *stage) timers(at board.ReplicaID) int {
	n := 0
	for _, e := range *s.seen[at] {
		if _, ok := e.(modes.Timer); ok {
			n++
		}
	}
	return n
}

// fails runs on and wants an error that says so.
func (s *stage) fails(want string) {
	s.t.Helper()
	if err := s.Run(s.Now() + 2*time.Second); err == nil || !strings.Contains(err.Error(), want) {
		s.t.Errorf("the run ends with %v, want %q", err, want)
	}
}

func (s *stage) titles(at board.ReplicaID) (list []string) {
	for _, a := range s.Replica(at).Board().Span(nil) {
		list = append(list, a.Title)
	}
	return list
}

func (s *stage) hasTitles(at board.ReplicaID, want ...string) {
	s.t.Helper()
	if got := s.titles(at); !slices.Equal(got, want) {
		s.t.Errorf("%s shows %q, want %q", at, got, want)
	}
}
