package wire

import (
	"bufio"
	"bytes"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"consequor/board"
)

// bubble is the sending half of one stream, whose frames arrive at once when
// they are written, in a bubble of virtual time.
type bubble struct {
	*lane
	t       *testing.T
	node    *Node
	begin   time.Time
	arrived []arrival
	ended   chan error
}

type arrival struct {
	to   board.ReplicaID
	name string
	at   time.Duration
}

func newBubble(t *testing.T, framesMax int, faults map[Direction]Fault) *bubble {
	b := &bubble{t: t, node: &Node{}, begin: time.Now()}
	b.lane = newLane(&link{node: b.node}, MessageStream, newOutbox(framesMax, 1<<20))
	b.set(faults)
	b.connect()
	t.Cleanup(b.disconnect)
	return b
}

func (b *bubble) connect() {
	b.out.start()
	b.ended = make(chan error)
	go func() { b.ended <- b.send(b) }()
}

func (b *bubble) disconnect() {
	b.out.stop()
	if err := <-b.ended; err != nil {
		b.t.Error(err)
	}
}

func (b *bubble) set(faults map[Direction]Fault) {
	b.node.faults.Store(&Faults{Seed: 1, Links: faults})
}

func (b *bubble) Write(p []byte) (int, error) {
	for r := bufio.NewReader(bytes.NewReader(p)); ; {
		f, err := readFrame(r)
		if err != nil {
			return len(p), nil
		}
		b.arrived = append(b.arrived, arrival{f.To, string(f.Body), time.Since(b.begin)})
	}
}

// say sends a frame from r1 at a time.
func (b *bubble) say(at time.Duration, to board.ReplicaID, name string) bool {
	time.Sleep(at - time.Since(b.begin)) // virtual, see package synctest
	synctest.Wait()
	return b.out.push(Frame{From: 1, To: to, Body: []byte(name)})
}

// check waits for all that waits.
func (b *bubble) check(want ...arrival) {
	b.t.Helper()
	time.Sleep(time.Hour)
	synctest.Wait()
	if !slices.Equal(b.arrived, want) {
		b.t.Errorf("arrived\n%v, want\n%v", b.arrived, want)
	}
}

const ms = time.Millisecond

var oneTwo, oneThree = Direction{1, 2}, Direction{1, 3}

// A delay of 50 ms is one of 50 ms, for every frame, however many are under
// way; what goes to another replica passes by.
func TestDelayIsExactAndHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, 100, map[Direction]Fault{oneTwo: {Delay: 50 * ms}})
		b.say(0*ms, 2, "a")
		b.say(10*ms, 2, "b")
		b.say(10*ms, 3, "c")
		b.say(55*ms, 2, "d")
		b.check(arrival{3, "c", 10 * ms}, arrival{2, "a", 50 * ms}, arrival{2, "b", 60 * ms}, arrival{2, "d", 105 * ms})
		if way := b.ways.out.find(oneTwo); way.late.Load() != 3 || way.passed.frames.Load() != 3 {
			t.Errorf("%d late of %d, want all 3", way.late.Load(), way.passed.frames.Load())
		}
		if b.out.frames != 0 || b.out.bytes != 0 {
			t.Errorf("the outbox still counts %d frames, %d bytes", b.out.frames, b.out.bytes)
		}
	})
}

// With jitter each frame leaves at the time that Fate gives it, or with the one
// ahead of it, if that is later.
func TestJitterKeepsTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fault := Fault{Delay: 10 * ms, Jitter: 10 * ms}
		b := newBubble(t, 100, map[Direction]Fault{oneTwo: fault})
		var want []arrival
		overtakers, last := 0, time.Duration(0)
		for i := range 100 {
			name, at := string(rune('a'+i)), time.Duration(i)*ms
			b.say(at, 2, name)
			_, delay := fault.Fate(1, oneTwo, MessageStream, uint64(i+1))
			if at+delay < last {
				overtakers++
			}
			last = max(last, at+delay)
			want = append(want, arrival{2, name, last})
		}
		b.check(want...)
		if overtakers < 20 {
			t.Errorf("only %d frames would have passed the one ahead of them", overtakers)
		}
	})
}

// Frames that wait because of a delay count against the outbox.
func TestDelayedFramesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, 2, map[Direction]Fault{oneTwo: {Delay: 50 * ms}})
		for at, want := range []bool{true, true, false, false} {
			if got := b.say(time.Duration(at)*ms, 2, "x"); got != want {
				t.Errorf("frame %d taken: %v", at, got)
			}
		}
		if !b.say(51*ms, 2, "y") {
			t.Error("no room, though one has left")
		}
		b.check(arrival{2, "x", 50 * ms}, arrival{2, "x", 51 * ms}, arrival{2, "y", 101 * ms})
	})
}

// 1 a waits. 2 The delay heals. 3 a keeps its time, b does not pass it, and c,
// which comes later, is not held up.
func TestHealedDelayLeavesFramesTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, 10, map[Direction]Fault{oneTwo: {Delay: 50 * ms}})
		b.say(0, 2, "a")
		synctest.Wait()
		b.set(nil)
		b.say(10*ms, 2, "b")
		b.say(10*ms, 3, "x")
		b.say(70*ms, 2, "c")
		b.check(arrival{3, "x", 10 * ms}, arrival{2, "a", 50 * ms}, arrival{2, "b", 50 * ms}, arrival{2, "c", 70 * ms})
	})
}

// A frame that waits when its way is cut does not leave when its time comes.
func TestCutTakesDelayedFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, 10, map[Direction]Fault{oneTwo: {Delay: 50 * ms}, oneThree: {Delay: 50 * ms}})
		b.say(0, 2, "a")
		b.say(0, 3, "b")
		synctest.Wait()
		b.set(map[Direction]Fault{oneTwo: {Cut: true}})
		b.check(arrival{3, "b", 50 * ms})
		if way := b.ways.out.find(oneTwo); way.lost.Load() != 1 || b.out.frames != 0 {
			t.Errorf("%d lost, the outbox counts %d", way.lost.Load(), b.out.frames)
		}
	})
}

// What waits when the connection breaks is gone, and counted by the outbox; the
// next connection begins without it.
func TestDelayedFramesDieWithTheirConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, 10, map[Direction]Fault{oneTwo: {Delay: 50 * ms}})
		b.say(0, 2, "a")
		b.say(1*ms, 2, "b")
		synctest.Wait()
		b.disconnect()
		b.set(nil)
		b.connect()
		b.say(2*ms, 2, "c")
		b.check(arrival{2, "c", 2 * ms})
		if b.out.drops() != 2 {
			t.Errorf("%d drops, want 2", b.out.drops())
		}
	})
}
