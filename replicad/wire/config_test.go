package wire_test

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"strings"
	"testing"

	"consequor/board"
	"consequor/replicad/wire"
	"consequor/replicad/wire/wiretest"
)

// A configuration with many mistakes is refused with all of them.
func TestAllMistakesAtOnce(t *testing.T) {
	_, err := wire.New(wire.Config{
		Cluster: "Not A Label",
		Process: "r1",
		Hosts:   []board.ReplicaID{1},
		Peers: []wire.Peer{
			{Process: "r2", Replicas: []board.ReplicaID{1}},
			{Process: "r2", Replicas: []board.ReplicaID{2}},
			{Process: "r 3", Replicas: nil},
			{Process: "r4", Replicas: []board.ReplicaID{0}},
		},
		Limits: wire.Limits{WindowLenMax: 1000, RedialMin: -1},
	})
	if err == nil {
		t.Fatal("taken")
	}
	for _, want := range []string{
		`cluster id "Not A Label"`, "no handler", "a window of 1000 bytes", "a limit is below zero",
		"no TLS configuration", "two processes are called r2", `replica 1 of process r2`,
		`process name "r 3"`, "process r 3 hosts 0 replicas", "replica 0 of process r4",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no word of %q in:\n%v", want, err)
		}
	}
}

// TLS that would let strangers in, or keep us out, is refused before the first
// connection.
func TestTLSThatIsNotMutual(t *testing.T) {
	ca := wiretest.NewCA(t)
	own := wire.CertName("r1", clusterID)
	for want, spoil := range map[string]func(*tls.Config){
		"TLS below 1.3":                 func(c *tls.Config) { c.MinVersion = tls.VersionTLS12 },
		"TLS without mutual":            func(c *tls.Config) { c.ClientAuth = tls.NoClientCert },
		"TLS without mutual authentica": func(c *tls.Config) { c.InsecureSkipVerify = true },
		"no cluster CA":                 func(c *tls.Config) { c.RootCAs = nil },
		"0 certificates, want one":      func(c *tls.Config) { c.Certificates = nil },
		"not for r1.c0ffee.consequor": func(c *tls.Config) {
			c.Certificates = []tls.Certificate{ca.Issue(wire.CertName("r2", clusterID))}
		},
	} {
		cfg := ca.TLS(own)
		spoil(cfg)
		_, err := wire.New(wire.Config{
			Cluster: clusterID, Process: "r1", Hosts: []board.ReplicaID{1},
			Handler: newRecorder(t, "r1"), Listen: "127.0.0.1:0", TLS: cfg,
		})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// An address that is taken is an error that names it.
func TestAddressInUse(t *testing.T) {
	r := newRig(t, 2)
	cfg := r.config(1)
	cfg.Listener.Close()
	cfg.Listener, cfg.Listen, cfg.Handler = nil, r.addrs[1], newRecorder(t, "r1")
	if _, err := wire.New(cfg); err == nil || !strings.Contains(err.Error(), r.addrs[1]+": bind: address already in use") {
		t.Errorf("listening twice at %s: %v", r.addrs[1], err)
	}
}

// A certificate's name is in lower case, whatever the process is called.
func TestCertName(t *testing.T) {
	if got := wire.CertName("R1", "C0FFEE"); got != "r1.c0ffee.consequor" {
		t.Error(got)
	}
}

// Keys come from files in PEM; files that are missing, empty or another
// cluster's are told apart.
func TestLoadTLS(t *testing.T) {
	ca := wiretest.NewCA(t)
	caFile, certFile, keyFile := ca.Files(wire.CertName("r1", clusterID))
	if _, err := wire.LoadTLS(caFile, certFile, keyFile, clusterID); err != nil {
		t.Error(err)
	}
	_, otherCert, otherKey := ca.Files(wire.CertName("r1", "beef"))
	for _, c := range []struct{ ca, cert, key, want string }{
		{caFile + ".not", certFile, keyFile, "no such file"},
		{keyFile, certFile, keyFile, "holds no certificate"},
		{caFile, certFile, otherKey, "private key does not match"},
		{caFile, otherCert, otherKey, "none of them of cluster c0ffee"},
	} {
		if _, err := wire.LoadTLS(c.ca, c.cert, c.key, clusterID); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

// Frames that cannot be sent are logged once per second at most, however many
// there are: a thousand make one line.
func TestComplaintsAreRare(t *testing.T) {
	var log bytes.Buffer
	r := newRig(t, 1)
	cfg := r.config(1)
	cfg.Handler = newRecorder(t, "r1")
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	node, err := wire.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer cfg.Listener.Close()
	for range 1000 {
		node.Send(wire.Frame{From: 1, To: 9})
	}
	if lines := strings.Count(log.String(), "\n"); lines < 1 || lines > 5 {
		t.Errorf("%d lines for 1,000 frames to nobody:\n%s", lines, &log)
	}
}
