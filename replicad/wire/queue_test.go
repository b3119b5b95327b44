package wire

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"runtime"
	"testing"
	"time"
)

func bodyOf(n int) Frame { return Frame{Body: make([]byte, n-frameHeaderLen)} }

// An outbox of 3 frames and 300 bytes takes what fits both, counts what is
// being written as well as what waits, and takes one frame whatever its size.
func TestOutboxIsBounded(t *testing.T) {
	o := newOutbox(3, 300)
	if o.push(bodyOf(50)) {
		t.Fatal("a shut outbox takes a frame")
	}
	o.start()
	for i, c := range []struct {
		size int
		want bool
	}{{100, true}, {201, false}, {100, true}, {50, true}, {50, false}} {
		if got := o.push(bodyOf(c.size)); got != c.want {
			t.Errorf("push %d, %d bytes: %v", i, c.size, got)
		}
	}
	batch, ok := o.take(nil, nil)
	if !ok || len(batch) != 3 {
		t.Fatalf("took %d frames, want 3", len(batch))
	}
	if o.push(bodyOf(50)) {
		t.Error("takes a fourth frame while three are being written")
	}
	o.release(3, 250)
	if !o.push(bodyOf(1000)) || o.push(bodyOf(50)) {
		t.Error("an empty outbox must take one frame of any size, and then no more")
	}
	o.stop()
	if _, ok := o.take(nil, nil); ok {
		t.Error("a shut outbox gives frames")
	}
	if got := o.drops(); got != 6 { // five that were not taken, and the one that waited at the end
		t.Errorf("%d drops, want 6", got)
	}
}

// A frame that waits for room is taken when there is some; one that waits when
// the peer goes down is not sent to the peer's next life.
func TestOutboxWait(t *testing.T) {
	o := newOutbox(1, 300)
	o.start()
	o.push(bodyOf(100))
	waiting := func() <-chan error {
		result := make(chan error, 1)
		go func() { result <- o.pushWait(context.Background(), bodyOf(100)) }()
		for { // until it waits: that is when there is somebody to wake
			o.mu.Lock()
			waits := o.room != nil
			o.mu.Unlock()
			if waits {
				return result
			}
			runtime.Gosched()
		}
	}
	result := waiting()
	o.take(nil, nil)
	o.release(1, 100)
	if err := <-result; err != nil {
		t.Errorf("after there was room: %v", err)
	}
	result = waiting()
	o.stop()
	o.start()
	if err := <-result; !errors.Is(err, ErrDown) {
		t.Errorf("after the peer went down and came back: %v", err)
	}
	if batch := len(o.waiting); batch != 0 {
		t.Errorf("%d frames wait in the new life", batch)
	}
	o.push(bodyOf(100))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := o.pushWait(ctx, bodyOf(100)); !errors.Is(err, context.Canceled) {
		t.Errorf("after the caller gave up: %v", err)
	}
}

// Pauses: none, then 10 ms doubling to 500 ms, each short of that by a half at
// most; from the start again after a success.
func TestBackoff(t *testing.T) {
	b := backoff{min: 10 * time.Millisecond, max: 500 * time.Millisecond}
	for range 2 {
		for i, want := range []time.Duration{0, 10, 20, 40, 80, 160, 320, 500, 500} {
			want *= time.Millisecond
			if got := b.next(); got > want || got < want/2 {
				t.Errorf("pause %d is %v, want %v to %v", i, got, want/2, want)
			}
		}
		b.reset()
	}
}

// writes keeps what is written, write by write.
type writes [][]byte

func (w *writes) Write(p []byte) (int, error) {
	*w = append(*w, bytes.Clone(p))
	return len(p), nil
}
func (w *writes) Read([]byte) (int, error) { panic("nothing is read") }

// yamux writes a window update, then a header and its data: they go out as
// they are, and as one.
func TestJoinerJoinsHeaderAndData(t *testing.T) {
	header := func(kind byte, length uint32) []byte {
		h := make([]byte, yamuxHeaderLen)
		h[1] = kind
		binary.BigEndian.PutUint32(h[8:], length)
		return h
	}
	var out writes
	j := &joiner{tls: &out}
	update, empty, full := header(1, 5), header(yamuxTypeData, 0), header(yamuxTypeData, 5)
	data := []byte("hello")
	for _, p := range [][]byte{update, full, data, empty, full, data, update} {
		if n, err := j.Write(p); n != len(p) || err != nil {
			t.Fatalf("wrote %d of %d bytes: %v", n, len(p), err)
		}
	}
	joined := append(bytes.Clone(full), data...)
	want := writes{update, joined, empty, joined, update}
	if len(out) != len(want) {
		t.Fatalf("%d writes, want %d", len(out), len(want))
	}
	for i := range want {
		if !bytes.Equal(out[i], want[i]) {
			t.Errorf("write %d is %x, want %x", i, out[i], want[i])
		}
	}
}
