package replica

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/modes/modeplugin"
	"consequor/modes/quorum"
	"consequor/modes/readyourwrite"
	"consequor/modes/sequential"
	"consequor/replicad/api"
	"consequor/replicad/wire"
	"consequor/replicad/wire/wiretest"
	"consequor/topologies"
)

// TestMain runs the tests, or, as the plugin that a test has started, a mode.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "mode-plugin" {
		switch os.Args[2] {
		case "sequential":
			modeplugin.Serve(sequential.Describe(), sequential.New)
		case "quorum":
			modeplugin.Serve(quorum.Describe(), quorum.New)
		case "read-your-write":
			modeplugin.Serve(readyourwrite.Describe(), readyourwrite.New)
		case "crashing":
			modeplugin.Serve(modes.Description{Name: "crashing"}, func() modes.Mode { return crashing{} })
		case "idle":
			modeplugin.Serve(modes.Description{Name: "idle"}, func() modes.Mode { return idle{} })
		case "rogue":
			modeplugin.Serve(modes.Description{Name: "rogue"}, newRogue)
		case "stillborn":
			os.Exit(3)
		}
		fmt.Fprintf(os.Stderr, "unknown mode %q\n", os.Args[2])
		os.Exit(2)
	}
	os.Exit(m.Run())
}

// crashing is a mode that dies of its first batch.
type crashing struct{}

func (crashing) Step(modes.Batch, *modes.Effects) { panic("by design") }

// idle is a mode that does nothing at all.
type idle struct{}

func (idle) Step(modes.Batch, *modes.Effects) {}

// cluster is replicad processes run as goroutines of the test, over real
// disks, sockets, TLS and plugin processes.
type cluster struct {
	t       testing.TB
	id      string
	mode    string
	ca      *wiretest.CA
	config  []topologies.Replica
	dirs    []string
	running []*running
}

// running is one life of one process.
type running struct {
	stop  context.CancelFunc
	ended chan error
}

// freePort takes a port from outside the ranges that the system and supervisors
// hand out, so that nobody sits on it when a replica comes back.
func freePort(t testing.TB) int {
	t.Helper()
	for port := 8000 + os.Getpid()%1000; port < 10000; port++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil && !handedOut[port] {
			l.Close()
			handedOut[port] = true
			return port
		}
		if err == nil {
			l.Close()
		}
	}
	t.Fatal("no free port")
	return 0
}

var handedOut = map[int]bool{}

func newCluster(t testing.TB, n int, mode string) *cluster {
	c := &cluster{t: t, id: "c0ffee", mode: mode, ca: wiretest.NewCA(t), running: make([]*running, n)}
	for i := range n {
		name := fmt.Sprintf("r%d", i+1)
		c.config = append(c.config, topologies.Replica{
			ID: board.ReplicaID(i + 1), Name: name, Process: name,
			Client: fmt.Sprintf("127.0.0.1:%d", freePort(t)), Peer: fmt.Sprintf("127.0.0.1:%d", freePort(t)),
		})
		c.dirs = append(c.dirs, t.TempDir())
	}
	t.Cleanup(func() {
		for i := range c.running {
			c.stop(i)
		}
	})
	return c
}

func (c *cluster) options(i int) Options {
	r := c.config[i]
	ca, cert, key := c.ca.Files(wire.CertName(r.Name, c.id))
	sockets, err := os.MkdirTemp("", "cq")
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { os.RemoveAll(sockets) })
	return Options{
		Config: topologies.Process{
			Cluster: "test", ClusterID: c.id, Name: r.Process, Hosts: []board.ReplicaID{r.ID}, Replicas: c.config,
			Epoch: 1, Mode: topologies.Mode{Name: c.mode}, Seed: 3, DataDir: c.dirs[i], SocketDir: sockets,
			TLS: topologies.TLS{CA: ca, Cert: cert, Key: key},
		},
		Self: []string{"/proc/self/exe"},
		Log:  slog.New(slog.NewTextHandler(c.t.Output(), nil)).With("process", r.Name),
	}
}

// start begins a life of process i; what it reports goes to its process.
func (c *cluster) start(i int) *running {
	c.t.Helper()
	return c.startWith(i, c.options(i))
}

func (c *cluster) startWith(i int, o Options) *running {
	ctx, stop := context.WithCancel(context.Background())
	r := &running{stop: stop, ended: make(chan error, 1)}
	go func() { r.ended <- Run(ctx, o) }()
	c.running[i] = r
	return r
}

// stop ends process i in order; it must leave nothing, and no error.
func (c *cluster) stop(i int) {
	c.t.Helper()
	r := c.running[i]
	if r == nil {
		return
	}
	c.running[i] = nil
	r.stop()
	select {
	case err := <-r.ended:
		if err != nil {
			c.t.Errorf("%s ended with %v", c.config[i].Name, err)
		}
	case <-time.After(20 * time.Second):
		c.t.Fatalf("%s does not end", c.config[i].Name)
	}
}

// client returns a client of the replicas i.
func (c *cluster) client() *api.Client {
	c.t.Helper()
	var target api.Target
	for _, r := range c.config {
		target.Replicas = append(target.Replicas, api.Endpoint{ID: r.ID, Name: r.Name, Addr: r.Client})
	}
	client, err := api.Dial(target)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { client.Close() })
	return client
}

// do carries out a request at one replica, again and again while it is only
// refused, until the limit.
func (c *cluster) do(client *api.Client, r api.Request) *api.Answer {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for {
		a, err := client.Do(ctx, r)
		if err == nil {
			return a
		}
		if ctx.Err() != nil {
			c.t.Fatalf("%s at %s: %v", r.Verb, r.Replica, err)
		}
	}
}

// Three replicas: posts at each get ids 1, 2, 3, all read the same list; one
// is stopped and comes back from its disk with all of it.
func TestThreeReplicas(t *testing.T) {
	c := newCluster(t, 3, "sequential")
	for i := range c.config {
		c.start(i)
	}
	client := c.client()
	var token board.Token
	for i, r := range c.config {
		a := c.do(client, api.Request{Verb: api.Post, Replica: r.Name, Title: "from " + r.Name, Key: "k" + r.Name})
		if a.ID.Seq != uint64(i+1) || a.Replica != r.Name {
			t.Errorf("post at %s: id %s from %s", r.Name, a.ID, a.Replica)
		}
		var err error
		if token, err = token.Join(a.Token); err != nil {
			t.Fatal(err)
		}
	}
	reply := c.do(client, api.Request{Verb: api.Reply, Replica: "r2", Target: board.ArticleID{Seq: 1}, Body: "yes", Key: "kr"})
	c.readsAll(client, token, "r1", "r2", "r3")

	thread := c.do(client, api.Request{Verb: api.Choose, Replica: "r2", Target: board.ArticleID{Seq: 1}, Token: reply.Token})
	if len(thread.Articles) != 1 || thread.Articles[0].ID != reply.ID || thread.Article.Replies != 1 {
		t.Errorf("thread of 1: %+v", thread)
	}
	c.stop(2)
	c.start(2)
	c.readsAll(client, token, "r3")
}

// readsAll reads at each replica, with the session's token, and wants the
// three roots.
func (c *cluster) readsAll(client *api.Client, token board.Token, names ...string) {
	c.t.Helper()
	for _, name := range names {
		a := c.do(client, api.Request{Verb: api.Read, Replica: name, Token: token})
		var got []string
		for _, e := range a.Articles {
			got = append(got, e.ID.String()+" "+e.Title)
		}
		if strings.Join(got, ", ") != "1 from r1, 2 from r2, 3 from r3" {
			c.t.Errorf("%s reads %q", name, got)
		}
	}
}

// The plugin is killed: it is started again and the board goes on. The dead
// one leaves no socket.
func TestPluginIsKilled(t *testing.T) {
	c := newCluster(t, 1, "sequential")
	o := c.options(0)
	reports, pids := statusPipe(t)
	o.Reports = reports
	c.startWith(0, o)
	client := c.client()
	c.do(client, api.Request{Verb: api.Post, Replica: "r1", Title: "before", Key: "a"})
	first := <-pids
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	a := c.do(client, api.Request{Verb: api.Post, Replica: "r1", Title: "after", Key: "b"})
	if a.ID.Seq != 2 {
		t.Errorf("the post after the plugin's death has id %s", a.ID)
	}
	if second := <-pids; second == first {
		t.Errorf("the plugin still has pid %d", second)
	}
	if left, err := filepath.Glob(filepath.Join(o.Config.SocketDir, "*")); err != nil || len(left) > 0 {
		t.Errorf("left in the socket folder: %v %v", left, err)
	}
}

// A mode that dies of every batch is given up, as a fault that names it.
func TestPluginCrashLoop(t *testing.T) {
	c := newCluster(t, 1, "crashing")
	r := c.start(0)
	select {
	case err := <-r.ended:
		if ExitCode(err) != ExitFault || !strings.Contains(err.Error(), "crashing") {
			t.Errorf("ended with %v", err)
		}
	case <-time.After(60 * time.Second):
		t.Fatal("it is started again and again")
	}
	c.running[0] = nil
}

// A replica that has served and finds its data gone refuses to start.
func TestLostData(t *testing.T) {
	c := newCluster(t, 1, "sequential")
	o := c.options(0)
	o.Config.Served = true
	if err := Run(context.Background(), o); ExitCode(err) != ExitFault {
		t.Errorf("ended with %v", err)
	}
}

// A supervised process shows nothing to anybody before its supervisor's word.
func TestWaitsForTheSupervisorsWord(t *testing.T) {
	c := newCluster(t, 1, "sequential")
	o := c.options(0)
	goOn := make(chan struct{})
	o.Go = goOn
	reports, pids := statusPipe(t)
	o.Reports = reports
	c.startWith(0, o)
	started := statusOf(t, reports, api.Started)
	client := c.client()
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	<-started
	if a, err := client.Do(ctx, api.Request{Verb: api.Read, Replica: "r1"}); err == nil {
		t.Errorf("it answered %+v", a)
	}
	close(goOn)
	c.do(client, api.Request{Verb: api.Post, Replica: "r1", Title: "t", Key: "k"})
	<-pids
}

// A plugin that serves in between may be killed as often as anybody likes.
func TestPluginIsKilledOften(t *testing.T) {
	c := newCluster(t, 1, "sequential")
	o := c.options(0)
	reports, pids := statusPipe(t)
	o.Reports = reports
	c.startWith(0, o)
	client := c.client()
	for i := range pluginTriesMax + 2 {
		a := c.do(client, api.Request{Verb: api.Post, Replica: "r1", Title: "t", Key: fmt.Sprint("k", i)})
		if a.ID.Seq != uint64(i+1) {
			t.Errorf("post %d has id %s", i+1, a.ID)
		}
		if err := syscall.Kill(<-pids, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
}
