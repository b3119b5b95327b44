package report

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"consequor/board"
	"consequor/sim/cluster"
	"consequor/sim/history"
)

// recorder puts a sample run together by hand.
type recorder struct {
	at      time.Duration
	events  []cluster.Event
	h       history.History
	message uint64
}

func (r *recorder) emit(kind cluster.EventKind, replica, peer board.ReplicaID, text string) {
	r.events = append(r.events, cluster.Event{At: r.at, Replica: replica, Peer: peer, Kind: kind, Text: text})
}

// send has a message arrive, or be lost, after a while.
func (r *recorder) send(from, to board.ReplicaID, way time.Duration, end cluster.EventKind, text string) {
	r.message++
	r.events = append(r.events,
		cluster.Event{At: r.at, Replica: from, Peer: to, Kind: cluster.Sent, Message: r.message, Text: text},
		cluster.Event{At: r.at + way, Replica: to, Peer: from, Kind: end, Message: r.message, Text: text})
}

// operation runs from now on.
func (r *recorder) operation(o history.Op, took time.Duration) {
	o.Number = len(r.h.Ops) + 1
	o.Call, o.Return = r.at, r.at+took
	end := cluster.Event{At: o.Return, Replica: o.Replica, Kind: cluster.Returned, Op: o.Number, Text: string(o.Outcome) + " " + answerOf(&o)}
	r.events = append(r.events, cluster.Event{At: o.Call, Replica: o.Replica, Kind: cluster.Called, Op: o.Number, Text: whatOf(&o) + " at " + o.Replica.String()})
	if o.Outcome == history.Unknown {
		o.Return = 0
	} else {
		r.events = append(r.events, end)
	}
	r.h.Ops = append(r.h.Ops, o)
}

func (r *recorder) sorted() []cluster.Event {
	slices.SortStableFunc(r.events, func(a, b cluster.Event) int { return int(a.At - b.At) })
	return r.events
}

func (r *recorder) pass(d time.Duration) { r.at += d }

func cluster8() board.ArticleID { return board.ArticleID{Seq: 8} }

// cutRun is a run of a mode without terms: r1 leads, r2 is its backup; the link
// between r1 and r3 is cut, r3 nominates r2, and two articles get the id 8.
func cutRun() *Report {
	r := &recorder{h: history.History{
		Source: "simulator, example-primary, 3 replicas, seed 8", Replicas: 3, Healed: 30 * time.Millisecond,
		Epochs: []history.Epoch{{Number: 1, Mode: "example-primary", Promise: history.Sequential}},
	}}
	ms := time.Millisecond
	for id := board.ReplicaID(1); id <= 3; id++ {
		r.emit(cluster.Booted, id, 0, "")
	}
	r.pass(ms)
	r.emit(cluster.Role, 1, 0, "coordinator, term 1")
	r.emit(cluster.Role, 2, 0, "backup")
	r.emit(cluster.Role, 3, 0, "follower")
	r.pass(ms)
	r.operation(history.Op{Session: 1, Verb: history.Post, Replica: 1, Outcome: history.OK, Epoch: 1, IDs: []board.ArticleID{{Seq: 7}}}, 2*ms)
	r.send(1, 2, 700*time.Microsecond, cluster.Arrived, "BACKUPDATE 7")
	r.send(1, 3, 900*time.Microsecond, cluster.Arrived, "WRITE 7")
	r.pass(3 * ms)
	r.emit(cluster.Fault, 0, 0, "r1 and r3 are cut off from each other for 14 ms")
	r.emit(cluster.Cut, 1, 3, "")
	r.emit(cluster.Cut, 3, 1, "")
	r.send(1, 3, ms, cluster.Lost, "HELLO")
	r.pass(2 * ms)
	r.emit(cluster.LinkDown, 3, 1, "")
	r.send(3, 2, 600*time.Microsecond, cluster.Arrived, "NOMINATE r2")
	r.pass(ms)
	r.emit(cluster.Role, 2, 0, "coordinator, term 2")
	r.send(2, 1, 6*ms, cluster.Arrived, "NEWLEADER r2")
	r.send(2, 3, 500*time.Microsecond, cluster.Arrived, "NEWLEADER r2, backup r3")
	r.pass(ms)
	r.operation(history.Op{Session: 1, Verb: history.Post, Replica: 1, Outcome: history.OK, Epoch: 1, Key: "k-1", IDs: []board.ArticleID{cluster8()}}, 3*ms)
	r.send(1, 2, 800*time.Microsecond, cluster.Arrived, "BACKUPDATE 8")
	r.pass(300 * time.Microsecond)
	r.operation(history.Op{Session: 2, Verb: history.Post, Replica: 3, Outcome: history.OK, Epoch: 1, Key: "k-2", IDs: []board.ArticleID{cluster8()}}, 3*ms)
	r.send(3, 2, 400*time.Microsecond, cluster.Arrived, "GET_ID")
	r.pass(ms)
	r.emit(cluster.Stored, 2, 0, "8")
	r.send(2, 3, 500*time.Microsecond, cluster.Arrived, "BACKUPDATE 8")
	r.send(2, 1, 4*ms, cluster.Arrived, "WRITE 8")
	r.pass(4 * ms)
	r.emit(cluster.Failed, 1, 0, "article 8: stored twice with different content")
	r.operation(history.Op{Session: 1, Verb: history.Read, Replica: 1, Outcome: history.Unknown, Why: "connection broke", Tries: []history.Try{
		{Replica: 1, Call: r.at, Outcome: history.Unknown, Text: "connection broke"},
		{Replica: 2, Call: r.at + 2*ms, Return: r.at + 3*ms, Outcome: history.Refused, Text: "too_old"},
	}}, ms)
	r.pass(9 * ms)
	r.emit(cluster.FaultOver, 0, 0, "r1 and r3 are cut off from each other")
	r.emit(cluster.Healed, 1, 3, "")
	r.emit(cluster.Healed, 3, 1, "")
	r.emit(cluster.LinkUp, 3, 1, "")
	return &Report{
		Title: "example-primary, 3 replicas, seed 8", Replicas: 3, History: &r.h, Events: r.sorted(),
		Lines: []string{"options: none; faults: one-way,partition; 2 of 212 actions are left after shrinking", "consequorctl sim run --mode example-primary --replicas 3 --seed 8 --faults cut --only 4,19,20"},
		Verdicts: history.Verdicts{
			{Checker: "C0", Outcome: history.Violated, Property: "identity", Ops: []int{2, 3},
				Sentence: "two articles have the id 8: operation 2 (session 1, at r1) and operation 3 (session 2, at r3) were both acknowledged with it, and their contents differ"},
			{Checker: "C2", Outcome: history.Violated, Property: "one order", Sentence: "r1 and r3 hold different articles at position 8", Ops: []int{2, 3}},
			{Checker: "C5", Outcome: history.Holds},
		},
	}
}

// longRun is a run of at least n events on 5 replicas, with faults of many kinds.
func longRun(n int) *Report { return randomRun(5, n) }

// wideRun is one of 200 replicas.
func wideRun(n int) *Report { return randomRun(200, n) }

func randomRun(replicas, n int) *Report {
	random := rand.New(rand.NewPCG(uint64(replicas), uint64(n)))
	r := &recorder{h: history.History{Replicas: replicas, Epochs: []history.Epoch{
		{Number: 1, Mode: "sequential", Promise: history.Sequential}, {Number: 2, Mode: "quorum", Promise: history.Quorum}}}}
	any := func() board.ReplicaID { return board.ReplicaID(1 + random.IntN(replicas)) }
	for i := range replicas {
		r.emit(cluster.Booted, board.ReplicaID(i+1), 0, "")
	}
	leader, term := board.ReplicaID(1), 1
	r.emit(cluster.Role, leader, 0, "coordinator, term 1")
	changed := false
	for len(r.events) < n {
		r.pass(time.Duration(random.IntN(3000)) * time.Microsecond)
		if !changed && len(r.events) > n*3/4 {
			changed = true
			r.change()
		}
		switch random.IntN(40) {
		case 0:
			down := any()
			r.emit(cluster.Fault, down, 0, "crash, and restart after 40 ms")
			r.outage(cluster.Crashed, cluster.Booted, down, 40*time.Millisecond)
			if down == leader {
				term++
				leader = leader%board.ReplicaID(replicas) + 1
				r.emit(cluster.Role, leader, 0, fmt.Sprintf("coordinator, term %d", term))
			}
		case 1:
			r.outage(cluster.Paused, cluster.Resumed, any(), 25*time.Millisecond)
		case 2:
			r.cut(any(), any())
		case 3:
			r.emit(cluster.Fault, 0, 0, "3 % of frames are lost for 30 ms")
		case 4, 5, 6, 7:
			r.emit(cluster.Noted, any(), 0, "barrier 17 waits for index 4711")
		default:
			r.round(random, leader, any())
		}
	}
	r.h.Healed = r.at
	return &Report{
		Title: fmt.Sprintf("sequential, %d replicas, seed %d", replicas, n), Replicas: replicas, History: &r.h, Events: r.sorted(),
		Lines: []string{"options: voters 5, fresh reads 20 %", fmt.Sprintf("consequorctl sim run --mode sequential --replicas %d --seed %d", replicas, n)},
		Verdicts: history.Verdicts{{Checker: "C0", Outcome: history.Holds},
			{Checker: "C2", Outcome: history.Violated, Property: "session order", Ops: []int{len(r.h.Ops) / 2, len(r.h.Ops)/2 + 4},
				Sentence: fmt.Sprintf("session 3 read 41 articles in operation %d and 40 in operation %d, which it called later", len(r.h.Ops)/2, len(r.h.Ops)/2+4)}},
	}
}

// change is a mode change, by the supervisor.
func (r *recorder) change() {
	r.emit(cluster.Ordered, 0, 0, "r1: seal epoch 1")
	r.emit(cluster.Ordered, 0, 0, "r2: seal epoch 1")
	r.pass(4 * time.Millisecond)
	r.emit(cluster.Decided, 0, 0, "on record: epoch 2 in mode quorum, which began with epoch 2")
	r.emit(cluster.Ordered, 0, 0, "r1: activate epoch 2")
	r.emit(cluster.Ordered, 0, 0, "r2: activate epoch 2")
}

func (r *recorder) outage(begin, end cluster.EventKind, id board.ReplicaID, lasts time.Duration) {
	r.emit(begin, id, 0, "")
	r.events = append(r.events, cluster.Event{At: r.at + lasts, Replica: id, Kind: end})
}

func (r *recorder) cut(a, b board.ReplicaID) {
	r.emit(cluster.Cut, a, b, "")
	r.events = append(r.events, cluster.Event{At: r.at + 60*time.Millisecond, Replica: a, Peer: b, Kind: cluster.Healed})
}

// round is an operation with the messages that it takes.
func (r *recorder) round(random *rand.Rand, leader, at board.ReplicaID) {
	way := func() time.Duration { return time.Duration(200+random.IntN(2000)) * time.Microsecond }
	n := len(r.h.Ops) + 1
	o := history.Op{Session: 1 + random.IntN(6), Verb: history.Post, Replica: at, Outcome: history.OK, Epoch: 1, IDs: []board.ArticleID{{Seq: uint64(n)}}}
	switch random.IntN(8) {
	case 0:
		o.Outcome, o.Kind, o.Why, o.IDs = history.Refused, "no_majority", "r3 is connected to 1 of 5 voters", nil
	case 1:
		o.Outcome, o.Why, o.IDs = history.Unknown, "deadline", nil
	case 2, 3, 4:
		o.Verb, o.IDs = history.Read, nil
		o.View = &history.View{UpTo: board.Vector{{Seq: uint64(n)}}, Count: n}
	}
	r.operation(o, 3*way())
	r.send(at, leader, way(), cluster.Arrived, "MsgProp")
	for k := range board.ReplicaID(4) {
		end := cluster.Arrived
		if random.IntN(20) == 0 {
			end = cluster.Lost
		}
		r.send(leader, (leader+k)%board.ReplicaID(r.h.Replicas)+1, way(), end, fmt.Sprintf("MsgApp term 3 index %d", 4000+n))
	}
	r.emit(cluster.Stepped, leader, 0, fmt.Sprintf("batch %d: 3 events, 7 effects", n))
	r.emit(cluster.Synced, leader, 0, "")
	r.emit(cluster.Stored, leader, 0, fmt.Sprint(n))
}

// realRun is what a real cluster's history looks like: operations only.
func realRun() *Report {
	full := longRun(2000)
	full.Events = nil
	full.Title = "history of a cluster of 5, by 6 sessions"
	full.Verdicts = history.Verdicts{{Checker: "C0", Outcome: history.Holds}, {Checker: "C2", Outcome: history.Holds}}
	return full
}

func samples() map[string]*Report {
	hostile := cutRun()
	hostile.Title = attack
	hostile.Failure = "panic: " + attack
	for i := range hostile.Events {
		hostile.Events[i].Text += " " + attack
	}
	for i := range hostile.History.Ops {
		hostile.History.Ops[i].Key = attack
	}
	return map[string]*Report{"cut": cutRun(), "long": longRun(10_000), "wide": wideRun(6000), "real": realRun(), "hostile": hostile,
		"empty": {Title: "nothing at all"}}
}

// attack is what an article's title may be.
const attack = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\u202egnp.exe\xff"
