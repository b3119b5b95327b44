package supervisor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"consequor/replicad/api"
	"consequor/supervisor/modechange"
)

// Offices are counted anew in each epoch: r1, coordinator in term 7 of epoch 1,
// is none in epoch 2 until the new mode elects it, in a term far below 7. That its plugin
// was exchanged for that is no loss.
func TestOfficesAcrossEpochs(t *testing.T) {
	h := testHub(2)
	say := func(name string, epoch, term uint64, step api.Step, coordinator string, pid int) {
		h.reported(api.Status{Name: name, Step: step, Epoch: epoch, Mode: "sequential", Term: term, Coordinator: coordinator, PluginPID: pid})
	}
	coordinator := func() string {
		s, _, _ := h.status()
		return name(s.Coordinator)
	}
	say("r1", 1, 7, api.CaughtUp, "r1", 10)
	say("r2", 1, 7, api.CaughtUp, "r1", 20)
	say("r1", 2, 0, api.Started, "", 10)
	if c := coordinator(); c != "none" { // r1 does not serve
		t.Errorf("while r1 begins epoch 2: %s", c)
	}
	say("r1", 2, 0, api.Started, "", 11)
	say("r1", 2, 1, api.CaughtUp, "r2", 11)
	if c := coordinator(); c != "r2" {
		t.Errorf("r1 knows of epoch 2, where r2 is elected, r2 has reported of epoch 1 only: %s", c)
	}
	say("r2", 2, 2, api.CaughtUp, "r1", 21)
	if c := coordinator(); c != "r1" {
		t.Errorf("r1 is elected in term 2: %s", c)
	}
	events, _, _, _ := h.eventsAfter(0)
	begun := 0
	for _, e := range events {
		if strings.Contains(e.Text, "lost its plugin") || strings.Contains(e.Text, "waits for its plugin") {
			t.Errorf("event: %s", e.Text)
		}
		if e.Kind == EventMode {
			begun++
		}
	}
	if begun != 2 {
		t.Errorf("%d events of a new epoch, want 2: %+v", begun, events)
	}
	say("r1", 2, 1, api.Started, "", 0) // now it is
	if events, _, _, _ := h.eventsAfter(uint64(len(events))); !strings.Contains(events[0].Text, "r1 has lost its plugin") {
		t.Errorf("events: %+v", events)
	}
}

// r1 coordinates in epoch 1. In epoch 2 a mode without a coordinator begins: that
// nobody holds the office then is no event; in epoch 3 it is filled again, and
// lost.
func TestNoCoordinatorIsNoNewsAfterASwap(t *testing.T) {
	h := testHub(2)
	say := func(name string, epoch uint64, step api.Step, role, coordinator string) {
		h.reported(api.Status{Name: name, Step: step, Epoch: epoch, Term: 1, Role: role, Coordinator: coordinator, PluginPID: 10})
	}
	for _, begins := range []struct {
		epoch       uint64
		coordinator string
	}{{1, "r1"}, {2, ""}, {3, "r2"}} {
		for _, name := range []string{"r1", "r2"} {
			say(name, begins.epoch, api.Started, "", "")
		}
		for _, name := range []string{"r1", "r2"} {
			say(name, begins.epoch, api.CaughtUp, "", begins.coordinator)
		}
	}
	h.died([]string{"r2"}, EventKilled, StateKilled, "was killed")
	events, _, _, _ := h.eventsAfter(0)
	var got []string
	for _, e := range events {
		if e.Kind == EventCoordinator {
			got = append(got, e.Text)
		}
	}
	if want := "r1 is coordinator, term 1; r2 is coordinator, term 1; no coordinator is known"; strings.Join(got, "; ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "; "), want)
	}
}

// r1 coordinated, and is paused: its row says so until r2 coordinates; then it
// has no office, until it says what it has.
func TestPausedCoordinatorIsUnseated(t *testing.T) {
	h := testHub(2)
	say := func(name, role string, term uint64, coordinator, backup string) {
		h.reported(api.Status{Name: name, Step: api.CaughtUp, Role: role, Term: term, Coordinator: coordinator, Backup: backup, PluginPID: 10})
	}
	role := func(name, want string) {
		t.Helper()
		if s, _, _ := h.status(); s.Replica(name).Role != want {
			t.Errorf("%s has the role %q, want %q", name, s.Replica(name).Role, want)
		}
	}
	say("r1", "coordinator", 1, "r1", "r2")
	say("r2", "backup", 1, "r1", "r2")
	h.setPaused([]string{"r1"}, true)
	role("r1", "coordinator")
	say("r2", "coordinator", 2, "r2", "")
	role("r1", "")
	role("r2", "coordinator")
	h.setPaused([]string{"r1"}, false)
	say("r1", "backup", 2, "r2", "r1")
	role("r1", "backup")
}

// What a change must know of a replica, in each of its states.
func TestChangeReports(t *testing.T) {
	h := testHub(5)
	h.reported(api.Status{Name: "r1", Step: api.CaughtUp, Epoch: 3, Change: api.Change{Attempt: 2, Prepared: true, Sealed: "4,7.2", Merged: "-"}})
	h.reported(api.Status{Name: "r2", Step: api.Started, Change: api.Change{Sealed: "nonsense"}})
	h.setPaused([]string{"r2"}, true)
	h.died([]string{"r3"}, EventKilled, StateKilled, "was killed, and stays down")
	h.died([]string{"r4"}, EventDied, StateStarting, "ended; it is started again")
	h.reported(api.Status{Name: "r5", Step: api.Failed, Fault: "its disk is full\nof cats"})
	reports, _ := h.reports()
	r1, r2, r3, r4, r5 := reports[0], reports[1], reports[2], reports[3], reports[4]
	if !r1.Alive || !r1.Listens || !r1.Serves || r1.Epoch != 3 || r1.Attempt != 2 || !r1.Prepared || r1.Sealed.String() != "4,7.2" || r1.Merged == nil || len(*r1.Merged) > 0 {
		t.Errorf("r1: %+v", r1)
	}
	if !r2.Alive || r2.Listens || r2.Serves || r2.Gone != "" || r2.Sealed != nil || !strings.Contains(r2.Error, "cannot be read") {
		t.Errorf("r2: %+v", r2)
	}
	if r3.Alive || r3.Gone != "was killed, and stays down" {
		t.Errorf("r3: %+v", r3)
	}
	if r4.Alive || r4.Gone != "" || r4.State != "starting" {
		t.Errorf("r4: %+v", r4)
	}
	if r5.Listens || r5.Gone != "is failed: its disk is full" {
		t.Errorf("r5: %+v", r5)
	}
}

// A state of before modes could be changed is of the mode's first epoch.
func TestOlderState(t *testing.T) {
	dir := t.TempDir()
	old := `{"version":1,"cluster":"fake","epoch":1,"mode":{"name":"sequential"}}`
	if err := os.WriteFile(filepath.Join(dir, stateName), []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := readState(dir)
	if err != nil || s.record() != (modechange.Record{Epoch: 1, ModeEpoch: 1}) || s.Declared.Name != "sequential" {
		t.Errorf("%+v, %v", s, err)
	}
}
