package modetest

import (
	"errors"
	"fmt"
	"testing"

	"consequor/modes"
)

// Option changes how the suite is run.
type Option func(*settings)

type settings struct {
	sizes   []int
	options []modes.Option
}

// Sizes says which clusters the script is played to; by default of 1 and of 3
// replicas.
func Sizes(replicas ...int) Option { return func(s *settings) { s.sizes = replicas } }

// With gives the mode options, sorted by name.
func With(options ...modes.Option) Option { return func(s *settings) { s.options = options } }

// Run plays the script with launch, and reports what broke the contract.
func Run(t *testing.T, launch Launcher, options ...Option) {
	for _, c := range cases(options) {
		t.Run(c.String(), func(t *testing.T) {
			if err := c.check(launch); err != nil {
				t.Error(err)
			}
		})
	}
}

// Check is Run without a test.
func Check(launch Launcher, options ...Option) error {
	var faults []error
	for _, c := range cases(options) {
		if err := c.check(launch); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", c, err))
		}
	}
	return errors.Join(faults...)
}

// labCase is one scenario for one size of cluster.
type labCase struct {
	scenario labScenario
	size     int
	options  []modes.Option
}

func (c labCase) String() string { return fmt.Sprintf("%s/replicas=%d", c.scenario.name, c.size) }

func cases(options []Option) []labCase {
	s := settings{sizes: []int{1, 3}}
	for _, option := range options {
		option(&s)
	}
	var all []labCase
	for _, size := range s.sizes {
		for _, scenario := range labScript {
			if size >= scenario.sizeMin {
				all = append(all, labCase{scenario, size, s.options})
			}
		}
	}
	return all
}

// check plays the case twice; the second time everything must be the same.
func (c labCase) check(launch Launcher) error {
	first := c.play(launch)
	if len(first.faults) > 0 {
		return errors.Join(first.faults...)
	}
	return sameRecordings(first.recording, c.play(launch).recording)
}

// play plays the case once, up to the first fault.
func (c labCase) play(launch Launcher) *lab {
	l := newLab(c.String(), launch, c.size, c.options)
	l.attempt(func() { c.scenario.play(l) })
	l.attempt(l.shutDown)
	return l
}
