package sequential

import (
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"testing"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/modes/modetest"
	"consequor/mutants"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "run TestRandom with this seed only, and print its trace")
	seedsFlag = flag.Uint64("seeds", 300, "so many seeds for TestRandom")
)

// Clients post through all replicas, with and without keys, retry what is
// unknown elsewhere, and read, while replicas crash and lose what was not
// synced, links break one way or both, messages are lost, doubled and late, and
// replicas are paused. Then everything heals, and: no acknowledged post is
// lost, what was refused never appears, one key has one id, ids are dense, all
// boards are equal, and posts go through again.
func TestRandom(t *testing.T) {
	runSeeds(t, *seedsFlag, func(*run) {})
}

// runSeeds runs seeds 1 to last, or the one that was asked for.
func runSeeds(t *testing.T, last uint64, set func(*run)) {
	first := uint64(1)
	var trace func(string)
	if *seedFlag != 0 {
		first, last = *seedFlag, *seedFlag
		trace = func(line string) { t.Log(line) }
	}
	for seed := first; seed <= last; seed++ {
		r := newRun(seed, trace)
		set(r)
		if err := r.all(); err != nil {
			t.Fatalf("%v\nrepeat: go test ./modes/sequential -v -run '%s$' -seed %d", err, t.Name(), seed)
		}
	}
}

// One seed run twice gives one trace.
func TestRandomRepeats(t *testing.T) {
	for seed := uint64(1); seed <= 10; seed++ {
		var sums [2]uint64
		for i := range sums {
			hash := fnv.New64a()
			if err := newRun(seed, func(line string) { fmt.Fprintln(hash, line) }).all(); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			sums[i] = hash.Sum64()
		}
		if sums[0] != sums[1] {
			t.Errorf("seed %d: two runs gave the traces %x and %x", seed, sums[0], sums[1])
		}
	}
}

// As TestRandom, but in the midst of it the epoch is sealed. In the end every
// replica is sealed with the same board, and what was refused is not on it.
func TestRandomSeal(t *testing.T) {
	runSeeds(t, *seedsFlag/3, func(r *run) { r.seals = true })
}

// As TestRandom, but again and again the epoch is sealed, or on its way to be,
// and that is called off: the same log goes on in the next epoch.
func TestRandomCalledOff(t *testing.T) {
	runSeeds(t, *seedsFlag/3, func(r *run) { r.callsOff = true })
}

// run is one random history.
type run struct {
	random  *rand.Rand
	cluster *modetest.Cluster
	n       int
	clients []*client
	quiet   bool // faults are over
	seals   bool // the epoch is sealed on the way
	loss    int  // per mille
	double  int  // per mille
	late    int  // per mille of messages that take up to lateMax

	callsOff bool // epochs are sealed on the way, and called off
}

const (
	lateMax   = 400 * time.Millisecond
	roundsMax = 150
)

// client posts one article after another; each is one operation, with all its
// tries.
type client struct {
	run        *run
	number     int
	operations []*operation
	seen       board.Vector
}

type operation struct {
	title string
	key   string
	mark  uint64
	calls []*modetest.Call
	over  bool
}

func newRun(seed uint64, trace func(string)) *run { return newBrokenRun(mutants.None, seed, trace) }

// newBrokenRun is newRun with a rule left out.
func newBrokenRun(mutant mutants.Mutant, seed uint64, trace func(string)) *run {
	r := &run{random: rand.New(rand.NewPCG(seed, 7))}
	r.n = []int{1, 2, 3, 3, 3, 5, 5}[r.random.IntN(7)]
	r.loss, r.double, r.late = r.random.IntN(50), r.random.IntN(50), r.random.IntN(100)
	l := defaultLimits
	if r.random.IntN(2) == 0 {
		l.logLenMax, l.logLenKeep = 8, 4
	}
	if r.random.IntN(4) == 0 {
		l.underWayMax = 3
	}
	if seed%4 == 0 {
		l.keyCountMax = 20
	}
	l.boardTimeout = 500 * time.Millisecond
	r.cluster = modetest.NewCluster(modetest.ClusterConfig{
		New:      func() modes.Mode { return newBroken(l, mutant) },
		Replicas: r.n,
		Seed:     seed,
		Message:  DescribeMessage,
		Trace:    trace,
		Link:     r.link,
		Disk:     func(board.ReplicaID) time.Duration { return r.between(100*time.Microsecond, 3*time.Millisecond) },
	})
	for i := range 3 {
		r.clients = append(r.clients, &client{run: r, number: i})
	}
	return r
}

func (r *run) between(least, most time.Duration) time.Duration {
	return (least + time.Duration(r.random.Int64N(int64(most-least)))).Truncate(100 * time.Microsecond)
}

func (r *run) link(board.ReplicaID, board.ReplicaID) []time.Duration {
	delay := func() time.Duration {
		if !r.quiet && r.random.IntN(1000) < r.late {
			return r.between(0, lateMax)
		}
		return r.between(200*time.Microsecond, 2*time.Millisecond)
	}
	switch p := r.random.IntN(1000); {
	case r.quiet:
		return []time.Duration{delay()}
	case p < r.loss:
		return nil
	case p < r.loss+r.double:
		return []time.Duration{delay(), delay()}
	}
	return []time.Duration{delay()}
}

func (r *run) any() board.ReplicaID { return board.ReplicaID(1 + r.random.IntN(r.n)) }

func (r *run) all() error {
	for i := range roundsMax {
		for _, c := range r.clients {
			c.act()
		}
		if r.seals && i > roundsMax/2 && r.random.IntN(10) == 0 {
			r.cluster.Seal(r.any())
		}
		if r.callsOff {
			r.sealOrCallOff()
		}
		if r.random.IntN(6) == 0 {
			r.fault()
		}
		r.cluster.Advance(r.between(time.Millisecond, 60*time.Millisecond))
		for _, c := range r.clients {
			if err := c.check(); err != nil {
				return err
			}
		}
	}
	if halts := r.cluster.Halts(); len(halts) > 0 {
		return fmt.Errorf("halted: %v", halts)
	}
	r.heal()
	if err := r.finish(); err != nil {
		return err
	}
	return r.verify()
}

func (r *run) sealOrCallOff() {
	switch r.random.IntN(40) {
	case 0, 1, 2, 3:
		r.cluster.Seal(r.any())
	case 4, 5:
		r.cluster.NextEpoch()
	}
}

func (r *run) fault() {
	a, b := r.any(), r.any()
	switch r.random.IntN(9) {
	case 0, 1:
		r.cluster.Crash(a, r.random.IntN(r.cluster.Unsynced(a)+1))
	case 2, 3:
		r.cluster.Restart(a)
	case 4:
		if a != b {
			r.cluster.Cut(a, b, r.random.IntN(3) == 0)
		}
	case 5:
		r.cluster.HealAll()
	case 6:
		r.cluster.Pause(a)
	case 7:
		r.cluster.Resume(a)
	case 8:
		r.cluster.Stop(a)
	}
}

func (r *run) heal() {
	r.quiet = true
	r.cluster.HealAll()
	for i := range r.n {
		r.cluster.Resume(board.ReplicaID(i + 1))
	}
	r.cluster.Advance(2 * time.Second) // one that was asked to leave while it was paused leaves now
	for i := range r.n {
		r.cluster.Restart(board.ReplicaID(i + 1))
	}
}

// finish lets all operations end, and posts once more at each replica.
func (r *run) finish() error {
	if r.seals {
		return r.finishSealed()
	}
	if r.callsOff {
		r.cluster.NextEpoch()
	}
	r.cluster.Advance(6 * time.Second)
	for i := range r.n {
		at := board.ReplicaID(i + 1)
		call := r.cluster.Do(at, modes.Request{
			Verb: modes.VerbPost, Article: board.Article{Title: "last at " + at.String(), Key: "last" + at.String()}, Mark: r.cluster.Board(at).Vector().SeqMax(),
		})
		if !r.cluster.AdvanceUntil(5*time.Second, func() bool { return call.Done }) || !call.OK {
			return fmt.Errorf("after all was healed, a post at %s ended: %s", at, call.Answer)
		}
	}
	for _, verb := range []modes.Verb{modes.VerbSync, modes.VerbRead} {
		call := r.cluster.Do(r.any(), modes.Request{Verb: verb, Fresh: true})
		if !r.cluster.AdvanceUntil(5*time.Second, func() bool { return call.Done }) || !call.OK {
			return fmt.Errorf("after all was healed, a %s ended: %s", verb, call.Answer)
		}
	}
	r.cluster.Advance(time.Second)
	return nil
}

// finishSealed seals every replica.
func (r *run) finishSealed() error {
	for i := range r.n {
		r.cluster.Seal(board.ReplicaID(i + 1))
	}
	r.cluster.Advance(6 * time.Second)
	for i := range r.n {
		if at := board.ReplicaID(i + 1); !r.cluster.Sealed(at) {
			return fmt.Errorf("%s has not said that it is sealed", at)
		}
	}
	return nil
}

// act begins an operation, goes on with the last one, or reads.
func (c *client) act() {
	r := c.run
	if n := len(c.operations); n > 0 && !c.operations[n-1].over {
		c.retry(c.operations[n-1])
		return
	}
	switch r.random.IntN(4) {
	case 0:
		c.read()
	case 1, 2:
		c.begin()
	}
}

func (c *client) begin() {
	op := &operation{title: fmt.Sprintf("c%d.%d", c.number, len(c.operations)), mark: c.seen.SeqMax()}
	if c.run.random.IntN(5) > 0 {
		op.key = "key" + op.title
	}
	c.operations = append(c.operations, op)
	c.call(op)
}

func (c *client) call(op *operation) {
	r, at := c.run, c.run.any()
	request := modes.Request{
		Verb: modes.VerbPost, Mark: op.mark,
		Article:  board.Article{Title: op.title, Key: op.key, Time: int64(len(op.calls))},
		Deadline: r.cluster.Now() + r.between(50*time.Millisecond, 2*time.Second),
	}
	if seq := c.seen.SeqMax(); seq > 0 && len(op.title)%2 == 0 {
		request.Verb, request.Target = modes.VerbReply, board.ArticleID{Seq: seq}
		_, request.OnBoard = r.cluster.Board(at).Get(request.Target)
	}
	op.calls = append(op.calls, r.cluster.Do(at, request))
}

// retry looks at the last try: an unknown one is tried again with its key.
func (c *client) retry(op *operation) {
	last := op.calls[len(op.calls)-1]
	impatient := op.key != "" && c.run.random.IntN(8) == 0 // a second try while the first is under way
	switch {
	case last.Done && last.OK:
		op.over = true
		c.seen = c.seen.With(last.ID)
	case last.Done && (op.key == "" || len(op.calls) > 4):
		op.over = true
	case last.Done || impatient && len(op.calls) < 4:
		c.call(op)
	}
}

func (c *client) read() {
	fresh := c.run.random.IntN(3) == 0
	c.run.cluster.Do(c.run.any(), modes.Request{Verb: modes.VerbRead, Fresh: fresh, Seen: c.seen})
}

// check looks at what has come back to all clients so far.
func (c *client) check() error {
	for _, call := range c.run.cluster.Calls() {
		if call.Done && call.OK && call.Request.Verb == modes.VerbRead && !call.UpTo.Covers(call.Request.Seen) {
			return fmt.Errorf("a read was served up to %s, and its session had seen %s", call.UpTo, call.Request.Seen)
		}
	}
	return nil
}

// verify checks the final boards against what was answered.
func (r *run) verify() error {
	first := r.cluster.Board(1).Span(nil)
	for i := range first {
		if first[i].ID != (board.ArticleID{Seq: uint64(i + 1)}) {
			return fmt.Errorf("article %d of the order has id %s", i+1, first[i].ID)
		}
	}
	for id := board.ReplicaID(2); int(id) <= r.n; id++ {
		if err := equal(first, r.cluster.Board(id).Span(nil)); err != nil {
			return fmt.Errorf("r1 and %s: %w", id, err)
		}
	}
	byKey, byTitle := map[string]board.ArticleID{}, map[string]int{}
	for _, a := range first {
		if old, ok := byKey[a.Key]; ok && a.Key != "" {
			return fmt.Errorf("key %s has the articles %s and %s", a.Key, old, a.ID)
		}
		byKey[a.Key] = a.ID
		byTitle[a.Title]++
	}
	for _, c := range r.clients {
		for _, op := range c.operations {
			if err := op.verify(first, byTitle[op.title]); err != nil {
				return fmt.Errorf("%s: %w", op.title, err)
			}
		}
	}
	return r.verifyFresh()
}

func equal(a, b []board.Article) error {
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) {
			return fmt.Errorf("%d and %d articles", len(a), len(b))
		}
		if a[i] != b[i] {
			return fmt.Errorf("article %s is %q here and %q there", a[i].ID, a[i].Title, b[i].Title)
		}
	}
	return nil
}

// verify checks one operation: acknowledged, it is there once and under the id
// that was told; with all its tries refused, it is not there.
func (op *operation) verify(all []board.Article, count int) error {
	refused := true
	for _, call := range op.calls {
		refused = refused && call.Done && call.Refused
		if !call.OK {
			continue
		}
		if seq := call.ID.Seq; seq == 0 || seq > uint64(len(all)) || all[seq-1].Title != op.title {
			return fmt.Errorf("acknowledged as %s, which is lost", call.ID)
		}
	}
	if count > 1 {
		return fmt.Errorf("it is there %d times", count)
	}
	if refused && count > 0 {
		return fmt.Errorf("it was refused, and is there")
	}
	return nil
}

// verifyFresh checks that ids rise in real time, and that a fresh read shows
// what was acknowledged before it was called.
func (r *run) verifyFresh() error {
	var acknowledged uint64 // highest id whose call had returned
	calls := r.cluster.Calls()
	for _, read := range calls {
		if !read.OK || !read.Request.Fresh {
			continue
		}
		acknowledged = 0
		for _, post := range calls {
			if post.OK && post.Request.Verb.Writes() && post.Returned < read.Called {
				acknowledged = max(acknowledged, post.ID.Seq)
			}
		}
		if read.Request.Verb == modes.VerbRead && read.UpTo.Seq(board.Cluster) < acknowledged {
			return fmt.Errorf("a fresh read at %s shows up to %s, and %d was acknowledged before", read.Called, read.UpTo, acknowledged)
		}
	}
	return nil
}
