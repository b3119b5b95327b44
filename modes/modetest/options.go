package modetest

import (
	"slices"
	"strings"

	"consequor/modes"
)

// Configured gives a mode options by name, in transcripts the arguments of the
// cluster command.
func Configured(newMode func() modes.Mode, options map[string]string) func() modes.Mode {
	var list []modes.Option
	for name, value := range options {
		list = append(list, modes.Option{Name: name, Value: value})
	}
	slices.SortFunc(list, func(a, b modes.Option) int { return strings.Compare(a.Name, b.Name) })
	return func() modes.Mode { return &configured{newMode(), list} }
}

// configured tells a mode its options at Start.
type configured struct {
	mode    modes.Mode
	options []modes.Option
}

func (c *configured) Step(batch modes.Batch, out *modes.Effects) {
	batch.Events = slices.Clone(batch.Events)
	for i, event := range batch.Events {
		if start, ok := event.(modes.Start); ok {
			start.Options = c.options
			batch.Events[i] = start
		}
	}
	c.mode.Step(batch, out)
}
