package sim

import (
	"consequor/board"
	"consequor/modes"
	"consequor/mutants"
	"consequor/sim/cluster"
	"consequor/sim/history"
)

// turmoil is what happens to machines and networks in one epoch, without losing
// a disk for good.
const turmoil = Loss | Doubling | Reordering | Delay | OneWay | Partition | Crashes | Boundaries | Pauses | SlowDisks | Plugins | Hunt | Elections | Flaps | CutSpans | Retries | Hops

// changes is what mode changes add to it.
const changes = Swaps | Supervisors

func sequentialLair(replicas int, faults Faults) Config {
	return Config{Mode: "sequential", Replicas: replicas, Faults: faults}
}

func quorumLair(replicas int, read, write string, faults Faults) Config {
	return Config{Mode: "quorum", Replicas: replicas, Faults: faults, Options: []modes.Option{{Name: "read", Value: read}, {Name: "write", Value: write}}}
}

func sessionsLair(replicas int, copies string, faults Faults) Config {
	c := Config{Mode: "read-your-write", Replicas: replicas, Faults: faults}
	if copies != "" {
		c.Options = []modes.Option{{Name: "copies", Value: copies}}
	}
	return c
}

// turnsLair is the exhibit's: no built-in mode counts on what M36 breaks.
func turnsLair(faults Faults) Config {
	launch := func(board.ReplicaID) (cluster.Machine, error) { return direct{newTurns()}, nil }
	return Config{Mode: "turns, an exhibit", Replicas: 3, Faults: faults, Promise: history.Sequential, Launch: launch}
}

// longer gives each run time for what takes several rare moments in a row.
func longer(c Config) Config {
	c.Length = 4 * lengthDefault
	return c
}

// lairs says where each mutant shows itself: in the mode whose rule it breaks,
// with as few replicas as do, and with the faults that the rule is for. Quorums
// are taken at R + W = N + 1, where each of their rules is needed. Where turmoil
// hides a rule's loss, fewer faults are more: they strike at that rule alone.
var lairs = map[mutants.Mutant]Config{
	mutants.M1:  sequentialLair(3, turmoil),
	mutants.M2:  sequentialLair(5, turmoil),
	mutants.M3:  sequentialLair(3, Elections|Crashes|Boundaries|SlowDisks|Partition),
	mutants.M4:  sequentialLair(5, turmoil),
	mutants.M5:  sequentialLair(3, turmoil),
	mutants.M6:  longer(sequentialLair(3, Elections)),
	mutants.M7:  sequentialLair(5, turmoil),
	mutants.M8:  sequentialLair(3, turmoil),
	mutants.M9:  sequentialLair(3, Flaps|Delay),
	mutants.M10: sequentialLair(3, turmoil),
	mutants.M11: sequentialLair(3, turmoil),
	mutants.M12: sequentialLair(3, turmoil),
	mutants.M13: longer(sequentialLair(3, Elections|OneWay|Hunt|Crashes|Hops)),
	mutants.M14: sequentialLair(3, turmoil),

	mutants.M15: quorumLair(3, "2", "2", turmoil),
	mutants.M16: quorumLair(3, "2", "2", turmoil),
	mutants.M17: quorumLair(3, "2", "2", turmoil),
	mutants.M18: quorumLair(3, "2", "2", turmoil),
	mutants.M19: quorumLair(3, "2", "2", turmoil),
	mutants.M20: quorumLair(3, "2", "2", turmoil),
	mutants.M21: quorumLair(3, "2", "2", turmoil),
	mutants.M22: quorumLair(3, "2", "2", Crashes|Boundaries|SlowDisks),
	mutants.M23: quorumLair(3, "2", "2", turmoil),
	mutants.M24: sessionsLair(3, "", turmoil),
	mutants.M25: sessionsLair(3, "", turmoil),
	mutants.M26: sessionsLair(3, "", turmoil),
	mutants.M27: quorumLair(3, "2", "2", turmoil),
	mutants.M28: sequentialLair(3, turmoil|changes),
	mutants.M29: quorumLair(3, "2", "2", turmoil),
	mutants.M30: quorumLair(3, "2", "2", turmoil),

	mutants.M31: sessionsLair(3, "", Loss|OneWay|Partition|CutSpans),
	mutants.M32: sessionsLair(3, "", turmoil),
	mutants.M33: sequentialLair(3, Crashes|Boundaries|TornWrites),

	mutants.M34: sequentialLair(3, Plugins),
	mutants.M35: sequentialLair(3, turmoil),
	mutants.M36: longer(turnsLair(Plugins | Reordering)),
	mutants.M37: sequentialLair(3, turmoil|Wipes),

	mutants.M38: sequentialLair(3, turmoil|changes),
	mutants.M39: sequentialLair(3, turmoil|changes),
	mutants.M40: sessionsLair(3, "", turmoil|changes),
	mutants.M41: sequentialLair(3, changes),
}

// Lair is the setting in which a mutant is hunted.
func Lair(m mutants.Mutant) Config {
	c := lairs[m]
	c.Mutant = m
	return c
}
