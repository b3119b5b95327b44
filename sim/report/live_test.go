package report

import (
	"testing"
	"time"

	"consequor/sim/history"
)

// A real run is drawn from what its supervisor has seen: who was down until when,
// which link was cut, who was in office.
func TestLiveRun(t *testing.T) {
	ms := time.Millisecond
	h := &history.History{Live: true, Replicas: 3, Events: []history.Event{
		{Kind: "coordinator", Replica: 1, Text: "r1 is coordinator, term 2"},
		{At: 1 * ms, Kind: "killed", Replica: 1, Text: "r1 was killed, and stays down until it is restarted"},
		{At: 2 * ms, Kind: "coordinator", Text: "no coordinator is known"},
		{At: 3 * ms, Kind: "coordinator", Replica: 2, Text: "r2 is coordinator, term 3"},
		{At: 4 * ms, Kind: "spawned", Replica: 1, Text: "r1 is spawned, pid 7"},
		{At: 5 * ms, Kind: "plugin", Replica: 3, Text: "r3 has lost its plugin, pid 9"},
		{At: 6 * ms, Kind: "serving", Replica: 3, Text: "r3 has caught up and serves"},
		{At: 7 * ms, Kind: "cut", Replica: 1, Peer: 2, Text: "link r1 -> r2: cut"},
		{At: 7 * ms, Kind: "delayed", Replica: 2, Peer: 3, Text: "link r2 -> r3: delay 20ms"},
		{At: 8 * ms, Kind: "paused", Replica: 2, Text: "r2 is paused"},
		{At: 9 * ms, Kind: "resumed", Replica: 2, Text: "r2 is resumed"},
		{At: 10 * ms, Kind: "healed", Replica: 1, Peer: 2, Text: "all links: healed"},
		{At: 10 * ms, Kind: "healed", Replica: 2, Peer: 3, Text: "all links: healed"},
		{At: 11 * ms, Kind: "died", Replica: 3, Text: "r3 has died"},
		{At: 12 * ms, Kind: "mode", Replica: 1, Text: "r1 begins epoch 2 in mode quorum"},
	}, Epochs: []history.Epoch{{Number: 1, Mode: "sequential"}, {Number: 2, Mode: "quorum"}}}
	m := modelOf(&Report{History: h})
	type lasts struct {
		kind          string
		replica, peer int
		from, to      int64
	}
	var got []lasts
	for _, s := range m.Spans {
		got = append(got, lasts{s.Kind, int(s.Replica), int(s.Peer), s.From, s.To})
	}
	want := []lasts{
		{"down", 1, 0, 1000, 4000}, {"plugin", 3, 0, 5000, 6000}, {"cut", 1, 2, 7000, 10000},
		{"fault", 2, 3, 7000, 10000}, {"paused", 2, 0, 8000, 9000}, {"down", 3, 0, 11000, -1},
	}
	if len(got) != len(want) {
		t.Fatalf("spans %+v, want %+v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("span %d is %+v, want %+v", i, got[i], want[i])
		}
	}
	var roles []role
	for _, r := range m.Roles {
		if r.Leads {
			roles = append(roles, r)
		}
	}
	if len(roles) != 2 || roles[0].Replica != 1 || roles[0].To != 1000 || roles[1].Replica != 2 || roles[1].Term != 3 || roles[1].To != -1 {
		t.Errorf("in office: %+v", roles)
	}
	if len(m.Epochs) != 2 || m.Epochs[1].From != 12000 {
		t.Errorf("epochs: %+v", m.Epochs)
	}
}
