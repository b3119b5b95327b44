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
		{"consequorctl re", "reply read resume restart"},
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
	} {
		words := strings.Fields(c.typed)
		ask := script + status + "COMP_WORDS=(" + c.typed + "); COMP_CWORD=" + string(rune('0'+len(words)-1)) + "; _consequorctl; echo \"${COMPREPLY[*]}\""
		out, err := exec.Command("bash", "-c", ask).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != c.offers {
			t.Errorf("%s: got %q (%v), want %q", c.typed, got, err, c.offers)
		}
	}
}
