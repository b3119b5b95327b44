package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"consequor/modes"
)

const (
	// soakBlock is how many seeds are run between two saves of the state: what
	// a kill loses, at most, is their work.
	soakBlock = 200

	// soakViolationsMax is how many violations a state keeps; further ones are
	// counted.
	soakViolationsMax = 100

	soakFileMax = 16 << 20 // bytes
)

// Soak is a sweep without an end, over many starts of the program: what it has
// done so far.
type Soak struct {
	SoakSetting
	Next       uint64          `json:"next"` // seed
	Totals     Totals          `json:"totals"`
	Stretches  []Stretch       `json:"stretches"`
	Violations []SoakViolation `json:"violations"`
}

// SoakSetting is what may not change from one start to the next: its totals
// would say nothing of anything.
type SoakSetting struct {
	Mode     string         `json:"mode"`
	Options  []modes.Option `json:"options"`
	Replicas int            `json:"replicas"`
	Faults   string         `json:"faults"`
	Promise  string         `json:"promise"`
	Length   int            `json:"length"`
	Mutant   string         `json:"mutant"`
}

// Stretch is the seeds that one build of the program has run.
type Stretch struct {
	Commit string `json:"commit"` // "unknown" if the build does not say
	From   uint64 `json:"from"`
	Runs   int    `json:"runs"`
	Failed int    `json:"failed"`
}

// SoakViolation is one run that failed.
type SoakViolation struct {
	Seed     uint64  `json:"seed"`
	Commit   string  `json:"commit"`
	Failure  Failure `json:"failure"`
	Sentence string  `json:"sentence"`
}

// SettingOf is the setting that a configuration is.
func SettingOf(c Config) SoakSetting {
	return SoakSetting{
		Mode: c.Mode, Options: append([]modes.Option{}, c.Options...), Replicas: c.Replicas, Faults: c.Faults.String(),
		Promise: string(c.Promise), Length: c.Length, Mutant: c.Mutant.String(),
	}
}

// SettingError says that a state was made under another setting.
type SettingError struct {
	What, State, Asked string
}

func (e *SettingError) Error() string {
	return fmt.Sprintf("it was made with %s %s, not %s", e.What, e.State, e.Asked)
}

func (s SoakSetting) differs(asked SoakSetting) error {
	for _, d := range []SettingError{
		{"mode", s.Mode, asked.Mode},
		{"options", optionsInWords(s.Options), optionsInWords(asked.Options)},
		{"replicas", fmt.Sprint(s.Replicas), fmt.Sprint(asked.Replicas)},
		{"faults", s.Faults, asked.Faults},
		{"promise", orNone(s.Promise), orNone(asked.Promise)},
		{"length", fmt.Sprint(s.Length), fmt.Sprint(asked.Length)},
		{"mutant", s.Mutant, asked.Mutant},
	} {
		if d.State != d.Asked {
			return &d
		}
	}
	return nil
}

func optionsInWords(options []modes.Option) string {
	var words []string
	for _, o := range options {
		words = append(words, o.Name+"="+o.Value)
	}
	return orNone(strings.Join(words, ","))
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

// LoadSoak reads a state; where there is no file it is a new one. A state of
// another setting is refused with a SettingError.
func LoadSoak(path string, asked SoakSetting) (*Soak, error) {
	s, err := ReadSoak(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &Soak{SoakSetting: asked, Next: 1, Stretches: []Stretch{}, Violations: []SoakViolation{}}, nil
	}
	if err == nil {
		err = s.differs(asked)
	}
	if err != nil {
		return nil, fmt.Errorf("state %s: %w", path, err)
	}
	return s, nil
}

// ReadSoak reads a state, whatever its setting.
func ReadSoak(path string) (*Soak, error) {
	info, err := os.Stat(path)
	if err == nil && info.Size() > soakFileMax {
		err = fmt.Errorf("%d bytes, the limit is %d", info.Size(), soakFileMax)
	}
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var s Soak
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("it is no state: %w", err)
	}
	return &s, nil
}

// Save replaces the state: whoever reads the file finds the old one or the new
// one, whole.
func (s *Soak) Save(path string) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err == nil {
		err = replaceFile(path, append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("save state %s: %w", path, err)
	}
	return nil
}

func replaceFile(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// Run goes on with the soak where it was, and saves its state now and then, and
// at the end. It ends when ctx does, which is no error.
func (s *Soak) Run(ctx context.Context, sweep Sweep, commit, path string) error {
	for ctx.Err() == nil {
		sweep.From, sweep.Seeds, sweep.KeepGoing = s.Next, soakBlock, true
		o, err := sweep.Run(ctx)
		s.take(o, commit)
		if saveErr := s.Save(path); saveErr != nil {
			return saveErr
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// take adds a block.
func (s *Soak) take(o *Outcome, commit string) {
	if o.Runs > 0 && (len(s.Stretches) == 0 || s.Stretches[len(s.Stretches)-1].Commit != commit) {
		s.Stretches = append(s.Stretches, Stretch{Commit: commit, From: s.Next})
	}
	if o.Runs > 0 {
		last := &s.Stretches[len(s.Stretches)-1]
		last.Runs += o.Runs
		last.Failed += o.Failed
	}
	s.Next = o.Next
	s.Totals.Add(&o.Totals)
	for _, r := range o.Failures {
		if len(s.Violations) < soakViolationsMax {
			s.Violations = append(s.Violations, SoakViolation{r.Plan.Seed, commit, r.Failure(), r.Sentence()})
		}
	}
}

// SoakTable is states as a table in markdown, a row for each.
func SoakTable(states ...*Soak) string {
	var b strings.Builder
	b.WriteString("| mode | replicas | faults | commits | seeds | failed | virtual time | core time | events | posts | mode changes | elections | seeds per core second |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, s := range states {
		mode := s.Mode
		if len(s.Options) > 0 {
			mode += ", " + optionsInWords(s.Options)
		}
		if s.Mutant != "none" {
			mode += ", mutant " + s.Mutant
		}
		t := &s.Totals
		fmt.Fprintf(&b, "| %s | %d | %s | %s | %d | %d | %s | %s | %d | %d | %d | %d | %.1f |\n", mode, s.Replicas, s.Faults, s.commits(), t.Runs, t.Failed,
			t.Virtual.Round(time.Minute), t.CPU.Round(time.Second), t.Events, t.Coverage.Posts, t.Coverage.Changes, t.Coverage.Elections, t.SeedsPerCoreSecond())
	}
	return b.String()
}

const commitLen = 10

func (s *Soak) commits() string {
	var each []string
	for _, stretch := range s.Stretches {
		each = append(each, stretch.Commit[:min(commitLen, len(stretch.Commit))])
	}
	return orNone(strings.Join(each, ", "))
}
