//go:build linux

package supervisor

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A second supervisor is refused, with the pid of the first, and harms nobody.
func TestSecondSupervisor(t *testing.T) {
	c := startCluster(t, 1)
	err := Run(c.ctx, c.config)
	e := c.wantKind(err, KindRunning)
	if want := fmt.Sprintf("cluster fake is running already: its supervisor has pid %d", os.Getpid()); e.Message != want {
		t.Errorf("got  %s\nwant %s", e.Message, want)
	}
	if !c.status().Serving() {
		t.Error("the first one was harmed")
	}
	if err := Wipe(c.home()); err == nil {
		t.Error("a running cluster was wiped")
	}
}

// supervise brings the cluster up in a process of its own, that can be killed.
func (c *cluster) supervise() *exec.Cmd {
	c.t.Helper()
	first := exec.Command("/proc/self/exe", "supervisor", c.config.Root, c.wishes, strconv.Itoa(len(c.config.Topology.Replicas)))
	out, err := first.StdoutPipe()
	if err == nil {
		err = first.Start()
	}
	if err != nil {
		c.t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		c.t.Fatalf("%q, %v", line, err)
	}
	if c.client, err = Dial(c.home()); err != nil {
		c.t.Fatal(err)
	}
	return first
}

// When the supervisor is killed, its children die, the stopped ones and the
// plugins too; the next one finds the stale lock and sockets no hindrance, and
// keeps the ports.
func TestSupervisorIsKilled(t *testing.T) {
	c := newCluster(t, 3)
	c.wish("r1", "plugin")
	first := c.supervise()
	c.act(Pause, "r2")
	before := c.status()

	killed := time.Now()
	first.Process.Kill()
	first.Wait()
	c.eventually("its children are gone", func() bool { return gone(pids(before)...) })
	if took := time.Since(killed); took > 2*time.Second {
		t.Errorf("the children outlived their supervisor by %v", took)
	}
	if _, err := Dial(c.home()); c.wantKind(err, KindNotRunning) == nil {
		t.Error("it still answers")
	}
	c.up()
	for i, r := range c.status().Replicas {
		if was := before.Replicas[i]; r.ClientAddr != was.ClientAddr || r.PeerAddr != was.PeerAddr {
			t.Errorf("other addresses: %+v, before %+v", r, was)
		}
	}
	if got := c.order("r1", fakeOrder{Tell: "served"}); got != "true" {
		t.Errorf("that r1 has served was forgotten: %s", got)
	}
}

// A replica that is late fails up, which names it and says why, and leaves
// nothing running; so does one that fails.
func TestNotReady(t *testing.T) {
	c := newCluster(t, 3)
	c.wish("r2", "late")
	late := make(chan time.Time, 1)
	c.config.after = func(time.Duration) <-chan time.Time { return late }
	c.start()
	c.eventually("the supervisor answers", func() bool {
		var err error
		c.client, err = Dial(c.home())
		return err == nil
	})
	c.awaitEvent(EventServing, "r1")
	c.awaitEvent(EventServing, "r3")
	c.awaitEvent(EventJoined, "r2")
	late <- time.Now()
	<-c.stopped
	e := c.wantKind(c.err, KindNotReady)
	want := "not ready after 1m0s\nr2: starting, so far joined: its peers; the last lines of its log:\nfake r2 begins"
	if e.Message != want {
		t.Errorf("got  %s\nwant %s", e.Message, want)
	}
	if left := append(c.processes("r1"), c.processes("r2")...); len(left) > 0 {
		t.Errorf("left: %v", left)
	}

	c.wish("r2", "stray")
	c.start()
	<-c.stopped
	e = c.wantKind(c.err, KindNotReady)
	want = "r2: failed: is in a crash loop: ended with exit code 9, the last of 3 quick deaths; its last words:\nfake r2 begins\n[31mred words"
	if !strings.Contains(e.Message, want) {
		t.Errorf("got  %q\nwant %q", e.Message, want)
	}
}

// A port that someone else has fails up before anything is started, naming
// replica and port.
func TestPortInUse(t *testing.T) {
	c := newCluster(t, 3)
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	c.config.Topology.Replicas[1].Peer = other.Addr().String()
	_, port, _ := net.SplitHostPort(other.Addr().String())
	e := c.wantKind(Run(c.ctx, c.config), KindPortInUse)
	if want := "r2: peer port " + port + " on 127.0.0.1 is in use by another program"; e.Message != want || !strings.Contains(e.Hint, port) {
		t.Errorf("got  %s (hint: %s)\nwant %s", e.Message, e.Hint, want)
	}
	if s, err := readState(c.home()); s != nil || err != nil {
		t.Errorf("a cluster was made: %+v, %v", s, err)
	}
}

// What the data was made with is not changed by a topology that differs.
func TestTopologyDiffers(t *testing.T) {
	c := startCluster(t, 3)
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	made := c.config.Topology
	c.config.Topology = fakeTopology(5)
	c.config.Topology.Mode.Name = "quorum"
	e := c.wantKind(Run(c.ctx, c.config), KindDiffers)
	want := "cluster fake has data that was made otherwise: mode: the topology says quorum, it was made with sequential; " +
		"replicas: 5 (r1, r2, r3, r4, r5), made with 3 (r1, r2, r3)"
	if e.Message != want || !strings.Contains(e.Hint, "down --cluster fake --wipe") {
		t.Errorf("got  %s\nwant %s\nhint %s", e.Message, want, e.Hint)
	}
	c.config.Topology = made
	c.up()
}

// An ephemeral cluster leaves no data, and does not touch what is there.
func TestEphemeral(t *testing.T) {
	c := newCluster(t, 1)
	c.up()
	kept, err := readState(c.home())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	c.config.Ephemeral = true
	c.up()
	if s := c.status(); !s.Ephemeral {
		t.Errorf("status: %+v", s)
	}
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	now, err := readState(c.home())
	if err != nil || now.ClusterID != kept.ClusterID || exists(filepath.Join(c.home(), ephemeralName)) {
		t.Errorf("left: %+v, %v", now, err)
	}
	if err := Wipe(c.home()); err != nil || exists(c.home()) {
		t.Errorf("wipe: %v", err)
	}
	if e := c.wantKind(Wipe(c.home()), KindNoSuchCluster); e.Hint == "" {
		t.Error("no hint")
	}
}

// A home too deep for a socket's address has its sockets elsewhere, and they
// go as well.
func TestDeepHome(t *testing.T) {
	c := newCluster(t, 1)
	c.config.Root = filepath.Join(c.config.Root, strings.Repeat("deep/", 30))
	c.up()
	run := c.runDir()
	if info, err := os.Stat(run); err != nil || len(run) > runLenMax || info.Mode().Perm() != 0o700 {
		t.Errorf("%s: %v, %v", run, info, err)
	}
	c.awaitState("r1", StateServing)
	if err := c.end(); err != nil || exists(run) {
		t.Errorf("end: %v; %s is left: %v", err, run, exists(run))
	}
}
