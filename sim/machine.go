package sim

import (
	"fmt"

	"consequor/board"
	"consequor/modes"
	"consequor/modes/builtin"
	"consequor/sim/cluster"
)

// direct is a mode's state machine in this process.
type direct struct{ mode modes.Mode }

var _ cluster.Machine = direct{}

func (d direct) Step(batch modes.Batch) (*modes.Effects, error) {
	var effects modes.Effects
	d.mode.Step(batch, &effects)
	return &effects, nil
}

func (d direct) Close() error { return nil }

// launch is how this plan's clusters get the state machines of a mode: the
// third party's, or a built-in one, broken if the plan says so.
func (p *Plan) launch() func(mode string, replica board.ReplicaID) (cluster.Machine, error) {
	return func(mode string, replica board.ReplicaID) (cluster.Machine, error) {
		if p.Launch != nil && mode == p.Mode {
			return p.Launch(replica)
		}
		entry, ok := builtin.Lookup(mode)
		if !ok {
			return nil, fmt.Errorf("start mode %s on %s: there is no such mode", mode, replica)
		}
		return direct{entry.NewVariant(p.small, p.Mutant)}, nil
	}
}
