package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Sections of a script play in one process at the same time; what they set comes
// back in the order in which they are named, not in that in which they end.
func TestSectionsSideBySide(t *testing.T) {
	path := filepath.Join(t.TempDir(), "side.txtar")
	const text = `
env N=0
sessions a b c
equal $N 3
equal $A-$B-$C a-b-c
sessions c b a
equal $N 1
-- a --
env N=1
capture A echo a
exits 5 read
barrier
capture V version version
barrier end
-- b --
capture B echo b
barrier
exits 5 at r1 as someone read
barrier end
env N=2
-- c --
env N=3
capture C echo c
barrier
eventually 10s c echo $C
barrier end
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if stdout, stderr, code := command(t, "run", "--repeat", "5", path); code != ExitOK {
		t.Errorf("code %d\n%s%s", code, stdout, stderr)
	}
}

// Of sections that fail, the one is told whose own line it was; those that wait
// for it in vain are not, whoever was first.
func TestFailingSection(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fails.txtar")
	const text = "sessions a b c\n-- a --\nbarrier\n-- b --\necho b\nequal b c\n-- c --\nbarrier\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		stdout, stderr, code := command(t, "run", path)
		if code != ExitFailed || !strings.Contains(stdout, "fails.txtar/b:2: equal b c\n") {
			t.Fatalf("code %d\n%s%s", code, stdout, stderr)
		}
	}
}
