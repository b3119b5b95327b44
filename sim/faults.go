package sim

import (
	"fmt"
	"strings"
)

// Fault is a kind of fault, and Faults a set of them.
type (
	Fault  uint32
	Faults = Fault
)

// The faults, in the order in which they are listed.
const (
	Loss        Fault = 1 << iota // frames are lost
	Doubling                      // frames arrive twice
	Reordering                    // frames are overtaken
	Delay                         // links are slow
	OneWay                        // a link is cut in one direction
	Partition                     // halves, one alone, a bridge, a ring
	Crashes                       // processes die, and unsynced writes with them
	Boundaries                    // processes die in the middle of a batch, at each boundary
	Pauses                        // processes and plugins stand still
	SlowDisks                     // fsyncs take long
	FullDisks                     // nothing more gets to disk for a while
	TornWrites                    // a crash leaves part of a write
	Rot                           // what was on disk is damaged: quarantine
	Wipes                         // a disk is lost whole
	Plugins                       // the mode's process dies alone
	Clocks                        // clocks jump and drift
	Hunt                          // faults are aimed at whoever coordinates
	CutSpans                      // spans break off half-way
	Swaps                         // the mode is changed while all this goes on
	Supervisors                   // the supervisor dies, at each step of a change
	Retries                       // clients try again under their key, long after too
	Hops                          // sessions go from replica to replica
	Stops                         // processes are asked to leave in order
	Cuts                          // one link is cut, in both directions
	Elections                     // faults are aimed at whoever campaigns, votes, has just won
	Flaps                         // processes and plugins live several short lives

	None Fault = 0
	All        = 1<<(iota-1) - 1
)

// faultWords names each fault and says what it is, for the help.
var faultWords = []struct {
	fault       Fault
	name, words string
}{
	{Loss, "loss", "frames between replicas are lost"},
	{Doubling, "double", "frames arrive twice"},
	{Reordering, "reorder", "frames are late, and overtaken"},
	{Delay, "delay", "links are slow"},
	{Cuts, "cut", "one link is cut, both ways; all others work"},
	{OneWay, "one-way", "a link is cut in one direction"},
	{Partition, "partition", "halves, one replica alone, a bridge, a ring"},
	{Crashes, "crash", "processes die, and what was not synced is lost"},
	{Boundaries, "boundary", "processes die in the middle of a batch, at each boundary"},
	{Pauses, "pause", "processes, or their plugins, stand still and go on"},
	{SlowDisks, "slow-disk", "an fsync takes long"},
	{FullDisks, "full-disk", "nothing more gets to disk for a while"},
	{TornWrites, "torn", "a crash leaves part of a write on disk"},
	{Rot, "rot", "what was on disk is damaged, and the replica quarantined"},
	{Wipes, "wipe", "a disk is lost whole, and the replica refuses to start"},
	{Plugins, "plugin", "the mode's process dies alone"},
	{Clocks, "clock", "clocks jump and drift"},
	{Hunt, "hunt", "faults are aimed at whoever coordinates"},
	{Elections, "election", "faults are aimed at whoever campaigns, votes or has just won"},
	{Flaps, "flap", "processes, or their plugins, live several short lives"},
	{CutSpans, "cut-span", "a board that is sent breaks off half-way"},
	{Swaps, "swap", "the mode is changed while all this goes on"},
	{Supervisors, "supervisor", "the supervisor dies, at each step of a mode change"},
	{Retries, "retry", "clients try again under their key, long after too"},
	{Hops, "hop", "sessions go from replica to replica"},
	{Stops, "stop", "processes are asked to leave in order"},
}

// Has reports whether the set has all of f.
func (s Fault) Has(f Fault) bool { return s&f == f }

// String lists the set as ParseFaults reads it.
func (s Fault) String() string {
	switch s {
	case All:
		return "all"
	case None:
		return "none"
	}
	var names []string
	for _, w := range faultWords {
		if s.Has(w.fault) {
			names = append(names, w.name)
		}
	}
	return strings.Join(names, ",")
}

// FaultHelp lists the faults, one to a line.
func FaultHelp() string {
	var b strings.Builder
	for _, w := range faultWords {
		fmt.Fprintf(&b, "%-11s %s\n", w.name, w.words)
	}
	return b.String()
}

// ParseFaults reads "all", "none", or names with commas between; "all,-rot"
// leaves some out.
func ParseFaults(list string) (Faults, error) {
	var set Faults
	for name := range strings.SplitSeq(list, ",") {
		name, without := strings.CutPrefix(strings.TrimSpace(name), "-")
		f, err := parseFault(name)
		switch {
		case err != nil:
			return 0, err
		case without:
			set &^= f
		default:
			set |= f
		}
	}
	return set, nil
}

func parseFault(name string) (Faults, error) {
	switch name {
	case "all":
		return All, nil
	case "none", "":
		return None, nil
	}
	var names []string
	for _, w := range faultWords {
		if w.name == name {
			return w.fault, nil
		}
		names = append(names, w.name)
	}
	return 0, fmt.Errorf("there is no fault %q: they are %s; or all, none", name, strings.Join(names, ", "))
}
