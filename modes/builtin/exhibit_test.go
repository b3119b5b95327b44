package builtin_test

import (
	"slices"
	"strings"
	"testing"

	"consequor/board"
	"consequor/modes"
	"consequor/modes/builtin"
)

// The exhibit is listed nowhere, is had by its name, says that it is broken, and
// runs only where that is accepted.
func TestExhibit(t *testing.T) {
	if slices.ContainsFunc(builtin.Modes(), func(e builtin.Entry) bool { return e.Description.Name == builtin.ExhibitName }) {
		t.Error("the exhibit is listed")
	}
	e, ok := builtin.Lookup(builtin.ExhibitName)
	if !ok || !strings.Contains(e.Description.Promise, "BROKEN") {
		t.Errorf("the exhibit is %t there, and promises %q", ok, e.Description.Promise)
	}
	for _, test := range []struct {
		options []modes.Option
		want    string // in the error; empty: it runs
	}{
		{nil, "broken on purpose"},
		{[]modes.Option{{Name: "unsafe", Value: "false"}}, "broken on purpose"},
		{[]modes.Option{{Name: "unsafe", Value: "perhaps"}}, "want true or false"},
		{[]modes.Option{{Name: "terms", Value: "1"}}, "terms: "},
		{[]modes.Option{{Name: "unsafe", Value: "true"}}, ""},
	} {
		_, err := builtin.Check(builtin.ExhibitName, test.options, 3)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: got %v, want %q", test.options, err, test.want)
		}
	}
}

// It is the example's mode, which knows no options: the one that lets it run
// must not reach it, or it halts.
func TestExhibitStarts(t *testing.T) {
	e, _ := builtin.Lookup(builtin.ExhibitName)
	start := modes.Start{Self: 1, Epoch: 1, Incarnation: 1, Replicas: []board.ReplicaID{1}, Options: []modes.Option{{Name: "unsafe", Value: "true"}}}
	batch := modes.Batch{Number: 1, Events: []modes.Event{start}}
	var out modes.Effects
	e.New().Step(batch, &out)
	for _, effect := range out.List {
		if halt, ok := effect.(modes.Halt); ok {
			t.Errorf("it halts: %s", halt.Why)
		}
	}
	if len(batch.Events[0].(modes.Start).Options) != 1 {
		t.Error("it has changed the event that it was given")
	}
}
