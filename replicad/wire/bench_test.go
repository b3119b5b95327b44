package wire_test

import (
	"sync/atomic"
	"testing"

	"consequor/replicad/wire"
)

// echo answers every frame, if it is to, and counts them.
type echo struct {
	node   *wire.Node
	answer bool
	up     chan struct{}
	frames atomic.Int64
	got    chan struct{} // a token per frame, if there is room
}

func (e *echo) OnUp(string)          { e.up <- struct{}{} }
func (e *echo) OnDown(string, error) {}
func (e *echo) OnFrame(f wire.Frame) {
	e.frames.Add(1)
	if e.answer {
		f.From, f.To = f.To, f.From
		e.node.Send(f)
	}
	select {
	case e.got <- struct{}{}:
	default:
	}
}

func benchPair(b *testing.B, answer bool) (one, two *echo) {
	r := newRig(b, 2)
	ends := [2]*echo{}
	for i := range ends {
		ends[i] = &echo{answer: answer && i == 1, up: make(chan struct{}, 1), got: make(chan struct{}, 1)}
		cfg := r.config(i + 1)
		cfg.Handler = ends[i]
		node, err := wire.New(cfg)
		if err != nil {
			b.Fatal(err)
		}
		ends[i].node = node
		done := make(chan error, 1)
		go func() { done <- node.Run(b.Context()) }()
		b.Cleanup(func() { <-done })
	}
	<-ends[0].up
	<-ends[1].up
	return ends[0], ends[1]
}

// There and back again, one small frame at a time: what a lone post waits for.
func BenchmarkRoundTrip400B(b *testing.B) {
	one, _ := benchPair(b, true)
	body := make([]byte, 400)
	for b.Loop() {
		if !one.node.Send(wire.Frame{From: 1, To: 2, Body: body}) {
			b.Fatal("dropped")
		}
		<-one.got
	}
}

func benchFlow(b *testing.B, bodyLen int) {
	one, two := benchPair(b, false)
	body := make([]byte, bodyLen)
	b.SetBytes(int64(bodyLen))
	sent := int64(0)
	for b.Loop() {
		if err := one.node.SendBulk(b.Context(), wire.Frame{From: 1, To: 2, Body: body}); err != nil {
			b.Fatal(err)
		}
		sent++
	}
	for two.frames.Load() < sent {
		<-two.got
	}
}

func BenchmarkFlow400B(b *testing.B)  { benchFlow(b, 400) }
func BenchmarkFlow64KiB(b *testing.B) { benchFlow(b, 64<<10) }
func BenchmarkFlow1MiB(b *testing.B)  { benchFlow(b, 1<<20) }

// A window of 256 small frames on the message stream, as a busy coordinator has it.
func BenchmarkMessages400B(b *testing.B) {
	one, _ := benchPair(b, true)
	body := make([]byte, 400)
	sent := int64(0)
	b.SetBytes(400)
	for b.Loop() {
		for sent-one.frames.Load() >= 256 {
			<-one.got
		}
		if !one.node.Send(wire.Frame{From: 1, To: 2, Body: body}) {
			b.Fatal("dropped")
		}
		sent++
	}
}

// A cut between two processes, until both have ended their connection, and its
// healing, until both have a new one.
func BenchmarkCutAndHeal(b *testing.B) {
	one, two := benchPair(b, false)
	ends := []*echo{one, two}
	set := func(f wire.Faults) {
		for _, end := range ends {
			if err := end.node.SetFaults(b.Context(), f); err != nil {
				b.Fatal(err)
			}
		}
	}
	for b.Loop() {
		set(parted)
		set(whole)
		<-one.up
		<-two.up
	}
}

// What a frame's fate costs, where something is wrong.
func BenchmarkFate(b *testing.B) {
	f := wire.Fault{Loss: 0.1}
	for n := uint64(0); b.Loop(); n++ {
		f.Fate(1, oneTwo, wire.MessageStream, n)
	}
}
