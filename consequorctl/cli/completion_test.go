package cli

import (
	"os/exec"
	"strings"
	"testing"
)

// bash is asked to complete what a user has typed.
func TestCompletion(t *testing.T) {
	script, stderr, code := command(t, "completion", "bash")
	if code != ExitOK {
		t.Fatalf("code %d: %s", code, stderr)
	}
	const status = "consequorctl() { case $1 in mode) printf 'mine\\nquorum\\n' ;; *) printf 'REPLICA  STATE\\nr1  serving\\nr2  dead\\n' ;; esac; }\n"
	for _, c := range []struct{ typed, offers string }{
		{"consequorctl res", "resume restart"},
		{"consequorctl read --fr", "--fresh"},
		{"consequorctl bench fail", "failover"},
		{"consequorctl up --ready", ""},
		{"consequorctl --js", "--json"},
		{"consequorctl post ''", ""}, // files
		{"consequorctl up th", "three"},
		{"consequorctl kill r", "r1 r2"},
		{"consequorctl restart ''", "coordinator backup r1 r2"},
		{"consequorctl logs s", "supervisor"},
		{"consequorctl mode s", "show swap"},
		{"consequorctl mode swap ''", "mine quorum"},
		{"consequorctl mode show q", "quorum"},
		{"consequorctl mode swap q --opt", "--option"},
		{"consequorctl cut r", "rest r1 r2"},
		{"consequorctl cut --wait 5s r1 b", "backup"},
		{"consequorctl loss r1 r2 ''", ""},
		{"consequorctl heal ''", "coordinator backup rest r1 r2"},
		{"consequorctl diff r1 r", "r1 r2"},
		{"consequorctl diff r1 r2 --con", "--content"},
		{"consequorctl read --at r", "r1 r2"},
		{"consequorctl --cluster mode kill r", "r1 r2"},
		{"consequorctl stop coordinator --j", "--json"},
		{"consequorctl logs r1 r", "r1 r2"},
		{"consequorctl demo fail", "failover"},
		{"consequorctl trace r", "reply read"},
		{"consequorctl record sto", "stop"},
		{"consequorctl completion z", "zsh"},
		{"consequorctl she", "shell"},
		{"consequorctl shell ''", ""},
	} {
		words := strings.Fields(c.typed)
		ask := script + status + "COMP_WORDS=(" + c.typed + "); COMP_CWORD=" + string(rune('0'+len(words)-1)) + "; _consequorctl; echo \"${COMPREPLY[*]}\""
		out, err := exec.Command("bash", "-c", ask).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != c.offers {
			t.Errorf("%s: got %q (%v), want %q", c.typed, got, err, c.offers)
		}
	}
}
