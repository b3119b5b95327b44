package sim

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func soakConfig() Config { return Config{Mode: "sequential", Replicas: 5, Faults: All} }

// soakFor runs a soak until so many runs were made.
func soakFor(t *testing.T, path, commit string, runs int, run Runner) *Soak {
	t.Helper()
	s, err := LoadSoak(path, SettingOf(soakConfig()))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	sweep := Sweep{Config: soakConfig(), Workers: 2, draw: fakeDraw, run: run}
	sweep.Done = func(*Result) {
		if runs--; runs == 0 {
			cancel()
		}
	}
	if err := s.Run(ctx, sweep, commit, path); err != nil {
		t.Fatal(err)
	}
	return s
}

// Stopped at any time, and started again by another build, a soak runs each
// seed once.
func TestSoakGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	first := soakFor(t, path, "aaaaaaaaaaaaaaaa", 450, failing(7, 300))
	second := soakFor(t, path, "aaaaaaaaaaaaaaaa", 20, failing())
	third := soakFor(t, path, "bbbb", 30, failing())
	if first.Next != uint64(first.Totals.Runs)+1 || second.Next <= first.Next || third.Next != uint64(third.Totals.Runs)+1 {
		t.Errorf("next seeds %d, %d, %d; runs %d", first.Next, second.Next, third.Next, third.Totals.Runs)
	}
	if len(third.Stretches) != 2 || third.Stretches[1].From != second.Next || third.Stretches[0].Failed != 2 || third.Stretches[0].Runs+third.Stretches[1].Runs != third.Totals.Runs {
		t.Errorf("stretches %+v", third.Stretches)
	}
	if len(third.Violations) != 2 || third.Violations[1].Seed != 300 || third.Violations[1].Failure.Property != "durability" || third.Totals.Failed != 2 {
		t.Errorf("violations %+v", third.Violations)
	}
	third.Totals.CPU, third.Totals.Virtual, third.Totals.Runs, third.Totals.Again = 10*time.Second, 3*time.Hour, 500, 5
	third.Totals.Events, third.Totals.Coverage = 5000, Coverage{Posts: 9, Changes: 2, Elections: 3}
	const want = "| sequential | 5 | all | aaaaaaaaaa, bbbb | 500 | 2 | 3h0m0s | 10s | 5000 | 9 | 2 | 3 | 50.5 |\n"
	if got := SoakTable(third); !strings.HasSuffix(got, want) {
		t.Errorf("got %swant %s", got, want)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

// A state of another setting is not gone on with, and stays as it is.
func TestSoakRefusesAnotherSetting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	soakFor(t, path, "a", 1, failing())
	for _, test := range []struct {
		change func(*Config)
		says   string
	}{
		{func(c *Config) { c.Mode = "quorum" }, "it was made with mode sequential, not quorum"},
		{func(c *Config) { c.Faults = Loss | Rot }, "it was made with faults all, not loss,rot"},
		{func(c *Config) { c.Replicas = 3 }, "it was made with replicas 5, not 3"},
		{func(c *Config) { c.Mutant = 16 }, "it was made with mutant none, not M16"},
	} {
		c := soakConfig()
		test.change(&c)
		_, err := LoadSoak(path, SettingOf(c))
		var other *SettingError
		if !errors.As(err, &other) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("got %v, want %q", err, test.says)
		}
	}
}

func TestSoakRefusesOtherFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	for _, text := range []string{"", "no state", "[]"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := LoadSoak(path, SettingOf(soakConfig())); err == nil {
			t.Errorf("%q: got %+v", text, s)
		}
	}
}
