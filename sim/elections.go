package sim

import (
	"fmt"
	"slices"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/sim/cluster"
)

// part is what a replica does in an election.
type part uint8

// The parts in an election: who campaigns, who has just come to a term that
// nobody has won yet, who has just won.
const (
	candidate part = iota
	voter
	winner
	partCount
)

var partWords = [partCount]string{"who campaigns", "who has just voted", "who has just won"}

type (
	// lurking waits for elections, and strikes at whoever has a part in one:
	// machines are restarted just as others look to them, and a switch that
	// fails takes more with it than the coordinator.
	lurking struct {
		part    part
		times   int           // elections, at most
		long    time.Duration // it waits no longer
		strikes []strike
	}

	// strike is a fault of one replica, who is known when its time has come.
	strike struct {
		aimed aimed
		text  string
		after time.Duration // at most, from what was waited for
	}

	// aimed is a fault that can be had for any replica.
	aimed interface {
		aim(at board.ReplicaID) action
	}

	// flapping lets a process, or its plugin alone, live several short lives.
	flapping struct {
		at      board.ReplicaID
		plugin  bool
		times   int
		life    time.Duration // from one death to the next, at most
		leaves  cluster.Crash
		restart time.Duration // of a process, at most
	}
)

func (c crashing) aim(at board.ReplicaID) action    { c.at = at; return c }
func (i isolating) aim(at board.ReplicaID) action   { i.at = at; return i }
func (p pausing) aim(at board.ReplicaID) action     { p.at = at; return p }
func (s slowing) aim(at board.ReplicaID) action     { s.at = at; return s }
func (p pluginDeath) aim(at board.ReplicaID) action { p.at = at; return p }

// won is the highest term that somebody has won in the newest epoch.
type won struct{ epoch, term uint64 }

// lurker is a lurking that waits.
type lurker struct {
	lurking
	action *Action
	left   int
	relay  *relay // it is one of these instead; nil: it is not
}

func (l lurking) do(r *run, a *Action) {
	r.emit(cluster.Event{Kind: cluster.Fault}, "%s", a.Text)
	one := &lurker{lurking: l, action: a, left: l.times}
	r.lurkers = append(r.lurkers, one)
	r.over(l.long, 0, a, func() {
		r.lurkers = slices.DeleteFunc(r.lurkers, func(other *lurker) bool { return other == one })
	})
}

// officeNews looks whether somebody waits for what a replica has just become.
// The strike comes when its host has returned, or some time after.
func (r *run) officeNews(at board.ReplicaID, before, now modes.Status) {
	if epoch := r.cluster.Replica(at).Level().Epoch; epoch > r.won.epoch {
		r.won = won{epoch: epoch}
	}
	if now.Role == modes.RoleCoordinator || now.Coordinator != 0 {
		r.won.term = max(r.won.term, now.Term)
	}
	if y := r.relay(); y != nil { // it has the offices for itself
		y.news(at, before, now)
		return
	}
	for _, l := range r.lurkers {
		if l.left == 0 || !r.takesPart(l.part, before, now) {
			continue
		}
		l.left--
		random := r.random(l.action)
		for range l.times - l.left { // each strike another time
			random.Uint64()
		}
		for _, s := range l.strikes {
			r.after(drawTime(random, 0, s.after), func() { r.strike(l, s, at) })
		}
	}
}

// takesPart reports whether a change of role or term is what somebody waits for.
func (r *run) takesPart(p part, before, now modes.Status) bool {
	switch p {
	case candidate: // in earnest: before, raft only asks who would vote for it
		return now.Role == modes.RoleCandidate && now.Term > before.Term
	case voter:
		return now.Term > before.Term && now.Term > r.won.term && now.Role != modes.RoleCoordinator && now.Role != modes.RoleCandidate
	}
	return now.Role == modes.RoleCoordinator && (before.Role != now.Role || before.Term != now.Term)
}

func (r *run) strike(l *lurker, s strike, at board.ReplicaID) {
	if !slices.Contains(r.lurkers, l) { // faults are over
		return
	}
	a := *l.action
	a.Text = fmt.Sprintf("%s, %s: %s", at, partWords[l.part], s.text)
	s.aimed.aim(at).do(r, &a)
}

func (f flapping) do(r *run, a *Action) {
	replica, random := r.target(f.at, a), r.random(a)
	at := time.Duration(0)
	for range f.times {
		r.after(at, func() {
			if f.plugin {
				replica.KillPlugin()
				return
			}
			r.holdDown(replica.ID, drawTime(random, 0, f.restart))
			replica.Crash(f.leaves)
		})
		at += drawTime(random, time.Millisecond, f.life)
	}
	r.over(at, replica.ID, a, nil)
}
