package modetest

import (
	"errors"
	"fmt"
	"slices"

	"consequor/board"
	"consequor/modes"
)

// Recording is everything that the state machines of a run were told, and what
// they wanted done.
type Recording struct{ lives []*recordedLife }

// recordedLife is one state machine's.
type recordedLife struct {
	scenario string
	replica  board.ReplicaID
	steps    []recordedStep
}

type recordedStep struct {
	batch   modes.Batch
	effects []string // in a form that is equal only if they are
}

func (l *recordedLife) add(batch modes.Batch, effects *modes.Effects) {
	l.steps = append(l.steps, recordedStep{batch, effectTexts(effects)})
}

// effectTexts writes down each effect with all that is in it. To be nil or
// empty is the same for a slice.
func effectTexts(effects *modes.Effects) []string {
	var texts []string
	for _, effect := range effects.List {
		texts = append(texts, fmt.Sprintf("%T%+q", effect, fmt.Sprintf("%+v", effect)))
	}
	return texts
}

// Record runs the script with launch, and returns what was said. The script is
// the same, and so are the batches, for every launcher of one mode.
func Record(launch Launcher, options ...Option) (*Recording, error) {
	recording := &Recording{}
	var faults []error
	for _, c := range cases(options) {
		l := c.play(launch)
		recording.lives = append(recording.lives, l.recording...)
		faults = append(faults, l.faults...)
	}
	return recording, errors.Join(faults...)
}

// Steps is how many batches were recorded.
func (r *Recording) Steps() int {
	n := 0
	for _, life := range r.lives {
		n += len(life.steps)
	}
	return n
}

// Replay gives the recorded batches to fresh state machines. Any effect that
// differs from the recorded one is an error.
func (r *Recording) Replay(launch Launcher) error {
	for _, life := range r.lives {
		if err := life.replay(launch); err != nil {
			return fmt.Errorf("%s: replay of %s: %w", life.scenario, life.replica, err)
		}
	}
	return nil
}

func (l *recordedLife) replay(launch Launcher) error {
	machine, err := launch(l.replica)
	if err != nil {
		return err
	}
	for _, step := range l.steps {
		effects, err := machine.Step(step.batch)
		if err == nil {
			err = sameEffects(step.effects, effectTexts(effects))
		}
		if err != nil {
			return errors.Join(fmt.Errorf("batch %d: %w", step.batch.Number, err), machine.Close())
		}
	}
	return machine.Close()
}

func sameEffects(want, got []string) error {
	for i := range max(len(want), len(got)) {
		if i == len(want) || i == len(got) || want[i] != got[i] {
			return fmt.Errorf("effect %d: %s, was %s", i+1, at(got, i), at(want, i))
		}
	}
	return nil
}

func at(texts []string, i int) string {
	if i < len(texts) {
		return texts[i]
	}
	return "none"
}

// sameRecordings compares two runs of one scenario.
func sameRecordings(first, second []*recordedLife) error {
	if len(first) != len(second) {
		return fmt.Errorf("%d state machines in the first run, %d in the second", len(first), len(second))
	}
	for i, life := range first {
		for k, step := range life.steps {
			if k == len(second[i].steps) {
				return fmt.Errorf("%s: batch %d comes in the first run only", life.replica, step.batch.Number)
			}
			if again := second[i].steps[k]; !slices.Equal(step.effects, again.effects) {
				return fmt.Errorf("%s: the same events had other effects in a second run: batch %d: %w", life.replica, step.batch.Number, sameEffects(step.effects, again.effects))
			}
		}
	}
	return nil
}
