package sequential

import (
	"fmt"
	"strings"
	"testing"
	"time"

	pb "go.etcd.io/raft/v3/raftpb"

	"consequor/board"
	"consequor/modes"
)

// elected returns a loop of three modes, of which r1 coordinates; its first
// entry is applied everywhere.
func elected() *loop {
	l := newLoop(3)
	l.run(func() bool {
		r1 := l.modes[0]
		return r1.leads() && r1.applied == r1.log.last() && l.modes[1].applied == r1.applied && l.modes[2].applied == r1.applied
	})
	return l
}

// stepOne gives events to one mode and returns its effects, which go nowhere.
func (l *loop) stepOne(replica board.ReplicaID, events ...modes.Event) []modes.Effect {
	l.now += time.Millisecond
	var out modes.Effects
	l.modes[replica-1].Step(modes.Batch{Now: l.now, Events: events}, &out)
	return out.List
}

// of returns the effects of one type.
func of[E modes.Effect](effects []modes.Effect) []E {
	var found []E
	for _, effect := range effects {
		if e, ok := effect.(E); ok {
			found = append(found, e)
		}
	}
	return found
}

// denials returns the rounds that were denied.
func denials(effects []modes.Effect) []uint64 {
	var rounds []uint64
	for _, e := range of[modes.SendNow](effects) {
		if r := (board.Reader{Rest: e.Message}); r.Byte() == messageDenied {
			rounds = append(rounds, cutDenied(&r).round)
		}
	}
	return rounds
}

func forwardOf(term, round uint64) modes.Receive {
	entry := appendPost(nil, &post{1, nonce{2, 1, modes.RequestID(round)}, 0, board.Article{Title: "t", Key: fmt.Sprint("k", round)}})
	f := forward{coordinator: 1, term: term, from: 2, incarnation: 1, round: round, entries: [][]byte{entry}}
	return modes.Receive{From: 2, Message: appendForward(nil, &f)}
}

// A forward is decided once, whatever copies the network makes:
//
//  1. r1 proposes round 1; a copy is not proposed again.
//  2. Round 2 is of another term: denied. A copy is not even denied again, and a
//     round that comes out of order counts as lost.
func TestForwardDecidedOnce(t *testing.T) {
	l := elected()
	r1 := l.modes[0]
	last := r1.log.last()
	l.stepOne(1, forwardOf(r1.term, 1), forwardOf(r1.term, 1))
	l.stepOne(1, forwardOf(r1.term, 1))
	if got := r1.log.last() - last; got != 1 {
		t.Errorf("%d entries for three copies of one post, want 1", got)
	}
	if got := denials(l.stepOne(1, forwardOf(r1.term+1, 3))); len(got) != 1 || got[0] != 3 {
		t.Errorf("a forward of another term: denied %v, want [3]", got)
	}
	if got := denials(l.stepOne(1, forwardOf(r1.term+1, 3), forwardOf(r1.term, 2))); len(got) != 0 {
		t.Errorf("decided before, or out of order: denied %v", got)
	}
	if got := r1.log.last() - last; got != 1 {
		t.Errorf("%d entries in the end, want 1", got)
	}
}

// What was addressed to an earlier life may have been proposed by it: silence.
func TestForwardToAnEarlierLife(t *testing.T) {
	l := elected()
	if got := denials(l.stepOne(1, forwardOf(l.modes[0].forwards.startTerm, 1))); len(got) != 0 {
		t.Errorf("denied %v, which an earlier life may have proposed", got)
	}
}

// A coordinator with too many posts under way takes no more, and says so before
// it proposes.
func TestOverload(t *testing.T) {
	l := elected()
	l.modes[0].limits.underWayMax = 2
	var events []modes.Event
	for i := range 4 {
		events = append(events, modes.Request{ID: modes.RequestID(100 + i), Verb: modes.VerbPost, Deadline: time.Hour, Article: board.Article{Title: "t"}})
	}
	refused := of[modes.Refuse](l.stepOne(1, events...))
	if len(refused) != 2 || refused[0].Request != 102 || refused[0].Kind != modes.Overloaded {
		t.Errorf("of four posts with room for two, refused: %+v", refused)
	}
	if got := denials(l.stepOne(1, forwardOf(l.modes[0].term, 1))); len(got) != 1 {
		t.Errorf("a forward while full: denied %v, want one", got)
	}
}

// A batch of posts is one message of the engine and one record.
func TestBatchIsOneMessage(t *testing.T) {
	l := elected()
	var events []modes.Event
	for i := range 100 {
		events = append(events, modes.Request{ID: modes.RequestID(100 + i), Verb: modes.VerbPost, Deadline: time.Hour, Article: board.Article{Title: "t"}})
	}
	effects := l.stepOne(1, events...)
	if saves, sends := len(of[modes.Save](effects)), len(of[modes.SendNow](effects)); saves != 1 || sends != 2 {
		t.Errorf("100 posts: %d records and %d messages, want 1 and 2", saves, sends)
	}
}

// A full batch of large posts, at the coordinator of seven: no record and no
// message is large, and what the step wants done together stays below what a
// plugin may answer. At a follower, the same batch is forwarded in pieces.
func TestLargeBatch(t *testing.T) {
	l := newLoop(7)
	l.run(func() bool {
		return l.modes[0].leads() && l.modes[0].applied == l.modes[0].log.last() && l.modes[1].lead == 1
	})
	var events []modes.Event
	for i := range 64 {
		article := board.Article{Body: strings.Repeat("x", board.BodyLenMax)}
		events = append(events, modes.Request{ID: modes.RequestID(1000 + i), Verb: modes.VerbPost, Deadline: time.Hour, Article: article})
	}
	for _, replica := range []board.ReplicaID{2, 1} {
		total := 0
		for _, effect := range l.stepOne(replica, events...) {
			size := effectSize(effect)
			if total += size; size > modes.PieceSizeMax {
				t.Errorf("at %s: a %T of %d bytes", replica, effect, size)
			}
		}
		if total < 4<<20 || total > 15<<20 {
			t.Errorf("at %s: a step wants %d bytes done", replica, total)
		}
	}
}

func effectSize(effect modes.Effect) int {
	switch e := effect.(type) {
	case modes.Save:
		return len(e.Record)
	case modes.SendNow:
		return len(e.Message)
	case modes.Send:
		return len(e.Message)
	}
	return 0
}

// A replica alone replays a long log of large posts after a restart: bit by
// bit, each step a few MiB at most.
func TestLongReplay(t *testing.T) {
	l := &log{base: bootIndex, baseTerm: bootTerm}
	records := [][]byte{appendSnapshotRecord(nil, &snapshotRecord{
		term: 1, index: bootIndex, indexTerm: bootTerm, voters: []uint64{1}, state: newState(nil), alone: true,
	})}
	for i := range 200 {
		data := appendPost(nil, &post{1, nonce{1, 1, modes.RequestID(i)}, 0, board.Article{Body: strings.Repeat("x", board.BodyLenMax)}})
		entry := &pb.Entry{Term: new(uint64(1)), Index: new(l.last() + 1), Data: data}
		l.append([]*pb.Entry{entry})
		records = append(records, appendEntriesRecord(nil, []*pb.Entry{entry}))
	}
	stored := 0
	steps := loop{modes: []*Mode{newMode(defaultLimits)}, ticks: make([][]time.Duration, 1)}
	steps.events = [][]modes.Event{{modes.Saved{First: 1, Records: records}, modes.Start{Epoch: 1, Incarnation: 2, Self: 1, Replicas: []board.ReplicaID{1}}}}
	for rounds := 0; stored < 200 && rounds < 1000; rounds++ {
		events := steps.events[0]
		steps.events[0] = nil
		size := 0
		for _, effect := range steps.stepOne(1, events...) {
			steps.do(0, effect)
			if e, ok := effect.(modes.Store); ok {
				stored += len(e.Articles)
				size += len(e.Articles) * board.BodyLenMax
			}
		}
		if size > 5<<20 {
			t.Fatalf("one step stores %d bytes", size)
		}
	}
	if stored != 200 {
		t.Errorf("%d articles are stored in the end, want 200", stored)
	}
}

// What cannot work says why, and halts instead of failing again and again.
func TestHalt(t *testing.T) {
	start := modes.Start{Epoch: 1, Incarnation: 1, Self: 1, Replicas: []board.ReplicaID{1}}
	many, option, stranger := start, start, start
	for id := board.ReplicaID(2); id <= 9; id++ {
		many.Replicas = append(many.Replicas[:id-1:id-1], id)
	}
	option.Options = []modes.Option{{Name: "speed", Value: "9"}}
	stranger.Voters = []board.ReplicaID{2, 3}
	tests := []struct {
		events []modes.Event
		why    string
	}{
		{[]modes.Event{many}, "at most 7 replicas for now, not 9"},
		{[]modes.Event{option}, `no option "speed"`},
		{[]modes.Event{stranger}, "r1 is not among the voters"},
		{[]modes.Event{modes.Saved{First: 4, Records: [][]byte{{77}}}, start}, "record 4: of an unknown kind, 77"},
		{[]modes.Event{modes.Saved{First: 1, Records: [][]byte{appendVoteRecord(nil, 2, 1)}}, start}, "no snapshot"},
	}
	for _, test := range tests {
		var out modes.Effects
		New().Step(modes.Batch{Events: test.events}, &out)
		halts := of[modes.Halt](out.List)
		if len(halts) != 1 || !strings.Contains(halts[0].Why, test.why) {
			t.Errorf("want a halt with %q, got %+v", test.why, halts)
		}
	}
}

// A coordinator that has seen this replica save more than it has: the log is
// lost, and a vote from here could undo what was acknowledged.
func TestLostLog(t *testing.T) {
	l := elected()
	heartbeat := &pb.Message{Type: pb.MsgHeartbeat.Enum(), Term: new(l.modes[1].term), Commit: new(uint64(1000))}
	effects := l.stepOne(2, modes.Receive{From: 1, Message: appendRaftMessages(nil, []*pb.Message{heartbeat})})
	if halts := of[modes.Halt](effects); len(halts) != 1 || !strings.Contains(halts[0].Why, "log lost") {
		t.Errorf("halts: %+v", halts)
	}
	if effects := l.stepOne(2, modes.PeerDown{Peer: 1}); len(effects) != 0 {
		t.Errorf("after the halt: %+v", effects)
	}
}

// Cancelled requests are forgotten, answered ones as well.
func TestCancel(t *testing.T) {
	l := elected()
	l.stepOne(2, modes.PeerDown{Peer: 1}, modes.Request{ID: 7, Verb: modes.VerbPost, Deadline: time.Hour, Article: board.Article{Title: "t"}})
	if got := len(l.modes[1].waiting.byID); got != 1 {
		t.Fatalf("%d requests wait, want 1", got)
	}
	l.stepOne(2, modes.Cancel{Request: 7}, modes.Cancel{Request: 8})
	if got := len(l.modes[1].waiting.byID); got != 0 {
		t.Errorf("%d requests wait after the cancel", got)
	}
}

// Garbage from a peer is dropped with a note.
func TestGarbage(t *testing.T) {
	l := elected()
	for _, message := range [][]byte{nil, {99}, {messageForward}, {messageRaft, 200}, {messageGone, 1}, {messageDurable, 5, 5},
		appendRaftMessages(nil, []*pb.Message{{Type: pb.MsgHup.Enum()}}), appendRaftMessages(nil, []*pb.Message{{Type: pb.MsgSnap.Enum()}})} {
		effects := l.stepOne(2, modes.Receive{From: 3, Message: message})
		if len(of[modes.Halt](effects))+len(of[modes.Save](effects)) > 0 {
			t.Errorf("%x did something: %+v", message, effects)
		}
	}
}

// People read the description before they choose the mode.
func TestDescription(t *testing.T) {
	d := Describe()
	if d.Name != "sequential" || d.ReplicasMax != replicasMax || d.Promise == "" || d.Survives == "" || d.Version == "" {
		t.Errorf("description %+v", d)
	}
}
