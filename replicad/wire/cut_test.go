package wire_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"consequor/board"
	"consequor/replicad/wire"
)

var (
	whole   = wire.Faults{}
	parted  = wire.Faults{Links: map[wire.Direction]wire.Fault{oneTwo: {Cut: true}, twoOne: {Cut: true}}}
	oneWay  = wire.Faults{Links: map[wire.Direction]wire.Fault{oneTwo: {Cut: true}, {From: 3, To: 1}: {Loss: 1}}}
	patient = wire.Limits{RedialMin: time.Hour, RedialMax: 2 * time.Hour} // nobody dials who is not woken
)

func (m *member) set(f wire.Faults) {
	m.t.Helper()
	if err := m.SetFaults(m.t.Context(), f); err != nil {
		m.t.Fatalf("%s: %v", m.process, err)
	}
}

func setAll(members []*member, f wire.Faults) {
	for _, m := range members {
		m.set(f)
	}
}

// pair is what m knows of its link to a replica.
func (m *member) pair(peer board.ReplicaID) wire.PairStats {
	for _, s := range m.PairStats() {
		if s.Self == m.id && s.Peer == peer {
			return s
		}
	}
	panic("no stats of " + peer.String())
}

// awaitPair waits until the figures are as ok wants them. There is no call of
// the handler to wait for when a frame is lost.
func (m *member) awaitPair(peer board.ReplicaID, ok func(wire.PairStats) bool) wire.PairStats {
	m.t.Helper()
	for deadline := time.Now().Add(patience); ; runtime.Gosched() {
		switch s := m.pair(peer); {
		case ok(s):
			return s
		case time.Now().After(deadline):
			m.t.Fatalf("%s: still waiting; %+v", m.process, s)
		}
	}
}

// 1 All is cut between r1 and r2. When both have been told, they are down, and
// send each other nothing; r3 does not notice. 2 It heals, and they are up again
// without anybody's waiting for the end of a pause, whoever is told first.
func TestCutAndHeal(t *testing.T) {
	r := newRig(t, 3)
	r.limits = patient
	m := r.startAll()
	for times, order := range [][]*member{m, {m[1], m[0], m[2]}, {m[2], m[1], m[0]}} {
		setAll(order, parted)
		for i, peer := range []string{"r2", "r1"} {
			if m[i].Up(peer) || m[i].Send(m[i].frame(board.ReplicaID(2-i), 0)) {
				t.Errorf("%s takes a frame for %s, from which it is cut off", m[i].process, peer)
			}
			if m[i].stats(peer).Connects != uint64(times+1) {
				t.Errorf("%s: %+v", m[i].process, m[i].stats(peer))
			}
		}
		if first := order[0]; first.id != 3 {
			if why := first.awaitDown(name(3-int(first.id)), times+1); !strings.Contains(why.Error(), "cut by a link fault") {
				t.Errorf("%s, told first, was told %v", first.process, why)
			}
		}
		m[0].Send(m[0].frame(3, times))
		m[2].awaitFrames(times + 1)
		setAll(order, whole)
		m[0].awaitUp("r2", times+2)
		m[1].awaitUp("r1", times+2)
		m[0].Send(m[0].frame(2, times))
		m[1].awaitFrames(times + 1)
	}
	checkNumbers(t, m[0], m[1].awaitFrames(3))
	checkNumbers(t, m[0], m[2].awaitFrames(3))
	if n := m[2].stats("r1").Connects + m[2].stats("r2").Connects; n != 2 {
		t.Errorf("r3 connected %d times, want once to each", n)
	}
	for _, m := range m {
		if log := m.log.String(); strings.Contains(log, "level=WARN") {
			t.Errorf("%s warns of what was wanted:\n%s", m.process, log)
		}
	}
}

// What r1 says to r2 is cut off, wherever that is known: at r1, at r2, or at
// both. What r2 says to r1 comes through, and nobody is told anything.
func TestCutOneWay(t *testing.T) {
	for what, told := range map[string][]int{"sender": {0}, "receiver": {1}, "both": {0, 1}} {
		t.Run(what, func(t *testing.T) {
			m := newRig(t, 2).startAll()
			for _, i := range told {
				m[i].set(oneWay)
			}
			const count = 500
			for i := range count {
				m[0].Send(m[0].frame(2, i))
				if err := m[0].SendBulk(t.Context(), m[0].frame(2, i)); err != nil {
					t.Fatal(err)
				}
				m[1].Send(m[1].frame(1, i))
			}
			checkNumbers(t, m[1], m[0].awaitFrames(count))
			loser := m[told[0]]
			s := loser.awaitPair(3-loser.id, func(s wire.PairStats) bool { return s.Lost == 2*count })
			t.Logf("%s: %+v", loser.process, s)
			setAll(m, whole)
			m[0].Send(m[0].frame(2, 0))
			checkNumbers(t, m[0], m[1].awaitFrames(1))
			if a, b := m[0].stats("r2"), m[1].stats("r1"); a.Connects != 1 || b.Connects != 1 || b.Received.Frames != 1 {
				t.Errorf("r1 has %+v, r2 %+v", a, b)
			}
		})
	}
}

// 1 r1's frames are under way to r2, whose handler is slow. 2 Both are told of a
// one-way cut. 3 From then on r2 is given none, though it reads them all.
func TestFramesUnderWayDoNotPassACut(t *testing.T) {
	m := newRig(t, 2).startAll()
	m[1].shut(func(uint8) bool { return true })
	const count = 2000
	for i := range count {
		if !m[0].Send(m[0].frame(2, i)) {
			t.Fatalf("frame %d dropped", i)
		}
	}
	m[0].awaitPair(2, func(s wire.PairStats) bool { return s.Sent.Frames == count })
	m[1].awaitWithin("r1", 1)
	m[0].set(oneWay)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m[1].SetFaults(ctx, oneWay); !errors.Is(err, context.Canceled) {
		t.Errorf("SetFaults, while a frame is being delivered: %v", err)
	}
	m[1].open()
	m[1].set(oneWay)
	passed := m[1].pair(1).Received.Frames
	m[1].awaitPair(1, func(s wire.PairStats) bool { return s.Lost+s.Received.Frames == count })
	setAll(m, whole)
	m[0].Send(m[0].frame(2, int(passed)))
	checkNumbers(t, m[0], m[1].awaitFrames(int(passed) + 1)[:passed+1])
	if s := m[1].pair(1); passed != 1 || s.Received.Frames != 2 {
		t.Errorf("%d frames passed, want the one that was being delivered; %+v", passed, s)
	}
}

// The same while the cut parts the two: the frames end with the connection.
func TestFramesUnderWayEndWithTheirConnection(t *testing.T) {
	m := newRig(t, 2).startAll()
	for i := range 2000 {
		m[0].Send(m[0].frame(2, i))
	}
	m[1].awaitFrames(1)
	setAll(m, parted)
	passed := m[1].pair(1).Received.Frames
	setAll(m, whole)
	m[0].awaitUp("r2", 2)
	m[0].Send(m[0].frame(2, int(passed)))
	checkNumbers(t, m[0], m[1].awaitFrames(int(passed)+1))
}

// With replica 1 in one process and 2 and 3 in the other, a cut between 1 and 2
// leaves the connection to 1 and 3. One between all of them ends it.
func TestCutBetweenSomeReplicas(t *testing.T) {
	r := newRig(t, 2)
	r.limits = patient
	for i := range r.members {
		cfg := r.config(i + 1)
		if i == 1 {
			cfg.Hosts = []board.ReplicaID{3, 2}
		}
		cfg.Peers[1].Replicas = []board.ReplicaID{3, 2}
		r.startWith(i+1, cfg)
	}
	m := r.members
	m[0].awaitUp("r2", 1)
	m[1].awaitUp("r1", 1)
	setAll(m, parted)
	m[0].Send(m[0].frame(2, 1))
	m[0].Send(m[0].frame(3, 0))
	checkNumbers(t, m[0], m[1].awaitFrames(1))
	setAll(m, wire.Faults{Links: map[wire.Direction]wire.Fault{
		oneTwo: {Cut: true}, twoOne: {Cut: true}, {From: 1, To: 3}: {Cut: true}, {From: 3, To: 1}: {Cut: true},
	}})
	if m[0].Up("r2") || m[1].Up("r1") {
		t.Error("a connection, with all replicas cut off from each other")
	}
	setAll(m, parted)
	m[0].awaitUp("r2", 2)
	m[1].awaitUp("r1", 2)
	var pairs []string
	for _, s := range m[1].PairStats() {
		pairs = append(pairs, fmt.Sprintf("%s-%s %d %v", s.Self, s.Peer, s.Received.Frames, s.Up))
	}
	if want := []string{"r2-r1 0 true", "r3-r1 1 true"}; !slices.Equal(pairs, want) {
		t.Errorf("r2's pairs and what they received: %v, want %v", pairs, want)
	}
}
