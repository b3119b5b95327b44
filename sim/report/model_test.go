package report

import (
	"slices"
	"testing"
	"time"

	"consequor/board"
	"consequor/sim/cluster"
	"consequor/sim/history"
)

// event puts one together: at so many milliseconds.
func event(ms int, kind cluster.EventKind, replica, peer board.ReplicaID, text string) cluster.Event {
	return cluster.Event{At: time.Duration(ms) * time.Millisecond, Kind: kind, Replica: replica, Peer: peer, Text: text}
}

// What lasts begins and ends with the right events.
func TestSpans(t *testing.T) {
	type found struct {
		kind     string
		from, to int // ms; to -1: the end
	}
	for _, test := range []struct {
		name   string
		events []cluster.Event
		want   []found
	}{
		{"a crash takes the pause and the plugin's absence along", []cluster.Event{
			event(1, cluster.Paused, 1, 0, ""), event(2, cluster.PluginDown, 1, 0, ""), event(3, cluster.Crashed, 1, 0, ""), event(5, cluster.Booted, 1, 0, ""),
		}, []found{{"paused", 1, 3}, {"plugin", 2, 3}, {"down", 3, 5}}},
		{"who fails while down is down once, and for good", []cluster.Event{
			event(1, cluster.Crashed, 1, 0, ""), event(2, cluster.Failed, 1, 0, "rot"), event(3, cluster.Booted, 2, 0, ""),
		}, []found{{"down", 1, -1}}},
		{"two cuts of one link need two heals, other links are others", []cluster.Event{
			event(1, cluster.Cut, 1, 2, ""), event(2, cluster.Cut, 1, 2, ""), event(3, cluster.Cut, 2, 1, ""),
			event(4, cluster.Healed, 1, 2, ""), event(6, cluster.Healed, 1, 2, ""),
		}, []found{{"cut", 1, 4}, {"cut", 2, 6}, {"cut", 3, -1}}},
		{"a fault ends by its words, also those of a hunted replica", []cluster.Event{
			event(1, cluster.Fault, 3, 0, "r3: is cut off"), event(2, cluster.Fault, 3, 0, "its disk is slow"),
			event(4, cluster.FaultOver, 3, 0, "is cut off"), event(6, cluster.FaultOver, 3, 0, "its disk is slow"),
		}, []found{{"fault", 1, 4}, {"fault", 2, 6}}},
		{"when all faults are over, those that say how long last so long at most", []cluster.Event{
			event(1, cluster.Fault, 1, 0, "the clock is slow for 3ms"), event(2, cluster.Fault, 2, 0, "paused for 400 ms"), event(3, cluster.Fault, 2, 0, "crash"),
			event(9, cluster.FaultOver, 0, 0, "all faults are over"),
		}, []found{{"fault", 1, 4}, {"fault", 2, 9}, {"fault", 3, 3}}},
		{"a fault that nothing ends", []cluster.Event{event(1, cluster.Fault, 1, 0, "pause for 1.5 s")}, []found{{"fault", 1, 1501}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []found
			for _, s := range spansOf(test.events) {
				got = append(got, found{s.Kind, int(s.From / 1000), max(-1, int(s.To/1000))})
				if s.To < 0 {
					got[len(got)-1].to = -1
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}

// A role lasts until the next one, or until its process dies.
func TestRoles(t *testing.T) {
	got := rolesOf([]cluster.Event{
		event(1, cluster.Role, 1, 0, "follower, term 3"), event(2, cluster.Role, 1, 0, "coordinator, term 4"),
		event(3, cluster.Role, 2, 0, "peer, term 0"), event(5, cluster.Crashed, 1, 0, ""),
	})
	want := []role{
		{Replica: 1, From: 1000, To: 2000, Text: "follower, term 3", Term: 3},
		{Replica: 1, From: 2000, To: 5000, Text: "coordinator, term 4", Term: 4, Leads: true},
		{Replica: 2, From: 3000, To: -1, Text: "peer"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// A message may arrive twice, never, or without its beginning.
func TestMessages(t *testing.T) {
	m := &model{Summary: summary{Assert: -1}}
	message := func(number uint64, kind cluster.EventKind) cluster.Event {
		return cluster.Event{Kind: kind, Message: number, Replica: 1, Peer: 2}
	}
	m.addEvents([]cluster.Event{
		message(9, cluster.Arrived), message(1, cluster.Sent), message(2, cluster.Sent), message(1, cluster.Arrived),
		message(1, cluster.Arrived), message(3, cluster.Sent), message(3, cluster.Lost),
	}, 0, 7)
	want := [][2]int{{-1, 0}, {1, 3}, {1, 4}, {2, -1}, {5, 6}}
	if !slices.Equal(m.Messages, want) {
		t.Errorf("%v, want %v", m.Messages, want)
	}
}

// Epochs begin with the supervisor's record, or where an operation first shows
// them; one that nobody has seen is not there.
func TestEpochs(t *testing.T) {
	h := &history.History{
		Epochs: []history.Epoch{{Number: 1, Mode: "sequential"}, {Number: 2, Mode: "quorum"}, {Number: 3, Mode: "sequential"}, {Number: 4, Mode: "quorum"}},
		Ops: []history.Op{
			{Number: 1, Epoch: 2, Outcome: history.OK, Return: 9 * time.Millisecond},
			{Number: 2, Epoch: 3, Outcome: history.OK, Return: 12 * time.Millisecond},
		},
	}
	got := epochsOf(h, []cluster.Event{event(5, cluster.Decided, 0, 0, "on record: epoch 2 in mode quorum, which began with epoch 2")})
	want := []epoch{{1, "sequential", 0}, {2, "quorum", 5000}, {3, "sequential", 12000}}
	if !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// With many replicas those of the verdict are shown, and who coordinated.
func TestLanes(t *testing.T) {
	r := wideRun(2000)
	m := modelOf(r)
	for _, p := range m.Summary.Proof {
		if at := opNumbered(r.History, p.Number).Replica; !slices.Contains(m.Lanes, at) {
			t.Errorf("the columns are %v, without %s of operation %d", m.Lanes, at, p.Number)
		}
	}
	if !slices.Contains(m.Lanes, 1) || len(m.Lanes) > lanesMax {
		t.Errorf("the columns are %v", m.Lanes)
	}
	r.Verdicts, r.Events = nil, nil
	if m = modelOf(r); len(m.Lanes) != lanesMax {
		t.Errorf("without a verdict the columns are %v", m.Lanes)
	}
}

// Scenario: a run of more events than a page holds, whose verdict is about its
// beginning. The page keeps the beginning, and says what it leaves out; its
// faults and roles are those of the whole run.
func TestLongRunsAreCut(t *testing.T) {
	r := longRun(eventsMax + 20_000)
	r.Verdicts[1].Ops = []int{3, 7}
	m := modelOf(r)
	if n := len(m.Events.At); n != eventsMax || m.Events.First != 0 || m.LeftOut == "" {
		t.Errorf("%d events from %d on; %q", n, m.Events.First, m.LeftOut)
	}
	r.Verdicts = nil
	m = modelOf(r)
	if m.Events.First != len(r.Events)-eventsMax || m.Ops[0].Return < m.Events.At[0] && m.Ops[0].Call < m.Events.At[0] {
		t.Errorf("events from %d on, operations from %+v on", m.Events.First, m.Ops[0])
	}
	if m.Spans[0].From >= m.Events.At[0] {
		t.Error("what began before the events that are shown is not there")
	}
}
