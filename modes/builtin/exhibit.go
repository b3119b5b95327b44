package builtin

import (
	"errors"
	"slices"
	"strconv"

	"consequor/modes"
	"consequor/modes/example-primary/primary"
	"consequor/mutants"
)

// ExhibitName is the predecessor's protocol: broken on purpose, to be compared
// with. It is part of the program, so that the comparison takes no build, and in
// no list of modes.
const ExhibitName = "example-primary"

// unsafeOption is what lets a mode run that keeps no promise.
const unsafeOption = "unsafe"

// Exhibits lists the modes that can be had by their names and are listed
// nowhere: nobody is to choose one without having read what it is.
func Exhibits() []Entry {
	d := primary.Describe()
	d.Name = ExhibitName
	d.Options = []modes.OptionDescription{{Name: unsafeOption, Default: "false", Meaning: "let this broken mode run: it gives one id to two articles"}}
	return []Entry{{
		Description:     d,
		New:             newExhibit,
		NewVariant:      func(bool, mutants.Mutant) modes.Mode { return newExhibit() },
		DescribeMessage: func([]byte) string { return "" },
	}}
}

// checkExhibit wants it said that the mode is known to be broken.
func checkExhibit(options []modes.Option) error {
	for _, o := range options {
		if o.Name != unsafeOption {
			return &modes.OptionError{Option: o.Name, Why: "there is no such option"}
		}
		if yes, err := strconv.ParseBool(o.Value); err != nil {
			return &modes.OptionError{Option: o.Name, Why: "want true or false"}
		} else if yes {
			return nil
		}
	}
	return errors.New("broken on purpose: it gives one id to two articles when a link is cut; with unsafe: true it runs all the same")
}

// exhibit is the example's mode without the option that lets it run, which it
// does not know.
type exhibit struct{ modes.Mode }

func newExhibit() modes.Mode { return &exhibit{primary.New()} }

func (m *exhibit) Step(batch modes.Batch, out *modes.Effects) {
	batch.Events = slices.Clone(batch.Events)
	for i, e := range batch.Events {
		if s, ok := e.(modes.Start); ok {
			s.Options = nil
			batch.Events[i] = s
		}
	}
	m.Mode.Step(batch, out)
}
