package originlog_test

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
	"consequor/modes/quorum"
	"consequor/modes/readyourwrite"
	"consequor/mutants"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "run one random test with this seed only, and print its trace")
	firstFlag = flag.Uint64("first", 1, "the first seed of a random test")
	seedsFlag = flag.Uint64("seeds", 150, "so many seeds for each random test")
)

// Clients post through all replicas, with and without keys, retry what is
// unknown elsewhere, read, and carry what they have seen, while replicas crash
// and lose what was not synced, leave, and are paused, links break one way or
// both, and messages are lost, doubled and late. Then everything heals, and the
// promises are checked that the mode makes (see judge).
func TestRandomQuorum(t *testing.T) { runSeeds(t, quorumRun) }

// The same in mode read-your-write.
func TestRandomReadYourWrite(t *testing.T) { runSeeds(t, readYourWriteRun) }

// The same, and in the midst of it the epoch is sealed. In the end every replica
// has said so, all boards are equal, and what was refused is on none.
func TestRandomSeal(t *testing.T) {
	runSeeds(t, func(seed uint64, trace func(string)) *run {
		r := quorumRun(seed, trace)
		if seed%2 == 0 {
			r = readYourWriteRun(seed, trace)
		}
		r.seals = true
		return r
	})
}

// One seed run twice gives one trace.
func TestRandomRepeats(t *testing.T) {
	for seed := uint64(1); seed <= 6; seed++ {
		for _, begin := range []func(uint64, func(string)) *run{quorumRun, readYourWriteRun} {
			var sums [2]uint64
			for i := range sums {
				hash := fnv.New64a()
				if err := begin(seed, func(line string) { fmt.Fprintln(hash, line) }).all(); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				sums[i] = hash.Sum64()
			}
			if sums[0] != sums[1] {
				t.Errorf("seed %d: two runs gave the traces %x and %x", seed, sums[0], sums[1])
			}
		}
	}
}

func runSeeds(t *testing.T, begin func(seed uint64, trace func(string)) *run) {
	first, last := *firstFlag, *firstFlag+*seedsFlag-1
	var trace func(string)
	if *seedFlag != 0 {
		first, last = *seedFlag, *seedFlag
		trace = func(line string) { t.Log(line) }
	}
	answered := 0
	for seed := first; seed <= last; seed++ {
		r := begin(seed, trace)
		if err := r.all(); err != nil {
			t.Fatalf("%s: %v\nrepeat: go test ./modes/originlog -v -run '%s$' -seed %d", r.name, err, t.Name(), seed)
		}
		answered += r.answered()
	}
	if answered == 0 {
		t.Error("no operation of any run ended ok: nothing was judged")
	}
}

// circumstances are what a run is made for besides the usual.
type circumstances struct {
	small  bool
	mutant mutants.Mutant
	epochs bool // changes of the mode are begun and called off, again and again
	late   bool // clients ask again for what is long over
}

// run is one random history.
type run struct {
	circumstances
	name    string
	promise promise
	random  *rand.Rand
	cluster *modetest.Cluster
	n       int
	clients []*client
	quiet   bool // faults are over
	seals   bool // the epoch is sealed on the way
	loss    int  // per mille
	double  int  // per mille
	slow    int  // per mille of messages that take up to lateMax
}

const (
	lateMax   = 400 * time.Millisecond
	roundsMax = 120
)

func quorumRun(seed uint64, trace func(string)) *run {
	return quorumIn(circumstances{}, seed, trace)
}

func quorumIn(around circumstances, seed uint64, trace func(string)) *run {
	r := &run{circumstances: around, random: rand.New(rand.NewPCG(seed, 21))}
	r.n = []int{1, 2, 3, 3, 3, 4, 5}[r.random.IntN(7)]
	write := 1 + r.random.IntN(r.n)
	read := r.n - write + 1 // the least that meets
	if r.random.IntN(2) == 0 {
		read, write = r.n/2+1, r.n/2+1
	}
	r.name = fmt.Sprintf("quorum, %d replicas, read %d, write %d", r.n, read, write)
	r.promise = promise{regular: true, freshRegular: true, idsRise: true, writeBack: true}
	r.begin(seed, trace, quorum.NewVariant, modes.Option{Name: "read", Value: fmt.Sprint(read)}, modes.Option{Name: "write", Value: fmt.Sprint(write)})
	return r
}

func readYourWriteRun(seed uint64, trace func(string)) *run {
	return readYourWriteIn(circumstances{}, seed, trace)
}

func readYourWriteIn(around circumstances, seed uint64, trace func(string)) *run {
	r := &run{circumstances: around, random: rand.New(rand.NewPCG(seed, 22))}
	r.n = []int{1, 2, 3, 3, 3, 4, 5}[r.random.IntN(7)]
	if r.random.IntN(20) == 0 {
		r.n = 17 // not everyone pushes to everyone
	}
	copies, sync := 1+r.random.IntN(min(2, r.n)), []string{"token", "total"}[r.random.IntN(2)]
	r.name = fmt.Sprintf("read-your-write, %d replicas, copies %d, %s", r.n, copies, sync)
	r.promise = promise{freshRegular: true, readsFollow: true}
	r.begin(seed, trace, readyourwrite.NewVariant, modes.Option{Name: "copies", Value: fmt.Sprint(copies)}, modes.Option{Name: "sync_on_read", Value: sync})
	return r
}

func (r *run) begin(seed uint64, trace func(string), variant func(bool, mutants.Mutant) modes.Mode, options ...modes.Option) {
	r.loss, r.double, r.slow = r.random.IntN(50), r.random.IntN(50), r.random.IntN(100)
	diskMax := []time.Duration{2 * time.Millisecond, 40 * time.Millisecond}[r.random.IntN(2)]
	r.cluster = modetest.NewCluster(modetest.ClusterConfig{
		New:      func() modes.Mode { return variant(r.small, r.mutant) },
		Replicas: r.n, Seed: seed, Options: options, Trace: trace, Link: r.link,
		Disk: func(board.ReplicaID) time.Duration { return r.between(100*time.Microsecond, diskMax) },
	})
	for i := range 3 {
		r.clients = append(r.clients, &client{run: r, number: i})
	}
}

func (r *run) between(least, most time.Duration) time.Duration {
	return (least + time.Duration(r.random.Int64N(int64(most-least)))).Truncate(100 * time.Microsecond)
}

func (r *run) link(board.ReplicaID, board.ReplicaID) []time.Duration {
	delay := func() time.Duration {
		if !r.quiet && r.random.IntN(1000) < r.slow {
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
		if r.epochs && r.random.IntN(20) == 0 {
			r.cluster.NextEpoch()
		}
		if r.random.IntN(6) == 0 {
			r.fault()
		}
		r.cluster.Advance(r.between(time.Millisecond, 60*time.Millisecond))
	}
	r.heal()
	if err := r.finish(); err != nil {
		return err
	}
	if halts := r.cluster.Halts(); len(halts) > 0 {
		return fmt.Errorf("halted: %v", halts)
	}
	return r.judge()
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

// finish lets all operations end, and asks everything once more at each replica.
func (r *run) finish() error {
	r.cluster.Advance(3 * time.Second)
	for i := range r.n {
		at := board.ReplicaID(i + 1)
		if r.seals {
			r.cluster.Seal(at)
			continue
		}
		for _, verb := range []modes.Verb{modes.VerbPost, modes.VerbRead, modes.VerbSync} {
			key := board.MakeKey("last", r.cluster.Board(at).Vector().SeqMax(), at)
			call := r.cluster.Do(at, modes.Request{Verb: verb, Fresh: true, Mark: key.Mark, Article: board.Article{Title: "last at " + at.String(), Key: key.Text}})
			if !r.cluster.AdvanceUntil(5*time.Second, func() bool { return call.Done }) || !call.OK {
				return fmt.Errorf("after all was healed, a %s at %s ended: %s", verb, at, call.Answer)
			}
		}
	}
	r.cluster.Advance(5 * time.Second)
	for i := range r.n {
		if at := board.ReplicaID(i + 1); r.seals && !r.cluster.Sealed(at) {
			return fmt.Errorf("%s has not said that it is sealed", at)
		}
	}
	return nil
}

// answered counts the operations that ended ok.
func (r *run) answered() int {
	n := 0
	for _, call := range r.cluster.Calls() {
		if call.OK {
			n++
		}
	}
	return n
}
