package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"consequor/sim/history"
	"consequor/supervisor"
)

// checkCmd judges a history that sim, or a load on a real cluster, has written
// down.
type checkCmd struct {
	History   string `arg:"" help:"The file: JSON lines, as sim --history, bench --record and record stop write them."`
	Report    string `help:"Write it as one HTML page." placeholder:"FILE"`
	Porcupine string `help:"Write what of it can be put in one line, as porcupine draws it: one HTML page." placeholder:"FILE"`
}

// Help is shown by check --help.
func (*checkCmd) Help() string {
	return `Says of each promise of the modes that the history ran in whether it was held or broken, with the
operations that prove it, or unknown, and why. A promise that nothing has put to the test is unknown, and
counts neither way.

    consequorctl bench --record run.jsonl
    consequorctl check run.jsonl --report run.html

Exit codes: 0 all that was asked held, 1 something was broken or could not be judged, 2 the file is no history.`
}

type checkResult struct {
	History  string         `json:"history"`
	Source   string         `json:"source"`
	Outcome  string         `json:"outcome"` // ok, violated, unknown, not checked
	Verdict  string         `json:"verdict"` // held, broken, unknown
	Replicas int            `json:"replicas"`
	Ops      int            `json:"ops"`
	Before   string         `json:"before,omitempty"` // what the boards of a real run held when it began
	Notes    []string       `json:"notes,omitempty"`  // what the history of a real run cannot say
	Promises []checkPromise `json:"promises"`
	Verdicts []checkVerdict `json:"verdicts"`
}

// checkPromise is one promise, and what became of it.
type checkPromise struct {
	Promise  string   `json:"promise"`
	Words    string   `json:"words"`   // what is promised
	Outcome  string   `json:"outcome"` // held, broken, unknown
	Asked    bool     `json:"asked"`   // false: nothing has put it to the test
	Sentence string   `json:"sentence"`
	Ops      []string `json:"ops"` // that prove it, in words
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
	verdicts, promises := history.Check(h, history.StepsDefault), history.CheckPromises(h, history.StepsDefault)
	result := checkOf(h, verdicts, promises)
	result.History = c.History
	undone := console.Result(result, result.print)
	if c.Report != "" {
		undone = errors.Join(undone, writeReport(console.Path(c.Report), reportOf(h, verdicts, promises)))
	}
	if c.Porcupine != "" {
		undone = errors.Join(undone, writePorcupine(console, c.Porcupine, h))
	}
	return besides(endOf(verdicts), undone)
}

func checkOf(h *history.History, verdicts history.Verdicts, promises history.Promises) *checkResult {
	result := &checkResult{
		Source: h.Source, Outcome: string(verdicts.Outcome()), Verdict: string(promises.Outcome()), Replicas: h.Replicas, Ops: len(h.Ops),
		Promises: []checkPromise{}, Verdicts: []checkVerdict{},
	}
	if h.Live {
		result.Before, result.Notes = h.Before.String(), notesOf(h)
	}
	for _, p := range promises {
		result.Promises = append(result.Promises, checkPromise{p.Promise, p.Words, string(p.Outcome), p.Asked, p.Sentence, opsNumbered(h, p.Ops)})
	}
	for i := range verdicts {
		result.Verdicts = append(result.Verdicts, verdictOf(h, &verdicts[i]))
	}
	return result
}

// notesOf are what the recording could not find out: they stand before all that
// happened.
func notesOf(h *history.History) (notes []string) {
	for _, e := range h.Events {
		if e.Kind == string(supervisor.EventNote) && e.At == 0 {
			notes = append(notes, e.Text)
		}
	}
	return notes
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

func opsNumbered(h *history.History, numbers []int) []string {
	words := []string{}
	for _, n := range numbers {
		words = append(words, h.Ops[n-1].String())
	}
	return words
}

func (r *checkResult) print(w io.Writer) {
	fmt.Fprintf(w, "%s: %d operations on %d replicas\n", inertLine(r.Source), r.Ops, r.Replicas)
	for _, note := range r.Notes {
		fmt.Fprintf(w, "note: %s\n", inertLine(note))
	}
	var unasked []string
	for _, p := range r.Promises {
		if !p.Asked {
			unasked = append(unasked, p.Promise)
		}
		fmt.Fprintf(w, "%-7s  %s: %s\n", p.Outcome, p.Promise, p.Words)
		if p.Sentence != "" {
			fmt.Fprintf(w, "         %s\n", inertLine(p.Sentence))
		}
		for _, op := range p.Ops {
			fmt.Fprintf(w, "           %s\n", inertLine(op))
		}
	}
	r.printCheckers(w)
	if len(unasked) > 0 {
		fmt.Fprintf(w, "not asked: %s\n", strings.Join(unasked, ", "))
	}
	fmt.Fprintf(w, "verdict: %s\n", r.Verdict)
}

// printCheckers sums up in one line what each checker says; the promises have
// told why.
func (r *checkResult) printCheckers(w io.Writer) {
	for _, v := range r.Verdicts {
		fmt.Fprintf(w, "%s  %s", v.Checker, v.Outcome)
		if v.Property != "" {
			fmt.Fprintf(w, ", %s", v.Property)
		}
		if v.LongFork > 0 {
			fmt.Fprintf(w, "; %d long forks", v.LongFork)
		}
		fmt.Fprintln(w)
	}
}
