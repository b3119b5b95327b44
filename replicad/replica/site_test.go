package replica

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"consequor/board"
	"consequor/replicad/api"
	"consequor/topologies"
)

// waitMax bounds every wait for an event that must come.
const waitMax = 30 * time.Second

// newest keeps the newest status that a process has reported, of each of its
// replicas.
type newest struct {
	t       testing.TB
	mu      sync.Mutex
	rest    []byte
	status  api.Status            // whatever replica it is of
	of      map[string]api.Status // by replica
	reports int
	answers map[uint64]*topologies.Answer // to inquiries, as far as they have come
	changed chan struct{}                 // closed, and made anew, at each report
}

func newNewest(t testing.TB) *newest {
	return &newest{t: t, of: make(map[string]api.Status), answers: make(map[uint64]*topologies.Answer), changed: make(chan struct{})}
}

func (n *newest) Write(b []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rest = append(n.rest, b...)
	for {
		line, rest, whole := bytes.Cut(n.rest, []byte("\n"))
		if !whole {
			return len(b), nil
		}
		n.rest = rest
		if n.tookAnswer(line) {
			continue
		}
		n.status = api.Status{}
		if err := json.Unmarshal(line, &n.status); err != nil {
			n.t.Errorf("report %q: %v", line, err)
		}
		n.of[n.status.Name] = n.status
		n.reports++
		close(n.changed)
		n.changed = make(chan struct{})
	}
}

// tookAnswer takes a piece of an answer to an inquiry; other lines are reports.
func (n *newest) tookAnswer(line []byte) bool {
	var l topologies.Line
	if err := json.Unmarshal(line, &l); err != nil || l.Answer == nil {
		return false
	}
	a := n.answers[l.Answer.ID]
	if a == nil {
		a = &topologies.Answer{ID: l.Answer.ID}
		n.answers[a.ID] = a
	}
	a.Links, a.Trace = append(a.Links, l.Answer.Links...), append(a.Trace, l.Answer.Trace...)
	a.Error, a.More = l.Answer.Error, l.Answer.More
	close(n.changed)
	n.changed = make(chan struct{})
	return true
}

// awaitAnswer waits until an inquiry is answered as a whole.
func (n *newest) awaitAnswer(id uint64) topologies.Answer {
	n.t.Helper()
	limit := time.After(waitMax)
	for {
		n.mu.Lock()
		a, changed := n.answers[id], n.changed
		if a != nil && !a.More {
			defer n.mu.Unlock()
			return *a
		}
		n.mu.Unlock()
		select {
		case <-changed:
		case <-limit:
			n.t.Fatalf("waited for the answer to inquiry %d", id)
		}
	}
}

// await waits until the process reports what is wanted of its one replica.
func (n *newest) await(what string, is func(api.Status) bool) api.Status {
	n.t.Helper()
	return n.awaitOf("", what, is)
}

// awaitOf waits for one of several replicas.
func (n *newest) awaitOf(replica, what string, is func(api.Status) bool) api.Status {
	n.t.Helper()
	limit := time.After(waitMax)
	for {
		n.mu.Lock()
		s, changed := n.status, n.changed
		if replica != "" {
			s = n.of[replica]
		}
		n.mu.Unlock()
		if is(s) {
			return s
		}
		select {
		case <-changed:
		case <-limit:
			n.t.Fatalf("waited for %s of %s; it is %+v", what, s.Name, s)
		}
	}
}

// count is how many reports there were.
func (n *newest) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.reports
}

func serves(s api.Status) bool { return s.Step == api.CaughtUp }

// site is a cluster whose supervisor is the test.
type site struct {
	*cluster
	orders  []chan topologies.Order
	seen    []*newest
	attempt uint64
	epoch   uint64
	mode    topologies.Mode
	began   uint64 // the mode, with that epoch
}

// newSite starts n replicas in a mode and waits until they serve.
func newSite(t testing.TB, n int, mode topologies.Mode) *site {
	s := &site{cluster: newCluster(t, n, mode.Name), epoch: 1, mode: mode, began: 1}
	for i := range n {
		s.orders = append(s.orders, nil)
		s.seen = append(s.seen, nil)
		s.launch(i, nil)
	}
	s.awaitAll("its serving", serves)
	return s
}

// launch starts process i in the mode and epoch that are on record.
func (s *site) launch(i int, change func(*Options)) {
	o := s.options(i)
	o.Config.Mode, o.Config.Epoch, o.Config.ModeEpoch = s.mode, s.epoch, s.began
	s.orders[i], s.seen[i] = make(chan topologies.Order, ordersQueued), newNewest(s.t)
	o.Orders, o.Reports = s.orders[i], s.seen[i]
	o.limits = defaultLimits
	o.limits.recordsSizeMax = 16 << 20
	if change != nil {
		change(&o)
	}
	s.startWith(i, o)
}

func (s *site) awaitAll(what string, is func(api.Status) bool) {
	s.t.Helper()
	for _, n := range s.seen {
		n.await(what, is)
	}
}

// order tells all.
func (s *site) order(o topologies.Order) {
	o.Attempt = s.attempt
	for i := range s.orders {
		s.orders[i] <- o
	}
}

func (s *site) prepare(mode topologies.Mode) {
	s.attempt++
	s.order(topologies.Order{Kind: topologies.OrderPrepare, Epoch: s.epoch + 1, Mode: mode})
}

// makeReady prepares a mode that can be. On a busy machine its plugin may come
// too late, as any; then it is another attempt.
func (s *site) makeReady(mode topologies.Mode) {
	s.t.Helper()
	for late := true; late; {
		s.prepare(mode)
		late = false
		for _, n := range s.seen {
			came := n.await("being prepared", func(r api.Status) bool {
				return r.Change.Attempt == s.attempt && (r.Change.Prepared || r.Change.Error != "")
			}).Change
			if came.Error != "" && !strings.Contains(came.Error, "not ready within") {
				s.t.Fatalf("not prepared: %s", came.Error)
			}
			late = late || came.Error != ""
		}
	}
}

// seal ends the epoch and brings all boards to what they hold together.
func (s *site) seal() {
	s.t.Helper()
	s.order(topologies.Order{Kind: topologies.OrderSeal, Epoch: s.epoch})
	var target board.Vector
	for _, n := range s.seen {
		sealed := n.await("being sealed", func(r api.Status) bool { return r.Change.Attempt == s.attempt && r.Change.Sealed != "" })
		v, err := board.ParseVector(sealed.Change.Sealed)
		if err != nil {
			s.t.Fatal(err)
		}
		target = target.Join(v)
	}
	s.order(topologies.Order{Kind: topologies.OrderMerge, Epoch: s.epoch, Target: target})
	s.awaitAll("the merged board", func(r api.Status) bool { return r.Change.Merged == target.String() })
}

// activate begins the next epoch in that mode, and waits until all serve in it.
func (s *site) activate(mode topologies.Mode) {
	s.t.Helper()
	s.epoch, s.mode, s.began = s.epoch+1, mode, s.epoch+1
	s.begin()
}

// callOff begins the next epoch in the mode that runs.
func (s *site) callOff() {
	s.t.Helper()
	s.epoch++
	s.begin()
}

func (s *site) begin() {
	s.t.Helper()
	s.order(topologies.Order{Kind: topologies.OrderActivate, Epoch: s.epoch, Mode: s.mode, ModeEpoch: s.began})
	s.awaitAll(fmt.Sprintf("its serving in epoch %d", s.epoch), func(r api.Status) bool {
		return serves(r) && r.Epoch == s.epoch && r.Mode == s.mode.Name
	})
}

// post posts at a replica and wants the id and the epoch.
func (s *site) post(client *api.Client, at, key string, id uint64) {
	s.t.Helper()
	a := s.do(client, api.Request{Verb: api.Post, Replica: at, Title: key, Key: key})
	if a.ID.Seq != id || a.Epoch != s.epoch || a.Mode != s.mode.Name {
		s.t.Errorf("post %s at %s: id %s in epoch %d of mode %s; want %d, %d and %s", key, at, a.ID, a.Epoch, a.Mode, id, s.epoch, s.mode.Name)
	}
}
