package sim

import (
	"consequor/sim/cluster"
)

// options are what a seed chooses besides the actions.
type options struct{}

// action is what an Action does.
type action struct{}

// Draw makes the plan that belongs to a seed.
func Draw(c Config, seed uint64) (*Plan, error) { panic("not yet") }

// Only is the plan with some of its actions left out: those stay whose numbers
// are listed.
func (p *Plan) Only(numbers []int) *Plan { panic("not yet") }

// Run runs a plan. The trace gets each event as it happens; nil: there is none,
// and no hash.
func Run(p *Plan, trace func(cluster.Event)) *Result { panic("not yet") }
