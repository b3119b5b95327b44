package wire_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"consequor/board"
	"consequor/replicad/wire"
)

// r1 sends r2 and r3 1,000 frames each, of which a fifth is lost, but for the
// first 500 to r2. Which ones, Fate says; so it is in a second run.
func TestLossIsWhatFateSays(t *testing.T) {
	for run := range 2 {
		t.Run(fmt.Sprint(run), func(t *testing.T) {
			m := newRig(t, 3).startAll()
			loseSome(m)
			checkLoss(t, m, 2, lossCount/2)
			checkLoss(t, m, 3, 0)
			checkNumbers(t, m[1], m[0].awaitFrames(lossCount))
		})
	}
}

const lossCount = 1000

var (
	fifth  = wire.Fault{Loss: 0.2}
	losses = wire.Faults{Seed: 99, Links: map[wire.Direction]wire.Fault{oneTwo: fifth, {From: 1, To: 3}: fifth}}
)

func loseSome(m []*member) {
	for i := range lossCount / 2 { // these count, though nothing is wrong yet
		m[0].Send(m[0].frame(2, i))
	}
	m[0].awaitPair(2, func(s wire.PairStats) bool { return s.Sent.Frames == lossCount/2 })
	setAll(m, losses)
	for i := range lossCount {
		m[0].Send(m[0].frame(3, i))
		m[1].Send(m[1].frame(1, i))
		if i >= lossCount/2 {
			m[0].Send(m[0].frame(2, i))
		}
	}
}

// checkLoss fails unless of r1's frames those arrived that were to, the first
// unharmed ones among them.
func checkLoss(t *testing.T, m []*member, to board.ReplicaID, unharmed int) {
	t.Helper()
	var want, got []string
	for i := range lossCount {
		lost, _ := fifth.Fate(losses.Seed, wire.Direction{From: 1, To: to}, wire.MessageStream, uint64(i+1))
		if !lost || i < unharmed {
			want = append(want, fmt.Sprint(i))
		}
	}
	for _, f := range m[to-1].awaitFrames(len(want)) {
		got = append(got, string(f.Body))
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s got %v, want %v", to, got, want)
	}
	s := m[0].awaitPair(to, func(s wire.PairStats) bool { return s.Sent.Frames+s.Lost == lossCount })
	if s.Lost != uint64(lossCount-len(want)) {
		t.Errorf("r1 says %+v, want %d lost", s, lossCount-len(want))
	}
}

// A delay with jitter, over real connections: nothing comes too early, and all
// comes in order.
func TestDelayOverSockets(t *testing.T) {
	m := newRig(t, 2).startAll()
	fault := wire.Fault{Delay: 20 * time.Millisecond, Jitter: 5 * time.Millisecond}
	setAll(m, wire.Faults{Links: map[wire.Direction]wire.Fault{oneTwo: fault}})
	begin := time.Now()
	const count = 1000
	for i := range count {
		m[0].Send(m[0].frame(2, i))
	}
	m[1].awaitFrames(1)
	if took := time.Since(begin); took < fault.Delay-fault.Jitter {
		t.Errorf("the first frame came after %v", took)
	}
	checkNumbers(t, m[0], m[1].awaitFrames(count))
	if s := m[0].awaitPair(2, func(s wire.PairStats) bool { return s.Sent.Frames == count }); s.Late != count {
		t.Errorf("%+v, want all late", s)
	}
}

// Tables of all sorts come without pause, several at a time, some with a caller
// that has gone, while frames flow. In the end all is whole, and works.
func TestHostileStreamOfFaults(t *testing.T) {
	m := newRig(t, 3).startAll()
	for _, m := range m {
		m.forget = true
	}
	stop := make(chan struct{})
	var talk, setters sync.WaitGroup
	for _, from := range m {
		talk.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				for to := board.ReplicaID(1); to <= 3; to++ {
					if to != from.id {
						from.Send(from.frame(to, 0))
					}
				}
				runtime.Gosched()
			}
		})
		for k := range 2 {
			setters.Go(func() { setAtRandom(from, rand.New(rand.NewPCG(uint64(from.id), uint64(k)))) })
		}
	}
	setters.Wait()
	setAll(m, whole)
	for _, at := range m {
		for _, s := range at.Stats() {
			at.await(s.Process+"'s coming up", func() bool { return at.ups[s.Process] == at.downs[s.Process]+1 })
		}
	}
	close(stop)
	talk.Wait()
	for _, from := range m {
		for to := board.ReplicaID(1); to <= 3; to++ {
			if to != from.id {
				last := wire.Frame{From: from.id, To: to, Kind: 200}
				if err := from.SendBulk(t.Context(), last); err != nil {
					t.Errorf("%s to %s: %v", from.process, to, err)
				}
			}
		}
	}
	for _, at := range m {
		at.await("the last frames", func() bool {
			return len(slices.DeleteFunc(slices.Clone(at.frames), func(f wire.Frame) bool { return f.Kind != 200 })) == 2
		})
	}
}

// setAtRandom gives m 200 tables.
func setAtRandom(m *member, random *rand.Rand) {
	for range 200 {
		f := wire.Faults{Seed: random.Uint64(), Links: make(map[wire.Direction]wire.Fault)}
		for from := board.ReplicaID(0); from <= 3; from++ { // 0 is nobody: such a table is refused
			for to := board.ReplicaID(1); to <= 3; to++ {
				if from != to && (from > 0 || random.IntN(20) == 0) {
					f.Links[wire.Direction{From: from, To: to}] = wire.Fault{
						Cut:   random.IntN(2) == 0,
						Delay: time.Duration(random.IntN(1000)) * time.Microsecond,
						Loss:  random.Float64(),
					}
				}
			}
		}
		ctx, cancel := context.WithCancel(m.t.Context())
		if random.IntN(10) == 0 {
			cancel()
		}
		_ = m.SetFaults(ctx, f) // of those that were refused or given up nothing is promised
		cancel()
	}
}
