package sim

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"consequor/board"
	"consequor/replicad/host"
)

// drawer makes the plan of a seed. The options come from a sequence of their
// own, so that they stay when drawing an action changes.
type drawer struct {
	*Plan
	options *rand.Rand
	random  *rand.Rand
	at      time.Duration // of what is drawn
	kinds   []Fault       // that have actions
	losses  int           // disks that are lost already
}

// Draw makes the plan that belongs to a seed.
func Draw(c Config, seed uint64) (*Plan, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	d := drawer{
		Plan:    &Plan{Config: c, Seed: seed},
		options: rand.New(rand.NewPCG(seed, streamOptions)),
		random:  rand.New(rand.NewPCG(seed, streamSchedule)),
	}
	d.drawOptions()
	d.drawActions()
	d.Drawn = d.words()
	return d.Plan, nil
}

func (d *drawer) drawOptions() {
	p, n := d.Plan, d.Replicas
	p.faults = d.swarm()
	p.first = host.Activation{Epoch: 1, ModeEpoch: 1, Mode: p.Mode, Options: p.Options}
	if p.Launch == nil {
		p.first.Options = drawModeOptions(d.options, p.Mode, n, p.Options)
	}
	p.small = d.options.IntN(6) > 0 && n <= lengthReplicas
	p.sessions = 2 + d.options.IntN(8)
	p.busy, p.calm = 2+d.options.IntN(10), 3+d.options.IntN(8)
	p.syncMax = []time.Duration{time.Millisecond, 5 * time.Millisecond, 60 * time.Millisecond}[d.options.IntN(3)]
	p.stepMax = []time.Duration{100 * time.Microsecond, 3 * time.Millisecond}[d.options.IntN(2)]
	p.wireMax = []time.Duration{time.Millisecond, 3 * time.Millisecond, 20 * time.Millisecond}[d.options.IntN(3)]
	if p.faults.Has(Supervisors) {
		p.trouble = d.options.IntN(100)
	}
	d.drawHabits()
	if most := d.lossesMax(p.first); most > 0 && p.faults&(Rot|Wipes) != 0 {
		p.losses = 1 + d.options.IntN(most)
	}
}

// drawHabits chooses what sessions ask for, and where.
func (d *drawer) drawHabits() {
	p := d.Plan
	p.writes = []int{45, 45, 20, 75}[d.options.IntN(4)]
	p.fresh = []int{25, 25, 5, 80}[d.options.IntN(4)]
	if d.options.IntN(4) == 0 {
		p.crowded = board.ReplicaID(1 + d.options.IntN(d.Replicas))
	}
	if d.options.IntN(6) == 0 && d.Replicas <= lengthReplicas {
		p.sessions *= 4
		p.busy *= 3
	}
}

func (d *drawer) lossesMax(a host.Activation) int {
	if d.Launch != nil {
		return 0 // nobody knows what it claims to survive
	}
	return lossesMax(a.Mode, a.Options, d.Replicas)
}

// swarm chooses some of the faults that may be dealt out: with a few kinds at a
// time, a run gets further into what these do together than with all of them
// in every run (Groce et al. 2012: Swarm Testing).
func (d *drawer) swarm() Faults {
	all := d.Faults
	if d.Replicas == 1 {
		all &^= Loss | Doubling | Reordering | Delay | Cuts | OneWay | Partition | CutSpans | Hops
	}
	if d.options.IntN(4) == 0 {
		return all
	}
	some := None
	for _, w := range faultWords {
		if all.Has(w.fault) && d.options.IntN(2) == 0 {
			some |= w.fault
		}
	}
	if some == None {
		return all
	}
	return some
}

func (d *drawer) drawActions() {
	rounds := make([]time.Duration, d.Length)
	at := d.between(0, 400*time.Millisecond)
	for i := range rounds {
		rounds[i] = at
		at += d.between(0, roundMax)
	}
	d.end = at + roundMax
	for _, w := range faultWords {
		if d.faults.Has(w.fault) && !(Retries | Hops).Has(w.fault) && d.mayDeal(w.fault) {
			d.kinds = append(d.kinds, w.fault)
		}
	}
	if d.faults.Has(Swaps) { // they need all replicas, and so come about seldom
		d.kinds = append(d.kinds, Swaps, Swaps)
	}
	d.drawClimate()
	for _, round := range rounds {
		for range d.random.IntN(d.busy) {
			d.at = round + d.between(0, roundMax)
			d.drawOperation()
		}
		if d.random.IntN(d.calm) == 0 && len(d.kinds) > 0 {
			d.at = round
			d.drawFault()
		}
	}
	if d.faults.Has(Swaps) && d.random.IntN(2) == 0 {
		d.at = d.end
		d.drawSwap(true)
	}
	slices.SortStableFunc(d.Actions, func(a, b Action) int { return cmp.Compare(a.At, b.At) })
	for i := range d.Actions {
		d.Actions[i].Number = i + 1
	}
}

// mayDeal reports whether a kind of fault is within the budget, and whether
// there is what it is aimed at.
func (d *drawer) mayDeal(f Fault) bool {
	switch f {
	case Rot, Wipes:
		return d.Plan.losses > 0
	case Elections:
		return d.Launch != nil || d.Mode == "sequential" || d.faults.Has(Swaps)
	}
	return true
}

// add puts an action at the present place of the schedule.
func (d *drawer) add(f Fault, do action, format string, args ...any) {
	d.Actions = append(d.Actions, Action{At: d.at, Fault: f, Text: fmt.Sprintf(format, args...), do: do})
}

// between draws a time in whole microseconds.
func (d *drawer) between(least, most time.Duration) time.Duration {
	return drawTime(d.random, least, most)
}

func drawTime(random *rand.Rand, least, most time.Duration) time.Duration {
	if most <= least {
		return least
	}
	return least + time.Duration(random.Int64N(int64((most-least)/time.Microsecond)+1))*time.Microsecond
}

// lasting draws how long a fault lasts: often short, seldom long, and never
// beyond the end of all faults.
func (d *drawer) lasting() time.Duration {
	longest := []time.Duration{20, 100, 400, 1500}[d.random.IntN(4)] * time.Millisecond
	long := d.between(longest/4, longest).Round(time.Millisecond)
	return max(0, min(long, d.end-d.at-time.Millisecond))
}

func (d *drawer) anyReplica() board.ReplicaID {
	return board.ReplicaID(1 + d.random.IntN(d.Replicas))
}

// anyPair draws two different replicas.
func (d *drawer) anyPair() (a, b board.ReplicaID) {
	a = d.anyReplica()
	b = board.ReplicaID(1 + (int(a)-1+1+d.random.IntN(d.Replicas-1))%d.Replicas)
	return a, b
}

// words tells what was drawn, in one line.
func (d *drawer) words() string {
	var b strings.Builder
	b.WriteString(d.first.Mode)
	for _, o := range d.first.Options {
		fmt.Fprintf(&b, ", %s %s", o.Name, o.Value)
	}
	if d.small {
		b.WriteString(", small limits")
	}
	fmt.Fprintf(&b, "; %d replicas, %d sessions; a sync takes up to %s, a step %s, the wire %s; faults: %s",
		d.Replicas, d.sessions, d.syncMax, d.stepMax, d.wireMax, d.faults)
	if d.Plan.losses > 0 {
		fmt.Fprintf(&b, "; disks lost for good: up to %d", d.Plan.losses)
	}
	return b.String()
}
