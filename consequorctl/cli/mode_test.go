package cli

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"consequor/modes"
	"consequor/supervisor"
	"consequor/topologies"
)

// Modes can be listed and shown where no cluster runs, and a topology's own
// ones with them; a cluster that was named must run.
func TestModesWithoutACluster(t *testing.T) {
	t.Setenv("CONSEQUOR_HOME", t.TempDir())
	t.Setenv("CONSEQUOR_CLUSTER", "")
	topology := filepath.Join(t.TempDir(), "lab.yaml")
	text := "mode: mine\nreplicas: 3\nmodes: {mine: {plugin: ./mine, sha256: " + strings.Repeat("ab", 32) + "}}\n"
	if err := os.WriteFile(topology, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args   string
		code   ExitCode
		stdout string
		stderr string
	}{
		{"mode list -q", ExitOK, "quorum\nread-your-write\nsequential\n", ""},
		{"mode list -q --topology " + topology, ExitOK, "mine\nquorum\nread-your-write\nsequential\n", ""},
		{"mode list --json", ExitOK, `{"cluster":null,"modes":[{"name":"quorum","running":false,"plugin":"","sha256":"","promise":"An ack`, ""},
		{"mode list", ExitOK, "MODE             RUNS  PROMISE\nquorum           -     An acknowledged post", ""},
		{"mode list --cluster nowhere", ExitAbsent, "", "there is no cluster nowhere"},
		{"mode show sequential", ExitOK, "mode sequential, version 1\n\nPromise: One order", ""},
		{"mode show quorum --json", ExitOK, `{"name":"quorum","version":"1","running":false,`, ""},
		{"mode show mine", ExitUsage, "", `unknown mode "mine"`},
		{"mode show mine --topology " + topology, ExitRefused, "", "mode mine: start mode plugin"},
		{"mode swap quorum", ExitAbsent, "", "no cluster is running"},
		{"mode swap quorum --option read", ExitUsage, "", "--option read: want NAME=VALUE"},
		{"mode swap quorum --option read=1 --option read=2", ExitUsage, "", "--option read is given twice"},
		{"mode swap quorum --timeout 0s", ExitUsage, "", "want more than 0"},
		{"mode", ExitUsage, "", "expected one of"},
	} {
		stdout, stderr, code := command(t, strings.Fields(c.args)...)
		if code != c.code || !strings.HasPrefix(stdout, c.stdout) || !strings.Contains(stderr, c.stderr) {
			t.Errorf("%s: code %d\nstdout %s\nstderr %s\nwant code %d, %q and %q", c.args, code, stdout, stderr, c.code, c.stdout, c.stderr)
		}
	}
}

// A change that surely did not come about is refused.
func TestSwapExitCodes(t *testing.T) {
	for _, kind := range []supervisor.Kind{supervisor.KindChanging, supervisor.KindReplicaDown, supervisor.KindNotPrepared,
		supervisor.KindNotSaved, supervisor.KindCalledOff, supervisor.KindStopping, supervisor.KindDiffers} {
		if f := describe(&supervisor.Error{Kind: kind}); f.Code != ExitRefused || f.Kind != string(kind) {
			t.Errorf("%s: %+v", kind, f)
		}
	}
}

// What it means for the user that the end of a change was not heard: unknown
// before the decision, done after it, and what the supervisor said is passed on.
func TestUnheardSwap(t *testing.T) {
	gone := &supervisor.Error{Kind: supervisor.KindNotRunning, Message: "cluster three is not running (any more)"}
	for _, c := range []struct {
		last supervisor.SwapProgress
		err  error
		code ExitCode
		kind string
	}{
		{supervisor.SwapProgress{}, gone, ExitAbsent, "not_running"},
		{supervisor.SwapProgress{}, context.DeadlineExceeded, ExitUnknown, "deadline"},
		{supervisor.SwapProgress{Step: "seal"}, context.DeadlineExceeded, ExitUnknown, "deadline"},
		{supervisor.SwapProgress{Step: "seal"}, context.Canceled, ExitUnknown, "deadline"},
		{supervisor.SwapProgress{Step: "merge"}, gone, ExitUnknown, "unknown"},
		{supervisor.SwapProgress{Step: "merge"}, &supervisor.Error{Kind: supervisor.KindCalledOff}, ExitRefused, "called_off"},
		{supervisor.SwapProgress{Step: "activate", Decided: true}, gone, ExitOK, ""},
		{supervisor.SwapProgress{Step: "activate", Decided: true}, context.DeadlineExceeded, ExitOK, ""},
	} {
		w := &swapWatch{console: &Console{World: World{Stderr: io.Discard}, Output: &Output{}}, mode: "quorum", from: "sequential", last: c.last}
		w.status = func(context.Context) (*supervisor.ClusterStatus, error) {
			return &supervisor.ClusterStatus{Epoch: 2, Replicas: []supervisor.ReplicaStatus{{Name: "r1", State: supervisor.StateServing}, {Name: "r2", State: supervisor.StateKilled}}}, nil
		}
		result, err := w.unheard(c.err)
		f := describe(err)
		if f == nil {
			f = &Failure{}
		}
		if f.Code != c.code || f.Kind != c.kind || (result != nil) != (c.code == ExitOK) || result != nil && (result.Epoch != 2 || !slices.Equal(result.Missing, []string{"r2"})) {
			t.Errorf("after step %q, %v: %+v, %+v", c.last.Step, c.err, f, result)
		}
	}
}

// A cluster that was brought up with --replicas has its own count, and not the
// topology's, for what options may be.
func TestSwapCountsReplicasThatRun(t *testing.T) {
	console := &Console{World: World{Stderr: io.Discard}, Output: new(Output)}
	status := &supervisor.ClusterStatus{Topology: "three", Replicas: make([]supervisor.ReplicaStatus, 5)}
	read := func(n string) []modes.Option { return []modes.Option{{Name: "read", Value: n}} }
	if _, err := resolveMode(context.Background(), console, status, "quorum", read("5")); err != nil {
		t.Errorf("5 of 5: %v", err)
	}
	if _, err := resolveMode(context.Background(), console, status, "quorum", read("6")); err == nil {
		t.Error("6 of 5: no error")
	}
}

// A change that is decided, but whose mode does not serve on some replicas, has
// failed, and its hint is the way out that there is.
func TestSwapThatDoesNotServe(t *testing.T) {
	plugin := topologies.Mode{Name: "mine", Plugin: "/x/mine"}
	for _, c := range []struct {
		mode      topologies.Mode
		state     supervisor.State
		ephemeral bool
		gone      bool // the cluster went down
		hint      string
	}{
		{plugin, supervisor.StateFailed, false, false, "nothing of before is lost: mend the plugin, put its new sha256 into three, then: consequorctl down, and: consequorctl up three --cluster lab --replicas 2"},
		{plugin, supervisor.StateStarting, true, false, "ephemeral"},
		{plugin, supervisor.StateKilled, false, false, "consequorctl restart r2"},
		{plugin, supervisor.StatePaused, false, false, "consequorctl resume r2"},
		{plugin, "", false, true, "when the cluster is up again: consequorctl up three"},
		{topologies.Mode{Name: "quorum"}, supervisor.StateStarting, false, false, "consequorctl logs"},
	} {
		status := &supervisor.ClusterStatus{Cluster: "lab", Topology: "three", Ephemeral: c.ephemeral, Replicas: []supervisor.ReplicaStatus{
			{Name: "r1", State: supervisor.StateServing}, {Name: "r2", State: c.state}}}
		w := &swapWatch{console: &Console{World: World{Stderr: io.Discard}, Output: new(Output)}}
		w.status = func(context.Context) (*supervisor.ClusterStatus, error) {
			if c.gone {
				return nil, &supervisor.Error{Kind: supervisor.KindNotRunning}
			}
			return status, nil
		}
		f := describe(w.notServing(&c.mode, &supervisor.SwapResult{Mode: c.mode.Name, Epoch: 2, From: "sequential", Missing: []string{"r2"}}, status))
		if want := "mode " + c.mode.Name + " in epoch 2, after sequential: decided, but does not serve on r2"; f.Code != ExitFailed || f.Kind != "not_serving" || f.Message != want || !strings.Contains(f.Hint, c.hint) {
			t.Errorf("%s, %s: %+v, want a hint with %q", c.mode.Name, c.state, f, c.hint)
		}
	}
}

// A built-in mode needs no topology file: what would be read there is missed,
// and said to be. A mode of one's own stands nowhere else.
func TestSwapWithoutATopology(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lab.yaml")
	status := &supervisor.ClusterStatus{Cluster: "lab", Topology: path, Replicas: make([]supervisor.ReplicaStatus, 3)}
	for _, text := range []string{"", "mode: [\n", "no: topology\n"} {
		if text != "" {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var stderr strings.Builder
		console := &Console{World: World{Stderr: &stderr}, Output: new(Output)}
		m, err := resolveMode(context.Background(), console, status, "quorum", []modes.Option{{Name: "read", Value: "3"}})
		if err != nil || m.Name != "quorum" || len(m.Options) != 1 || !strings.Contains(stderr.String(), "of mode quorum is not known: ") {
			t.Errorf("%q: %+v, %v, said %s", text, m, err, stderr.String())
		}
		if _, err := resolveMode(context.Background(), console, status, "quorum", []modes.Option{{Name: "read", Value: "4"}}); err == nil {
			t.Errorf("%q: 4 of 3 can be read", text)
		}
		if _, err := resolveMode(context.Background(), console, status, "mine", nil); err == nil {
			t.Errorf("%q: a mode that stands nowhere", text)
		}
	}
}
