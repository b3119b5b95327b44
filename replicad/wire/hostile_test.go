package wire_test

import (
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/yamux"

	"consequor/board"
	"consequor/replicad/wire"
	"consequor/replicad/wire/wiretest"
)

// intruderRig is a cluster of three, of which process 1, the one that dials
// both others, is not started: the test plays it. r2 is its victim, and r3 the
// peer of r2 that must not notice.
func intruderRig(t *testing.T, limits wire.Limits) (r *rig, two, three *member) {
	t.Helper()
	r = newRig(t, 3)
	r.limits = limits
	two, three = r.start(2), r.start(3)
	two.awaitUp("r3", 1)
	three.awaitUp("r2", 1)
	return r, two, three
}

// stillTalk fails unless the two are as connected as they were.
func stillTalk(t *testing.T, two, three *member) {
	t.Helper()
	two.Send(two.frame(3, 0))
	checkNumbers(t, two, three.awaitFrames(1))
	if s := two.stats("r3"); s.Connects != 1 {
		t.Errorf("r2 and r3 connected %d times, want once", s.Connects)
	}
}

func dialRaw(t *testing.T, m *member) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", m.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { conn.Close() })
	return conn
}

// dialTLS connects to m with cfg, as TLS has it: that m refused the
// certificate shows at the first read only.
func dialTLS(t *testing.T, m *member, cfg *tls.Config) *tls.Conn {
	t.Helper()
	cfg = cfg.Clone()
	cfg.ServerName = wire.CertName(m.process, clusterID)
	conn := tls.Client(dialRaw(t, m), cfg)
	if err := conn.Handshake(); err != nil {
		t.Fatal(err)
	}
	return conn
}

// awaitLog waits until m has logged text.
func awaitLog(t *testing.T, m *member, text string) {
	t.Helper()
	late := time.After(patience)
	for {
		log, grew := m.log.read()
		if strings.Contains(log, text) {
			return
		}
		select {
		case <-grew:
		case <-late:
			t.Fatalf("%s has not logged %q:\n%s", m.process, text, log)
		}
	}
}

// Bytes that are not TLS get their connection closed and a line in the log,
// and nobody else notices.
func TestGarbageOnThePort(t *testing.T) {
	_, two, three := intruderRig(t, wire.Limits{})
	for _, garbage := range []string{"GET / HTTP/1.1\r\n\r\n", "csqw\x00\x01", strings.Repeat("\x00", 100_000)} {
		conn := dialRaw(t, two)
		io.WriteString(conn, garbage) // it may be closed under us: that is the point
		if rest, err := io.ReadAll(conn); len(rest) > 100 {
			t.Errorf("%d bytes of answer to garbage, %v", len(rest), err)
		}
	}
	awaitLog(t, two, "connection refused")
	stillTalk(t, two, three)
}

// A certificate of another CA, with the very name of a peer, is of no use: to
// dial a process, or to be dialed by it.
func TestCertificateOfAnotherCA(t *testing.T) {
	r, two, three := intruderRig(t, wire.Limits{})
	other := wiretest.NewCA(t)
	cfg := other.TLS(wire.CertName("r1", clusterID))
	cfg.RootCAs = r.ca.Pool() // it does not mind us
	conn := dialTLS(t, two, cfg)
	conn.Write(wire.Greeting(wire.GreetLink, clusterID, "r1", 1))
	if _, _, err := wire.Answer(conn); err == nil || !strings.Contains(err.Error(), "tls: ") {
		t.Errorf("answer to a stranger's hello: %v, want a TLS alert", err)
	}
	stillTalk(t, two, three)

	one := r.config(1)
	one.TLS = other.TLS(wire.CertName("r1", clusterID))
	m := r.startWith(1, one)
	awaitLog(t, m, "no connection to peer")
	awaitLog(t, two, "certificate signed by unknown authority")
	if m.Up("r2") || two.Up("r1") {
		t.Error("a process with another CA's certificate is up")
	}
}

// A client with no certificate at all gets no further than TLS.
func TestNoCertificate(t *testing.T) {
	r, two, three := intruderRig(t, wire.Limits{})
	conn := dialTLS(t, two, &tls.Config{RootCAs: r.ca.Pool()})
	if _, _, err := wire.Answer(conn); err == nil || !strings.Contains(err.Error(), "tls: ") {
		t.Errorf("answer to a client without certificate: %v, want a TLS alert", err)
	}
	stillTalk(t, two, three)
}

// Whoever has a certificate of the right CA is told what is wrong with its
// hello, and is not let in.
func TestRefusedHellos(t *testing.T) {
	r, two, three := intruderRig(t, wire.Limits{})
	good := wire.CertName("r1", clusterID)
	hello := func(cluster, process string, replicas ...board.ReplicaID) []byte {
		return wire.Greeting(wire.GreetLink, cluster, process, replicas...)
	}
	otherVersion := hello(clusterID, "r1", 1)
	otherVersion[5]++
	for _, c := range []struct {
		what, cert string
		hello      []byte
		want       string
	}{
		{"certificate of r3, says r1", wire.CertName("r3", clusterID), hello(clusterID, "r1", 1), "not for r1.c0ffee.consequor"},
		{"certificate of another cluster", wire.CertName("r1", "beef"), hello(clusterID, "r1", 1), "not for r1.c0ffee.consequor"},
		{"a wildcard certificate", "*.c0ffee.consequor", hello(clusterID, "r1", 1), "not for r1.c0ffee.consequor"},
		{"another cluster's id", good, hello("beef", "r1", 1), `r1 is of cluster "beef", this is "c0ffee"`},
		{"other replicas", good, hello(clusterID, "r1", 1, 7), "hosts replicas [r1 r7], and is configured with [r1]"},
		{"a process nobody knows", wire.CertName("r9", clusterID), hello(clusterID, "r9", 9), `process "r9" is not one of my peers`},
		{"the process itself", wire.CertName("r2", clusterID), hello(clusterID, "r2", 2), `process "r2" is not one of my peers`},
		{"the end that must not dial", wire.CertName("r3", clusterID), hello(clusterID, "r3", 3), "comes from the wrong end"},
		{"a knock of the end that dials", good, wire.Greeting(wire.GreetKnock, clusterID, "r1", 1), "comes from the wrong end"},
		{"an answer for a hello", good, wire.Greeting(wire.GreetWelcome, clusterID, "r1", 1), "malformed hello"},
		{"another protocol version", good, otherVersion, "protocol version 2, here it is 1"},
		{"no hello", good, []byte("GET / HTTP/1.1\r\n\r\n"), "does not speak this protocol"},
	} {
		conn := dialTLS(t, two, r.ca.TLS(c.cert))
		if _, err := conn.Write(c.hello); err != nil {
			t.Fatal(err)
		}
		process, refusal, err := wire.Answer(conn)
		if err != nil || process != "" || !strings.Contains(refusal, c.want) {
			t.Errorf("%s: refused with %q, %v; want %q", c.what, refusal, err, c.want)
		}
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Errorf("%s: the connection goes on after the refusal", c.what)
		}
	}
	awaitLog(t, two, "connection refused")
	if two.Up("r1") {
		t.Error("r1 is up, which never came")
	}
	stillTalk(t, two, three)
}

// A process that is told another cluster id than its peers says why it does
// not get in.
func TestDialerSaysWhyItWasRefused(t *testing.T) {
	r, _, _ := intruderRig(t, wire.Limits{})
	one := r.config(1)
	for i := range one.Peers {
		if one.Peers[i].Process == "r2" {
			one.Peers[i].Replicas = []board.ReplicaID{2, 20}
		}
	}
	m := r.startWith(1, one)
	awaitLog(t, m, "r2 hosts replicas [r2], and is configured with [r2 r20]")
}

// accomplice is what the test plays as r1, once it is let in.
type accomplice struct {
	session *yamux.Session
	streams [2]*yamux.Stream
}

// comeIn says hello as r1, and is welcome.
func comeIn(t *testing.T, r *rig, m *member) *tls.Conn {
	t.Helper()
	conn := dialTLS(t, m, r.ca.TLS(wire.CertName("r1", clusterID)))
	if _, err := conn.Write(wire.Greeting(wire.GreetLink, clusterID, "r1", 1)); err != nil {
		t.Fatal(err)
	}
	if process, refusal, err := wire.Answer(conn); process != m.process {
		t.Fatalf("answered by %q: %q, %v", process, refusal, err)
	}
	return conn
}

// yamuxOver makes one of the two ends of a session.
func yamuxOver(t *testing.T, conn net.Conn, end func(io.ReadWriteCloser, *yamux.Config) (*yamux.Session, error)) *yamux.Session {
	t.Helper()
	cfg := yamux.DefaultConfig()
	cfg.LogOutput, cfg.Logger = nil, slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	session, err := end(conn, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close() })
	return session
}

func infiltrate(t *testing.T, r *rig, m *member) *accomplice {
	t.Helper()
	a := &accomplice{session: yamuxOver(t, comeIn(t, r, m), yamux.Client)}
	for i := range a.streams {
		var err error
		if a.streams[i], err = a.session.OpenStream(); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// A peer that is let in and then breaks the rules loses its connection, with
// the reason, and can come back; others do not notice.
func TestPeerThatBreaksTheRules(t *testing.T) {
	r, two, three := intruderRig(t, wire.Limits{})
	fine := wire.Frame{From: 1, To: 2, Body: []byte{}}
	spoofed, misled, reserved := fine, fine, wire.FrameHeader(fine, 0)
	spoofed.From, misled.To, reserved[7] = 3, 3, 1
	for i, c := range []struct {
		what  string
		bytes []byte
		want  string
	}{
		{"a frame that is too long", wire.FrameHeader(fine, wire.FrameBodyMax+1), "a body of 8388609 bytes, the limit is 8388608"},
		{"a frame in another's name", wire.FrameHeader(spoofed, 0), "from r3, which r1 does not host"},
		{"a frame for another process", wire.FrameHeader(misled, 0), "for r3, which is not hosted here"},
		{"reserved bytes", reserved, "reserved bytes are 000001"},
	} {
		a := infiltrate(t, r, two)
		two.awaitUp("r1", i+1)
		// r2 may hang up while yamux still waits to hear that all is written.
		if _, err := a.streams[i%2].Write(c.bytes); err != nil && err != yamux.ErrSessionShutdown {
			t.Fatal(err)
		}
		why := two.awaitDown("r1", i+1)
		if bad := new(wire.FrameError); !errors.As(why, &bad) || !strings.Contains(bad.Why, c.want) {
			t.Errorf("%s: down because %v, want %q", c.what, why, c.want)
		}
		<-a.session.CloseChan()
	}
	stillTalk(t, two, three)
}

// A peer that closes one of the two streams is down, and not half up.
func TestPeerClosesAStream(t *testing.T) {
	r, two, _ := intruderRig(t, wire.Limits{})
	a := infiltrate(t, r, two)
	two.awaitUp("r1", 1)
	if err := a.streams[1].Close(); err != nil {
		t.Fatal(err)
	}
	if why := two.awaitDown("r1", 1); !strings.Contains(why.Error(), "closed by the peer") {
		t.Errorf("down because %v", why)
	}
}

// A peer opens a thousand streams: the third ends its connection.
func TestThousandsOfStreams(t *testing.T) {
	r, two, three := intruderRig(t, wire.Limits{})
	a := infiltrate(t, r, two)
	two.awaitUp("r1", 1)
	opened := 0
	for ; opened < 1000; opened++ {
		if _, err := a.session.OpenStream(); err != nil {
			break
		}
	}
	if why := two.awaitDown("r1", 1); !strings.Contains(why.Error(), "stream that is not in the protocol") {
		t.Errorf("down after %d streams because %v", opened, why)
	}
	stillTalk(t, two, three)
}

// 1 Forty connections say nothing, where four may be in the handshake. 2 r1
// starts, and gets through. 3 The silent ones go when others come, or when
// their time is up.
func TestSilentConnectionsHoldUpNobody(t *testing.T) {
	r, two, three := intruderRig(t, wire.Limits{HandshakesMax: 4, HandshakeLimit: 300 * time.Millisecond})
	var silent []net.Conn
	for range 40 {
		silent = append(silent, dialRaw(t, two))
	}
	r.start(1).awaitUp("r2", 1)
	for i, conn := range silent {
		var timeout net.Error
		if _, err := conn.Read(make([]byte, 1)); err == nil || errors.As(err, &timeout) && timeout.Timeout() {
			t.Fatalf("silent connection %d is still open: %v", i, err)
		}
	}
	awaitLog(t, two, "connection refused")
	stillTalk(t, two, three)
}

// A guest that is let in but opens no streams goes when its time is up, and
// was never up.
func TestGuestThatStopsHalfWay(t *testing.T) {
	r, two, three := intruderRig(t, wire.Limits{HandshakeLimit: 200 * time.Millisecond})
	conn := dialTLS(t, two, r.ca.TLS(wire.CertName("r1", clusterID)))
	conn.Write(wire.Greeting(wire.GreetLink, clusterID, "r1", 1))
	if process, _, err := wire.Answer(conn); process != "r2" {
		t.Fatalf("answered by %q, %v", process, err)
	}
	io.ReadAll(conn) // until r2 closes
	awaitLog(t, two, "no proper hello")
	if s := two.stats("r1"); s.Connects != 0 {
		t.Errorf("r1 came up %d times without streams", s.Connects)
	}
	stillTalk(t, two, three)
}

// A server that accepts and says nothing costs the dialer its handshake limit,
// and nobody else anything.
func TestDialedServerSaysNothing(t *testing.T) {
	r := newRig(t, 3)
	r.limits = wire.Limits{HandshakeLimit: 100 * time.Millisecond}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	r.routes[2] = silent.Addr().String()
	one, two := r.start(1), r.start(2)
	one.awaitUp("r2", 1)
	two.awaitUp("r1", 1)
	awaitLog(t, one, "no answer: context deadline exceeded")
}
