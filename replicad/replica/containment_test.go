package replica

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"consequor/replicad/api"
	"consequor/replicad/host"
	"consequor/topologies"
)

// trigger makes a rogue mode misbehave; how that ends is not this request's to
// tell.
func (s *site) trigger(client *api.Client, at string) {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := client.Do(ctx, api.Request{Verb: api.Post, Replica: at, Title: "now", Key: "now"}); err == nil {
		s.t.Errorf("%s has taken the post that was to break it", at)
	}
}

// Plugins that break the contract while they serve. The replica says what was
// wrong, has another plugin, and serves again; the other one never noticed.
func TestContractBreakers(t *testing.T) {
	wire := thirdParty(t)
	for _, bad := range []struct {
		mode topologies.Mode
		want string
	}{
		{rogueMode("crash", "now"), "exit status 2"},
		{rogueMode("stranger", "now"), "effects refused: an effect for replica 99, which is not in the cluster"},
		{rogueMode("effects", "now"), "the limit of each is 262144"},
		{rogueMode("novel", "now"), "effects refused: a text of 1048576 bytes"},
		{rogueMode("rabbits", "now"), "messages to itself"},
		{rogueMode("hoard", "now"), "that it never forgot"},
		{withOption(wire, "gigabyte"), "1073741824 bytes, the limit is 16777216"},
		{withOption(wire, "unasked"), "answer"},
		{withOption(wire, "garbage"), "malformed message"},
	} {
		t.Run(bad.mode.Options[0].Value, func(t *testing.T) {
			s := newSite(t, 2, bad.mode)
			client := s.client()
			pid := s.seen[0].await("its plugin", func(r api.Status) bool { return r.PluginPID != 0 }).PluginPID
			other := s.seen[1].await("its plugin", func(r api.Status) bool { return r.PluginPID != 0 }).PluginPID
			s.trigger(client, "r1")
			s.seen[0].await("the reason in words", func(r api.Status) bool { return strings.Contains(r.PluginEnded, bad.want) })
			s.seen[0].await("another plugin", func(r api.Status) bool { return serves(r) && r.PluginPID != pid && r.PluginRestarts > 0 })
			if now := s.seen[1].await("its serving", serves); now.PluginPID != other || now.PluginRestarts != 0 {
				t.Errorf("r2 had plugin %d, and now %+v", other, now)
			}
		})
	}
}

// thirdParty builds a plugin that is not made with package modeplugin.
func thirdParty(t *testing.T) topologies.Mode {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rogue")
	build := exec.Command("go", "build", "-o", path, "../../modes/modeplugin/testdata/rogue")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the plugin: %v\n%s", err, output)
	}
	return topologies.Mode{Name: "rogue", Plugin: path, SHA256: sumOf(t, path)}
}

func sumOf(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func withOption(m topologies.Mode, how string) topologies.Mode {
	m.Options = rogueMode(how, "now").Options
	return m
}

// A plugin that no longer answers: its replica says so, and after the limit it
// is killed and another one started. One that stands still because a signal has
// stopped it is left alone: it goes on where it was.
func TestPluginHangs(t *testing.T) {
	wire := thirdParty(t)
	for name, mode := range map[string]topologies.Mode{"deaf": rogueMode("deaf", "now"), "half an answer": withOption(wire, "half")} {
		t.Run(name, func(t *testing.T) {
			s := &site{cluster: newCluster(t, 1, mode.Name), epoch: 1, mode: mode, began: 1,
				orders: make([]chan topologies.Order, 1), seen: make([]*newest, 1)}
			s.launch(0, func(o *Options) { o.limits.watchEvery = 20 * time.Millisecond })
			client := s.client()
			pid := s.seen[0].await("its serving", serves).PluginPID
			s.trigger(client, "r1")
			s.seen[0].await("the silence", func(r api.Status) bool {
				return r.Waiting == fmt.Sprintf("its plugin, pid %d, which does not answer", pid)
			})
			s.seen[0].await("the reason in words", func(r api.Status) bool {
				return strings.Contains(r.PluginEnded, "no answer to a batch for")
			})
			s.seen[0].await("another plugin", func(r api.Status) bool { return serves(r) && r.PluginPID != pid })
		})
	}
}

func TestPluginIsStopped(t *testing.T) {
	s := &site{cluster: newCluster(t, 1, "sequential"), epoch: 1, mode: sequentialMode, began: 1,
		orders: make([]chan topologies.Order, 1), seen: make([]*newest, 1)}
	s.launch(0, func(o *Options) { o.limits.watchEvery = 10 * time.Millisecond })
	client := s.client()
	pid := s.seen[0].await("its serving", serves).PluginPID
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	s.seen[0].await("the silence", func(r api.Status) bool { return strings.HasSuffix(r.Waiting, "which does not answer") })
	ctx, cancel := context.WithTimeout(context.Background(), time.Second) // three times the limit
	defer cancel()
	if a, err := client.Do(ctx, api.Request{Verb: api.Post, Replica: "r1", Title: "t", Key: "a"}); err == nil {
		t.Errorf("a stopped plugin has answered %+v", a)
	}
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	s.post(client, "r1", "a", 1)
	now := s.seen[0].await("no more waiting", func(r api.Status) bool { return r.Waiting == "" })
	if now.PluginPID != pid || now.PluginRestarts != 0 {
		t.Errorf("the plugin was %d, and now %+v", pid, now)
	}
}

// floodFor is how long a plugin is left to flood: what it may do in the long run
// shows only then.
const floodFor = 2 * time.Second

// Plugins that never rest. The replica serves on, and what it reports, what it
// logs and how often it asks the plugin stays within bounds.
func TestFloods(t *testing.T) {
	for _, how := range []string{"zeal", "fickle", "chatter", "loud"} {
		t.Run(how, func(t *testing.T) {
			s := &site{cluster: newCluster(t, 1, "rogue"), epoch: 1, mode: rogueMode(how, "start"), began: 1,
				orders: make([]chan topologies.Order, 1), seen: make([]*newest, 1)}
			var printed, logged atomic.Int64
			s.launch(0, func(o *Options) {
				o.PluginOutput = writerFunc(func(b []byte) { printed.Add(int64(len(b))) })
				o.Log = slog.New(slog.NewTextHandler(writerFunc(func([]byte) { logged.Add(1) }), &slog.HandlerOptions{Level: slog.LevelDebug}))
			})
			begun := time.Now()
			client := s.client()
			s.seen[0].await("its serving", serves)
			posts := 0
			for ; time.Since(begun) < floodFor; posts++ {
				s.post(client, "r1", fmt.Sprint("k", posts), uint64(posts+1))
			}
			last := s.seen[0].await("the last post", func(r api.Status) bool { return r.Articles == uint64(posts) })
			seconds := time.Since(begun).Seconds()
			bound := func(what string, have int, burst, rate float64) {
				if most := burst + rate*seconds; float64(have) > most {
					t.Errorf("%d %s in %.1fs, want at most %.0f", have, what, seconds, most)
				}
			}
			bound("reports", s.seen[0].count(), urgentBurst, urgentRate+1/boardReportEvery.Seconds())
			bound("bytes printed", int(printed.Load()), 1<<20, 10<<10)
			bound("lines logged", int(logged.Load()), throttleBurst+100, throttleRate)
			bound("steps", int(last.Term), 10+4*float64(posts), 1/host.TimerMin.Seconds())
		})
	}
}

type writerFunc func([]byte)

func (f writerFunc) Write(b []byte) (int, error) {
	f(b)
	return len(b), nil
}

// A plugin's binary is changed after its sum was taken, and its process killed:
// what the file has become is never run, and the replica fails, saying both
// sums. So does one that is started then.
func TestChangedBinary(t *testing.T) {
	mode := withOption(thirdParty(t), "none")
	s := newSite(t, 1, mode)
	pid := s.seen[0].await("its plugin", func(r api.Status) bool { return r.PluginPID != 0 }).PluginPID
	content, err := os.ReadFile(mode.Plugin)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)-1] ^= 1
	if err := os.WriteFile(mode.Plugin, content, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	now := sumOf(t, mode.Plugin)
	s.fails(func(fault string) bool { return strings.Contains(fault, now) && strings.Contains(fault, mode.SHA256) })
	s.launch(0, nil)
	s.fails(func(fault string) bool { return strings.Contains(fault, now) && strings.Contains(fault, mode.SHA256) })
}

// fails waits until process 0 ends by itself, with a fault that its status
// tells too.
func (s *site) fails(fault func(string) bool) {
	s.t.Helper()
	failed := s.seen[0].await("its failure", func(r api.Status) bool { return r.Step == api.Failed })
	select {
	case err := <-s.running[0].ended:
		if ExitCode(err) != ExitFault || !fault(err.Error()) || !fault(failed.Fault) {
			s.t.Errorf("it ended with %v; its status says %q", err, failed.Fault)
		}
	case <-time.After(waitMax):
		s.t.Fatal("it does not end")
	}
	s.running[0] = nil
}

// Plugins that never become ready: while that goes on the status tells why, and
// in the end the replica fails with the reason.
func TestPluginDoesNotStart(t *testing.T) {
	s := &site{cluster: newCluster(t, 1, "stillborn"), epoch: 1, mode: topologies.Mode{Name: "stillborn"}, began: 1,
		orders: make([]chan topologies.Order, 1), seen: make([]*newest, 1)}
	s.launch(0, nil)
	s.seen[0].await("the reason in words", func(r api.Status) bool {
		return r.Step == api.Starting && strings.HasPrefix(r.Waiting, "its plugin: ") && strings.Contains(r.Waiting, "exit status 3")
	})
	s.fails(func(fault string) bool {
		return strings.Contains(fault, "ended 8 times in a row") && strings.Contains(fault, "exit status 3")
	})
}

// The process is asked to end while its plugin is started again, and that one
// hangs: it ends in order, without an error, and leaves nothing.
func TestStoppedDuringARelaunch(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	mark := filepath.Join(t.TempDir(), "mark")
	script := fmt.Sprintf("if test -e %s; then echo hangs >&2; exec /bin/sleep 1000; fi; exec %s \"$@\"", mark, exe)
	s := &site{cluster: newCluster(t, 1, "rogue"), epoch: 1, mode: rogueMode("none", "now"), began: 1,
		orders: make([]chan topologies.Order, 1), seen: make([]*newest, 1)}
	hangs := make(chan struct{}, 1)
	s.launch(0, func(o *Options) {
		o.Self = []string{"/bin/sh", "-c", script, "sh"}
		o.PluginOutput = writerFunc(func(b []byte) {
			if string(b) == "hangs\n" {
				hangs <- struct{}{}
			}
		})
	})
	pid := s.seen[0].await("its serving", serves).PluginPID
	if err := os.WriteFile(mark, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	select {
	case <-hangs:
	case <-time.After(waitMax):
		t.Fatal("it is not started again")
	}
	begun := time.Now()
	s.stop(0)
	if took := time.Since(begun); took > 4*time.Second { // not the five that a start may take
		t.Errorf("it took %v to end", took)
	}
	if left := children(t); len(left) > 0 {
		t.Errorf("processes that are left: %v", left)
	}
}
