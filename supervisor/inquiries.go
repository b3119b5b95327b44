package supervisor

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"consequor/replicad/api"
	"consequor/topologies"
)

// The limits of inquiries.
const (
	inquiriesMax    = 4096             // under way; beyond, one is refused
	answerPause     = time.Second      // the longest until a piece of an answer comes; then there is none
	answerLimit     = 15 * time.Second // for all pieces together
	answerPiecesMax = 512              // of one answer; each has at most 64 KiB
)

// inquiries are the questions to processes that are under way. Answers come as
// lines among a child's reports, and find their question by its id.
type inquiries struct {
	mu   sync.Mutex
	last uint64
	open map[uint64]*inquiry
}

// inquiry is one question to one process.
type inquiry struct {
	id     uint64
	news   chan struct{} // holds a token when something came
	pieces []topologies.Answer
	whole  bool // the last piece is there
	excess bool // there were too many
}

func newInquiries() *inquiries { return &inquiries{open: make(map[uint64]*inquiry)} }

// begin gives a question its id; nil: too many are under way.
func (q *inquiries) begin() *inquiry {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.open) >= inquiriesMax {
		return nil
	}
	q.last++
	i := &inquiry{id: q.last, news: make(chan struct{}, 1)}
	q.open[i.id] = i
	return i
}

// end forgets a question: what still comes is dropped.
func (q *inquiries) end(i *inquiry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.open, i.id)
}

// answered takes one piece. It never waits: it is the reader of a child's
// reports that calls it.
func (q *inquiries) answered(a topologies.Answer) {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := q.open[a.ID]
	switch {
	case i == nil || i.whole || i.excess:
		return
	case len(i.pieces) >= answerPiecesMax:
		i.excess, i.pieces = true, nil
	default:
		i.pieces = append(i.pieces, a)
		i.whole = !a.More
	}
	select {
	case i.news <- struct{}{}:
	default:
	}
}

// taken is what has come so far.
func (q *inquiries) taken(i *inquiry) (pieces []topologies.Answer, whole, excess bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return i.pieces, i.whole, i.excess
}

// Silent is a replica that did not do what was asked of all: answer, or confirm.
type Silent struct {
	Replica string `json:"replica"`
	Why     string `json:"why"` // for people: paused, killed, ...
}

// ask puts a question to a process and returns the pieces of its answer. An
// error says why there is none, and never that of another process.
func (s *supervisor) ask(ctx context.Context, p *process, about topologies.Inquiry) ([]topologies.Answer, error) {
	i := s.inquiries.begin()
	if i == nil {
		return nil, p.busy()
	}
	defer s.inquiries.end(i)
	about.ID = i.id
	life, why, _ := s.hub.listens(p.hosts[0])
	if why != "" {
		return nil, noAnswer(p, why)
	}
	p.give(topologies.Order{Kind: topologies.OrderInquire, Inquiry: &about})
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	late := time.NewTimer(answerPause)
	defer late.Stop()
	for {
		now, why, changed := s.hub.listens(p.hosts[0])
		pieces, whole, excess := s.inquiries.taken(i)
		switch {
		case whole:
			return pieces, failureIn(p, pieces)
		case excess:
			return nil, noAnswer(p, fmt.Sprintf("its answer is longer than %d lines", answerPiecesMax))
		case why != "" || now != life:
			return nil, noAnswer(p, cmp.Or(why, "it was started again meanwhile"))
		}
		select {
		case <-i.news:
			late.Reset(answerPause)
		case <-changed:
		case <-late.C:
			return nil, noAnswer(p, fmt.Sprintf("none within %v", answerPause))
		case <-ctx.Done():
			return nil, noAnswer(p, "not all of it in time: "+ctx.Err().Error())
		}
	}
}

func noAnswer(p *process, why string) error {
	return &Error{Kind: KindNoAnswer, Message: fmt.Sprintf("no answer from %s: %s", p.name, why), Hint: "see: consequorctl status"}
}

// failureIn is the error that a process has answered with.
func failureIn(p *process, pieces []topologies.Answer) error {
	for _, a := range pieces {
		if a.Error != "" {
			return noAnswer(p, a.Error)
		}
	}
	return nil
}

// askAll puts a question to all processes at once, and calls take with each
// answer, in the order of the replicas. It returns who gave none, and why.
func (s *supervisor) askAll(ctx context.Context, about topologies.Inquiry, take func(*process, []topologies.Answer)) []Silent {
	answers, errs := make([][]topologies.Answer, len(s.processes)), make([]error, len(s.processes))
	var asking sync.WaitGroup
	for i, p := range s.processes {
		asking.Go(func() { answers[i], errs[i] = s.ask(ctx, p, about) })
	}
	asking.Wait()
	silent := []Silent{}
	for i, p := range s.processes {
		if errs[i] == nil {
			take(p, answers[i])
			continue
		}
		for _, host := range p.hosts {
			why := strings.TrimPrefix(errs[i].Error(), fmt.Sprintf("no answer from %s: ", p.name))
			silent = append(silent, Silent{host, why})
		}
	}
	return silent
}

// listens tells whether the process of a replica can be told something: why is
// empty then. Life counts its starts.
func (h *hub) listens(replica string) (life int, why string, changed <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.row(replica)
	return r.starts, r.deafness(), h.changed
}

// deafness is why the replica's process can be told nothing; empty: it can.
func (r *row) deafness() string {
	switch {
	case !r.alive && r.down == StateStarting:
		return "it is to be started"
	case !r.alive:
		return string(r.down)
	case r.paused:
		return string(StatePaused)
	}
	switch r.report.Step {
	case api.Started, api.Joined, api.CaughtUp:
		return ""
	case api.Failed:
		return string(StateFailed)
	}
	return string(StateStarting)
}
