package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"consequor/board"
)

func tokenOf(seqs ...uint64) board.Token {
	token := board.Token{Cluster: "c", Epoch: 1}
	for origin, seq := range seqs {
		token.Seen = token.Seen.With(board.ArticleID{Seq: seq, Origin: board.ReplicaID(origin)})
	}
	return token
}

// Many commands of one session end at the same moment: what each has seen is
// in the token afterwards.
func TestSessionJoinsConcurrently(t *testing.T) {
	home := t.TempDir()
	const commands = 16
	var wg sync.WaitGroup
	errs := make([]error, commands)
	for i := range commands {
		wg.Go(func() {
			seen := board.Token{Cluster: "c", Epoch: 1, Seen: board.Vector{{Seq: uint64(i + 1), Origin: board.ReplicaID(i + 1)}}}
			_, errs[i] = openSession(home, "alice").Join(seen)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	token, err := openSession(home, "alice").Token()
	if err != nil {
		t.Fatal(err)
	}
	if len(token.Seen) != commands {
		t.Errorf("joined %d answers, the token has %d: %s", commands, len(token.Seen), token)
	}
}

// A token is joined, never overwritten: an older answer takes nothing away.
func TestSessionNeverGoesBack(t *testing.T) {
	s := openSession(t.TempDir(), "alice")
	for _, step := range []struct{ answer, want board.Token }{
		{tokenOf(7), tokenOf(7)},
		{tokenOf(3), tokenOf(7)},
		{board.Token{}, tokenOf(7)},
		{tokenOf(9), tokenOf(9)},
	} {
		got, err := s.Join(step.answer)
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != step.want.String() {
			t.Errorf("after %q: got %q, want %q", step.answer, got, step.want)
		}
	}
	other := board.Token{Cluster: "another", Epoch: 1}
	if _, err := s.Join(other); describe(err).Kind != "other_cluster" {
		t.Errorf("a token of another cluster: got %v, want other_cluster", err)
	}
}

// A session goes through a mode change: ids of the cluster's one order and ids
// of replicas stand side by side, the newest epoch counts, and an answer that
// comes late, from before the change, takes nothing away.
func TestSessionAcrossEpochs(t *testing.T) {
	s := openSession(t.TempDir(), "alice")
	for _, step := range []struct{ answer, want string }{
		{"c:1:7", "c:1:7"},         // sequential
		{"c:2:12.2", "c:2:7,12.2"}, // quorum
		{"c:2:7,9.1", "c:2:7,9.1,12.2"},
		{"c:1:8", "c:2:8,9.1,12.2"}, // a command that was on its way meanwhile
		{"c:4:13,9.1,12.2", "c:4:13,9.1,12.2"},
	} {
		answer, err := board.ParseToken(step.answer)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Join(answer)
		if err != nil || got.String() != step.want {
			t.Errorf("after %s: %s (%v), want %s", step.answer, got, err, step.want)
		}
	}
}

func freshKeys() func() (string, error) {
	n := 0
	return func() (string, error) { n++; return fmt.Sprintf("fresh%d", n), nil }
}

// A post that ended unknown is given again: it goes on under its first key.
// Once it is answered, the same words are a new post.
func TestSessionKeepsKeyUntilAnswered(t *testing.T) {
	s := openSession(t.TempDir(), "alice")
	fresh := freshKeys()
	begin := func(digest, given, wantKey string, wantAgain bool) {
		t.Helper()
		key, again, err := s.Begin(digest, given, fresh)
		if err != nil || key != wantKey || again != wantAgain {
			t.Errorf("begin %q with key %q: got %q again=%t (%v), want %q again=%t", digest, given, key, again, err, wantKey, wantAgain)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	begin("hello", "", "fresh1", false)
	begin("hello", "", "fresh2", false) // the first is in flight: this is another post
	must(s.Unanswered("fresh1"))
	begin("other", "", "fresh3", false)
	begin("hello", "", "fresh1", true)
	must(s.Unanswered("fresh1"))
	begin("hello", "mine", "mine", false) // a key of one's own is one's own
	begin("hello", "fresh1", "fresh1", true)
	must(s.Answered("fresh1"))
	begin("hello", "", "fresh4", false)
}

// The command that sent a post was killed before an answer came: the next
// equal post goes on with its key.
func TestSessionTakesOverFromTheDead(t *testing.T) {
	s := openSession(t.TempDir(), "alice")
	const pidMax = 1 << 22 // no process of Linux has it
	if err := s.change(func(kept *sessionFile) error {
		kept.Pending = []pending{{Key: "k", Digest: "hello", PID: pidMax}}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	key, again, err := s.Begin("hello", "", freshKeys())
	if err != nil || key != "k" || !again {
		t.Errorf("got key %q, again=%t (%v), want k, again", key, again, err)
	}
}

// To make a key may take as long as a replica takes to greet: other commands of
// the session do not wait for that.
func TestSessionIsFreeWhileAKeyIsMade(t *testing.T) {
	s := openSession(t.TempDir(), "alice")
	key, again, err := s.Begin("hello", "", func() (string, error) {
		_, err := openSession(filepath.Dir(filepath.Dir(s.path)), "alice").Join(tokenOf(3))
		return "made", err
	})
	if err != nil || key != "made" || again {
		t.Errorf("got key %q, again=%t (%v), want made", key, again, err)
	}
	if token, err := s.Token(); err != nil || token.String() != tokenOf(3).String() {
		t.Errorf("the other command's token is %s (%v)", token, err)
	}
}

func TestSessionBoundsPending(t *testing.T) {
	s := openSession(t.TempDir(), "alice")
	fresh := freshKeys()
	for i := range pendingCountMax + 5 {
		if _, _, err := s.Begin(fmt.Sprint(i), "", fresh); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := s.read()
	if err != nil {
		t.Fatal(err)
	}
	if len(kept.Pending) != pendingCountMax || kept.Pending[0].Key != "fresh6" {
		t.Errorf("kept %d keys from %q, want %d from fresh6", len(kept.Pending), kept.Pending[0].Key, pendingCountMax)
	}
}

// Whatever a user is called, the session stays within the folder of sessions,
// in a file that nobody else can read.
func TestSessionFileName(t *testing.T) {
	for name, want := range map[string]string{
		"alice":                  "alice.json",
		"../../etc/passwd":       "%2E.%2F..%2Fetc%2Fpasswd.json",
		"":                       ".json",
		"Zoë":                    "Zo%C3%AB.json",
		strings.Repeat("a", 300): strings.Repeat("a", 50) + "-9803b4bd32f1c0b0.json",
	} {
		got := sessionFileName(name)
		if name == strings.Repeat("a", 300) {
			if len(got) > 100 {
				t.Errorf("a name of 300 bytes makes a file name of %d", len(got))
			}
			continue
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
	home := t.TempDir()
	if _, err := openSession(home, "alice").Join(tokenOf(1)); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(home, "sessions", "alice.json"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("session file has mode %v, want 0600", info.Mode().Perm())
	}
}

// Without a session nothing is kept and nothing is written.
func TestNoSession(t *testing.T) {
	s := &session{}
	key, again, err := s.Begin("hello", "", func() (string, error) { return "k", nil })
	if err != nil || key != "k" || again {
		t.Errorf("got %q, again=%t (%v)", key, again, err)
	}
	if joined, err := s.Join(tokenOf(4)); err != nil || joined.String() != tokenOf(4).String() {
		t.Errorf("join: got %q (%v)", joined, err)
	}
	if err := errors.Join(s.Answered("k"), s.Unanswered("k")); err != nil {
		t.Error(err)
	}
}
