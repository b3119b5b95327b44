package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"consequor/sim"
	"consequor/sim/cluster"
	"consequor/sim/history"
	"consequor/sim/report"
)

// report is what the page of a run shows.
func (s *simulation) report(r *sim.Result, command string, events []cluster.Event) *report.Report {
	page := &report.Report{
		Title:    fmt.Sprintf("%s, %s, seed %d", s.config.Mode, replicasInWords(s.config.Replicas), r.Plan.Seed),
		Lines:    append([]string{command, r.Plan.Drawn}, storyLines(r.Plan)...),
		Replicas: s.config.Replicas,
		History:  r.History,
		Verdicts: r.Verdicts,
		Events:   events,
	}
	if r.Err != nil {
		page.Failure = r.Err.Error()
	}
	return page
}

// storyMax is up to how many actions a page opens with.
const storyMax = 12

// storyLines tells what a run takes, if that is not much.
func storyLines(p *sim.Plan) []string {
	if len(p.Actions) > storyMax {
		return nil
	}
	parts := make([]string, len(p.Actions))
	for i, a := range p.Actions {
		parts[i] = fmt.Sprintf("%.3f s %s", a.At.Seconds(), a.Text)
	}
	return []string{"what it takes: " + strings.Join(parts, "; ")}
}

// reportOf is what the page of a history shows that has no trace.
func reportOf(h *history.History, verdicts history.Verdicts, promises history.Promises) *report.Report {
	return &report.Report{Title: h.Source, Lines: promiseLines(promises), Replicas: h.Replicas, History: h, Verdicts: verdicts}
}

// promiseLines name the promises by what became of them, a line each.
func promiseLines(promises history.Promises) (lines []string) {
	named := map[string][]string{}
	for _, p := range promises {
		outcome := string(p.Outcome)
		if !p.Asked {
			outcome = "not asked"
		}
		named[outcome] = append(named[outcome], p.Promise)
	}
	for _, outcome := range []string{string(history.Broken), string(history.NotKnown), string(history.Held), "not asked"} {
		if len(named[outcome]) > 0 {
			lines = append(lines, outcome+": "+strings.Join(named[outcome], ", "))
		}
	}
	return lines
}

func writeReport(path string, r *report.Report) error {
	return writeFile("report", path, func(w io.Writer) error { return report.Write(w, r) })
}

func writeHistory(path string, h *history.History) error {
	return writeFile("history", path, func(w io.Writer) error {
		_, err := h.WriteTo(w)
		return err
	})
}

// writable says now why a file cannot be written at the end, which may be hours
// away. The empty path is that of no file.
func writable(console *Console, flag, path string) error {
	if path == "" {
		return nil
	}
	if info, err := os.Stat(console.Path(path)); err == nil && info.IsDir() {
		return usagef("%s %s: it is a folder", flag, path)
	}
	if info, err := os.Stat(filepath.Dir(console.Path(path))); err != nil || !info.IsDir() {
		return usagef("%s %s: there is no folder %s", flag, path, filepath.Dir(path))
	}
	return nil
}

// besides adds to how a command ends what else went wrong: that a file could
// not be written. The exit code stays that of the end, if it has one.
func besides(end, other error) error {
	var failure *Failure
	if other == nil || !errors.As(end, &failure) {
		return errors.Join(end, other)
	}
	both := *failure
	both.Message += "\n" + other.Error()
	return &both
}

// writeFile makes or replaces a file.
func writeFile(what, path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write the %s: %w", what, err)
	}
	if err := errors.Join(write(f), f.Close()); err != nil {
		return fmt.Errorf("write the %s to %s: %w", what, path, err)
	}
	return nil
}

// numbersOf lists a plan's actions, never as nil.
func numbersOf(p *sim.Plan) []int {
	numbers := []int{}
	for _, a := range p.Actions {
		numbers = append(numbers, a.Number)
	}
	return numbers
}
