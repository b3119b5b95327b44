// Package report draws a run as one HTML page that needs nothing else: no
// network, no tool. See Write.
package report

import (
	"io"

	"consequor/sim/cluster"
	"consequor/sim/history"
)

// Report is what a page shows.
type Report struct {
	Title    string   // "sequential, 5 replicas, seed 17"
	Lines    []string // under it: the options, the command that repeats the run
	Replicas int
	History  *history.History
	Verdicts history.Verdicts
	Failure  string          // an assertion that broke, if one did
	Events   []cluster.Event // what was traced; a real cluster's history has none
}

// Write writes the page.
func Write(w io.Writer, r *Report) error { panic("not yet") }
