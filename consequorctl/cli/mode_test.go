package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"consequor/supervisor"
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
