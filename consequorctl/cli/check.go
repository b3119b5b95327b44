package cli

import (
	"errors"
	"fmt"
	"io"
	"os"

	"consequor/sim/history"
)

// checkCmd judges a history that sim, or a load on a real cluster, has written
// down.
type checkCmd struct {
	History string `arg:"" help:"The file: JSON lines, as sim --history writes them."`
	Report  string `help:"Write it as one HTML page." placeholder:"FILE"`
}

type checkResult struct {
	History  string         `json:"history"`
	Source   string         `json:"source"`
	Outcome  string         `json:"outcome"` // ok, violated, unknown, not checked
	Replicas int            `json:"replicas"`
	Ops      int            `json:"ops"`
	Verdicts []checkVerdict `json:"verdicts"`
}

type checkVerdict struct {
	Checker  string   `json:"checker"`
	Outcome  string   `json:"outcome"`
	Property string   `json:"property,omitempty"`
	Sentence string   `json:"sentence,omitempty"`
	Ops      []string `json:"ops"` // that prove it, in words
	LongFork int      `json:"long_forks,omitempty"`
}

func (c *checkCmd) Run(console *Console) error {
	h, err := readHistory(console.Path(c.History))
	if err != nil {
		return usagef("history %s: %v", c.History, err)
	}
	verdicts := history.Check(h, history.StepsDefault)
	result := checkResult{
		History: c.History, Source: h.Source, Outcome: string(verdicts.Outcome()), Replicas: h.Replicas, Ops: len(h.Ops), Verdicts: []checkVerdict{},
	}
	for i := range verdicts {
		result.Verdicts = append(result.Verdicts, verdictOf(h, &verdicts[i]))
	}
	undone := console.Result(result, result.print)
	if c.Report != "" {
		undone = errors.Join(undone, writeReport(console.Path(c.Report), reportOf(h, verdicts)))
	}
	return besides(endOf(verdicts), undone)
}

// endOf makes of what was judged an exit code.
func endOf(verdicts history.Verdicts) error {
	switch verdicts.Outcome() {
	case history.Violated:
		return &Failure{Code: ExitFailed, Kind: "violated", Message: fmt.Sprintf("%s does not hold", verdicts.First().Property)}
	case history.Undecided:
		return &Failure{Code: ExitFailed, Kind: "undecided", Message: "a checker has not come to an end: see above"}
	}
	return nil
}

func readHistory(path string) (*history.History, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return history.Load(f)
}

func verdictOf(h *history.History, v *history.Verdict) checkVerdict {
	return checkVerdict{v.Checker, string(v.Outcome), v.Property, v.Sentence, opsInWords(h, v), v.LongFork}
}

func (r checkResult) print(w io.Writer) {
	fmt.Fprintf(w, "%s: %d operations on %d replicas\n", inertLine(r.Source), r.Ops, r.Replicas)
	for _, v := range r.Verdicts {
		fmt.Fprintf(w, "%s  %s", v.Checker, v.Outcome)
		if v.Property != "" {
			fmt.Fprintf(w, ", %s: %s", v.Property, inertLine(v.Sentence))
		}
		if v.LongFork > 0 {
			fmt.Fprintf(w, "; %d long forks", v.LongFork)
		}
		fmt.Fprintln(w)
		for _, op := range v.Ops {
			fmt.Fprintf(w, "      %s\n", inertLine(op))
		}
	}
}
