package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"consequor/mutants"
	"consequor/sim"
)

// simMutantsCmd hunts mutants: a checker is worth what it catches.
type simMutantsCmd struct {
	Mutants []string `arg:"" optional:"" name:"mutant" help:"Which ones, as in M16 (default: all)."`
	Seeds   int      `help:"How many seeds a hunt may take." default:"50" placeholder:"N"`
	Starts  int      `help:"How many hunts for each, from seeds 1, 1001, 2001, ..." default:"3" placeholder:"N"`
	Out     string   `help:"Write the table there, as markdown." placeholder:"FILE"`
}

// Help is shown with the command's flags.
func (simMutantsCmd) Help() string {
	return `Each mutant leaves one rule of the protocol out. It is hunted in the setting that the rule is for, until a checker or an assertion catches
it; and the protocol itself must hold in the very same runs. The table tells how many seeds that took, the median in bold. The mutants are:

` + mutantWords()
}

func mutantWords() string {
	var b strings.Builder
	for _, m := range mutants.All() {
		fmt.Fprintf(&b, "  %-4s %s\n", m, m.Words())
	}
	return b.String()
}

const (
	huntSeedsMax  = 1000 // then the next start begins
	huntStartsMax = 1000
)

// Validate is called by the parser.
func (c *simMutantsCmd) Validate() error {
	if c.Seeds < 1 || c.Seeds > huntSeedsMax {
		return fmt.Errorf("--seeds %d: want 1 to %d", c.Seeds, huntSeedsMax)
	}
	if c.Starts < 1 || c.Starts > huntStartsMax {
		return fmt.Errorf("--starts %d: want 1 to %d", c.Starts, huntStartsMax)
	}
	_, err := c.which()
	return err
}

func (c *simMutantsCmd) which() ([]mutants.Mutant, error) {
	if len(c.Mutants) == 0 {
		return mutants.All(), nil
	}
	var which []mutants.Mutant
	for _, name := range c.Mutants {
		m, err := mutants.Parse(name)
		if err != nil {
			return nil, err
		}
		which = append(which, m)
	}
	return which, nil
}

type simMutantsResult struct {
	Caught  int          `json:"caught"`
	Of      int          `json:"of"`
	Mutants []*sim.Catch `json:"mutants"`
}

func (c *simMutantsCmd) Run(ctx context.Context, console *Console) error {
	which, err := c.which()
	if err != nil {
		return usagef("%v", err)
	}
	if err := writable(console, "--out", c.Out); err != nil {
		return err
	}
	result := &simMutantsResult{Of: len(which), Mutants: []*sim.Catch{}}
	for _, m := range which {
		if err := c.hunt(ctx, console, m, result); err != nil {
			return c.ended(ctx, console, result, err)
		}
	}
	return besides(result.end(), console.Result(result, result.print))
}

// ended tells all hunts so far, and what ended them.
func (c *simMutantsCmd) ended(ctx context.Context, console *Console, result *simMutantsResult, err error) error {
	unprinted := console.Result(result, result.print)
	if ctx.Err() == nil {
		return errors.Join(err, unprinted)
	}
	message := "interrupted: " + result.untried()
	if broke := result.broke(); broke != "" {
		message = broke + "\n" + message
	}
	return besides(&Failure{Code: ExitFailed, Kind: "interrupted", Message: message}, unprinted)
}

// end makes of what was found an exit code. That the protocol itself broke is
// the worse news.
func (r *simMutantsResult) end() error {
	var lines []string
	kind := "escaped"
	escaped := 0
	for _, one := range r.Mutants {
		if one.Median == 0 {
			escaped++
		}
	}
	if broke := r.broke(); broke != "" {
		lines, kind = append(lines, broke), "violated"
	}
	if escaped > 0 {
		lines = append(lines, fmt.Sprintf("%d of %d mutants were not caught in most of their hunts", escaped, r.Of))
	}
	if len(lines) == 0 {
		return nil
	}
	return &Failure{Code: ExitFailed, Kind: kind, Message: strings.Join(lines, "\n")}
}

// broke says that the protocol broke, and where first; empty: it held.
func (r *simMutantsResult) broke() string {
	count, first := 0, ""
	for _, one := range r.Mutants {
		if one.Broke == "" {
			continue
		}
		if count++; count == 1 {
			first = one.Mutant + ", " + one.Broke
		}
	}
	if count == 0 {
		return ""
	}
	return fmt.Sprintf("the protocol itself, unbroken, does not hold in the runs of %d of %d mutants; the first: %s", count, len(r.Mutants), first)
}

// untried says how many mutants were not hunted to the end.
func (r *simMutantsResult) untried() string {
	return fmt.Sprintf("%d of %d mutants were not tried to the end", r.Of-len(r.Mutants), r.Of)
}

// hunt adds a mutant to the table, here and in the file.
func (c *simMutantsCmd) hunt(ctx context.Context, console *Console, m mutants.Mutant, result *simMutantsResult) error {
	one, err := sim.Hunter{Starts: c.Starts, Seeds: c.Seeds}.Run(ctx, m)
	if err != nil {
		return err
	}
	result.Mutants = append(result.Mutants, one)
	if one.Caught() {
		result.Caught++
	}
	c.note(console, one)
	return c.write(console, result)
}

// note tells how a hunt went as soon as it is over: all take a while.
func (c *simMutantsCmd) note(console *Console, one *sim.Catch) {
	for _, s := range one.Starts {
		if s.Caught {
			console.Note("%s, from seed %d: caught by seed %d: %s: %s", one.Mutant, s.From, s.From+uint64(s.Seeds)-1, s.By, inertLine(s.Sentence))
		} else {
			console.Note("%s, from seed %d: not caught in %d seeds", one.Mutant, s.From, s.Seeds)
		}
	}
	if one.Broke != "" {
		console.Note("%s: the protocol itself does not hold: %s", one.Mutant, inertLine(one.Broke))
	}
}

func (c *simMutantsCmd) write(console *Console, result *simMutantsResult) error {
	if c.Out == "" {
		return nil
	}
	return writeFile("table", console.Path(c.Out), func(w io.Writer) error {
		_, err := io.WriteString(w, sim.MutantTable(result.Mutants))
		return err
	})
}

func (r *simMutantsResult) print(w io.Writer) {
	held := "and the protocol itself held in the same runs"
	if r.broke() != "" {
		held = "but the protocol itself did not always hold: see the last column"
	}
	fmt.Fprintf(w, "%s\n%d of %d were caught, %s\n", inertLines(sim.MutantTable(r.Mutants)), r.Caught, r.Of, held)
	if len(r.Mutants) < r.Of {
		fmt.Fprintln(w, r.untried())
	}
}
