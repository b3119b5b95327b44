package sim

import (
	"fmt"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/modes/builtin"
	"consequor/replicad/host"
	"consequor/sim/cluster"
)

// drawFault draws one fault of those that this seed deals out.
func (d *drawer) drawFault() {
	switch f := d.kinds[d.random.IntN(len(d.kinds))]; f {
	case Loss, Doubling, Reordering, Delay, CutSpans:
		d.drawWeather(f, d.lasting())
	case Cuts:
		d.drawCut()
	case OneWay:
		d.drawOneWay()
	case Partition:
		d.drawPartition()
	case Hunt:
		d.drawHunt()
		d.drawCompanion(0)
	case Rot, Wipes:
		d.drawLoss(f)
	case Swaps:
		d.drawSwap(false)
	case Supervisors:
		d.drawSupervisor()
	case Elections:
		d.drawElection()
	case Flaps:
		d.drawFlap()
	default:
		at := d.anyReplica()
		d.drawLocal(f, f, at)
		d.drawCompanion(at)
	}
}

// drawLocal draws a fault of one replica; 0: of whoever leads then.
func (d *drawer) drawLocal(counted, f Fault, at board.ReplicaID) {
	long := d.lasting()
	switch f {
	case Crashes:
		d.drawCrash(counted, at, long)
	case TornWrites:
		d.add(counted, crashing{at: at, leaves: cluster.Crash{Keep: d.random.IntN(1000), Tear: true}, down: long},
			"%s crashes in the middle of a write, and is down for %s", nameOf(at), long)
	case Boundaries:
		b := cluster.Boundary(d.random.IntN(int(cluster.BoundaryCount)))
		d.add(counted, crashing{at: at, leaves: d.drawKeep(), down: long, armed: true, boundary: b},
			"%s crashes at its next batch, %s, and is down for %s", nameOf(at), boundaryWords[b], long)
	case Pauses:
		plugin := d.random.IntN(3) == 0
		d.add(counted, pausing{at, plugin, long}, "%s stands still for %s", pick(plugin, "the plugin of ", "")+nameOf(at), long)
	case SlowDisks:
		slow := []time.Duration{50, 200, 800}[d.random.IntN(3)] * time.Millisecond
		d.add(counted, slowing{at, slow, long}, "an fsync at %s takes up to %s, for %s", nameOf(at), slow, long)
	case FullDisks:
		d.add(counted, filling{at, long}, "the disk of %s is full for %s", nameOf(at), long)
	case Plugins:
		d.add(counted, pluginDeath{at}, "the plugin of %s dies", nameOf(at))
	case Clocks:
		rate := []int{1000, 1000, 500, 900, 1100, 2000}[d.random.IntN(6)]
		jump := []time.Duration{0, 100 * time.Millisecond, 2 * time.Second, time.Hour}[d.random.IntN(4)]
		d.add(counted, clockFault{at, rate, jump, long}, "the clock of %s jumps ahead by %s and runs at %d per mille for %s", nameOf(at), jump, rate, long)
	case Stops:
		d.add(counted, stopping{at, long}, "%s is asked to leave, and comes back after %s", nameOf(at), long)
	}
}

// drawCrash draws a crash of one process, or of all at once.
func (d *drawer) drawCrash(counted Fault, at board.ReplicaID, down time.Duration) {
	if at != 0 && d.random.IntN(6) == 0 {
		d.add(counted, blackout{d.drawKeep(), down}, "all replicas crash at once, and are down for up to %s", down)
		return
	}
	d.add(counted, crashing{at: at, leaves: d.drawKeep(), down: down}, "%s crashes, and is down for %s", nameOf(at), down)
}

// drawKeep draws how much of what was not synced survives.
func (d *drawer) drawKeep() cluster.Crash {
	return cluster.Crash{Keep: []int{0, 0, 1000, d.random.IntN(1000)}[d.random.IntN(4)]}
}

var boundaryWords = [cluster.BoundaryCount]string{
	cluster.BeforeStep: "on its way to the plugin", cluster.AfterStep: "on the way back", cluster.AfterApply: "applied and not synced",
	cluster.AfterSync: "synced", cluster.AfterRelease: "when all that it held has left",
}

// drawLoss draws the loss of a disk, within the budget.
func (d *drawer) drawLoss(f Fault) {
	if d.losses >= d.Plan.losses {
		return
	}
	d.losses++
	at := d.anyReplica()
	d.add(f, losing{at, f == Wipes}, "%s crashes, and its disk is %s", nameOf(at), pick(f == Wipes, "gone", "damaged"))
}

// drawHunt aims a fault at whoever leads.
func (d *drawer) drawHunt() {
	f := d.anyOf([]Fault{Crashes, Boundaries, Pauses, Plugins, Stops, OneWay, Partition}, Crashes, Pauses, Plugins, Partition)
	if f != OneWay && f != Partition {
		d.drawLocal(Hunt, f, 0)
		return
	}
	long, deaf, dumb := d.lasting(), true, true
	if f == OneWay {
		deaf = d.random.IntN(2) == 0
		dumb = !deaf
	}
	i := isolating{deaf: deaf, dumb: dumb, long: long}
	d.add(Hunt, i, "%s %s", nameOf(0), i.words())
}

// drawSwap draws a mode change: to another one, or to itself; the last one comes
// when all is healed.
func (d *drawer) drawSwap(last bool) {
	next := host.Activation{Mode: d.Mode, Options: d.first.Options}
	if d.Launch == nil {
		if d.random.IntN(3) > 0 {
			next.Mode = d.anyMode()
		}
		var given []modes.Option
		if next.Mode == d.Mode {
			given = d.Options
		}
		next.Options = drawModeOptions(d.random, next.Mode, d.Replicas, given)
		if d.lossesMax(next) < d.Plan.losses {
			next = host.Activation{Mode: d.Mode, Options: d.first.Options}
		}
	}
	d.add(Swaps, swapping{next.Mode, next.Options, last}, "the mode is changed to %s%s%s", next.Mode, optionWords(next.Options), pick(last, ", when all is healed", ""))
}

func (d *drawer) anyMode() string {
	var names []string
	for _, e := range builtin.Modes() {
		if most := e.Description.ReplicasMax; most == 0 || d.Replicas <= most {
			names = append(names, e.Description.Name)
		}
	}
	return names[d.random.IntN(len(names))]
}

func optionWords(list []modes.Option) string {
	text := ""
	for _, o := range list {
		text += fmt.Sprintf(", %s %s", o.Name, o.Value)
	}
	return text
}

// drawSupervisor draws a death of the supervisor: now, or at a step of the mode
// change that is under way, or of the next one.
func (d *drawer) drawSupervisor() {
	long := d.lasting()
	if d.faults.Has(Swaps) && d.random.IntN(4) > 0 {
		step := 1 + d.random.IntN(6)
		d.add(Supervisors, supervisorDeath{step, long}, "the supervisor dies at step %d of a mode change from now", step)
		return
	}
	d.add(Supervisors, supervisorDeath{0, long}, "the supervisor dies, all processes with it, and comes back after %s", long)
}

// nameOf is what a target is called; 0: whoever leads.
func nameOf(at board.ReplicaID) string {
	if at == 0 {
		return "whoever leads"
	}
	return at.String()
}

func pick(which bool, a, b string) string {
	if which {
		return a
	}
	return b
}

func yes(b bool) string { return pick(b, "yes", "no") }
