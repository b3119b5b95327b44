package wire_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"consequor/board"
	"consequor/replicad/wire"
)

// checkNumbers fails unless frames carry the numbers 0, 1, ... in their bodies.
func checkNumbers(t *testing.T, m *member, frames []wire.Frame) {
	t.Helper()
	for i, f := range frames {
		if want := m.frame(f.To, i); !equal(f, want) {
			t.Fatalf("frame %d is %+v (%q), want %+v", i, f, f.Body, want)
		}
	}
}

func equal(a, b wire.Frame) bool {
	return a.From == b.From && a.To == b.To && a.Kind == b.Kind && a.Epoch == b.Epoch &&
		a.Incarnation == b.Incarnation && bytes.Equal(a.Body, b.Body)
}

// Two processes send each other 4,000 messages at the same time. All arrive,
// in order, with all their fields.
func TestMessagesArriveInOrder(t *testing.T) {
	m := newRig(t, 2).startAll()
	const count = 4000
	for i := range count {
		if !m[0].Send(m[0].frame(2, i)) || !m[1].Send(m[1].frame(1, i)) {
			t.Fatalf("message %d dropped with %d in the outbox at most", i, count)
		}
	}
	checkNumbers(t, m[0], m[1].awaitFrames(count))
	checkNumbers(t, m[1], m[0].awaitFrames(count))
	s := m[0].stats("r2")
	if s.Sent.Frames != count || s.Received.Frames != count || s.Sent.Bytes != s.Received.Bytes || s.Dropped != 0 {
		t.Errorf("stats of r1: %+v", s)
	}
}

// The same over the bulk stream, with more frames than its outbox takes.
func TestBulkArrivesInOrder(t *testing.T) {
	m := newRig(t, 2).startAll()
	const count = 1000
	for i := range count {
		if err := m[0].SendBulk(t.Context(), m[0].frame(2, i)); err != nil {
			t.Fatal(err)
		}
	}
	checkNumbers(t, m[0], m[1].awaitFrames(count))
	if s := m[1].stats("r1"); s.BulkReceived.Frames != count || s.Received.Frames != 0 {
		t.Errorf("stats of r2: %+v", s)
	}
}

// Bodies of awkward lengths, the longest among them, arrive as they were, on
// either stream.
func TestBodiesOfAllSizes(t *testing.T) {
	m := newRig(t, 2).startAll()
	sizes := []int{0, 1, 12, 16<<10 - 32, 64<<10 - 33, 64<<10 - 32, 64 << 10, 64<<10 + 1, 1<<20 + 7, wire.FrameBodyMax}
	for i, size := range sizes {
		f := m[0].frame(2, 0)
		f.Body = bytes.Repeat([]byte{byte(i + 1)}, size)
		if err := m[0].SendBulk(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		m[0].Send(f)
		frames := m[1].awaitFrames(2*i + 2)
		for _, got := range frames[2*i:] {
			if !equal(got, f) {
				t.Fatalf("a body of %d bytes arrived with %d", size, len(got.Body))
			}
		}
	}
}

// Three processes, started in any order, are all connected, once each, and a
// message from each to each arrives.
func TestEveryPairHasOneConnection(t *testing.T) {
	r := newRig(t, 3)
	m := r.startAll()
	for _, from := range m {
		for to := range m {
			if id := board.ReplicaID(to + 1); id != from.id {
				from.Send(from.frame(id, 0))
			}
		}
	}
	for _, at := range m {
		at.awaitFrames(2)
		for _, s := range at.Stats() {
			if !s.Up || s.Connects != 1 || !at.Up(s.Process) {
				t.Errorf("%s sees %+v", at.process, s)
			}
		}
	}
}

// 1 The network cuts the connection of r1 and r2. 2 Both are told, in the order
// down, up, and messages flow again.
func TestCutConnectionComesBack(t *testing.T) {
	r := newRig(t, 2)
	p := r.proxy(2)
	m := r.startAll()
	for times := 1; times <= 5; times++ {
		p.cut()
		m[0].awaitUp("r2", times+1)
		m[1].awaitUp("r1", times+1)
		m[0].Send(m[0].frame(2, times-1))
		m[1].awaitFrames(times)
	}
	checkNumbers(t, m[0], m[1].awaitFrames(5))
	if s := m[0].stats("r2"); s.Connects != 6 {
		t.Errorf("r2 came up %d times, want 6", s.Connects)
	}
}

// 1 r1 loses its connection, but r2 does not see that: no word comes. 2 r1
// dials again. 3 r2 takes the new connection for the old one: down, up.
func TestNewConnectionReplacesOld(t *testing.T) {
	r := newRig(t, 2)
	p := r.proxy(2)
	m := r.startAll()
	p.abandon()
	m[1].awaitUp("r1", 2)
	if why := m[1].awaitDown("r1", 1); !strings.Contains(why.Error(), "replaced") {
		t.Errorf("r2 saw r1 go down because %v, want replaced", why)
	}
	m[1].Send(m[1].frame(1, 0))
	checkNumbers(t, m[1], m[0].awaitFrames(1))
}

// 1 The network between r1 and r2 swallows everything, and closes nothing. 2 The
// pings go unanswered: both give up. 3 The network heals, and they are back.
func TestSilenceEndsAConnection(t *testing.T) {
	r := newRig(t, 2)
	r.limits = wire.Limits{KeepAlive: 50 * time.Millisecond, WriteLimit: 200 * time.Millisecond,
		HandshakeLimit: 200 * time.Millisecond}
	p := r.proxy(2)
	m := r.startAll()
	for i, to := range []board.ReplicaID{2, 1} {
		m[i].Send(m[i].frame(to, 0))
	}
	m[0].awaitFrames(1)
	m[1].awaitFrames(1)
	p.swallow.Store(true)
	for i, peer := range []string{"r2", "r1"} {
		if why := m[i].awaitDown(peer, 1); !strings.Contains(why.Error(), "keepalive timeout") {
			t.Errorf("%s saw %s go down because %v", m[i].process, peer, why)
		}
	}
	p.swallow.Store(false)
	m[0].awaitUp("r2", 2)
	m[1].awaitUp("r1", 2)
}

// r2 stops: r1 is told why at once. r2 starts again, in a new life, and the
// two talk.
func TestPeerRestarts(t *testing.T) {
	r := newRig(t, 3)
	m := r.startAll()
	m[1].stop()
	if why := m[0].awaitDown("r2", 1); !strings.Contains(why.Error(), "closed by the peer") &&
		!strings.Contains(why.Error(), "reset") {
		t.Errorf("r2 went down because %v", why)
	}
	if m[0].Up("r2") || m[0].Send(m[0].frame(2, 0)) {
		t.Error("r1 takes a message for r2, which is down")
	}
	if err := m[0].SendBulk(t.Context(), m[0].frame(2, 0)); !errors.Is(err, wire.ErrDown) {
		t.Errorf("bulk for a peer that is down: %v", err)
	}
	again := r.start(2)
	again.awaitUp("r1", 1)
	again.awaitUp("r3", 1)
	m[0].awaitUp("r2", 2)
	m[0].Send(m[0].frame(2, 0))
	checkNumbers(t, m[0], again.awaitFrames(1))
	if n := m[2].stats("r1").Connects; n != 1 {
		t.Errorf("r3 and r1 connected %d times, want once: the restart of r2 is none of their business", n)
	}
}

// 1 r1 dials r2 in vain, and will not try again for an hour. 2 r2 starts, and
// knocks. 3 They are connected.
func TestKnockCutsThePauseShort(t *testing.T) {
	r := newRig(t, 2)
	r.limits = wire.Limits{RedialMin: time.Hour, RedialMax: 2 * time.Hour}
	m := r.startAll()
	m[1].stop()
	m[0].awaitDown("r2", 1)
	again := r.start(2)
	again.awaitUp("r1", 1)
	m[0].awaitUp("r2", 2)
}

// A message sent from within OnUp arrives: the outbox is open by then.
func TestSendWithinOnUp(t *testing.T) {
	r := newRig(t, 2)
	one := r.config(1)
	two := r.start(2)
	m := r.startPrepared(1, one, func(m *member) {
		m.onUp = func(string) { m.Send(m.frame(2, 0)) }
	})
	checkNumbers(t, m, two.awaitFrames(1))
}

// One process hosts replicas 1 and 4, the other 2 and 3; frames carry which of
// them is meant, and the one with replica 1 dials.
func TestProcessesHostSeveralReplicas(t *testing.T) {
	r := newRig(t, 2)
	hosts := [][]board.ReplicaID{{4, 1}, {3, 2}}
	for i := range hosts {
		cfg := r.config(i + 1)
		cfg.Hosts = hosts[i]
		for k := range cfg.Peers {
			cfg.Peers[k].Replicas = hosts[k]
		}
		r.startWith(i+1, cfg)
	}
	one, two := r.members[0], r.members[1]
	one.awaitUp("r2", 1)
	for _, to := range []board.ReplicaID{2, 3} {
		one.Send(wire.Frame{From: 1, To: to})
	}
	frames := two.awaitFrames(2)
	got := []board.ReplicaID{frames[0].To, frames[1].To}
	if !slices.Equal(got, []board.ReplicaID{2, 3}) {
		t.Errorf("frames for %v arrived, want for r2 and r3", got)
	}
}

// Frames that no peer could take are dropped at once.
func TestFramesThatCannotBeSent(t *testing.T) {
	m := newRig(t, 2).startAll()
	for what, f := range map[string]wire.Frame{
		"to nobody":             {From: 1, To: 9},
		"to this process":       {From: 1, To: 1},
		"from another's":        {From: 2, To: 2},
		"with too long a body":  {From: 1, To: 2, Body: make([]byte, wire.FrameBodyMax+1)},
		"from the cluster, 0":   {From: 0, To: 2},
		"to the cluster, not r": {From: 1, To: 0},
	} {
		if m[0].Send(f) {
			t.Errorf("Send took a frame %s", what)
		}
		if err := m[0].SendBulk(t.Context(), f); err == nil || errors.Is(err, wire.ErrDown) {
			t.Errorf("SendBulk of a frame %s: %v", what, err)
		}
	}
	m[0].Send(m[0].frame(2, 0))
	checkNumbers(t, m[0], m[1].awaitFrames(1))
}

// Run returns an error when its listener dies under it, and leaves nothing.
func TestListenerDies(t *testing.T) {
	r := newRig(t, 1)
	cfg := r.config(1)
	cfg.Handler = newRecorder(t, "r1")
	node, err := wire.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Listener.Close()
	if err := node.Run(context.Background()); err == nil || !strings.Contains(err.Error(), "accept peers at") {
		t.Errorf("Run: %v", err)
	}
}
