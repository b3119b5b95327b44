package cli

import (
	"fmt"
	"io"

	"consequor/topologies"
)

// validateCmd checks a topology, and the plugins that it names, and prints all
// problems, each with its place.
type validateCmd struct {
	Topology string `arg:"" help:"The topology file."`
}

type validateResult struct {
	Topology string   `json:"topology"`
	Name     string   `json:"name"`
	Mode     string   `json:"mode"`
	Unsafe   bool     `json:"unsafe"` // the mode's options break its promise
	Replicas int      `json:"replicas"`
	Faults   int      `json:"faults"` // directions of links that have some from the start
	Warnings []string `json:"warnings"`
}

func (c *validateCmd) Run(console *Console) error {
	_, t, err := loadTopology(console, c.Topology, topologies.Options{CheckPlugins: true})
	if err != nil {
		return err
	}
	result := validateResult{c.Topology, t.Name, t.Mode.Name, t.Mode.Unsafe, len(t.Replicas), len(t.Faults), []string{}}
	for _, warning := range t.Warnings {
		result.Warnings = append(result.Warnings, warning.String())
		console.Note("warning: %s", warning)
	}
	return console.Result(result, func(w io.Writer) {
		fmt.Fprintf(w, "%s is fine: cluster %s, mode %s%s, replicas %d%s\n", c.Topology, t.Name, t.Mode.Name, unsafeNote(t.Mode.Unsafe), len(t.Replicas), faultsNote(len(t.Faults)))
	})
}

// faultsNote tells how many directions of links have faults from the start.
func faultsNote(directions int) string {
	switch directions {
	case 0:
		return ""
	case 1:
		return ", one direction of a link with a fault"
	}
	return fmt.Sprintf(", %d directions of links with faults", directions)
}
