//go:build linux

package supervisor

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"consequor/supervisor/modechange"
	"consequor/topologies"
)

var quorumMode = topologies.Mode{Name: "quorum"}

// begun is a swap that is under way.
type begun struct {
	c      *cluster
	steps  chan string // each once, as they begin
	ended  chan struct{}
	result *SwapResult
	err    error
}

func (c *cluster) swap(m topologies.Mode) *begun {
	b := &begun{c: c, steps: make(chan string, swapLinesMax), ended: make(chan struct{})}
	go func() {
		defer close(b.ended)
		b.result, b.err = c.client.Swap(c.ctx, SwapRequest{m}, func(p SwapProgress) { b.steps <- p.Step })
	}()
	return b
}

// await returns when the step has begun.
func (b *begun) await(step modechange.Phase) {
	b.c.t.Helper()
	for {
		select {
		case s := <-b.steps:
			if s == string(step) {
				return
			}
		case <-b.ended:
			b.c.t.Fatalf("the swap ended before step %s: %v", step, b.err)
		}
	}
}

func (b *begun) wait() (*SwapResult, error) {
	<-b.ended
	return b.result, b.err
}

func (c *cluster) tells(name, what, want string) {
	c.t.Helper()
	if got := c.order(name, fakeOrder{Tell: what}); got != want {
		c.t.Errorf("%s tells of its %s\ngot\n%s\nwant\n%s", name, what, got, want)
	}
}

// Three replicas go from sequential to quorum, each step after the one before
// is on record. From then on that is the cluster's mode, whatever is started.
func TestSwap(t *testing.T) {
	c := startCluster(t, 3)
	result, err := c.swap(quorumMode).wait()
	if err != nil {
		t.Fatal(err)
	}
	var steps []string
	for _, s := range result.Steps {
		steps = append(steps, s.Step)
	}
	if result.Mode != "quorum" || result.From != "sequential" || result.Epoch != 2 || len(result.Missing) > 0 ||
		strings.Join(steps, " ") != "prepare seal merge activate" || result.PauseMS <= 0 {
		t.Errorf("%+v", result)
	}
	for _, name := range []string{"r1", "r2", "r3"} {
		c.tells(name, "orders", `prepare 2 quorum
on record 1/1 false sequential
seal 1 
on record 1/1 true sequential
merge 1 
on record 1/1 true sequential
activate 2 quorum
on record 2/2 false quorum`)
	}
	if s := c.status(); s.Mode != "quorum" || s.Epoch != 2 || !s.Serving() || s.Replicas[0].Change != "" {
		t.Errorf("status: %+v", s)
	}
	if e := c.awaitEvent(EventMode, "r3"); e.Text != "r3 begins epoch 2 in mode quorum" {
		t.Errorf("event: %s", e.Text)
	}
	c.act(Restart, "r2")
	c.awaitState("r2", StateServing)
	c.tells("r2", "epoch", "2/2 quorum")
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	c.up() // the topology says sequential, as when the data was made
	c.tells("r1", "epoch", "2/2 quorum")
}

// After a change the topology may say what it said before, or what runs now;
// nothing else, and what is asked for by name must run.
func TestTopologyAfterSwap(t *testing.T) {
	c := startCluster(t, 1)
	withOptions := topologies.Mode{Name: "mine", Plugin: "/old", SHA256: "old"}
	if _, err := c.swap(withOptions).wait(); err != nil {
		t.Fatal(err)
	}
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	c.config.Topology.Mode.Name = "quorum"
	e := c.wantKind(Run(c.ctx, c.config), KindDiffers)
	if e.Message != "cluster fake has data that was made otherwise: mode: the topology says quorum, it was changed to mine" || e.Hint != "bring it up with --mode mine, then: consequorctl mode swap quorum" {
		t.Errorf("%s\nhint: %s", e.Message, e.Hint)
	}
	c.config.Topology.Mode.Name, c.config.ModeAsked = "sequential", true
	c.wantKind(Run(c.ctx, c.config), KindDiffers)

	c.config.ModeAsked = false
	c.config.Topology.Modes = []topologies.Mode{{Name: "mine", Plugin: "/new", SHA256: "new"}}
	c.up()
	if s, err := readState(c.home()); err != nil || s.Mode.Plugin != "/new" || s.Mode.SHA256 != "new" || s.Declared.Name != "sequential" {
		t.Errorf("a newer build is not taken: %+v, %v", s, err)
	}
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	c.config.Topology.Mode = topologies.Mode{Name: "mine", Plugin: "/new", SHA256: "new"}
	c.up()
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	c.config.Topology.Mode = topologies.Mode{Name: "sequential"}
	c.wantKind(Run(c.ctx, c.config), KindDiffers) // it has said mine since
}

// One replica cannot run the new mode: that is said with its name, and nothing
// has happened.
func TestSwapNotPrepared(t *testing.T) {
	c := newCluster(t, 3)
	c.wish("r2", "unprepared")
	c.up()
	_, err := c.swap(quorumMode).wait()
	e := c.wantKind(err, KindNotPrepared)
	if want := "mode quorum: not begun, for r2: mode quorum: its plugin has another checksum; sequential goes on untouched"; e.Message != want {
		t.Errorf("got  %s\nwant %s", e.Message, want)
	}
	c.eventually("r1 discards what it had prepared", func() bool {
		return strings.HasSuffix(c.order("r1", fakeOrder{Tell: "orders"}), "discard 1 \non record 1/1 false sequential")
	})
	if s := c.status(); s.Epoch != 1 || s.Mode != "sequential" || !s.Serving() {
		t.Errorf("status: %+v", s)
	}
}

// A replica that is down refuses the change; so does a change that is under
// way; neither changes anything.
func TestSwapRefused(t *testing.T) {
	c := newCluster(t, 3)
	c.wish("r3", "slow")
	c.up()
	c.act(Kill, "r2")
	_, err := c.swap(quorumMode).wait()
	if e := c.wantKind(err, KindReplicaDown); e.Message != "r2 is killed: all replicas are needed" || e.Hint != "bring it back with: consequorctl restart r2" {
		t.Errorf("%+v", e)
	}
	c.act(Restart, "r2")
	c.awaitState("r2", StateServing)
	c.act(Pause, "r2")
	_, err = c.swap(quorumMode).wait()
	if e := c.wantKind(err, KindReplicaDown); e.Message != "r2 is paused: all replicas are needed" || e.Hint != "let it go on with: consequorctl resume r2" {
		t.Errorf("%+v", e)
	}
	c.act(Resume, "r2")
	c.awaitState("r2", StateServing)
	first := c.swap(quorumMode)
	first.await(modechange.Prepare)
	if r := c.await("r3 is waited for", func(s *ClusterStatus) bool { return s.Replica("r1").Change == "" && s.Replica("r3").Change != "" }).Replica("r3"); r.Change != "prepare" || r.Why != "the mode change: prepare" {
		t.Errorf("%+v", r)
	}
	_, err = c.swap(quorumMode).wait()
	c.wantKind(err, KindChanging)
	c.act(Kill, "r3")
	_, err = first.wait()
	if e := c.wantKind(err, KindReplicaDown); !strings.Contains(e.Message, "for r3 was killed, ") {
		t.Errorf("%s", e.Message)
	}
	if s, err := readState(c.home()); err != nil || s.record() != (modechange.Record{Epoch: 1, ModeEpoch: 1}) {
		t.Errorf("on record: %+v, %v", s, err)
	}
}

// A plugin that was paused alone cannot be sealed: that is known, and the change
// refused, until it goes on or another one is in its place.
func TestSwapRefusedForAPausedPlugin(t *testing.T) {
	c := newCluster(t, 2)
	c.wish("r2", "plugin")
	c.up()
	first := c.await("r2 has its plugin", func(s *ClusterStatus) bool { return s.Replica("r2").PluginPID != 0 }).Replica("r2").PluginPID
	held := func() {
		t.Helper()
		c.act(Pause, "plugin:r2")
		_, err := c.swap(quorumMode).wait()
		if e := c.wantKind(err, KindReplicaDown); e.Message != "the plugin of r2 is paused: all replicas are needed" || e.Hint != "let it go on with: consequorctl resume plugin:r2" {
			t.Errorf("%+v", e)
		}
	}
	held()
	c.act(Kill, "plugin:r2")
	c.await("r2 has another plugin", func(s *ClusterStatus) bool {
		r := s.Replica("r2")
		return r.State == StateServing && r.PluginPID != 0 && r.PluginPID != first
	})
	if _, err := c.swap(quorumMode).wait(); err != nil {
		t.Fatal(err)
	}
	held()
	if r := c.act(Resume, "plugin:r2"); r.Idle {
		t.Errorf("it was paused: %+v", r)
	}
	if r := c.act(Resume, "plugin:r2"); !r.Idle {
		t.Errorf("it was not paused: %+v", r)
	}
	held()
	if r := c.act(Resume, "r2"); r.Idle { // its plugin goes on with it
		t.Errorf("its plugin was paused: %+v", r)
	}
	if r := c.act(Resume, "r2"); !r.Idle {
		t.Errorf("it was not paused: %+v", r)
	}
	if _, err := c.swap(quorumMode).wait(); err != nil {
		t.Fatal(err)
	}
	c.act(Pause, "r2")
	if r := c.act(Resume, "r2"); r.Idle {
		t.Errorf("it was paused: %+v", r)
	}
}

// A replica is killed while it is to be sealed: the old mode goes on in an
// epoch of its own, also at that replica when it is back.
func TestSwapCalledOff(t *testing.T) {
	c := newCluster(t, 3)
	c.wish("r3", "unsealed")
	c.up()
	change := c.swap(quorumMode)
	change.await(modechange.Seal)
	c.act(Kill, "r3")
	_, err := change.wait()
	e := c.wantKind(err, KindCalledOff)
	if !strings.HasPrefix(e.Message, "mode quorum: called off, for r3 was killed, ") || !strings.HasSuffix(e.Message, "sequential goes on in epoch 2; not yet on r3") {
		t.Errorf("%s", e.Message)
	}
	if s := c.status(); s.Epoch != 2 || s.Mode != "sequential" {
		t.Errorf("status: %+v", s)
	}
	if orders := c.order("r1", fakeOrder{Tell: "orders"}); !strings.HasSuffix(orders, "activate 2 sequential\non record 2/1 false sequential") {
		t.Errorf("r1: %s", orders)
	}
	c.wish("r3", "")
	c.act(Restart, "r3")
	c.awaitState("r3", StateServing)
	c.tells("r3", "epoch", "2/1 sequential")
	if r, err := c.swap(quorumMode).wait(); err != nil || r.Epoch != 3 {
		t.Errorf("the next one: %+v, %v", r, err)
	}
}

// A replica crashes while the boards are merged, and comes back: it is sealed
// again, and the change goes through.
func TestReplicaCrashesInTheMerge(t *testing.T) {
	c := newCluster(t, 3)
	c.wish("r3", "unmerged")
	c.up()
	change := c.swap(quorumMode)
	change.await(modechange.Merge)
	c.wish("r3", "")
	c.exit("r3", 7)
	if r, err := change.wait(); err != nil || r.Epoch != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
	orders := c.order("r3", fakeOrder{Tell: "orders"})
	if i, j := strings.Index(orders, "seal 1"), strings.Index(orders, "activate 2"); i < 0 || j < i {
		t.Errorf("the next life of r3 heard:\n%s", orders)
	}
}

// Once it is decided nothing takes the change back: a replica that does not
// follow is named, and starts in the new mode.
func TestSwapGoesOnWithoutTheDead(t *testing.T) {
	c := newCluster(t, 3)
	c.wish("r2", "inert")
	c.up()
	change := c.swap(quorumMode)
	change.await(modechange.Activate)
	c.act(Kill, "r2")
	r, err := change.wait()
	if err != nil || r.Epoch != 2 || !slices.Equal(r.Missing, []string{"r2"}) {
		t.Fatalf("%+v, %v", r, err)
	}
	c.act(Restart, "r2")
	c.awaitState("r2", StateServing)
	c.tells("r2", "epoch", "2/2 quorum")
}

// The cluster goes down in the middle: who asked is told so, and the next start
// calls the change off before any replica is there.
func TestDownInTheMiddleOfASwap(t *testing.T) {
	c := newCluster(t, 3)
	c.wish("r3", "unsealed")
	c.up()
	change := c.swap(quorumMode)
	change.await(modechange.Seal)
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	_, err := change.wait()
	c.wantKind(err, KindStopping)
	if s, err := readState(c.home()); err != nil || s.record() != (modechange.Record{Epoch: 1, ModeEpoch: 1, Changing: true}) {
		t.Errorf("on record: %+v, %v", s, err)
	}
	c.up()
	for _, name := range []string{"r1", "r2", "r3"} {
		c.tells(name, "epoch", "2/1 sequential")
	}
	if s, err := readState(c.home()); err != nil || s.record() != (modechange.Record{Epoch: 2, ModeEpoch: 1}) {
		t.Errorf("on record: %+v, %v", s, err)
	}
	told := c.awaitEvent(EventMode, "")
	if want := "mode: call off: the supervisor ended while it was under way; the old mode goes on in epoch 2 on r1, r2, r3"; told.Text != want || told.Seq != 1 {
		t.Errorf("event %d: %s", told.Seq, told.Text)
	}
}

// The supervisor is killed in the middle. Before the decision the next one
// calls the change off; after it, all start in the new mode.
func TestSupervisorIsKilledInASwap(t *testing.T) {
	for _, test := range []struct {
		wish string
		step modechange.Phase
		want string
	}{
		{"slow", modechange.Prepare, "1/1 sequential"},
		{"unsealed", modechange.Seal, "2/1 sequential"},
		{"unmerged", modechange.Merge, "2/1 sequential"},
		{"inert", modechange.Activate, "2/2 quorum"},
	} {
		c := newCluster(t, 3)
		c.wish("r3", test.wish)
		first := c.supervise()
		change := c.swap(quorumMode)
		change.await(test.step)
		first.Process.Kill()
		first.Wait()
		_, err := change.wait()
		c.wantKind(err, KindNotRunning)
		c.up()
		for _, name := range []string{"r1", "r2", "r3"} {
			c.tells(name, "epoch", test.want)
		}
		if err := c.end(); err != nil {
			t.Error(err)
		}
	}
}

// What cannot be put on record is not told to anyone.
func TestNoRecordNoSeal(t *testing.T) {
	h := testHub(1)
	tell(t, h, strings.Fields("r1 0 - -"))
	closing := make(chan struct{})
	s := &brokenSite{orders: make(chan topologies.Order, 16)}
	change := newChanger(modechange.New(modechange.Record{Epoch: 0, ModeEpoch: 0}, []string{"r1"}), h, s, closing)
	done := make(chan struct{})
	go func() {
		defer close(done)
		change.run()
	}()
	w := newSwap(quorumMode)
	if err := change.begin(w); err != nil {
		t.Fatal(err)
	}
	if o := <-s.orders; o.Kind != topologies.OrderPrepare {
		t.Fatalf("first ordered: %+v", o)
	}
	h.update(func() {
		h.rows[0].report.Change.Attempt, h.rows[0].report.Change.Prepared = 1, true
	})
	for last := false; !last; {
		lines, changed := w.after(0)
		if last = len(lines) > 0 && lines[len(lines)-1].Error != nil; last {
			e := lines[len(lines)-1].Error
			if e.Kind != KindNotSaved || !strings.Contains(e.Message, "no space left") {
				t.Errorf("%+v", e)
			}
			break
		}
		<-changed
	}
	close(closing)
	<-done
	for len(s.orders) > 0 {
		if o := <-s.orders; o.Kind != topologies.OrderDiscard {
			t.Errorf("ordered without a record: %+v", o)
		}
	}
}

// brokenSite has no disk for records.
type brokenSite struct{ orders chan topologies.Order }

func (*brokenSite) record(modechange.Record, topologies.Mode) error {
	return fmt.Errorf("no space left")
}
func (s *brokenSite) order(_ string, o topologies.Order) { s.orders <- o }
func (*brokenSite) mode() topologies.Mode                { return topologies.Mode{Name: "sequential"} }

// A child that does not read its lifeline holds up nobody: what does not fit is
// dropped, what was written comes in whole lines, and its end frees all.
func TestOrdersDoNotBlock(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{lifeline: write, orders: make(chan []byte, ordersQueued), spoken: make(chan struct{})}
	go c.speak()
	line := append(bytes.Repeat([]byte{'x'}, 32<<10), '\n')
	for range 4 * ordersQueued {
		c.order(line) // 2 MiB in all
	}
	heard := make([]byte, len(line))
	for range 3 {
		if _, err := io.ReadFull(read, heard); err != nil || !bytes.Equal(heard, line) {
			t.Errorf("half a line: %v", err)
		}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.hangUp()
	}()
	select {
	case <-ended:
	case <-time.After(testLimit):
		t.Error("it still waits for the child")
	}
	read.Close()
}
