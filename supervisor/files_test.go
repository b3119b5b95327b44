//go:build linux

package supervisor

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"consequor/replicad/logfile"
	"consequor/topologies"
)

// Certificates: a process's is of the cluster's CA and names process and
// cluster; keys are for their owner's eyes; they are kept, and made anew when
// they run out.
func TestCertificates(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	issue := func(after time.Duration) (*x509.Certificate, topologies.TLS) {
		t.Helper()
		a, err := openAuthority(dir, "c0ffee", func() time.Time { return start.Add(after) })
		if err != nil {
			t.Fatal(err)
		}
		files, err := a.issue("r1")
		if err != nil {
			t.Fatal(err)
		}
		cert, _, err := readPair(strings.TrimSuffix(files.Cert, ".pem"))
		if err != nil {
			t.Fatal(err)
		}
		roots := x509.NewCertPool()
		roots.AddCert(a.cert)
		for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
			_, err = cert.Verify(x509.VerifyOptions{Roots: roots, DNSName: "r1.c0ffee.consequor",
				CurrentTime: start.Add(after), KeyUsages: []x509.ExtKeyUsage{usage}})
			if err != nil {
				t.Error(err)
			}
		}
		return cert, files
	}
	first, files := issue(0)
	for _, path := range []string{files.Key, filepath.Join(dir, "ca.key")} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
	if again, _ := issue(time.Hour); !again.Equal(first) {
		t.Error("a good certificate was made anew")
	}
	renewed, _ := issue(certLife - certRenew + time.Hour)
	if renewed.Equal(first) {
		t.Error("a certificate that runs out was kept")
	}
	if last, _ := issue(caLife - certRenew + time.Hour); last.Equal(renewed) {
		t.Error("the certificate of a CA that runs out was kept")
	}

	a, err := openAuthority(dir, "c0ffee", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if files, err := a.issue("ca"); err != nil || files.Cert == files.CA || files.Key == filepath.Join(dir, "ca.key") {
		t.Errorf("a process called ca gets %+v, %v", files, err)
	}

	if err := os.WriteFile(filepath.Join(dir, "ca.key"), []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openAuthority(dir, "c0ffee", time.Now); err == nil || !strings.Contains(err.Error(), "ca.key: no PEM block") {
		t.Errorf("a broken CA: %v", err)
	}
}

// The state file survives a life; one of a later version is not misread.
func TestStateFile(t *testing.T) {
	dir := t.TempDir()
	s := newState(fakeTopology(3))
	s.Served["r2"] = true
	if err := s.save(dir); err != nil {
		t.Fatal(err)
	}
	got, err := readState(dir)
	if err != nil || got.ClusterID != s.ClusterID || got.Seed != s.Seed || !got.Served["r2"] || got.Served["r1"] {
		t.Errorf("%+v, %v", got, err)
	}
	s.Version++
	if err := s.save(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := readState(dir); err == nil || !strings.Contains(err.Error(), "is of version 2; this program knows version 1") {
		t.Errorf("a later version: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, stateName), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readState(dir); err == nil {
		t.Error("half a file was read")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left beside it: %v, %v", entries, err)
	}
}

// Ports are chosen outside of the range that the system takes for outgoing
// connections, where there is room.
func TestPortRange(t *testing.T) {
	for _, test := range []struct{ low, high, first, count int }{
		{32768, 60999, 10000, 22768},
		{10500, 50000, 50001, 15535},
		{1024, 65535, 10000, 55536},
	} {
		if first, count := portRange(test.low, test.high); first != test.first || count != test.count {
			t.Errorf("ephemeral %d to %d: from %d, %d ports; want from %d, %d", test.low, test.high, first, count, test.first, test.count)
		}
	}
}

// Ports that other clusters keep are left to them, whether they run or not.
func TestPortsOfOthers(t *testing.T) {
	root := t.TempDir()
	s := newState(fakeTopology(1))
	s.Replicas = []topologies.Replica{{Client: "127.0.0.1:12001", Peer: "127.0.0.1:12002"}}
	for _, base := range []string{"other", "mine", "other/" + ephemeralName} {
		if err := os.MkdirAll(filepath.Join(root, base), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(s.save(filepath.Join(root, "other")), s.save(filepath.Join(root, "mine"))); err != nil {
		t.Fatal(err)
	}
	s.Replicas[0].Client = "127.0.0.1:12003"
	if err := s.save(filepath.Join(root, "other", ephemeralName)); err != nil {
		t.Fatal(err)
	}
	taken, err := portsOfOthers(root, "mine")
	if err != nil || len(taken) != 3 || !taken[12001] || !taken[12002] || !taken[12003] {
		t.Errorf("%v, %v", taken, err)
	}
	if taken, err = portsOfOthers(filepath.Join(root, "none"), "mine"); err != nil || len(taken) != 0 {
		t.Errorf("%v, %v", taken, err)
	}
}

// The last words of a life: its own, few, and without what a terminal obeys.
func TestLastWords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "logs", "r1.log")
	begin := func() (*os.File, logfile.Place) {
		f, err := logfile.Open(path, logfile.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		from, err := logfile.End(f)
		if err != nil {
			t.Fatal(err)
		}
		return f, from
	}
	f, from := begin()
	if got := lastWords(path, from); got != "" {
		t.Errorf("nothing yet: %q", got)
	}
	fmt.Fprint(f, "an earlier life\n")
	f.Close()
	f, from = begin()
	fmt.Fprint(f, strings.Repeat("x", lastBytesMax)+"\n1\n2\n\x1b[2J3\xff\n4\n5\n")
	f.Close()
	if got := lastWords(path, from); got != "1\n2\n[2J3?\n4\n5" {
		t.Errorf("%q", got)
	}
	if got := lastWords(path+"x", logfile.Place{}); got != "" {
		t.Errorf("no log: %q", got)
	}
}

// Where clusters live, and which one is meant.
func TestFind(t *testing.T) {
	c := newCluster(t, 1)
	t.Setenv("CONSEQUOR_HOME", c.config.Root)
	t.Setenv("CONSEQUOR_CLUSTER", "")
	find := func(name string) error {
		_, err := Find(name)
		return err
	}
	c.wantKind(find(""), KindNotRunning)
	c.wantKind(find("fake"), KindNoSuchCluster)
	c.wantKind(find("../fake"), KindNoSuchCluster)
	c.up()
	if client, err := Find(""); err != nil || client.Name() != "fake" || client.Home() != c.home() {
		t.Errorf("the only one: %+v, %v", client, err)
	}
	if homes, err := Homes(); err != nil || len(homes) != 1 || !homes[0].Running || homes[0].Name != "fake" {
		t.Errorf("homes: %+v, %v", homes, err)
	}

	other := *c
	other.config.Topology = fakeTopology(1)
	other.config.Topology.Name = "other"
	other.up()
	if e := c.wantKind(find(""), KindAmbiguous); e.Message != "these clusters are running: fake, other" {
		t.Error(e.Message)
	}
	t.Setenv("CONSEQUOR_CLUSTER", "other")
	if client, err := Find(""); err != nil || client.Name() != "other" {
		t.Errorf("from the environment: %+v, %v", client, err)
	}
	if client, err := Find("fake"); err != nil || client.Name() != "fake" {
		t.Errorf("by name: %+v, %v", client, err)
	}
	if err := other.end(); err != nil {
		t.Error(err)
	}
	c.wantKind(find(""), KindNotRunning)
}

// The root of all clusters, as CLI.md says.
func TestRoot(t *testing.T) {
	for _, test := range []struct{ home, state, want string }{
		{"/a", "/b", "/a"}, {"", "/b", "/b/consequor"}, {"", "relative", "/h/.local/state/consequor"}, {"", "", "/h/.local/state/consequor"},
	} {
		t.Setenv("CONSEQUOR_HOME", test.home)
		t.Setenv("XDG_STATE_HOME", test.state)
		t.Setenv("HOME", "/h")
		if got, err := Root(); err != nil || got != test.want {
			t.Errorf("%+v: %s, %v", test, got, err)
		}
	}
}
