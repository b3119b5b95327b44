package replica

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/replicad/api"
	"consequor/topologies"
)

var sequentialMode = topologies.Mode{Name: "sequential"}

// Three replicas go from sequential to sequential while clients post at each:
// every post is acknowledged, keys keep their ids, and each replica runs
// another plugin, the old one gone.
func TestModeChangeUnderLoad(t *testing.T) {
	s := newSite(t, 3, sequentialMode)
	client := s.client()
	s.post(client, "r1", "first", 1)
	var old []int
	for _, n := range s.seen {
		old = append(old, n.await("its plugin", func(r api.Status) bool { return r.PluginPID != 0 }).PluginPID)
	}
	load := s.load(client)
	load.await(30)

	s.makeReady(sequentialMode)
	s.awaitAll("its sum", func(r api.Status) bool { return len(r.Change.SHA256) == 64 })
	load.await(30)
	s.seal()
	s.activate(sequentialMode)
	load.await(30)
	load.end()

	for i, n := range s.seen {
		now := n.await("its plugin", func(r api.Status) bool { return r.PluginPID != 0 })
		if now.PluginPID == old[i] || now.Change.Prepared {
			t.Errorf("%s: plugin %d before and %d after; %+v", now.Name, old[i], now.PluginPID, now.Change)
		}
		if err := syscall.Kill(old[i], 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("the old plugin of %s: %v", now.Name, err)
		}
	}
	load.check(s)
	s.post(client, "r2", "first", 1) // the key is known in the next epoch
}

// load is clients that post all the time, with keys.
type load struct {
	t      testing.TB
	stop   context.CancelFunc
	group  sync.WaitGroup
	posted atomic.Int64
	more   chan struct{} // capacity 1: posted has risen

	mu  sync.Mutex
	ids map[string]board.ArticleID
}

func (s *site) load(client *api.Client) *load {
	ctx, stop := context.WithCancel(context.Background())
	l := &load{t: s.t, stop: stop, more: make(chan struct{}, 1), ids: make(map[string]board.ArticleID)}
	for _, r := range s.config {
		l.group.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				l.post(ctx, client, r.Name, fmt.Sprint(r.Name, "-", n))
			}
		})
	}
	return l
}

// post posts until it is acknowledged; a refusal or an unknown end is tried
// again with the key.
func (l *load) post(ctx context.Context, client *api.Client, at, key string) {
	for ctx.Err() == nil {
		try, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		a, err := client.Do(try, api.Request{Verb: api.Post, Replica: at, Title: key, Key: key})
		cancel()
		if err != nil {
			l.t.Logf("post %s: %v", key, err)
			continue
		}
		l.mu.Lock()
		l.ids[key] = a.ID
		l.mu.Unlock()
		l.posted.Add(1)
		select {
		case l.more <- struct{}{}:
		default:
		}
		return
	}
}

// await waits for n posts more.
func (l *load) await(n int64) {
	l.t.Helper()
	limit := time.After(waitMax)
	for from := l.posted.Load(); l.posted.Load() < from+n; {
		select {
		case <-l.more:
		case <-limit:
			l.t.Fatalf("%d posts in all, want %d more than %d", l.posted.Load(), n, from)
		}
	}
}

func (l *load) end() {
	l.stop()
	l.group.Wait()
}

// check wants every acknowledged post on every board, once, under its id.
func (l *load) check(s *site) {
	l.t.Helper()
	client := s.client()
	for _, r := range s.config {
		have := make(map[string]string)
		page := api.Request{Verb: api.Read, Replica: r.Name, All: true, Fresh: true, Count: 1000}
		for more := true; more; {
			a := s.do(client, page)
			for _, e := range a.Articles {
				if other, twice := have[e.Title]; twice {
					l.t.Errorf("%s has %s twice: %s and %s", r.Name, e.Title, other, e.ID)
				}
				have[e.Title] = e.ID.String()
			}
			page.After, page.Fresh = a.Next, false
			more = a.Next != ""
		}
		for key, id := range l.ids {
			if have[key] != id.String() {
				l.t.Errorf("%s has %s as %q, it was acknowledged as %s", r.Name, key, have[key], id)
			}
		}
	}
}

// A change is called off after the seal: the mode goes on in the same plugin,
// in a new epoch, and with the journal that it has; what was prepared is gone.
func TestModeChangeCalledOff(t *testing.T) {
	s := newSite(t, 3, sequentialMode)
	client := s.client()
	s.post(client, "r2", "a", 1)
	before := s.seen[0].await("its plugin", func(r api.Status) bool { return r.PluginPID != 0 })
	s.makeReady(sequentialMode)
	s.seal()
	s.callOff()
	s.post(client, "r2", "a", 1)
	s.post(client, "r3", "b", 2)
	after := s.seen[0].await("its plugin", func(r api.Status) bool { return r.PluginPID != 0 })
	if after.PluginPID != before.PluginPID || after.PluginRestarts != 0 || after.Change.Prepared {
		t.Errorf("before plugin %d; after: %+v", before.PluginPID, after)
	}
}

// Epoch 2 begins on a replica on which nothing is prepared (it has started
// anew, and the others had decided): it launches the plugin then. Repeated
// orders and those that are out of date do nothing.
func TestActivateUnprepared(t *testing.T) {
	s := newSite(t, 1, sequentialMode)
	client := s.client()
	s.post(client, "r1", "a", 1)
	s.attempt++
	s.seal()
	s.activate(sequentialMode)
	s.post(client, "r1", "b", 2)
	pid := s.seen[0].await("its plugin", func(r api.Status) bool { return r.PluginPID != 0 }).PluginPID

	s.order(topologies.Order{Kind: topologies.OrderActivate, Epoch: 2, Mode: sequentialMode, ModeEpoch: 2})
	s.order(topologies.Order{Kind: topologies.OrderSeal, Epoch: 1})
	s.attempt--
	s.makeReady(sequentialMode) // answered behind the two
	s.post(client, "r1", "c", 3)
	if now := s.seen[0].await("its plugin", func(r api.Status) bool { return r.PluginPID != 0 }); now.PluginPID != pid || now.Change.Sealed != "" {
		t.Errorf("the plugin was %d; %+v", pid, now)
	}
}

// In epoch 1 reads are answered without asking the mode, in epoch 2 they are
// not: what epoch 1 allowed is over with it.
func TestAViewEndsWithItsEpoch(t *testing.T) {
	s := newSite(t, 1, rogueMode("local", ""))
	client := s.client()
	read := func(want string) {
		t.Helper()
		a := s.do(client, api.Request{Verb: api.Read, Replica: "r1"})
		if a.Epoch != s.epoch || a.Guarantee != want {
			t.Errorf("in epoch %d a read says epoch %d, %q; want %q", s.epoch, a.Epoch, a.Guarantee, want)
		}
	}
	read("from the view of epoch 1")
	s.makeReady(rogueMode("asked", ""))
	s.seal()
	s.activate(rogueMode("asked", ""))
	read("one disk")
	s.callOff()
	read("one disk")
}

// One process hosts three replicas, each with a board of its own: its one
// plugin serves them all, and is exchanged for all at once.
func TestModeChangeOfAPackedProcess(t *testing.T) {
	s := &site{cluster: newCluster(t, 3, "rogue"), epoch: 1, mode: rogueMode("none", ""), began: 1,
		orders: make([]chan topologies.Order, 1), seen: make([]*newest, 1)}
	for i := range s.config {
		s.config[i].Process, s.config[i].Peer = "r1", s.config[0].Peer
	}
	s.launch(0, func(o *Options) { o.Config.Hosts = []board.ReplicaID{1, 2, 3} })
	client := s.client()
	pids := make(map[int]bool)
	each := func(key string, id uint64, is func(api.Status) bool) {
		t.Helper()
		for _, r := range s.config {
			pids[s.seen[0].awaitOf(r.Name, key, is).PluginPID] = true
			if id > 0 {
				s.post(client, r.Name, key, id)
			}
		}
	}
	each("its serving", 1, serves)
	s.prepare(s.mode)
	each("being prepared", 0, func(r api.Status) bool { return r.Change.Prepared })
	s.order(topologies.Order{Kind: topologies.OrderSeal, Epoch: 1})
	each("being sealed", 0, func(r api.Status) bool { return r.Change.Sealed == "1" })
	s.order(topologies.Order{Kind: topologies.OrderMerge, Epoch: 1, Target: board.Vector{{Seq: 1}}})
	each("being merged", 0, func(r api.Status) bool { return r.Change.Merged == "1" })
	s.epoch, s.began = 2, 2
	s.order(topologies.Order{Kind: topologies.OrderActivate, Epoch: 2, Mode: s.mode, ModeEpoch: 2})
	each("its serving in epoch 2", 2, func(r api.Status) bool { return serves(r) && r.Epoch == 2 })
	if len(pids) != 2 {
		t.Errorf("plugins that served: %v, want two", pids)
	}
}

// The plugin of a sealed replica is killed: the next one says Sealed again, and
// the change goes through.
func TestPluginIsKilledWhileSealed(t *testing.T) {
	s := newSite(t, 1, sequentialMode)
	client := s.client()
	s.post(client, "r1", "a", 1)
	s.makeReady(sequentialMode)
	s.seal()
	pid := s.seen[0].await("its plugin", func(r api.Status) bool { return r.PluginPID != 0 }).PluginPID
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.seen[0].await("another plugin", func(r api.Status) bool { return r.PluginPID != 0 && r.PluginPID != pid })
	s.attempt++ // whatever is reported now was said by the new one
	s.seal()
	s.activate(sequentialMode)
	s.post(client, "r1", "b", 2)
}

// A process ends while it is sealed and misses the decision: it starts in the
// new epoch, and its keys still hold.
func TestRestartedIntoTheNextEpoch(t *testing.T) {
	s := newSite(t, 3, sequentialMode)
	client := s.client()
	s.post(client, "r3", "a", 1)
	s.makeReady(sequentialMode)
	s.seal()
	s.stop(2)
	s.epoch, s.began = 2, 2 // decided
	s.launch(2, nil)
	s.begin()
	s.post(client, "r3", "a", 1)
	s.post(client, "r3", "b", 2)
}

// What was prepared dies before it is needed: that is reported, with the old
// mode untouched, and another attempt goes through.
func TestPreparedPluginDies(t *testing.T) {
	s := newSite(t, 1, sequentialMode)
	client := s.client()
	running := s.seen[0].await("its plugin", func(r api.Status) bool { return r.PluginPID != 0 }).PluginPID
	s.makeReady(sequentialMode)
	for _, pid := range children(t) {
		if pid != running && isPlugin(pid) {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	died := s.seen[0].await("its death", func(r api.Status) bool { return r.Change.Error != "" })
	if died.Change.Prepared || !strings.Contains(died.Change.Error, "signal: killed") || died.PluginPID != running {
		t.Errorf("reported: %+v", died)
	}
	s.order(topologies.Order{Kind: topologies.OrderDiscard})
	s.post(client, "r1", "a", 1)
	s.makeReady(sequentialMode)
	s.seal()
	s.activate(sequentialMode)
	s.post(client, "r1", "b", 2)
}

// Modes that must not be let in. Each is refused for a reason in words, the
// mode that runs goes on, and no process is left of it.
func TestNotPrepared(t *testing.T) {
	s := newSite(t, 1, sequentialMode)
	client := s.client()
	for i, bad := range []struct {
		name string
		mode topologies.Mode
		want string
	}{
		{"no such mode", topologies.Mode{Name: "no-such"}, `unknown mode "no-such"`},
		{"crashes at its first batch", topologies.Mode{Name: "crashing"}, "rehearsal on r1: at keys of the past: mode plugin"},
		{"crashes as a process", topologies.Mode{Name: "stillborn"}, "exit status 3"},
		{"does nothing", topologies.Mode{Name: "idle"}, "mode idle: its rehearsal on r1: it has reported no status by the end"},
		{"does not answer", rogueMode("deaf", "start"), "no answer to its start within 2s"},
		{"halts", rogueMode("halt", "post"), "at a post it halts: by design"},
		{"sends to a stranger", rogueMode("stranger", "read"), "at a read: an effect for replica 99, which is not in the cluster"},
		{"says too much", rogueMode("effects", "start"), "the limit of each is 262144"},
		{"another binary", topologies.Mode{Name: "mine", Plugin: "/proc/self/exe", SHA256: strings.Repeat("0", 64)}, "mode mine: its plugin /proc/self/exe: its sha256 is"},
		{"no file", topologies.Mode{Name: "mine", Plugin: "/dev/zero", SHA256: strings.Repeat("0", 64)}, "/dev/zero: want a regular file"},
	} {
		s.prepare(bad.mode)
		s.prepareAgain(bad.mode) // answered by the same report
		refused := s.seen[0].await(bad.name, func(r api.Status) bool { return r.Change.Attempt == s.attempt && r.Change.Error != "" })
		if refused.Change.Prepared || !strings.Contains(refused.Change.Error, bad.want) {
			t.Errorf("%s: reported %+v, want %q", bad.name, refused.Change, bad.want)
		}
		s.order(topologies.Order{Kind: topologies.OrderDiscard})
		s.post(client, "r1", bad.name, uint64(i+1))
	}
	if left := slices.DeleteFunc(children(t), func(pid int) bool { return !isPlugin(pid) }); len(left) != 1 {
		t.Errorf("plugins that run: %v, want one", left)
	}
}

func (s *site) prepareAgain(mode topologies.Mode) {
	s.order(topologies.Order{Kind: topologies.OrderPrepare, Epoch: s.epoch + 1, Mode: mode})
}

// rogueMode is a mode that misbehaves, how and from which event on.
func rogueMode(how, when string) topologies.Mode {
	return topologies.Mode{Name: "rogue", Options: []modes.Option{{Name: "how", Value: how}, {Name: "when", Value: when}}}
}
