package wire_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"consequor/board"
	"consequor/replicad/wire"
)

// peerRole, as the first argument of the test binary, makes it a peer process
// that a test can kill.
const peerRole = "wire-peer"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == peerRole {
		fmt.Fprintln(os.Stderr, runPeer(os.Args[2]))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// peerSpec is what the peer process is told, as JSON.
type peerSpec struct{ CA, Cert, Key, Listen, Dialer string }

// chatter sends frames to r1 as fast as they are taken, from its OnUp on.
type chatter struct {
	node *wire.Node
	talk chan struct{}
}

func (c *chatter) OnUp(string)          { close(c.talk) }
func (c *chatter) OnDown(string, error) {}
func (c *chatter) OnFrame(wire.Frame)   {}

// runPeer is process r2, until it is killed.
func runPeer(specText string) error {
	var spec peerSpec
	if err := json.Unmarshal([]byte(specText), &spec); err != nil {
		return err
	}
	keys, err := wire.LoadTLS(spec.CA, spec.Cert, spec.Key, clusterID)
	if err != nil {
		return err
	}
	c := &chatter{talk: make(chan struct{})}
	c.node, err = wire.New(wire.Config{
		Cluster: clusterID, Process: "r2", Hosts: []board.ReplicaID{2},
		Peers:  []wire.Peer{{Process: "r1", Addr: spec.Dialer, Replicas: []board.ReplicaID{1}}},
		Listen: spec.Listen, TLS: keys, Handler: c,
	})
	if err != nil {
		return err
	}
	go func() {
		<-c.talk
		for c.node.SendBulk(context.Background(), wire.Frame{From: 2, To: 1, Body: make([]byte, 1000)}) == nil {
		}
	}()
	return c.node.Run(context.Background())
}

// 1 r2 is a process of its own, and busy sending. 2 It is killed by SIGKILL.
// 3 r1 is told at once, by r2's kernel: no ping has to go unanswered. 4 A new
// r2 is connected as soon as it has started.
func TestKilledProcessIsNoticedAtOnce(t *testing.T) {
	r := newRig(t, 2)
	r.limits = wire.Limits{KeepAlive: time.Hour, RedialMin: time.Hour, RedialMax: time.Hour}
	caFile, certFile, keyFile := r.ca.Files(wire.CertName("r2", clusterID))
	r.listeners[1].Close() // r2 itself will listen there
	spec, err := json.Marshal(peerSpec{caFile, certFile, keyFile, r.addrs[1], r.addrs[0]})
	if err != nil {
		t.Fatal(err)
	}
	m := r.start(1)
	m.forget = true
	for life := 1; life <= 3; life++ {
		peer := exec.Command("/proc/self/exe", peerRole, string(spec))
		peer.Stderr = os.Stderr
		if err := peer.Start(); err != nil {
			t.Fatal(err)
		}
		m.awaitUp("r2", life)
		m.awaitFrames(life * 10)
		if err := peer.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		killed := time.Now()
		why := m.awaitDown("r2", life)
		t.Logf("noticed after %v: %v", time.Since(killed), why)
		if err := peer.Wait(); err == nil {
			t.Error("r2 ended by itself")
		}
	}
}
