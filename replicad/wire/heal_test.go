package wire_test

import (
	"crypto/tls"
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/yamux"

	"consequor/replicad/wire"
)

// A process that starts into a cut does not even dial. It is connected when
// both have healed.
func TestCutFromTheStart(t *testing.T) {
	r := newRig(t, 3)
	r.limits = patient
	p := newProxy(t, r.addrs[1])
	for i := range r.members {
		cfg := r.config(i + 1)
		cfg.Faults = parted
		if i == 0 {
			cfg.Peers[1].Addr = p.listener.Addr().String()
		}
		r.startWith(i+1, cfg)
	}
	m := r.members
	for i := range 2 {
		m[i].awaitUp("r3", 1)
		m[2].awaitUp(name(i+1), 1)
	}
	for i, peer := range []string{"r2", "r1"} {
		if s := m[i].stats(peer); s.Up || s.Connects > 0 {
			t.Errorf("%s: %+v", m[i].process, s)
		}
	}
	if log := m[1].log.String(); strings.Contains(log, "nobody to knock at") {
		t.Errorf("r2 knocked:\n%s", log)
	}
	setAll(m[1:], whole)
	awaitLog(t, m[1], "nobody to knock at")
	if n := p.dialed(); n > 0 {
		t.Errorf("r1 dialed %d times", n)
	}
	setAll(m[:1], whole)
	m[0].awaitUp("r2", 1)
	m[0].Send(m[0].frame(2, 0))
	checkNumbers(t, m[0], m[1].awaitFrames(1))
	if p.dialed() == 0 {
		t.Error("r1 has another way to r2 than the one that is watched")
	}
}

// 1 r2 alone has been told of a cut: it lets r1 in no more, and says so. 2 r1
// would wait an hour now. 3 The cut heals at r2, which knocks.
func TestHealDuringAPause(t *testing.T) {
	r := newRig(t, 2)
	r.limits = patient
	m := r.startAll()
	m[1].set(parted)
	m[0].awaitDown("r2", 1)
	awaitLog(t, m[0], "peer holds the link for cut")
	m[1].set(whole)
	m[0].awaitUp("r2", 2)
	m[1].awaitUp("r1", 2)
	for _, m := range m {
		if strings.Contains(m.log.String(), "level=WARN") {
			t.Errorf("%s warns:\n%s", m.process, m.log.String())
		}
	}
}

// A process that restarts during a cut is not let in, whether it has been told
// of it or not, until the cut heals.
func TestRestartDuringACut(t *testing.T) {
	for id := 1; id <= 2; id++ { // the one that dials, the one that knocks
		for _, knows := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s knows %v", name(id), knows), func(t *testing.T) {
				r := newRig(t, 3)
				r.limits = patient
				m := r.startAll()
				setAll(m, parted)
				m[id-1].stop()
				cfg := r.config(id)
				if knows {
					cfg.Faults = parted
				}
				again, other := r.startWith(id, cfg), m[2-id]
				again.awaitUp("r3", 1)
				if !knows {
					awaitLog(t, again, "refused us: cut by a link fault")
				}
				if s := again.stats(other.process); s.Connects > 0 || other.stats(again.process).Connects != 1 {
					t.Errorf("connected through a cut: %+v", s)
				}
				setAll(r.members, whole)
				again.awaitUp(other.process, 1)
				other.awaitUp(again.process, 2)
			})
		}
	}
}

// Faults can be set before Run, and when it is over.
func TestSetFaultsOfANodeThatDoesNotRun(t *testing.T) {
	r := newRig(t, 2)
	r.limits = patient
	m := r.start(1)
	two := r.startPrepared(2, r.config(2), func(m *member) { m.set(parted) })
	awaitLog(t, m, "peer holds the link for cut")
	two.stop()
	two.set(whole)
	two.set(parted)
	if s := two.stats("r1"); s.Connects > 0 {
		t.Errorf("connected through a cut: %+v", s)
	}
}

// The cut comes while r1's dialing is half-way, and r2 has welcomed it: there is
// no connection all the same.
func TestCutDuringAHandshake(t *testing.T) {
	r, two, three := intruderRig(t, patient)
	conn := comeIn(t, r, two)
	two.set(parted)
	session := yamuxOver(t, conn, yamux.Client)
	for range 2 {
		if _, err := session.OpenStream(); err != nil {
			break // r2 may have hung up already
		}
	}
	<-session.CloseChan()
	if s := two.stats("r1"); s.Connects > 0 {
		t.Errorf("connected through a cut: %+v", s)
	}
	stillTalk(t, two, three)
}

// The same at the end that dials; the test is the other one.
func TestCutDuringADial(t *testing.T) {
	r := newRig(t, 2)
	r.limits = patient
	listener := r.listeners[1]
	m := r.start(1)
	raw, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	conn := tls.Server(raw, r.ca.TLS(wire.CertName("r2", clusterID)))
	if _, _, err := wire.Answer(conn); err != nil { // it is r1's hello
		t.Fatal(err)
	}
	m.set(parted)
	if _, err := conn.Write(wire.Greeting(wire.GreetWelcome, clusterID, "r2", 2)); err != nil {
		t.Fatal(err)
	}
	<-yamuxOver(t, conn, yamux.Server).CloseChan()
	if s := m.stats("r2"); s.Connects > 0 {
		t.Errorf("connected through a cut: %+v", s)
	}
}
