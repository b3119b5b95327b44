package sim

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"consequor/modes"
	"consequor/mutants"
)

// Hunter finds out how many seeds it takes until a mutant is caught, and whether
// the protocol as it should be holds in the same runs.
type Hunter struct {
	Starts int // hunts for each mutant: from seed 1, 1001, 2001, ...; default 3
	Seeds  int // at most, in each; default 50

	// Lair is where a mutant is hunted; default the package's own.
	Lair func(mutants.Mutant) Config

	draw func(Config, uint64) (*Plan, error)
	run  Runner
}

const (
	startsDefault    = 3
	huntSeedsDefault = 50
	startApart       = 1000

	// huntRunMax is how long a run may take, in real time: broken protocols may
	// send each other ever more.
	huntRunMax = 20 * time.Second

	// ownErrorsMax is how many runs of one hunt may end by an error of the
	// simulator's own before the hunt gives up.
	ownErrorsMax = 20
)

// Catch is how a mutant fared.
type Catch struct {
	Mutant   string         `json:"mutant"`
	Words    string         `json:"words"`
	Mode     string         `json:"mode"`
	Options  []modes.Option `json:"options"`
	Replicas int            `json:"replicas"`
	Faults   string         `json:"faults"`
	SeedsMax int            `json:"seeds_max"`
	Starts   []Start        `json:"starts"`
	Median   int            `json:"median"` // seeds until caught; 0: most hunts ended without
	By       Failure        `json:"by"`     // what caught it, in most hunts

	// What the protocol did in the very same runs, unbroken.
	Held  int    `json:"held"`            // seeds
	Broke string `json:"broke,omitempty"` // which seed did not, and how; empty: all held

	config Config
}

// Start is one hunt.
type Start struct {
	From     uint64  `json:"from"`
	Seeds    int     `json:"seeds"` // until it was caught, that one included
	Caught   bool    `json:"caught"`
	By       Failure `json:"by"`
	Sentence string  `json:"sentence,omitempty"`
	Own      int     `json:"own_errors,omitempty"` // runs that ended by an error of the simulator's own
}

// Config is the setting in which the mutant was hunted.
func (c *Catch) Config() Config { return c.config }

// Caught reports whether most hunts caught the mutant while the protocol, as it
// should be, held.
func (c *Catch) Caught() bool { return c.Median > 0 && c.Broke == "" }

// Run hunts one mutant.
func (h Hunter) Run(ctx context.Context, m mutants.Mutant) (*Catch, error) {
	if h.Lair == nil {
		h.Lair = Lair
	}
	if h.Starts <= 0 {
		h.Starts = startsDefault
	}
	if h.Seeds <= 0 {
		h.Seeds = huntSeedsDefault
	}
	config := h.Lair(m)
	config.Mutant = m
	c := &Catch{
		Mutant: m.String(), Words: m.Words(), Mode: config.Mode, Options: config.Options,
		Replicas: config.Replicas, Faults: config.Faults.String(), SeedsMax: h.Seeds, config: config,
	}
	for i := range h.Starts {
		s, err := h.start(ctx, config, uint64(i)*startApart+1)
		if err != nil {
			return c, fmt.Errorf("hunt %s: %w", m, err)
		}
		c.Starts = append(c.Starts, s)
	}
	c.sum()
	if err := h.control(ctx, c); err != nil {
		return c, fmt.Errorf("hunt %s: the protocol itself: %w", m, err)
	}
	return c, nil
}

// start runs seeds until one is caught. A run that ends by an error of the
// simulator's own proves nothing, and the next seed is tried.
func (h Hunter) start(ctx context.Context, c Config, from uint64) (Start, error) {
	s := Start{From: from}
	for s.Seeds < h.Seeds {
		sweep := Sweep{Config: c, From: from + uint64(s.Seeds), Seeds: h.Seeds - s.Seeds, draw: h.draw, run: h.run, runMax: huntRunMax}
		o, err := sweep.Run(ctx)
		if err != nil {
			return s, err
		}
		if len(o.Failures) == 0 {
			s.Seeds = h.Seeds
			break
		}
		first := o.Failures[0]
		s.Seeds = int(first.Plan.Seed-from) + 1
		if !first.ownError() {
			s.Caught, s.By, s.Sentence = true, first.Failure(), first.Sentence()
			break
		}
		if s.Own++; s.Own > ownErrorsMax {
			return s, fmt.Errorf("%d runs ended by errors of the simulator's own, the last one, seed %d, by: %w", s.Own, first.Plan.Seed, first.Err)
		}
	}
	return s, nil
}

// ownError reports whether a run ended by a mistake of the simulator, not by
// what it was to find: a difference between two runs, no end, or a panic that
// nobody has meant as an assertion.
func (r *Result) ownError() bool {
	if r.Err == nil {
		return false
	}
	switch r.Err.(type) {
	case *NotDeterministicError, *EndlessError, *UndecidedError:
		return true
	}
	return ownPanic.MatchString(r.Err.Error())
}

var ownPanic = regexp.MustCompile(`panics?: (runtime error|.*, in sim[./])`)

// Sentence says in words what a failed run shows.
func (r *Result) Sentence() string {
	if r.Err != nil {
		text, _, _ := strings.Cut(r.Err.Error(), "\n")
		return text
	}
	if v := r.Verdicts.First(); v != nil {
		return v.Sentence
	}
	return ""
}

// sum makes one result of the starts.
func (c *Catch) sum() {
	var seeds []int
	by := make(map[Failure]int)
	for _, s := range c.Starts {
		n := s.Seeds
		if !s.Caught {
			n = c.SeedsMax + 1
		} else if by[s.By]++; by[s.By] > by[c.By] {
			c.By = s.By
		}
		seeds = append(seeds, n)
	}
	slices.Sort(seeds)
	if c.Median = seeds[len(seeds)/2]; c.Median > c.SeedsMax {
		c.Median = 0
	}
}

// control runs the same seeds with the protocol as it should be.
func (h Hunter) control(ctx context.Context, c *Catch) error {
	config := c.config
	config.Mutant = mutants.None
	for _, s := range c.Starts {
		sweep := Sweep{Config: config, From: s.From, Seeds: s.Seeds, draw: h.draw, run: h.run, runMax: huntRunMax}
		o, err := sweep.Run(ctx)
		if err != nil {
			return err
		}
		if len(o.Failures) > 0 {
			first := o.Failures[0]
			c.Broke = fmt.Sprintf("seed %d: %s: %s", first.Plan.Seed, first.Failure(), first.Sentence())
			return nil
		}
		c.Held += o.Runs
	}
	return nil
}

// MutantTable is the catches as a table in markdown.
func MutantTable(catches []*Catch) string {
	var b strings.Builder
	b.WriteString("| mutant | what it does | hunted in | faults | seeds until caught | caught by | the protocol itself |\n|---|---|---|---|---|---|---|\n")
	for _, c := range catches {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", c.Mutant, c.Words, c.place(), faultsBriefly(c.Faults), c.seedsInWords(), c.byInWords(), c.heldInWords())
	}
	return b.String()
}

func (c *Catch) place() string {
	text := fmt.Sprintf("%s, %d replicas", c.Mode, c.Replicas)
	for _, o := range c.Options {
		text += fmt.Sprintf(", %s %s", o.Name, o.Value)
	}
	return text
}

// faultsBriefly names the faults, or those that are missing if these are fewer.
func faultsBriefly(list string) string {
	set, err := ParseFaults(list)
	if err != nil {
		return list
	}
	if short := "all,-" + strings.ReplaceAll((All&^set).String(), ",", ",-"); set != All && len(short) < len(list) {
		return short
	}
	return list
}

func (c *Catch) seedsInWords() string {
	var each []string
	for _, s := range c.Starts {
		if s.Caught {
			each = append(each, fmt.Sprint(s.Seeds))
		} else {
			each = append(each, fmt.Sprintf("> %d", s.Seeds))
		}
	}
	median := "not caught"
	if c.Median > 0 {
		median = fmt.Sprintf("**%d**", c.Median)
	}
	return fmt.Sprintf("%s (%s)", median, strings.Join(each, ", "))
}

func (c *Catch) byInWords() string {
	if c.Median == 0 {
		return "-"
	}
	return strings.ReplaceAll(c.By.String(), "|", "\\|")
}

func (c *Catch) heldInWords() string {
	if c.Broke != "" {
		return "broke: " + strings.ReplaceAll(c.Broke, "|", "\\|")
	}
	return fmt.Sprintf("holds, %d seeds", c.Held)
}
