package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"consequor/modes"
	"consequor/modes/example-primary/primary"
	"consequor/modes/modeplugin"
	"consequor/sim"
)

// TestMain runs the tests or, as the first argument says, plays a plugin.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "mode-plugin" {
		modeplugin.Serve(primary.Describe(), func() modes.Mode { return &sick{Mode: primary.New(), how: os.Args[2]} })
	}
	os.Exit(m.Run())
}

// sick is a mode that breaks at its sixth request.
type sick struct {
	modes.Mode
	how   string
	count int
}

func (m *sick) Step(batch modes.Batch, out *modes.Effects) {
	for _, e := range batch.Events {
		if _, ok := e.(modes.Request); !ok {
			continue
		}
		if m.count++; m.count == 6 {
			m.fall()
			out.Save(make([]byte, 17<<20)) // more than a frame takes
		}
	}
	m.Mode.Step(batch, out)
}

func (m *sick) fall() {
	switch m.how {
	case "panic":
		panic("six")
	case "exit":
		log.Fatalf("%p: no more", m)
	case "hang":
		select {}
	}
}

// sickPlugin is the file of such a mode.
func sickPlugin(t *testing.T, how string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), how)
	text := fmt.Sprintf("#!/bin/sh\nexec %s mode-plugin %s\n", quoted(self), how)
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// A mode that breaks is told as what it did, the same each time, and shrunk.
func TestSimSickPlugins(t *testing.T) {
	for how, says := range map[string]string{
		"panic":    "r1: the mode's process died while it handled batch %d: panic: six",
		"exit":     "r1: the mode's process died while it handled batch %d: exit status 1, its last words: 0x...: no more",
		"oversize": "r1: the mode broke the protocol while it handled batch %d: effects of step %d: ",
	} {
		t.Run(how, func(t *testing.T) {
			args := []string{"sim", "--json", "--plugin", sickPlugin(t, how), "--replicas", "1", "--faults", "crash,plugin", "--length", "20", "--shrink-runs", "60"}
			sentence := ""
			for range 2 {
				stdout, stderr, code := command(t, append(args, "--seeds", "20")...)
				var told simResult
				first, _, _ := strings.Cut(stdout, "\n")
				if err := json.Unmarshal([]byte(first), &told); err != nil || code != ExitFailed || len(told.Failures) == 0 {
					t.Fatalf("code %d (%v)\n%s%s", code, err, stdout, stderr)
				}
				f := told.Failures[0]
				if begins, _, _ := strings.Cut(says, "%d"); !strings.Contains(f.Sentence, begins) || len(f.Actions) == 0 || len(f.Actions) > 20 {
					t.Errorf("%d actions: %s", len(f.Actions), f.Sentence)
				}
				if end := says[strings.LastIndex(says, "%d")+2:]; !strings.Contains(f.Sentence, end) {
					t.Errorf("want %q, got %q", end, f.Sentence)
				}
				if sentence != "" && f.Sentence != sentence {
					t.Errorf("first %s\nthen %s", sentence, f.Sentence)
				}
				sentence = f.Sentence
			}
		})
	}
}

// A step without an end is given up, by a limit or because nobody wants the run
// any more; that is then no failure.
func TestSimHangingPlugin(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s, err := simSetting{Plugin: sickPlugin(t, "hang"), Replicas: 1, Faults: "none", Length: 20}.open(ctx, &Console{World{}, &Output{}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	w := s.pool.workers[0]
	w.stepMax = 200 * time.Millisecond
	sweep := s.sweep(1, 1)
	o, err := sweep.Run(ctx)
	if err != nil || o.Failed != 1 || !strings.Contains(o.Failures[0].Sentence(), "while it handled batch ") || !strings.Contains(o.Failures[0].Sentence(), ": no answer within 200ms") {
		t.Fatalf("%+v (%v)", o, err)
	}
	running, err := w.process()
	if err != nil {
		t.Fatal(err)
	}
	w.stepMax = time.Hour
	hangs := sim.Sweep{Config: s.config, From: 1, Seeds: 9, Workers: 1, KeepGoing: true}
	time.AfterFunc(300*time.Millisecond, cancel) // in the midst of the step, or before it: it ends all the same
	if o, err := hangs.Run(ctx); !errors.Is(err, context.Canceled) || o.Failed != 0 || o.Runs != 0 || o.Next != 1 {
		t.Errorf("%+v (%v)", o, err)
	}
	s.close()
	if _, err := os.Stat(s.pool.dir); !errors.Is(err, fs.ErrNotExist) || running.Err() == nil {
		t.Errorf("the folder %s (%v) or the process (%v) is left", s.pool.dir, err, running.Err())
	}
}
