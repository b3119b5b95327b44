package sim

import (
	"fmt"
	"strings"
	"time"

	"consequor/board"
	"consequor/sim/cluster"
)

// drawClimate gives about a third of the runs that have bad weather at all some
// of it from the first moment to the last.
func (d *drawer) drawClimate() {
	for _, f := range d.kinds {
		switch f {
		case Loss, Doubling, Reordering, Delay, CutSpans:
			if d.random.IntN(3) == 0 {
				d.at = 0
				d.drawWeather(f, d.end-time.Millisecond)
			}
		}
	}
}

// drawWeather draws what one link, or all of them, do to frames for a while.
func (d *drawer) drawWeather(f Fault, long time.Duration) {
	strength := 1 + d.random.IntN([]int{20, 80, 300}[d.random.IntN(3)])
	if long > 2*time.Second {
		strength = 1 + d.random.IntN(40)
	}
	w := window{long: long}
	if d.random.IntN(2) == 0 {
		w.a, w.b = d.anyPair()
	}
	text := ""
	switch f {
	case Loss:
		w.Weather, text = cluster.Weather{Loss: strength}, fmt.Sprintf("lose %d per mille of all frames", strength)
	case Doubling:
		w.Weather, text = cluster.Weather{Double: strength}, fmt.Sprintf("double %d per mille of all frames", strength)
	case Reordering:
		late := d.between(time.Millisecond, 200*time.Millisecond)
		w.Weather = cluster.Weather{Late: 2 * strength, LateMax: late}
		text = fmt.Sprintf("bring %d per mille of all frames up to %s late", 2*strength, late)
	case Delay:
		slow := d.between(time.Millisecond, []time.Duration{20, 150}[d.random.IntN(2)]*time.Millisecond)
		w.Weather, text = cluster.Weather{Delay: slow}, fmt.Sprintf("are slower by %s", slow)
	case CutSpans:
		w.Weather, text = cluster.Weather{CutSpans: 2 * strength}, fmt.Sprintf("break spans off at %d per mille of their frames", 2*strength)
	}
	where := "all links"
	if w.a != 0 {
		where = fmt.Sprintf("the links between %s and %s", w.a, w.b)
	}
	d.add(f, w, "%s %s for %s", where, text, long)
}

// drawCut draws the simplest fault of a network there is.
func (d *drawer) drawCut() {
	a, b := d.anyPair()
	long := d.lasting()
	d.add(Cuts, cutting{[]direction{{a, b}, {b, a}}, long}, "the link between %s and %s is cut for %s", a, b, long)
}

func (d *drawer) drawOneWay() {
	a, b := d.anyPair()
	long := d.lasting()
	if d.random.IntN(4) == 0 {
		deaf := d.random.IntN(2) == 0
		d.add(OneWay, isolating{at: a, deaf: deaf, dumb: !deaf, long: long}, "%s is cut off one way from all (hears them: %s, is heard: %s) for %s", a, yes(!deaf), yes(deaf), long)
		return
	}
	d.add(OneWay, cutting{[]direction{{a, b}}, long}, "what %s sends to %s is lost for %s", a, b, long)
}

// drawPartition draws one of the shapes that networks fall into.
func (d *drawer) drawPartition() {
	long := d.lasting()
	switch shape := d.random.IntN(5); {
	case shape == 0:
		a, b := d.anyPair()
		d.add(Partition, breaking{a, b}, "the connection of %s and %s breaks", a, b)
	case shape == 1:
		at := d.anyReplica()
		d.add(Partition, isolating{at: at, deaf: true, dumb: true, long: long}, "%s is alone for %s", at, long)
	case shape == 2 && d.Replicas >= 3:
		order := d.shuffled()
		bridge, half := order[0], (d.Replicas-1+1)/2
		one, other := order[1:1+half], order[1+half:]
		d.add(Partition, cutting{between(one, other), long}, "only %s is connected to all: not %s to %s, for %s", bridge, list(one), list(other), long)
	case shape == 3 && d.Replicas >= 4:
		order := d.shuffled()
		d.add(Partition, cutting{ring(order), long}, "replicas are connected in a ring only, %s, for %s", list(order), long)
	default:
		order := d.shuffled()
		half := 1 + d.random.IntN(d.Replicas-1)
		d.add(Partition, cutting{between(order[:half], order[half:]), long}, "%s and %s are apart for %s", list(order[:half]), list(order[half:]), long)
	}
}

func (d *drawer) shuffled() []board.ReplicaID {
	order := make([]board.ReplicaID, d.Replicas)
	for i, n := range d.random.Perm(d.Replicas) {
		order[i] = board.ReplicaID(n + 1)
	}
	return order
}

// between lists the directions from one group to another, and back.
func between(one, other []board.ReplicaID) []direction {
	var all []direction
	for _, a := range one {
		for _, b := range other {
			all = append(all, direction{a, b}, direction{b, a})
		}
	}
	return all
}

// ring lists the directions between those that are not neighbours.
func ring(order []board.ReplicaID) []direction {
	var all []direction
	for i := range order {
		for j := i + 2; j < len(order); j++ {
			if i > 0 || j < len(order)-1 {
				all = append(all, direction{order[i], order[j]}, direction{order[j], order[i]})
			}
		}
	}
	return all
}

func list(replicas []board.ReplicaID) string {
	names := make([]string, len(replicas))
	for i, id := range replicas {
		names[i] = id.String()
	}
	return strings.Join(names, " ")
}
