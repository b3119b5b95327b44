package sim

import (
	"fmt"
	"strings"
	"time"

	"consequor/board"
	"consequor/sim/cluster"
)

// drawElection draws what is to happen to those who take part in elections.
func (d *drawer) drawElection() {
	switch d.random.IntN(6) {
	case 0:
		d.drawShortOffices()
		return
	case 1:
		d.drawRelay()
		return
	}
	l := lurking{
		part:  part(d.random.IntN(int(partCount))),
		times: 1 + d.random.IntN(6),
		long:  max(d.lasting(), d.lasting()),
	}
	var texts []string
	for range 1 + d.random.IntN(2) {
		s := d.drawStrike()
		s.after = []time.Duration{0, 0, 3, 30, 100}[d.random.IntN(5)] * time.Millisecond
		l.strikes = append(l.strikes, s)
		texts = append(texts, s.text)
	}
	d.add(Elections, l, "up to %d times within %s, %s: %s", l.times, l.long, partWords[l.part], strings.Join(texts, "; "))
}

// drawShortOffices draws a row of coordinators that die young, as when a rack
// loses power again and again: the first ones are heard by nobody from their
// campaign on, so that what they save they have alone; those after them are.
func (d *drawer) drawShortOffices() {
	long := max(d.lasting(), d.lasting(), d.lasting())
	crash := func(after time.Duration) strike {
		down := d.shortly()
		return strike{aimed: crashing{leaves: cluster.Crash{Keep: 1000}, down: down}, after: after, text: fmt.Sprintf("crashes, and is down for %s", down)}
	}
	unheard := isolating{dumb: true, long: d.between(20*time.Millisecond, 200*time.Millisecond).Round(time.Millisecond)}
	alone := lurking{part: candidate, times: 1 + d.random.IntN(3), long: long}
	alone.strikes = []strike{{aimed: unheard, text: unheard.words()}, crash([]time.Duration{30, 100}[d.random.IntN(2)] * time.Millisecond)}
	d.add(Elections, alone, "up to %d times within %s, %s: %s, and %s soon after", alone.times, long, partWords[candidate], alone.strikes[0].text, alone.strikes[1].text)
	young := lurking{part: winner, times: 3 + d.random.IntN(6), long: long}
	young.strikes = []strike{crash([]time.Duration{10, 30, 100}[d.random.IntN(3)] * time.Millisecond)}
	if d.random.IntN(2) == 0 {
		gone := isolating{deaf: true, dumb: true, long: d.between(50*time.Millisecond, time.Second).Round(time.Millisecond)}
		young.strikes[0].aimed, young.strikes[0].text = gone, gone.words()
	}
	d.add(Elections, young, "up to %d times within %s, %s: %s soon after", young.times, long, partWords[winner], young.strikes[0].text)
	down := d.shortly()
	d.at += time.Microsecond
	d.add(Elections, crashing{leaves: cluster.Crash{Keep: 1000}, down: down}, "%s crashes, keeps what it has written, and is down for %s", nameOf(0), down)
}

// drawStrike draws a fault, of those that this seed deals out, for whoever it
// will be.
func (d *drawer) drawStrike() strike {
	down := d.shortly()
	switch f := d.anyOf([]Fault{Crashes, Boundaries, Partition, OneWay, Pauses, Plugins, SlowDisks}, Crashes, Boundaries, Partition); f {
	case Crashes:
		leaves := d.drawKeep()
		return strike{aimed: crashing{leaves: leaves, down: down}, text: fmt.Sprintf("crashes, and is down for %s", down)}
	case Boundaries:
		b := cluster.Boundary(d.random.IntN(int(cluster.BoundaryCount)))
		return strike{aimed: crashing{leaves: d.drawKeep(), down: down, armed: true, boundary: b},
			text: fmt.Sprintf("crashes at its next batch, %s, and is down for %s", boundaryWords[b], down)}
	case Partition, OneWay:
		i := isolating{deaf: true, dumb: true, long: d.lasting()}
		if f == OneWay {
			i.deaf = d.random.IntN(2) == 0
			i.dumb = !i.deaf
		}
		if d.Replicas > 2 && d.random.IntN(2) == 0 {
			i.keeps, i.skips = 1, d.random.IntN(d.Replicas-1)
		}
		return strike{aimed: i, text: i.words()}
	case Pauses:
		plugin := d.random.IntN(3) == 0
		return strike{aimed: pausing{plugin: plugin, long: down}, text: fmt.Sprintf("%sstands still for %s", pick(plugin, "its plugin ", ""), down)}
	case SlowDisks:
		slow := []time.Duration{50, 200}[d.random.IntN(2)] * time.Millisecond
		return strike{aimed: slowing{slow: slow, long: 2 * slow}, text: fmt.Sprintf("an fsync takes up to %s", slow)}
	}
	return strike{aimed: pluginDeath{}, text: "its plugin dies"}
}

// anyOf draws one of the faults listed that this seed deals out, or of others
// if it deals out none of them.
func (d *drawer) anyOf(from []Fault, others ...Fault) Fault {
	var kinds []Fault
	for _, f := range from {
		if d.faults.Has(f) {
			kinds = append(kinds, f)
		}
	}
	if len(kinds) == 0 {
		kinds = others
	}
	return kinds[d.random.IntN(len(kinds))]
}

// shortly draws how long something is down that is started again at once, or
// soon.
func (d *drawer) shortly() time.Duration {
	longest := []time.Duration{2, 30, 200}[d.random.IntN(3)] * time.Millisecond
	return max(0, min(d.between(0, longest).Round(time.Millisecond), d.end-d.at-time.Millisecond))
}

// drawFlap draws several short lives of a process, or of its plugin alone.
func (d *drawer) drawFlap() {
	f := flapping{
		at: d.anyReplica(), plugin: d.random.IntN(2) == 0, times: 2 + d.random.IntN(6),
		life: []time.Duration{10, 50, 150}[d.random.IntN(3)] * time.Millisecond, leaves: d.drawKeep(),
		restart: []time.Duration{0, 20 * time.Millisecond}[d.random.IntN(2)],
	}
	if d.random.IntN(3) == 0 {
		f.at = 0
	}
	f.times = min(f.times, max(1, int((d.end-d.at)/f.life)))
	d.add(Flaps, f, "%s dies %d times, each within %s of the last", pick(f.plugin, "the plugin of ", "")+nameOf(f.at), f.times, f.life)
}

// drawCompanion gives some faults of one replica another beside it, a moment
// later: what fails seldom fails alone.
func (d *drawer) drawCompanion(at board.ReplicaID) {
	if d.random.IntN(companionEvery) > 0 {
		return
	}
	begun := d.at
	d.at = min(d.at+d.between(0, []time.Duration{1, 30, 200}[d.random.IntN(3)]*time.Millisecond), d.end-time.Millisecond)
	switch f := d.anyOf([]Fault{Crashes, TornWrites, Boundaries, Pauses, SlowDisks, Plugins, Clocks, OneWay, Partition}, None); f {
	case None:
	case OneWay, Partition:
		i := isolating{at: at, deaf: f == Partition || d.random.IntN(2) == 0, long: d.lasting()}
		i.dumb = f == Partition || !i.deaf
		d.add(f, i, "%s %s", nameOf(at), i.words())
	default:
		d.drawLocal(f, f, at)
	}
	d.at = begun
}

// companionEvery is how many faults there are to each that has a companion.
const companionEvery = 3
