package modechange

import (
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"consequor/board"
	"consequor/mutants"
)

var (
	seeds    = flag.Int("seeds", 3000, "random runs")
	seedFrom = flag.Uint64("seed", 1, "the first one")
)

// Changes under faults: orders are lost, doubled and late, replicas crash, are
// paused and killed, the disk fails, and the supervisor crashes between any two
// of its outputs. Whatever happens, an epoch means one thing to all, a mode
// begins on equal boards, no post is lost, and when the faults end all replicas
// serve in the recorded epoch, and a change goes through.
func TestRandom(t *testing.T) {
	swapped, calledOff := 0, 0
	for seed := *seedFrom; seed < *seedFrom+uint64(*seeds); seed++ {
		m := newModel(t, mutants.None, seed)
		m.faulty()
		m.quiet()
		swapped, calledOff = swapped+m.swapped, calledOff+m.calledOff
		if t.Failed() {
			t.Fatalf("to repeat: go test ./supervisor/modechange -run TestRandom -seed %d -seeds 1 -v\n%s", seed, strings.Join(m.trace, "\n"))
		}
	}
	if *seeds > 100 && (swapped == 0 || calledOff == 0) {
		t.Errorf("%d swapped, %d called off: the runs prove nothing", swapped, calledOff)
	}
}

// A changer that leaves out one of its rules is found out by the same runs.
func TestMutants(t *testing.T) {
	for _, mutant := range []mutants.Mutant{mutants.M39, mutants.M40, mutants.M41} {
		t.Run(mutant.String(), func(t *testing.T) {
			const most = 50
			for seed := uint64(1); seed <= most; seed++ {
				var found finding
				m := newModel(&found, mutant, seed)
				m.faulty()
				m.quiet()
				if found.Failed() {
					t.Logf("seed %d: %s", seed, found.first)
					return
				}
			}
			t.Errorf("not found in %d runs: it %s", most, mutant.Words())
		})
	}
}

// judge is told what must not be; it is a *testing.T, or a finding.
type judge interface {
	Errorf(format string, args ...any)
	Failed() bool
}

// finding keeps the first thing that it is told.
type finding struct{ first string }

func (f *finding) Errorf(format string, args ...any) {
	f.first = cmp.Or(f.first, fmt.Sprintf(format, args...))
}

func (f *finding) Failed() bool { return f.first != "" }

// model is a cluster of modelled replicas, its supervisor's disk, and the
// changer in memory.
type model struct {
	t     judge
	rand  *rand.Rand
	now   time.Duration
	disk  Record // the supervisor's
	saved Record // what is known to be there
	c     *Changer
	wrong mutants.Mutant // the rule that c leaves out
	hosts []*host
	mail  []Order
	calm  bool // no faults any more
	trace []string

	begun     map[uint64]uint64       // by epoch: the mode's epoch that it was begun with
	boards    map[uint64]board.Vector // by a mode's first epoch: the board that it began on
	posts     []post
	orders    int // in this step of time
	swapped   int
	calledOff int
}

// post is an acknowledged one, and the mode that did so.
type post struct {
	id        board.ArticleID
	modeEpoch uint64
}

// host is one modelled replica: what is on its disk, and what its process knows.
type host struct {
	name             string
	id               board.ReplicaID
	epoch, modeEpoch uint64 // on disk
	sealed           bool   // on disk, in epoch
	board            board.Vector

	told    *Record // by the supervisor that is about to start it
	life    uint64
	alive   bool
	paused  bool
	killed  bool
	attempt uint64
	ready   bool
	broken  string
	seen    *board.Vector // sealed at
	merged  *board.Vector
}

func newModel(t judge, wrong mutants.Mutant, seed uint64) *model {
	m := &model{t: t, wrong: wrong, rand: rand.New(rand.NewPCG(seed, 0)), disk: Record{Epoch: 1, ModeEpoch: 1},
		begun: map[uint64]uint64{1: 1}, boards: map[uint64]board.Vector{1: nil}}
	for i := range 2 + m.rand.IntN(4) {
		m.hosts = append(m.hosts, &host{name: fmt.Sprintf("r%d", i+1), id: board.ReplicaID(i + 1), epoch: 1, modeEpoch: 1})
	}
	m.boot()
	return m
}

func (m *model) logf(format string, args ...any) {
	m.trace = append(m.trace, fmt.Sprintf("%v ", m.now)+fmt.Sprintf(format, args...))
}

func (m *model) one() *host { return m.hosts[m.rand.IntN(len(m.hosts))] }

func (m *model) chance(percent int) bool { return m.rand.IntN(100) < percent }

// boot starts a supervisor on what is on disk. All replicas of the last one
// are dead.
func (m *model) boot() {
	var names []string
	for _, h := range m.hosts {
		h.die()
		h.killed = false
		names = append(names, h.name)
	}
	m.mail, m.saved = nil, m.disk
	m.c = NewMutant(m.disk, names, m.wrong)
	m.logf("the supervisor starts with %+v", m.disk)
	for c := m.c; c == m.c && c.Record().Changing; { // else it crashed again, and a later one booted
		m.now += time.Second
		m.step(nil)
	}
}

func (h *host) die() {
	h.told, h.alive, h.paused, h.attempt, h.ready, h.broken, h.seen, h.merged = nil, false, false, 0, false, "", nil, nil
}

// start starts a replica's process in two moments: it is told what is known to
// be on disk, and then it is there. Meanwhile the record may have changed.
func (m *model) start(h *host) {
	if h.told == nil {
		told := m.saved
		h.told = &told
		return
	}
	h.life++
	h.alive = true
	m.begin(h, h.told.Epoch, h.told.ModeEpoch)
	h.told = nil
}

// begin is what a replica does when it learns of a later epoch.
func (m *model) begin(h *host, epoch, modeEpoch uint64) {
	if epoch <= h.epoch {
		return
	}
	if was, ok := m.begun[epoch]; ok && was != modeEpoch {
		m.t.Errorf("%s begins epoch %d with the mode of epoch %d, another one with that of %d", h.name, epoch, modeEpoch, was)
	}
	m.begun[epoch] = modeEpoch
	if modeEpoch > h.epoch { // its mode begins afresh, on this board
		if was, ok := m.boards[modeEpoch]; ok && !was.Equal(h.board) {
			m.t.Errorf("mode of epoch %d begins on %s at %s, and on %s elsewhere", modeEpoch, h.board, h.name, was)
		}
		m.boards[modeEpoch] = h.board
	}
	m.logf("%s begins epoch %d/%d on %s", h.name, epoch, modeEpoch, h.board)
	h.epoch, h.modeEpoch, h.sealed = epoch, modeEpoch, false
}

func (m *model) reports() []Report {
	var list []Report
	for _, h := range m.hosts {
		r := Report{Replica: h.name, Life: h.life, Alive: h.alive, Listens: h.alive && !h.paused, Serves: h.alive && !h.paused, State: "as it is",
			Epoch: h.epoch, Attempt: h.attempt, Prepared: h.ready, Error: h.broken, Sealed: h.seen, Merged: h.merged}
		if h.killed {
			r.Gone = "was killed"
		}
		list = append(list, r)
	}
	return list
}

// step is one Step, and the doing of all that it wants but for what a crash of
// the supervisor cuts off.
func (m *model) step(reports []Report) {
	var out Output
	m.c.Step(m.now, reports, &out)
	if out.End != nil {
		m.logf("end: %+v", *out.End)
		if out.End.Swapped {
			m.swapped++
		} else if out.End.Cause == CalledOff {
			m.calledOff++
		}
	}
	if out.Save != nil {
		if len(out.Orders) > 0 {
			m.t.Errorf("a record to save and orders at once: %+v", out)
		}
		m.save(*out.Save)
		return
	}
	m.orders += len(out.Orders)
	for _, o := range out.Orders {
		m.allowed(o)
		if m.chance(3) && !m.calm {
			m.boot() // cut off between two orders
			return
		}
		m.mail = append(m.mail, o)
	}
}

// save writes the record, or fails, or the supervisor crashes before or after.
func (m *model) save(r Record) {
	if r.Epoch < m.disk.Epoch {
		m.t.Errorf("the record's epoch falls: %+v after %+v", r, m.disk)
	}
	fate := m.rand.IntN(20)
	if m.calm {
		fate = 19
	}
	m.logf("save %+v: fate %d", r, fate)
	switch fate {
	case 0:
		m.boot()
	case 1:
		m.disk = r
		m.boot()
	case 2:
		m.c.NotSaved("disk full")
	case 3:
		m.disk = r // it got there after all
		m.c.NotSaved("disk full")
	default:
		m.disk, m.saved = r, r
		m.c.Saved()
	}
}

// allowed checks that what is known to be on disk allows the order.
func (m *model) allowed(o Order) {
	switch {
	case o.Kind == OrderSeal || o.Kind == OrderMerge:
		if !m.saved.Changing || o.Epoch != m.saved.Epoch {
			m.t.Errorf("%+v, and on disk is %+v", o, m.saved)
		}
	case o.Kind == OrderActivate:
		if m.saved.Changing || o.Epoch != m.saved.Epoch || o.ModeEpoch != m.saved.ModeEpoch {
			m.t.Errorf("%+v, and on disk is %+v", o, m.saved)
		}
	}
}

// deliver gives the replica one of its orders, in their order.
func (m *model) deliver(h *host) {
	i := slices.IndexFunc(m.mail, func(o Order) bool { return o.To == h.name })
	if i < 0 || !h.alive || h.paused {
		return
	}
	o := m.mail[i]
	if m.calm || !m.chance(10) { // else it comes once more
		m.mail = slices.Delete(m.mail, i, i+1)
	}
	if !m.calm && m.chance(10) {
		return // lost
	}
	m.obey(h, o)
}

// obey is what a replica does with an order.
func (m *model) obey(h *host, o Order) {
	if o.Kind != OrderActivate && o.Attempt > h.attempt {
		h.attempt, h.ready, h.broken, h.seen, h.merged = o.Attempt, false, "", nil, nil
	}
	switch {
	case o.Kind == OrderActivate:
		m.begin(h, o.Epoch, o.ModeEpoch)
	case o.Attempt < h.attempt:
	case o.Kind == OrderPrepare:
		h.ready = m.calm || !m.chance(3)
		if !h.ready {
			h.broken = "no good"
		}
	case o.Kind == OrderDiscard:
		h.ready = false
	case o.Kind == OrderSeal && o.Epoch == h.epoch:
		h.sealed = true
		v := h.board
		h.seen = &v
	case o.Kind == OrderMerge && o.Epoch == h.epoch && h.sealed:
		m.logf("%s merges %s into %s", h.name, o.Target, h.board)
		h.board = h.board.Join(o.Target)
		v := h.board
		h.merged = &v
	}
}

// write adds an article at one replica, acknowledged at once.
func (m *model) write(h *host) {
	if !h.alive || h.paused || h.sealed {
		return
	}
	id := board.ArticleID{Seq: h.board.SeqMax() + 1, Origin: h.id}
	h.board = h.board.With(id)
	m.posts = append(m.posts, post{id, h.modeEpoch})
}

// fault is one thing that goes wrong, or the end of it.
func (m *model) fault() {
	h := m.one()
	switch m.rand.IntN(12) {
	case 0:
		m.logf("%s dies", h.name)
		h.die()
	case 1:
		h.paused = h.alive
	case 2, 3:
		h.paused = false
	case 4:
		m.logf("%s is killed", h.name)
		h.die()
		h.killed = true
	case 5, 6:
		h.killed = false
	case 7:
		if m.chance(10) {
			m.boot()
		}
	case 8:
		if h.ready && m.chance(20) {
			h.ready, h.broken = false, "it died"
		}
	}
}

// tick is one moment: something happens somewhere, and the supervisor looks.
func (m *model) tick() {
	m.now += time.Duration(m.rand.IntN(200)) * time.Millisecond
	for _, h := range m.hosts {
		if !h.alive && !h.killed && m.chance(50) {
			m.start(h)
		}
		m.deliver(h)
		if m.chance(20) {
			m.write(h)
		}
	}
	if !m.c.Busy() && m.chance(20) {
		m.c.Begin(m.now, m.reports())
	}
	m.orders = 0
	m.step(m.reports())
	if most := 4 * len(m.hosts); m.orders > most {
		m.t.Errorf("%d orders at once, more than %d", m.orders, most)
	}
}

func (m *model) faulty() {
	for range 150 {
		if m.chance(25) {
			m.fault()
		}
		m.tick()
	}
}

// quiet ends all faults; what is under way comes to its end, and then a change
// goes through and loses nothing.
func (m *model) quiet() {
	m.calm = true
	for _, h := range m.hosts {
		h.killed, h.paused = false, false
	}
	m.until("all serve in the recorded epoch", func() bool {
		return !m.c.Busy() && !slices.ContainsFunc(m.hosts, func(h *host) bool { return !h.alive || h.epoch != m.saved.Epoch })
	})
	for _, h := range m.hosts {
		if h.sealed {
			m.t.Errorf("no change is under way, and at %s posts wait for the end of epoch %d", h.name, h.epoch)
			return
		}
	}
	if refusal := m.c.Begin(m.now, m.reports()); refusal != nil {
		m.t.Errorf("after all faults: refused: %s", refusal.Why)
		return
	}
	before := m.swapped
	m.until("a change goes through", func() bool { return m.swapped > before })
	for epoch, began := range m.boards {
		for _, p := range m.posts {
			if p.modeEpoch < epoch && !began.Has(p.id) {
				m.t.Errorf("%s was acknowledged in the mode of epoch %d, and that of epoch %d began without it, on %s", p.id, p.modeEpoch, epoch, began)
			}
		}
	}
}

// until lets time pass, without new changes, until it is so.
func (m *model) until(what string, is func() bool) {
	for range 2000 {
		if is() || m.t.Failed() {
			return
		}
		m.now += 100 * time.Millisecond
		for _, h := range m.hosts {
			if !h.alive {
				m.start(h)
			}
			m.deliver(h)
		}
		m.step(m.reports())
	}
	m.t.Errorf("it never came about that %s; record %+v, phase %q, waits for %v", what, m.disk, m.c.Phase(), m.c.Waits())
}
