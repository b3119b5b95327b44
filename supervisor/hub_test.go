package supervisor

import (
	"fmt"
	"strings"
	"testing"

	"consequor/board"
	"consequor/replicad/api"
	"consequor/topologies"
)

// Who is coordinator, told as a story: one line is one thing that happens, and
// what the hub makes of it.
//
//	r2 5 r1 r2    r2 serves and reports: term 5, coordinator r1, backup r2
//	r2 dies       its process is gone
//	r2 starts     a new one is spawned
//	r2 paused, r2 resumed
//	r2 cut r1     the link between the two is cut
func TestCoordinator(t *testing.T) {
	for _, story := range []struct{ name, lines string }{
		{"an election", `
r1 0 - -     => none, none
r2 1 r1 -    => r1, none
r1 1 r1 r2   => r1, r2
r3 1 - -     => r1, r2`},
		{"one that does not serve is not named", `
r2 3 r1 -    => none, none
r1 3 r1 r2   => r1, r2`},
		{"a coordinator that dies is forgotten, also when it is back before the others notice", `
r1 5 r1 r2   => r1, none
r2 5 r1 r2   => r1, r2
r3 5 r1 r2   => r1, r2
r1 dies      => none, r2
r1 starts    => none, r2
r1 5 - -     => none, r2
r2 6 r2 r3   => r2, r3
r3 6 r2 r3   => r2, r3
r1 6 r2 r3   => r2, r3
r2 dies      => none, r3
r2 starts    => none, r3
r1 7 r2 -    => none, none
r2 7 r2 r1   => r2, r1`},
		{"the newest term decides, whoever knows it", `
r1 5 r1 r2   => r1, none
r2 5 r1 r2   => r1, r2
r3 6 - -     => none, none
r2 6 r2 r3   => r2, r3
r1 5 r1 r2   => r2, r3`},
		{"a paused coordinator is none, and wakes up deposed", `
r1 5 r1 r2   => r1, none
r2 5 r1 r2   => r1, r2
r1 paused    => none, r2
r2 6 r2 r3   => r2, none
r3 6 r2 -    => r2, r3
r1 resumed   => r2, r3`},
		{"a dead plugin is a dead state machine", `
r1 5 r1 r2   => r1, none
r2 5 r1 r2   => r1, r2
r1 5 - - 77  => r1, r2
r1 5 - - 78  => none, r2
r1 6 r1 r3   => r1, none
r3 6 r1 r3   => r1, r3`},
		{"who is cut off from the coordinator that most follow deposes nobody", `
r1 5 r1 r2   => r1, none
r2 5 r1 r2   => r1, r2
r3 5 r1 r2   => r1, r2
r3 cut r1    => r1, r2
r3 6 - -     => r1, r2
r3 7 - -     => r1, r2
r2 8 - -     => none, none
r2 8 r2 r3   => r2, r3
r3 8 r2 r3   => r2, r3`},
		{"a mode without a coordinator", `
r1 0 - -     => none, none
r2 0 - -     => none, none`},
	} {
		t.Run(story.name, func(t *testing.T) {
			h := testHub(3)
			for line := range strings.Lines(strings.TrimSpace(story.lines)) {
				happens, want, _ := strings.Cut(strings.TrimSpace(line), "=>")
				tell(t, h, strings.Fields(happens))
				s, _, _ := h.status()
				if got := name(s.Coordinator) + ", " + name(s.Backup); got != strings.TrimSpace(want) {
					t.Fatalf("%s: got %s", strings.TrimSpace(line), got)
				}
			}
		})
	}
}

func testHub(n int) *hub {
	var replicas []topologies.Replica
	for i := range n {
		r := fmt.Sprintf("r%d", i+1)
		replicas = append(replicas, topologies.Replica{ID: board.ReplicaID(i + 1), Name: r, Process: r})
	}
	h := newHub(ClusterStatus{Cluster: "test"}, replicas)
	for _, r := range replicas {
		h.spawned([]string{r.Name}, 100)
	}
	return h
}

func tell(t *testing.T, h *hub, words []string) {
	t.Helper()
	replica := words[0]
	switch words[1] {
	case "dies":
		h.died([]string{replica}, EventKilled, StateKilled, "was killed")
		return
	case "starts":
		h.spawned([]string{replica}, 101)
		return
	case "cut":
		h.update(func() {
			h.faults.Put(topologies.LinkFault{From: h.row(replica).replica.ID, To: h.row(words[2]).replica.ID, Cut: true})
		})
		return
	case "paused", "resumed":
		h.setPaused([]string{replica}, words[1] == "paused")
		return
	}
	s := api.Status{Name: replica, Step: api.CaughtUp, PluginPID: 77}
	for i, to := range []any{&s.Term, &s.Coordinator, &s.Backup, &s.PluginPID} {
		if i+1 < len(words) && words[i+1] != "-" {
			if _, err := fmt.Sscan(words[i+1], to); err != nil {
				t.Fatalf("%q: %v", words, err)
			}
		}
	}
	h.reported(s)
}

func name(n *string) string {
	if n == nil {
		return "none"
	}
	return *n
}

// What a dead replica had on its board stays in the status; its role, term and
// plugin do not.
func TestDeadReplicaIsKnown(t *testing.T) {
	h := testHub(1)
	h.reported(api.Status{Name: "r1", Step: api.CaughtUp, Role: "coordinator", Term: 4, Articles: 17, Vector: "17", PluginPID: 9, Behind: 2})
	h.died([]string{"r1"}, EventKilled, StateKilled, "was killed")
	s, _, _ := h.status()
	r := s.Replicas[0]
	if r.Articles != 17 || r.Vector != "17" || r.Role != "" || r.Term != 0 || r.PluginPID != 0 || r.PID != 0 || r.Behind != 0 || r.Why != "was killed" {
		t.Errorf("%+v", r)
	}
}

// A change of coordinator is one event, and so is the moment when all serve;
// reports that change neither are none.
func TestHubEvents(t *testing.T) {
	h := testHub(2)
	for range 3 {
		tell(t, h, strings.Fields("r1 1 r1 -"))
		tell(t, h, strings.Fields("r2 1 r1 r2"))
	}
	tell(t, h, strings.Fields("r1 dies"))
	events, _, _, _ := h.eventsAfter(0)
	var got []string
	for i, e := range events {
		if e.Seq != uint64(i+1) {
			t.Errorf("event %d has number %d", i+1, e.Seq)
		}
		got = append(got, e.Text)
	}
	want := `r1 is spawned, pid 100
r2 is spawned, pid 100
r1 has caught up and serves
r1 is coordinator, term 1
r2 has caught up and serves
all 2 replicas serve
r1 was killed
no coordinator is known`
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
}

// A reader that falls behind by more than is kept is told so; a late one just
// begins with what is kept.
func TestSlowReader(t *testing.T) {
	h := testHub(1)
	for i := range eventsKept + 10 {
		h.note(EventNote, "", fmt.Sprint(i))
	}
	events, lost, closed, _ := h.eventsAfter(3)
	if len(events) != eventsKept || !lost || closed {
		t.Errorf("%d events, lost %v, closed %v", len(events), lost, closed)
	}
	last := events[len(events)-1].Seq
	if events, lost, _, _ := h.eventsAfter(last); len(events) != 0 || lost {
		t.Errorf("after the last: %d events, lost %v", len(events), lost)
	}
	if events, lost, _, _ := h.eventsAfter(last - 2); len(events) != 2 || lost {
		t.Errorf("two before the last: %d events, lost %v", len(events), lost)
	}
}

// A full disk is told when it begins and when it ends, and beside the state of a
// replica that serves on.
func TestFullDiskIsTold(t *testing.T) {
	h := testHub(2)
	full := api.Status{Name: "r2", Step: api.CaughtUp, DiskFull: true}
	h.reported(full)
	h.reported(full)
	if s, _, _ := h.status(); s.Replica("r2").State != StateServing || s.Replica("r2").Why != "room on its full disk; until then it refuses posts" {
		t.Errorf("r2 is %s: %q", s.Replica("r2").State, s.Replica("r2").Why)
	}
	full.DiskFull = false
	h.reported(full)
	if s, _, _ := h.status(); s.Replica("r2").Why != "" {
		t.Errorf("r2 has room, and %q", s.Replica("r2").Why)
	}
	var notes []string
	events, _, _, _ := h.eventsAfter(0)
	for _, e := range events {
		if e.Kind == EventNote {
			notes = append(notes, e.Text)
		}
	}
	if want := "the disk of r2 is full: it refuses posts until there is room\nthe disk of r2 has room again"; strings.Join(notes, "\n") != want {
		t.Errorf("told %q", notes)
	}
}
