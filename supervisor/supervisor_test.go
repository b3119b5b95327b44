//go:build linux

package supervisor

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"consequor/replicad/api"
	"consequor/topologies"
)

// Three replicas come up, step by step; the status has all that CLI.md names;
// down leaves no process, no socket and no lock.
func TestUpAndDown(t *testing.T) {
	c := startCluster(t, 3)
	s := c.status()
	if !s.Serving() || s.Cluster != "fake" || s.Mode != "sequential" || s.Epoch != 1 || s.SupervisorPID != os.Getpid() {
		t.Errorf("status: %+v", s)
	}
	seen := map[string]bool{}
	for _, r := range s.Replicas {
		for _, what := range []string{r.ClientAddr, r.PeerAddr, strconv.Itoa(r.PID)} {
			if what == "" || what == "0" || strings.HasSuffix(what, ":0") || seen[what] {
				t.Errorf("%s: %q is missing or not its own: %+v", r.Name, what, r)
			}
			seen[what] = true
		}
	}
	for _, kind := range []EventKind{EventSpawned, EventStarted, EventJoined, EventServing} {
		c.awaitEvent(kind, "r3")
	}
	c.awaitEvent(EventReady, "")

	var last Progress
	if err := c.client.Down(c.ctx, false, func(p Progress) { last = p }); err != nil || !last.Done {
		t.Errorf("down: %v, last heard %+v", err, last)
	}
	if exists(c.runDir()) || !gone(pids(s)...) {
		t.Errorf("left after down: sockets %v, processes %v", exists(c.runDir()), !gone(pids(s)...))
	}
	if l, err := lockHome(c.home()); err != nil {
		t.Errorf("the lock is still held: %v", err)
	} else {
		l.release()
	}
	_, err := Dial(c.home())
	c.wantKind(err, KindNotRunning)
	if err := c.end(); err != nil {
		t.Errorf("run: %v", err)
	}
}

// A replica is told to go only after it is on record that it has served; the
// next life of the process knows.
func TestServedIsOnRecordBeforeGo(t *testing.T) {
	c := startCluster(t, 1)
	if got := c.order("r1", fakeOrder{Tell: "served"}); got != "false" {
		t.Errorf("the first life: served %s", got)
	}
	if s, err := readState(c.home()); err != nil || !s.Served["r1"] {
		t.Errorf("on record: %+v, %v", s, err)
	}
	c.act(Restart, "r1")
	c.awaitState("r1", StateServing)
	if got := c.order("r1", fakeOrder{Tell: "served"}); got != "true" {
		t.Errorf("the second life: served %s", got)
	}
}

// No go without a record: when the record cannot be made, the replica is not
// let in, and up says what is wrong.
func TestNoRecordNoGo(t *testing.T) {
	var events []string
	h := newHub(ClusterStatus{}, []topologies.Replica{{Name: "r1", Process: "r1"}})
	k := brokenKeeper{newSpawner(), t}
	defer k.close()
	closing := make(chan struct{})
	p := newProcess("r1", []string{"r1"}, topologies.Restart{Policy: topologies.Never, GiveUpAfter: 1}, k, h, closing, nil)
	go p.run()
	for failed := false; !failed; {
		s, _, changed := h.status()
		if failed = s.Replicas[0].State == StateFailed; !failed {
			<-changed
		}
	}
	close(closing)
	<-p.done
	all, _, _, _ := h.eventsAfter(0)
	for _, e := range all {
		events = append(events, e.Text)
		if e.Kind == EventJoined {
			t.Error("it has joined")
		}
	}
	if text := strings.Join(events, "\n"); !strings.Contains(text, "r1 cannot be told to go: no space left") {
		t.Error(text)
	}
}

// brokenKeeper launches fakes but has no disk for records.
type brokenKeeper struct {
	*spawner
	t *testing.T
}

func (k brokenKeeper) launch(name string) (*child, error) {
	dir := k.t.TempDir()
	config, err := json.Marshal(topologies.Process{Name: name, SocketDir: dir})
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "conf.json")
	if err := os.WriteFile(path, config, 0o600); err != nil {
		return nil, err
	}
	return k.spawn(spawnOrder{command: []string{"/proc/self/exe", "fake-replicad", dir, "--config", path}, dir: dir, log: filepath.Join(dir, "log")})
}

func (brokenKeeper) served(string) error { return fmt.Errorf("no space left") }

// A replica that dies unasked is started again, and the count tells.
func TestCrashIsRepaired(t *testing.T) {
	c := startCluster(t, 2)
	before := c.status().Replica("r2").PID
	c.exit("r2", 7)
	s := c.await("r2 serves again", func(s *ClusterStatus) bool {
		r := s.Replica("r2")
		return r.State == StateServing && r.PID != before
	})
	if r := s.Replica("r2"); r.Restarts != 1 {
		t.Errorf("restarts: %+v", r)
	}
	if e := c.awaitEvent(EventDied, "r2"); e.Text != "r2 ended with exit code 7; it is started again in 1ms" {
		t.Errorf("event: %q", e.Text)
	}
	if r := s.Replica("r1"); r.Restarts != 0 {
		t.Errorf("r1 was started again: %+v", r)
	}
}

// A replica that dies again and again is given up, with its last words; it
// can be restarted by hand.
func TestCrashLoop(t *testing.T) {
	c := startCluster(t, 2)
	c.wish("r2", "crash")
	c.exit("r2", 7)
	r := c.awaitState("r2", StateFailed)
	want := "is in a crash loop: ended with exit code 1, the last of 3 quick deaths; its last words:\nfake r2 begins\nthe disk is on fire"
	if r.Why != want || r.PID != 0 || r.Restarts != 2 {
		t.Errorf("failed: %+v\nwant why: %s", r, want)
	}
	c.wish("r2", "")
	if _, err := c.client.Act(c.ctx, Restart, "r2", ActOptions{Wait: testLimit}); err != nil {
		t.Errorf("restart by hand: %v", err)
	}
}

// A fault is not for a restart to mend: the replica is failed at once, and
// says why.
func TestFault(t *testing.T) {
	c := startCluster(t, 2)
	c.wish("r2", "fault")
	c.exit("r2", 7)
	r := c.awaitState("r2", StateFailed)
	s := c.await("r2's process is gone", func(s *ClusterStatus) bool { return s.Replica("r2").PID == 0 })
	if r = *s.Replica("r2"); !strings.HasPrefix(r.Why, "has failed: its data is gone") || r.Restarts != 1 {
		t.Errorf("failed: %+v", r)
	}
}

// The policy decides what an end unasked for leads to.
func TestPolicies(t *testing.T) {
	for _, test := range []struct {
		policy topologies.Policy
		code   int
		want   State
	}{
		{topologies.OnFailure, 0, StateStopped},
		{topologies.Never, 1, StateFailed},
		{topologies.Always, 0, StateServing},
	} {
		c := newCluster(t, 1)
		c.config.Topology.Restart.Policy = test.policy
		c.up()
		before := c.status().Replica("r1").PID
		c.exit("r1", test.code)
		c.await(fmt.Sprintf("%s after exit code %d: %s", test.policy, test.code, test.want), func(s *ClusterStatus) bool {
			r := s.Replica("r1")
			return r.State == test.want && r.PID != before
		})
		if err := c.end(); err != nil {
			t.Error(err)
		}
	}
}

func TestBackoff(t *testing.T) {
	r := topologies.DefaultRestart
	var got []time.Duration
	for n := 1; n <= 7; n++ {
		got = append(got, backoff(r, n)/time.Millisecond)
	}
	if want := []time.Duration{200, 400, 800, 1600, 3200, 5000, 5000}; !slices.Equal(got, want) {
		t.Errorf("pauses in ms: %v, want %v", got, want)
	}
}

// A killed replica stays down until it is restarted; with respawn it does not.
func TestKill(t *testing.T) {
	c := startCluster(t, 2)
	before := c.status().Replica("r1").PID
	got := c.act(Kill, "r1")
	if got.Target != "r1" || !slices.Equal(got.Replicas, []string{"r1"}) || got.PID != before || !gone(before) {
		t.Errorf("kill: %+v, gone: %v", got, gone(before))
	}
	if r := c.status().Replica("r1"); r.State != StateKilled || r.PID != 0 {
		t.Errorf("after kill: %+v", r)
	}
	c.refused(Kill, "r1", KindNotAlive)
	c.refused(Pause, "r1", KindNotAlive)
	if r := c.status().Replica("r1"); r.State != StateKilled {
		t.Errorf("it did not stay down: %+v", r)
	}

	restarted, err := c.client.Act(c.ctx, Restart, "r1", ActOptions{Wait: testLimit})
	if r := c.status().Replica("r1"); err != nil || r.State != StateServing || r.PID != restarted.PID || r.Restarts != 1 {
		t.Errorf("after restart: %+v, %+v, %v", restarted, r, err)
	}
	if _, err := c.client.Act(c.ctx, Kill, "r1", ActOptions{Respawn: true}); err != nil {
		t.Error(err)
	}
	c.await("r1 is back", func(s *ClusterStatus) bool {
		r := s.Replica("r1")
		return r.State == StateServing && r.PID != restarted.PID
	})
}

// A stopped replica ends in order and stays down; one that does not obey can
// be killed meanwhile, and then both have their answer.
func TestStop(t *testing.T) {
	c := newCluster(t, 2)
	c.wish("r2", "stubborn")
	c.up()
	c.act(Stop, "r1")
	if r := c.status().Replica("r1"); r.State != StateStopped || r.PID != 0 {
		t.Errorf("after stop: %+v", r)
	}

	stopped := make(chan error, 1)
	go func() {
		_, err := c.client.Act(c.ctx, Stop, "r2", ActOptions{})
		stopped <- err
	}()
	c.awaitEvent(EventStopping, "r2")
	c.act(Kill, "r2")
	if err := <-stopped; err != nil {
		t.Errorf("stop: %v", err)
	}
	if r := c.status().Replica("r2"); r.State != StateKilled {
		t.Errorf("after kill: %+v", r)
	}
}

// Pause stops replicad and its plugin; resume lets both go on.
func TestPause(t *testing.T) {
	c := newCluster(t, 1)
	c.wish("r1", "plugin")
	c.up()
	r := c.status().Replica("r1")
	c.act(Pause, "r1")
	if got := c.status().Replica("r1"); got.State != StatePaused || got.PID != r.PID {
		t.Errorf("paused: %+v", got)
	}
	c.eventually("both are stopped", func() bool { return procState(r.PID) == "T" && procState(r.PluginPID) == "T" })
	c.act(Pause, "r1") // once more changes nothing
	c.act(Resume, "r1")
	if got := c.status().Replica("r1"); got.State != StateServing {
		t.Errorf("resumed: %+v", got)
	}
	c.eventually("both run", func() bool { return procState(r.PID) != "T" && procState(r.PluginPID) != "T" })

	c.act(Pause, "plugin:r1")
	c.eventually("the plugin alone is stopped", func() bool { return procState(r.PluginPID) == "T" && procState(r.PID) != "T" })
	c.act(Resume, "plugin:r1")

	c.act(Pause, "r1")
	c.act(Stop, "r1") // in order, although it is paused
	if got := c.status().Replica("r1"); got.State != StateStopped {
		t.Errorf("stopped: %+v", got)
	}
	c.eventually("both are gone", func() bool { return gone(r.PID, r.PluginPID) })
}

// A killed plugin is started again by its replicad, which lives on.
func TestPlugin(t *testing.T) {
	c := newCluster(t, 2)
	c.wish("r1", "plugin")
	c.up()
	before := *c.status().Replica("r1")
	if got := c.act(Kill, "plugin:r1"); got.PID != before.PluginPID || got.Replicas[0] != "r1" {
		t.Errorf("kill: %+v, want pid %d", got, before.PluginPID)
	}
	s := c.await("another plugin", func(s *ClusterStatus) bool {
		r := s.Replica("r1")
		return r.PluginPID != 0 && r.PluginPID != before.PluginPID
	})
	if r := s.Replica("r1"); r.PID != before.PID || r.PluginRestarts != 1 || r.Restarts != 0 {
		t.Errorf("after: %+v", r)
	}
	got, err := c.client.Act(c.ctx, Restart, "plugin:r1", ActOptions{Wait: testLimit})
	if r := c.status().Replica("r1"); err != nil || r.PluginPID == got.PID {
		t.Errorf("restart: %+v, %+v, %v", got, r, err)
	}
	c.refused(Stop, "plugin:r1", KindBadTarget)
	c.refused(Kill, "plugin:r2", KindNotAlive)
}

// A pid that was reported and is not the replica's child is not signalled.
func TestForeignPluginIsSpared(t *testing.T) {
	c := startCluster(t, 1)
	bystander := exec.Command("/proc/self/exe", "fake-plugin")
	if err := bystander.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		bystander.Process.Kill()
		bystander.Wait()
	}()
	c.report("r1", api.Status{Step: api.CaughtUp, PluginPID: bystander.Process.Pid})
	c.await("it is known", func(s *ClusterStatus) bool { return s.Replica("r1").PluginPID != 0 })
	c.refused(Kill, "plugin:r1", KindNotAlive)
	if gone(bystander.Process.Pid) {
		t.Error("a bystander was killed")
	}
}

// Twenty restarts at once leave exactly one r1.
func TestParallelRestarts(t *testing.T) {
	c := startCluster(t, 2)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := c.client.Act(c.ctx, Restart, "r1", ActOptions{}); err != nil {
				t.Errorf("restart: %v", err)
			}
		})
	}
	all.Wait()
	r := c.awaitState("r1", StateServing)
	if alive := c.processes("r1"); !slices.Equal(alive, []int{r.PID}) {
		t.Errorf("processes of r1: %v, want just %d", alive, r.PID)
	}
	if r.Restarts < 1 || r.Restarts > 20 {
		t.Errorf("restarts: %d", r.Restarts)
	}
}

// processes finds all living processes that run the replica name of this
// cluster.
func (c *cluster) processes(name string) []int {
	c.t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		c.t.Fatal(err)
	}
	var found []int
	for _, file := range files {
		line, err := os.ReadFile(file)
		pid, convErr := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err == nil && convErr == nil && strings.Contains(string(line), filepath.Join(c.home(), "conf", name+".json")) && !gone(pid) {
			found = append(found, pid)
		}
	}
	return found
}

// A child gets stdin, its log, the lifeline and the report pipe: nothing else.
func TestNothingIsInherited(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, w.Fd(), syscall.F_SETFD, 0); errno != 0 { // as if we had been started with it
		t.Fatal(errno)
	}
	c := startCluster(t, 2)
	want := "0=null 1=r2.log 2=r2.log 3=pipe 4=pipe"
	if got := c.order("r2", fakeOrder{Tell: "fds"}); got != want {
		t.Errorf("open in r2: %s\nwant: %s", got, want)
	}
}

// Down does not wait for ever for one that ignores SIGTERM: asked again, with
// now, it kills.
func TestDownOfTheStubborn(t *testing.T) {
	c := newCluster(t, 2)
	c.wish("r2", "stubborn")
	c.up()
	all := pids(c.status())
	waiting := make(chan Progress, 16)
	ended := make(chan error, 1)
	go func() {
		ended <- c.client.Down(c.ctx, false, func(p Progress) { waiting <- p })
		close(waiting)
	}()
	for p := range waiting {
		if slices.Equal(p.Waiting, []string{"r2"}) {
			break
		}
	}
	if err := c.client.Down(c.ctx, true, nil); err != nil {
		t.Errorf("down now: %v", err)
	}
	if err := <-ended; err != nil {
		t.Errorf("down: %v", err)
	}
	if !gone(all...) {
		t.Error("processes are left")
	}
}

// The end of the context ends the cluster in order; Config.Now cuts it short.
func TestInterrupt(t *testing.T) {
	c := newCluster(t, 1)
	c.wish("r1", "stubborn")
	now := make(chan struct{})
	c.config.Now = now
	c.up()
	c.cancel()
	c.awaitEvent(EventStopping, "r1")
	close(now)
	<-c.stopped
	if c.err != nil {
		t.Errorf("run: %v", c.err)
	}
}

// Requests that make no sense are refused with what would.
func TestBadTargets(t *testing.T) {
	c := startCluster(t, 3)
	e := c.refused(Kill, "r9", KindBadTarget)
	if e.Message != `there is no replica "r9"` || !strings.Contains(e.Hint, "r1, r2, r3, coordinator") {
		t.Errorf("%s (hint: %s)", e.Message, e.Hint)
	}
	c.refused("tickle", "r1", KindBadTarget)
	if e := c.refused(Kill, "plugin:coordinator", KindNoCoordinator); e.Message != "no coordinator is known just now" {
		t.Error(e.Message)
	}
	c.refused(Kill, "backup", KindNoCoordinator)
}
