package wire_test

import (
	"context"
	"errors"
	"testing"

	"consequor/replicad/wire"
)

// Kinds that these tests block by.
const (
	kindMessage = 1
	kindBulk    = 2
)

// 1 r2's handler stops taking frames. 2 r1 sends on: Send never blocks, and
// refuses once outbox, window and buffers are full. 3 The handler goes on: what
// was taken arrives, in order, nothing else, and the connection never broke.
func TestSlowReceiverCostsBoundedMemory(t *testing.T) {
	r := newRig(t, 2)
	r.limits = wire.Limits{OutboxFramesMax: 200, OutboxBytesMax: 1 << 20}
	m := r.startAll()
	m[1].shut(func(uint8) bool { return true })
	const bodyLen = 16 << 10
	taken, refused := 0, 0
	for refused < 1000 {
		f := m[0].frame(2, taken)
		f.Body = append(f.Body, make([]byte, bodyLen)...)
		if m[0].Send(f) {
			taken++
		} else {
			refused++
		}
	}
	// Outbox 1 MiB, window 1 MiB, and what either end has in its hands.
	if held := taken * bodyLen; held > 3<<20 {
		t.Errorf("%d bytes taken for a receiver that takes none", held)
	}
	m[1].open()
	for i, f := range m[1].awaitFrames(taken) {
		if want := m[0].frame(2, i); string(f.Body[:len(want.Body)]) != string(want.Body) {
			t.Fatalf("frame %d begins %q", i, f.Body[:8])
		}
	}
	s := m[0].stats("r2")
	if s.Dropped < 1000 || s.Connects != 1 || s.Sent.Frames != uint64(taken) {
		t.Errorf("%d taken, %d refused, stats %+v", taken, refused, s)
	}
}

// 1 r2's handler blocks on the first bulk frame; more bulk fills window and
// outbox. 2 Messages sent meanwhile all arrive. 3 Then the bulk goes on.
func TestBulkDoesNotHoldUpMessages(t *testing.T) {
	m := newRig(t, 2).startAll()
	m[1].shut(func(kind uint8) bool { return kind == kindBulk })
	const bulkCount, messageCount = 5, 2000
	sent := make(chan error, 1)
	go func() {
		for range bulkCount {
			f := wire.Frame{From: 1, To: 2, Kind: kindBulk, Body: make([]byte, wire.FrameBodyMax)}
			if err := m[0].SendBulk(t.Context(), f); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	m[1].awaitWithin("r1", 1)
	for i := range messageCount {
		if !m[0].Send(wire.Frame{From: 1, To: 2, Kind: kindMessage}) {
			t.Fatalf("message %d dropped", i)
		}
	}
	for i, f := range m[1].awaitFrames(messageCount) {
		if f.Kind != kindMessage {
			t.Fatalf("frame %d is bulk, which is blocked", i)
		}
	}
	m[1].open()
	if err := <-sent; err != nil {
		t.Error(err)
	}
	m[1].awaitFrames(messageCount + bulkCount)
}

// Bulk flows without pause, and every message arrives all the same, each
// before a hundred bulk frames of 1 MiB have passed it. (What is ahead of it is
// no more than a window, two frames; the rest is for a machine that is busy.)
func TestMessagesPassFlowingBulk(t *testing.T) {
	m := newRig(t, 2).startAll()
	m[1].forget = true
	ctx, cancel := context.WithCancel(t.Context())
	flow := make(chan error, 1)
	go func() {
		body := make([]byte, 1<<20)
		for {
			f := wire.Frame{From: 1, To: 2, Kind: kindBulk, Body: body}
			if err := m[0].SendBulk(ctx, f); err != nil {
				flow <- err
				return
			}
		}
	}()
	m[1].awaitFrames(1)
	most := uint64(0)
	for i := range 200 {
		before := m[1].stats("r1").BulkReceived.Frames
		m[0].Send(wire.Frame{From: 1, To: 2, Kind: kindMessage})
		m[1].await("the message", func() bool { return m[1].stats("r1").Received.Frames > uint64(i) })
		most = max(most, m[1].stats("r1").BulkReceived.Frames-before)
	}
	if most > 100 {
		t.Errorf("a message was passed by %d bulk frames", most)
	}
	t.Logf("at most %d bulk frames passed a message", most)
	cancel()
	if err := <-flow; !errors.Is(err, context.Canceled) {
		t.Errorf("bulk ended with %v", err)
	}
}

// A bulk sender that waits for room is sent away when its context ends, and
// when the peer goes down.
func TestBulkSenderIsSentAway(t *testing.T) {
	r := newRig(t, 2)
	p := r.proxy(2)
	m := r.startAll()
	m[1].shut(func(uint8) bool { return true })
	fill := func(ctx context.Context) error {
		for {
			f := wire.Frame{From: 1, To: 2, Body: make([]byte, 1<<20)}
			if err := m[0].SendBulk(ctx, f); err != nil {
				return err
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	filled := make(chan error, 1)
	go func() { filled <- fill(ctx) }()
	m[1].awaitWithin("r1", 1)
	cancel()
	if err := <-filled; !errors.Is(err, context.Canceled) {
		t.Errorf("after its context ended: %v", err)
	}
	waiting := make(chan struct{})
	go func() {
		close(waiting) // all but: the outbox is full, and a new life takes a handshake to begin
		filled <- fill(t.Context())
	}()
	<-waiting
	p.cut()
	if err := <-filled; !errors.Is(err, wire.ErrDown) {
		t.Errorf("after the peer went down: %v", err)
	}
	m[1].open()
	m[1].awaitUp("r1", 2)
}

// A process can stop while its outboxes are full and its peer takes nothing.
func TestStopUnderPressure(t *testing.T) {
	m := newRig(t, 2).startAll()
	m[1].shut(func(uint8) bool { return true })
	for m[0].Send(wire.Frame{From: 1, To: 2, Body: make([]byte, 64<<10)}) {
	}
	m[0].stop()
	m[1].open()
	m[1].awaitDown("r1", 1)
}
