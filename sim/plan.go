package sim

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/modes/builtin"
	"consequor/replicad/host"
	"consequor/sim/history"
)

// Lengths of runs.
const (
	replicasDefault = 5
	lengthDefault   = 120 // rounds
	lengthMin       = 15  // of large clusters
	lengthReplicas  = 7   // up to which a cluster is not large
	roundMax        = 60 * time.Millisecond
)

// options are what a seed chooses besides the actions.
type options struct {
	first    host.Activation // the epoch that all begins with
	small    bool            // the mode's limits are such that a short run meets them
	faults   Faults          // of those that may be dealt out, this seed's choice
	sessions int
	busy     int             // bounds the operations of a round
	calm     int             // a fault in one of so many rounds
	writes   int             // per cent of the operations
	fresh    int             // per cent of the reads
	crowded  board.ReplicaID // where all sessions are at home; 0: they are spread
	losses   int             // disks that may be lost for good
	trouble  int             // per mille of a supervisor's orders and preparations that go wrong
	end      time.Duration   // of the faults

	syncMax, stepMax, wireMax time.Duration
}

// action is what an Action does.
type action interface {
	do(r *run, a *Action)
}

// Only is the plan with some of its actions left out: those stay whose numbers
// are listed.
func (p *Plan) Only(numbers []int) *Plan {
	wanted := make(map[int]bool, len(numbers))
	for _, n := range numbers {
		wanted[n] = true
	}
	part := *p
	part.Actions = nil
	for _, a := range p.Actions {
		if wanted[a.Number] {
			part.Actions = append(part.Actions, a)
		}
	}
	return &part
}

// promises are those of the built-in modes.
var promises = map[string]history.Promise{
	"sequential": history.Sequential, "quorum": history.Quorum, "read-your-write": history.ReadYourWrite,
}

// promiseOf is what a mode of this run is held to.
func (p *Plan) promiseOf(mode string) history.Promise {
	if mode == p.Mode {
		return p.Promise
	}
	return promises[mode]
}

// complete fills in what a Config leaves open, and says what is wrong with it.
func (c *Config) complete() error {
	c.Mode = cmp.Or(c.Mode, "sequential")
	c.Replicas = cmp.Or(c.Replicas, replicasDefault)
	if c.Replicas < 1 {
		return fmt.Errorf("%d replicas: want at least 1", c.Replicas)
	}
	if c.Length <= 0 {
		c.Length = max(lengthMin, min(lengthDefault, lengthDefault*lengthReplicas/c.Replicas))
	}
	c.Options = sortedOptions(c.Options)
	if c.Launch != nil {
		c.Promise = cmp.Or(c.Promise, history.Durable)
		return nil
	}
	c.Promise = cmp.Or(c.Promise, promises[c.Mode])
	return c.checkMode()
}

func (c *Config) checkMode() error {
	entry, ok := builtin.Lookup(c.Mode)
	if !ok {
		return fmt.Errorf("there is no mode %q; consequorctl mode list names them", c.Mode)
	}
	if most := entry.Description.ReplicasMax; most > 0 && c.Replicas > most {
		return fmt.Errorf("mode %s runs on up to %d replicas, not on %d", c.Mode, most, c.Replicas)
	}
	if _, err := builtin.Check(c.Mode, c.Options, c.Replicas); err != nil {
		return fmt.Errorf("mode %s: %w", c.Mode, err)
	}
	return nil
}

func sortedOptions(list []modes.Option) []modes.Option {
	sorted := slices.Clone(list)
	slices.SortFunc(sorted, func(a, b modes.Option) int { return cmp.Compare(a.Name, b.Name) })
	return sorted
}
