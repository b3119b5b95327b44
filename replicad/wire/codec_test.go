package wire

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"consequor/board"
)

func encodeFrame(f *Frame) []byte {
	var buf bytes.Buffer
	w := bufio.NewWriter(&buf)
	if err := errors.Join(writeFrame(w, f), w.Flush()); err != nil {
		panic(err) // a bytes.Buffer takes everything
	}
	return buf.Bytes()
}

func decodeFrame(src []byte) (Frame, error) { return readFrame(bufio.NewReader(bytes.NewReader(src))) }

// The bytes of a frame are the ones that PROTOCOL.md gives as its example.
func TestFrameIsAsSpecified(t *testing.T) {
	f := Frame{From: 1, To: 2, Kind: 9, Epoch: 3, Incarnation: 4, Body: []byte("hello")}
	const want = "00000005" + "09" + "000000" + "00000001" + "00000002" +
		"0000000000000003" + "0000000000000004" + "68656c6c6f"
	if got := hex.EncodeToString(encodeFrame(&f)); got != want {
		t.Errorf("encoded as\n%s, want\n%s", got, want)
	}
	got, err := decodeFrame(encodeFrame(&f))
	if err != nil || !reflect.DeepEqual(got, f) {
		t.Errorf("decoded as %+v, %v", got, err)
	}
}

// The bytes of a hello are the ones that PROTOCOL.md gives as its example.
func TestHelloIsAsSpecified(t *testing.T) {
	h := hello{Type: greetLink, Cluster: "c0ffee", Process: "r2", Replicas: []board.ReplicaID{2, 300}}
	const want = "63737177" + "0001" + "01" + "00" + "0000000e" +
		"06633066666565" + "027232" + "02" + "02" + "ac02"
	if got := hex.EncodeToString(appendHello(nil, &h)); got != want {
		t.Errorf("encoded as\n%s, want\n%s", got, want)
	}
}

// A frame that ends too early, is too long or has reserved bytes set is an
// error of the kind that says so, and takes no memory for a body.
func TestBadFrames(t *testing.T) {
	good := encodeFrame(&Frame{From: 1, To: 2, Body: []byte("hello")})
	for n := 1; n < len(good); n++ {
		if _, err := decodeFrame(good[:n]); err != io.ErrUnexpectedEOF {
			t.Errorf("cut after %d bytes: %v", n, err)
		}
	}
	if _, err := decodeFrame(nil); err != io.EOF {
		t.Errorf("no frame at all: %v", err)
	}
	for what, at := range map[string]int{"a body of": 0, "reserved": 6} {
		bad := bytes.Clone(good)
		bad[at] = 1
		_, err := decodeFrame(bad)
		if wrong := new(FrameError); !errors.As(err, &wrong) || !strings.Contains(wrong.Why, what) {
			t.Errorf("byte %d set: %v, want %q", at, err, what)
		}
	}
}

// Every malformed hello is refused, in words that tell what is wrong with it.
func TestBadHellos(t *testing.T) {
	good := appendHello(nil, &hello{Type: greetLink, Cluster: "c0ffee", Process: "r1", Replicas: []board.ReplicaID{1}})
	change := func(at int, to byte) []byte {
		bad := bytes.Clone(good)
		bad[at] = to
		return bad
	}
	for _, c := range []struct {
		what string
		src  []byte
		want string
	}{
		{"another magic", change(0, 'C'), "does not speak this protocol"},
		{"another version", change(5, 2), "protocol version 2, here it is 1"},
		{"another type", change(6, 9), "unknown type 9"},
		{"too long a body", change(8, 1), "the limit is 65536"},
		{"a text longer than the body", change(12, 100), "malformed hello"},
		{"replica 0", change(len(good)-1, 0), "malformed hello"},
		{"more replicas than bytes", change(len(good)-2, 2), "malformed hello"},
		{"half of it", good[:len(good)/2], "unexpected EOF"},
	} {
		if _, err := readHello(bytes.NewReader(c.src)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.what, err, c.want)
		}
	}
}

// A refusal of another version is still understood: it says which.
func TestRefusalOfAnotherVersion(t *testing.T) {
	src := appendHello(nil, &hello{Type: greetRefusal, Reason: "protocol version 1, here it is 7"})
	src[5] = 7
	got, err := readHello(bytes.NewReader(src))
	if err != nil || got.Reason != "protocol version 1, here it is 7" {
		t.Errorf("read as %+v, %v", got, err)
	}
}

// A reason that is too long is cut, so that the refusal itself is not refused.
func TestLongReason(t *testing.T) {
	src := appendHello(nil, &hello{Type: greetRefusal, Reason: strings.Repeat("why ", 1000)})
	got, err := readHello(bytes.NewReader(src))
	if err != nil || len(got.Reason) != reasonLenMax {
		t.Errorf("%d bytes of reason, %v", len(got.Reason), err)
	}
}

// Whatever comes in: no panic, no more read than the frame, no body beyond the
// limit, and a frame that decodes encodes to the bytes it came from.
func FuzzFrame(f *testing.F) {
	f.Add(encodeFrame(&Frame{From: 1, To: 2, Kind: 1, Epoch: 1, Incarnation: 1, Body: []byte("hello")}))
	f.Add(encodeFrame(&Frame{From: 1<<32 - 1}))
	f.Add([]byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		got, err := decodeFrame(src)
		if err != nil {
			return
		}
		if again := encodeFrame(&got); !bytes.HasPrefix(src, again) || len(got.Body) > FrameBodyMax {
			t.Errorf("%x decodes to %+v, which encodes to %x", src, got, again)
		}
	})
}

// Whatever comes in: no panic, nothing beyond the limits, and a hello that
// decodes survives being encoded and decoded again.
func FuzzHello(f *testing.F) {
	f.Add(appendHello(nil, &hello{Type: greetLink, Cluster: "c0ffee", Process: "r1", Replicas: []board.ReplicaID{1, 2, 300}}))
	f.Add(appendHello(nil, &hello{Type: greetRefusal, Reason: "no"}))
	f.Add([]byte("csqw"))
	f.Fuzz(func(t *testing.T, src []byte) {
		got, err := readHello(bytes.NewReader(src))
		if err != nil {
			return
		}
		if len(got.Replicas) > replicasMax || len(got.Process) > nameLenMax || len(got.Reason) > reasonLenMax {
			t.Errorf("beyond the limits: %+v", got)
		}
		again, err := readHello(bytes.NewReader(appendHello(nil, &got)))
		if err != nil || !reflect.DeepEqual(again, got) {
			t.Errorf("%+v comes back as %+v, %v", got, again, err)
		}
	})
}
