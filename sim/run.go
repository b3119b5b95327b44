package sim

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"runtime"
	"strings"
	"time"

	"consequor/board"
	"consequor/sim/cluster"
	"consequor/sim/history"
)

// How a run ends, in virtual time.
const (
	settleMax  = 150 * time.Second // for a mode change that is under way when the faults end
	quiesceMax = 30 * time.Second  // for all boards to become equal
	glance     = 20 * time.Millisecond
)

// The sequences of random numbers that belong to a seed; an action's own is
// streamActions plus its number.
const (
	streamOptions = 1 + iota
	streamSchedule
	streamSupervisor
	streamActions  = 1 << 32
	streamLiveness = 1 << 33
)

// run is a plan while it is run.
type run struct {
	plan       *Plan
	trace      func(cluster.Event)
	cluster    *cluster.Cluster
	supervisor *supervisor
	history    *history.History
	sessions   []*session
	sums       []sums // of each replica's board
	refused    []refusedTry
	news       []board.ArticleID // that were acknowledged last

	weather weather
	cuts    map[direction]int // in force, counted
	holds   []hold            // by replica
	lost    map[board.ReplicaID]bool
	swapDue bool            // the last change of the mode has not begun yet
	calm    *int            // how many changes were made when one began with nothing in its way; nil: none did
	server  board.ReplicaID // that answered last
	lurkers []*lurker       // that wait for an election
	won     won

	hash     uint64 // of the trace
	terms    map[uint64]uint64
	coverage Coverage
}

// refusedTry is a try of a post that was surely not done. Tries differ by the
// time that the article would carry.
type refusedTry struct {
	op   int
	time int64
}

// Run runs a plan. The trace gets each event as it happens; nil: there is none,
// and no hash.
func Run(p *Plan, trace func(cluster.Event)) (result *Result) {
	r := newRun(p, trace)
	defer r.cluster.Close()
	result = &Result{Plan: p, History: r.history}
	defer func() {
		if panicked := recover(); panicked != nil {
			result.Err = fmt.Errorf("at %s: panic: %v, in %s", r.cluster.Now(), panicked, panicPlace())
		}
		r.sum(result)
	}()
	result.Err = cmp.Or(r.play(), r.cluster.Err())
	r.judge(result)
	return result
}

// judge has the checkers judge what clients saw. Where an assertion broke, there
// is no end to judge by; but if by then they had been told what cannot be, that
// is said instead: it is what the assertion means to them.
func (r *run) judge(result *Result) {
	if result.Err == nil {
		result.Verdicts = history.Check(r.history, history.StepsDefault)
		r.tellViolation(result.Verdicts.First())
		result.Err = undecided(result.Verdicts)
	} else if v := history.CheckAnswers(r.history); v != nil {
		result.Verdicts, result.Err = history.Verdicts{*v}, nil
	}
}

// UndecidedError says that nobody can tell whether a run holds. It counts as one
// that failed: else what cannot be judged would pass.
type UndecidedError struct{ Checker, Why string }

func (e *UndecidedError) Error() string { return e.Checker + " cannot judge the run: " + e.Why }

func undecided(verdicts history.Verdicts) error {
	if verdicts.Outcome() == history.Undecided {
		for _, v := range verdicts {
			if v.Outcome == history.Undecided {
				return &UndecidedError{v.Checker, v.Sentence}
			}
		}
	}
	return nil
}

func newRun(p *Plan, trace func(cluster.Event)) *run {
	r := &run{
		plan: p, trace: trace, cuts: make(map[direction]int), lost: make(map[board.ReplicaID]bool),
		terms: make(map[uint64]uint64), holds: make([]hold, p.Replicas), sums: make([]sums, p.Replicas),
	}
	r.coverage.Faults = make(map[Fault]int)
	r.history = &history.History{
		Source:   fmt.Sprintf("simulator: %s, %d replicas, seed %d", p.Mode, p.Replicas, p.Seed),
		Replicas: p.Replicas,
	}
	config := cluster.Config{
		Told:     r.officeNews,
		Replicas: p.Replicas, Seed: p.Seed, Epoch: p.first, Launch: p.launch(), Mutant: p.Mutant,
		SyncMax: p.syncMax, StepMax: p.stepMax, WireMax: p.wireMax,
	}
	if trace != nil {
		config.Trace, config.Describe = r.traced, p.describe
	}
	r.cluster = cluster.New(config)
	r.weather = weather{run: r}
	r.supervisor = newSupervisor(r.cluster, p.first, supervisorOptions{
		mutant: p.Mutant, random: rand.New(rand.NewPCG(p.Seed, streamSupervisor)), trouble: p.trouble,
	})
	for i := range p.sessions {
		r.sessions = append(r.sessions, &session{run: r, number: i + 1})
	}
	return r
}

// traced adds an event to the hash before it is handed on.
func (r *run) traced(e cluster.Event) {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %d %d %s %d %d %d %s", r.hash, e.At, e.Replica, e.Kind, e.Peer, e.Message, e.Op, e.Text)
	r.hash = h.Sum64()
	r.trace(e)
}

// emit adds a line to the trace; the text is made only if there is one.
func (r *run) emit(e cluster.Event, format string, args ...any) {
	if r.trace != nil {
		e.Text = fmt.Sprintf(format, args...)
		r.cluster.Emit(e)
	}
}

func (r *run) now() time.Duration { return r.cluster.Now() }

func (r *run) after(d time.Duration, do func()) { r.cluster.At(r.now()+d, do) }

// play takes the run from its first moment to its last.
func (r *run) play() error {
	r.supervisor.start()
	for i := range r.plan.Actions {
		a := &r.plan.Actions[i]
		r.cluster.At(a.At, func() { r.act(a) })
	}
	r.watch()
	if err := r.cluster.Run(r.plan.end); err != nil {
		return err
	}
	if err := r.heal(); err != nil {
		return err
	}
	if err := r.liveness(); err != nil {
		return err
	}
	if err := r.quiesce(); err != nil {
		return err
	}
	r.checkFailed()
	return r.judgeRefused()
}

func (r *run) act(a *Action) {
	if a.Fault != None {
		r.coverage.Faults[a.Fault]++
	}
	a.do.do(r, a)
}

// random is an action's own sequence.
func (r *run) random(a *Action) *rand.Rand {
	return rand.New(rand.NewPCG(r.plan.Seed, streamActions+uint64(a.Number)))
}

// until lets time pass until something is so, or the limit has passed.
func (r *run) until(limit time.Duration, done func() bool) (bool, error) {
	for end := r.now() + limit; r.now() < end; {
		if done() {
			return true, nil
		}
		if err := r.cluster.Run(r.now() + glance); err != nil {
			return false, err
		}
	}
	return done(), nil
}

// heal ends all faults and waits until what can run does, in one epoch.
func (r *run) heal() error {
	r.endFaults()
	r.emit(cluster.Event{Kind: cluster.FaultOver}, "all faults are over")
	settled, err := r.until(settleMax, func() bool { return r.whole() && !r.supervisor.busy() && !r.swapDue })
	if err == nil && !settled {
		r.cluster.Fail(0, "%s after all faults were over, %s", settleMax, r.unsettled())
	}
	if err == nil && r.calm != nil && r.supervisor.made == *r.calm {
		r.cluster.Fail(0, "a mode change was begun when nothing was in its way, and came to nothing")
	}
	return err
}

// whole reports whether all replicas run that can.
func (r *run) whole() bool {
	for _, replica := range r.cluster.All() {
		if replica.Failed() == "" && !replica.Up() {
			return false
		}
	}
	return true
}

func (r *run) unsettled() string {
	if r.swapDue {
		return "no mode change begins"
	}
	if r.supervisor.busy() {
		return "the mode change has not come to an end"
	}
	return "a replica does not start"
}

// quiesce waits until all boards are equal, and records them.
func (r *run) quiesce() error {
	if _, err := r.until(quiesceMax, r.equal); err != nil {
		return err
	}
	var last []board.Article
	for _, replica := range r.live() {
		articles := replica.Board().Span(nil)
		if equalArticles(articles, last) {
			articles = last
		}
		last = articles
		r.history.Boards = append(r.history.Boards, history.Board{Replica: replica.ID, Articles: articles})
	}
	r.history.Epochs = r.epochs()
	r.lookAtTerms()
	return nil
}

// equal reports whether all boards that are left say the same of themselves.
func (r *run) equal() bool {
	live := r.live()
	for _, replica := range live {
		b, first := replica.Board(), live[0].Board()
		if b.Len() != first.Len() || !b.Vector().Equal(first.Vector()) {
			return false
		}
	}
	return true
}

func equalArticles(a, b []board.Article) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// live are the replicas that run.
func (r *run) live() []*cluster.Replica {
	var live []*cluster.Replica
	for _, replica := range r.cluster.All() {
		if replica.Up() {
			live = append(live, replica)
		}
	}
	return live
}

// checkFailed asserts that no replica is left out of what is judged but those
// whose disks were taken from them.
func (r *run) checkFailed() {
	for _, replica := range r.cluster.All() {
		if why := replica.Failed(); why != "" && !r.lost[replica.ID] {
			r.cluster.Fail(replica.ID, "it does not start any more, and nobody has harmed its disk: %s", why)
		}
	}
}

// epochs is what was promised, by whom, in each epoch that was begun.
func (r *run) epochs() []history.Epoch {
	var epochs []history.Epoch
	for _, e := range r.supervisor.began() {
		epochs = append(epochs, history.Epoch{Number: e.Epoch, Mode: e.Mode, Promise: r.plan.promiseOf(e.Mode), ModeEpoch: e.ModeEpoch})
	}
	return epochs
}

// judgeRefused holds each try that was surely not done to its word: the
// article that it would have become, which the time in it tells, is nowhere.
func (r *run) judgeRefused() error {
	made := make(map[string]map[int64]board.ArticleID)
	for _, b := range r.history.Boards {
		for _, a := range b.Articles {
			if made[a.Title] == nil {
				made[a.Title] = make(map[int64]board.ArticleID)
			}
			made[a.Title][a.Time] = a.ID
		}
	}
	for _, t := range r.refused {
		if id, ok := made[titleOf(t.op)][t.time]; ok {
			r.cluster.Fail(id.Origin, "operation %d's try at %s was refused, and its article is there as %s", t.op, time.Duration(t.time), id)
		}
	}
	return r.cluster.Run(r.now())
}

func (r *run) tellViolation(v *history.Verdict) {
	if v != nil {
		r.emit(cluster.Event{At: r.now(), Kind: cluster.Violation}, "%s, %s: %s", v.Checker, v.Property, v.Sentence)
	}
}

// sum fills in what a run came to.
func (r *run) sum(result *Result) {
	result.Events, result.Virtual, result.Hash = r.cluster.Events(), r.now(), r.hash
	c := &r.coverage
	for i := range r.history.Ops {
		c.count(&r.history.Ops[i])
	}
	c.Changes, c.CalledOff = r.supervisor.made, r.supervisor.calledOff
	for _, term := range r.terms { // order does not matter: a sum
		c.Elections += int(term) - 1
	}
	result.Coverage = *c
}

func (c *Coverage) count(op *history.Op) {
	switch {
	case op.Outcome == history.Refused:
		c.Refused++
	case op.Outcome == history.Unknown:
		c.Unknown++
	case op.Verb.Writes():
		c.Posts++
	case op.View != nil && op.Verb != history.Sync:
		c.Reads++
	}
	c.Retries += max(0, len(op.Tries)-1)
}

// panicPlace is the innermost function of ours that was under way.
func panicPlace() string {
	callers := make([]uintptr, 64)
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers)])
	for {
		f, more := frames.Next()
		if strings.HasPrefix(f.Function, "consequor/") {
			return fmt.Sprintf("%s:%d", strings.TrimPrefix(f.Function, "consequor/"), f.Line)
		}
		if !more {
			return "a place unknown"
		}
	}
}
