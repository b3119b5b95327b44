package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"consequor/supervisor"
	"consequor/topologies"
)

// side is one end of a link on the command line: one replica or several.
type side []string

// UnmarshalText is called by the parser.
func (s *side) UnmarshalText(text []byte) error {
	*s = strings.Split(string(text), ",")
	return nil
}

// linkEnds are the arguments that cut, delay and loss share.
type linkEnds struct {
	A side `arg:"" help:"A replica, several with commas between, coordinator, backup, or rest: all that B does not name."`
	B side `arg:"" help:"The other end of the link, or links; likewise."`
}

// linkFlags are what all that change links share.
type linkFlags struct {
	OneWay bool          `help:"Only what A says to B; what B says to A stays as it is."`
	Wait   time.Duration `help:"Wait at most so long until it is in force everywhere." default:"10s"`
}

// changeLinks does to links what cut, delay, loss and heal have in common: ask
// the supervisor, which answers once the change is in force, and tell what it
// was.
func changeLinks(ctx context.Context, console *Console, name clusterFlag, r supervisor.FaultRequest) error {
	if r.Wait <= 0 {
		return usagef("--wait %v: want a time above 0", r.Wait)
	}
	cluster, err := name.find()
	if err != nil {
		return err
	}
	done, err := cluster.ChangeLinks(ctx, r)
	if err != nil {
		return err
	}
	for _, s := range done.Missing {
		console.Note("%s cannot confirm (%s): it finds this in force when it comes back", s.Replica, s.Why)
	}
	return console.Result(done, func(w io.Writer) { printChange(w, console.Quiet, done) })
}

// printChange tells what each link has now: both directions in one line, if they
// are alike.
func printChange(w io.Writer, quiet bool, done *supervisor.FaultResult) {
	lines := linkLines(done.Links)
	if quiet {
		fmt.Fprintln(w, len(done.Links))
		return
	}
	if len(lines) == 0 {
		fmt.Fprintln(w, "nothing changed: it was so already")
		return
	}
	for _, line := range lines {
		fmt.Fprintln(w, line)
	}
}

// linesMax bounds the links that are told one by one where faults are not what
// was asked for.
const linesMax = 12

// linkLines tells what is wrong, a line for each link: "r1 <-> r3: cut", or, when
// its directions differ, for each direction: "r1 -> r3: delay 50ms".
func linkLines(faults []supervisor.LinkFault) (lines []string) {
	words := make(map[[2]string]string)
	for i := range faults {
		words[[2]string{faults[i].From, faults[i].To}] = faults[i].Words()
	}
	told := make(map[[2]string]bool)
	for _, f := range faults {
		there, back := [2]string{f.From, f.To}, [2]string{f.To, f.From}
		if told[there] {
			continue
		}
		arrow := "->"
		if words[there] == words[back] {
			arrow, told[back] = "<->", true
		}
		lines = append(lines, fmt.Sprintf("%s %s %s: %s", f.From, arrow, f.To, words[there]))
	}
	if more := len(lines) - linesMax; more > 1 {
		lines = append(lines[:linesMax], fmt.Sprintf("and %d more: see consequorctl faults", more))
	}
	return lines
}

// percent is a part of the messages on the command line.
type percent float64

// UnmarshalText is called by the parser.
func (p *percent) UnmarshalText(text []byte) error {
	part, err := topologies.ParsePercent(string(text))
	*p = percent(part)
	return err
}
