// Package builtin is the one table of the modes that come with consequor. To
// add one is to add a line here.
package builtin

import (
	"slices"

	"consequor/modes"
	"consequor/modes/originlog"
	"consequor/modes/quorum"
	"consequor/modes/readyourwrite"
	"consequor/modes/sequential"
	"consequor/mutants"
)

// Entry is a mode that can be had without a plugin of one's own.
type Entry struct {
	Description modes.Description
	New         func() modes.Mode

	// NewVariant is as New, with limits so small that a short run meets them,
	// or broken on purpose: for simulators.
	NewVariant func(small bool, m mutants.Mutant) modes.Mode

	// DescribeMessage tells what replicas say to each other, for traces; what
	// says nothing new, as a heartbeat does, is empty.
	DescribeMessage func(message []byte) string
}

// Modes lists the built-in modes, by name.
func Modes() []Entry {
	return []Entry{
		{quorum.Describe(), quorum.New, quorum.NewVariant, originlog.DescribeMessage},
		{readyourwrite.Describe(), readyourwrite.New, readyourwrite.NewVariant, originlog.DescribeMessage},
		{sequential.Describe(), sequential.New, sequential.NewVariant, sequential.DescribeMessage},
	}
}

// Lookup finds a built-in mode by its name, the exhibits too.
func Lookup(name string) (Entry, bool) {
	for _, e := range slices.Concat(Modes(), Exhibits()) {
		if e.Description.Name == name {
			return e, true
		}
	}
	return Entry{}, false
}
