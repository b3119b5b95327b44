package cli

import (
	"fmt"
	"io"
	"strings"

	"consequor/sim"
)

// simFaultsCmd lists the faults.
type simFaultsCmd struct{}

type simFault struct {
	Name  string `json:"name"`
	Words string `json:"words"`
}

func (simFaultsCmd) Run(console *Console) error {
	result := struct {
		Faults []simFault `json:"faults"`
	}{[]simFault{}}
	for line := range strings.Lines(sim.FaultHelp()) {
		name, words, _ := strings.Cut(strings.TrimSpace(line), " ")
		result.Faults = append(result.Faults, simFault{name, strings.TrimSpace(words)})
	}
	return console.Result(result, func(w io.Writer) {
		if console.Quiet {
			for _, f := range result.Faults {
				fmt.Fprintln(w, f.Name)
			}
			return
		}
		fmt.Fprint(w, sim.FaultHelp())
		fmt.Fprintln(w, "\nall, none; a - before a name leaves it out: --faults all,-rot,-wipe")
	})
}
