package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/sim/cluster"
)

// relaying is a relay of offices, each of them short, and its holder back only
// when the next one has ended. So logs grow apart by one entry an office, and
// meet again in an order that chance alone seldom finds. Three offices of three
// replicas make the case for which raft counts only entries of a coordinator's
// own term (Ongaro 2014, figure 3.7):
//
//  1. Nobody hears r1 from its campaign in term 2 on. It saves its first entry
//     alone, and crashes. So does r2 in term 3, elected by r3.
//  2. r1 is back, and r3 elects it in term 4. It has sent r3 its entry of term 2
//     when it is heard no more; but it hears that two of three have that one, and
//     nobody gets its entry of term 4.
//  3. r2 is back, and r3 elects it in term 5, as its log ends in a higher term.
//     Its entry takes the place of r1's.
type relaying struct {
	offices []office
	long    time.Duration // all of them together, at most
}

// office is one of a relay.
type office struct {
	heard bool          // until it ends; else nobody hears its holder, from the campaign on
	after time.Duration // it ends so long after it was won, at most
	crash bool          // its holder crashes then; else nobody hears it
}

// relay is a relaying that goes on.
type relay struct {
	relaying
	run    *run
	random *rand.Rand

	// The office under way.
	past   int             // so many have ended
	holder board.ReplicaID // who campaigns for it or has won it; 0: nobody
	won    bool
	cuts   []direction // that keep others from hearing its holder

	back func() // brings the last holder back; nil: nobody is away
}

func (y relaying) do(r *run, a *Action) {
	if r.relay() != nil {
		return
	}
	one := &relay{relaying: y, run: r, random: r.random(a)}
	l := &lurker{action: a, relay: one}
	r.lurkers = append(r.lurkers, l)
	r.over(y.long, 0, a, func() {
		r.lurkers = slices.DeleteFunc(r.lurkers, func(other *lurker) bool { return other == l })
		one.end()
	})
	leader := r.target(0, a) // who has the office before the first
	r.holdDown(leader.ID, 5*time.Millisecond)
	leader.Crash(cluster.Crash{Keep: 1000})
}

// relay is the one under way; nil: there is none.
func (r *run) relay() *relay {
	for _, l := range r.lurkers {
		if l.relay != nil {
			return l.relay
		}
	}
	return nil
}

// news is what a replica reports while it may be any office's holder.
func (y *relay) news(at board.ReplicaID, before, now modes.Status) {
	if y.past >= len(y.offices) || y.won {
		return
	}
	o := y.offices[y.past]
	switch {
	case !o.heard && y.run.takesPart(candidate, before, now):
		y.holder = at
		y.soon(0, func() { y.silence(at) })
	case y.run.takesPart(winner, before, now) && (o.heard || at == y.holder):
		y.holder, y.won = at, true
		y.soon(drawTime(y.random, 0, o.after), y.pass)
	}
}

// soon does something if the office has not ended by then.
func (y *relay) soon(after time.Duration, do func()) {
	past := y.past
	y.run.after(after, func() {
		if y.past == past {
			do()
		}
	})
}

// silence keeps all others from hearing a replica, and nobody else.
func (y *relay) silence(at board.ReplicaID) {
	y.run.heals(y.cuts)
	y.cuts = nil
	for _, other := range y.run.cluster.All() {
		if other.ID != at {
			y.cuts = append(y.cuts, direction{at, other.ID})
		}
	}
	y.run.cut(y.cuts)
}

// pass ends the office under way, and the last holder is back.
func (y *relay) pass() {
	r, at, back := y.run, y.holder, y.back
	if o := y.offices[y.past]; o.crash {
		r.emit(cluster.Event{Replica: at, Kind: cluster.Fault}, "office %d of %d ends: %s crashes", y.past+1, len(y.offices), at)
		r.heals(y.cuts) // before: its end is heard at once
		r.holdDown(at, y.long)
		r.cluster.Replica(at).Crash(cluster.Crash{Keep: 1000})
		y.back = func() { r.release(at) }
	} else {
		r.emit(cluster.Event{Replica: at, Kind: cluster.Fault}, "office %d of %d ends: %s is not heard", y.past+1, len(y.offices), at)
		y.silence(at)
		cuts := y.cuts
		y.back = func() { r.heals(cuts) }
	}
	if back != nil {
		back()
	}
	y.past, y.holder, y.won, y.cuts = y.past+1, 0, false, nil
}

// release lets a process that is held down start now.
func (r *run) release(id board.ReplicaID) {
	r.holds[id-1].until = min(r.holds[id-1].until, r.now())
	r.restart(id)
}

// end ends the relay, wherever it is.
func (y *relay) end() {
	y.past = len(y.offices)
	y.run.heals(y.cuts)
	if y.back != nil {
		y.back()
	}
	y.cuts, y.back = nil, nil
}

// drawRelay draws a relay in which all offices are heard, or each second, third or
// fourth one, and ends them in about the time that a few messages take.
func (d *drawer) drawRelay() {
	y := relaying{long: min(d.between(3*time.Second, 6*time.Second).Round(time.Millisecond), d.end-d.at-time.Millisecond)}
	every, trip := 1+d.random.IntN(4), d.wireMax+2*d.stepMax+d.syncMax
	var texts []string
	for i := range 3 + d.random.IntN(5) {
		o := office{heard: i%every == every-1}
		o.crash = d.random.IntN(4) > 0 == !o.heard
		o.after = []time.Duration{trip, 2 * trip, 4 * trip, 100 * time.Millisecond}[d.random.IntN(4)]
		y.offices = append(y.offices, o)
		texts = append(texts, fmt.Sprintf("%s, up to %s, then %s", pick(o.heard, "heard", "not heard"), o.after, pick(o.crash, "crashes", "is not heard")))
	}
	d.add(Elections, y, "the coordinator crashes, and a relay of %d offices begins, within %s, each holder back when the next office has ended: %s",
		len(y.offices), y.long, strings.Join(texts, "; "))
}
