package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/tools/txtar"

	"consequor/supervisor"
)

// runCmd runs scripted sessions. Each script has a folder and a home for
// clusters of its own; both are gone afterwards, and so is everything that the
// script started.
type runCmd struct {
	Scripts []string      `arg:"" optional:"" name:"script" help:"Script files, .txt or .txtar; with --words: words."`
	Words   bool          `help:"Tell what words scripts may use, or what the words named mean, with an example."`
	Limit   time.Duration `help:"How long one script may take." default:"2m"`
	Update  bool          `help:"Write what cmp finds into the script file, where it is not what was expected."`

	Repeat    int    `help:"Perform each script so many times; the first failure ends it." default:"1"`
	KeepGoing bool   `help:"With --repeat: go on after a failure."`
	Jobs      int    `help:"So many scripts at a time, each in a process of its own." default:"1"`
	JUnit     string `name:"junit" help:"Write the results to this file too, as JUnit XML." placeholder:"FILE"`
	Record    string `help:"Write down every operation and every fault as a history for check; a promise that is broken fails the script. For one script." placeholder:"FILE"`
}

// Help is shown by --help.
func (c *runCmd) Help() string {
	return `A script is lines of the words that the command line has, and some more:

    up -d topologies/three.yaml
    capture ID post 'hello'
    kill coordinator
    eventually 10s $ID read -q

Examples:
    consequorctl run failover.txtar
    consequorctl run --cluster three failover.txtar    on a cluster that runs, and goes on running
    consequorctl run --repeat 100 failover.txtar       until it fails, 100 times at most
    consequorctl run --record run.jsonl failover.txtar what every client saw, judged; with --repeat: the last time
    consequorctl run --jobs 2 --junit out.xml *.txtar  two at a time, and the results for a CI
    consequorctl run --words                           every word; --words capture: one, with an example

Exit codes: 0 all went well, 1 a script failed, 2 there is no such script.`
}

type runResult struct {
	Script     string         `json:"script"`
	Repetition int            `json:"repetition"` // from 1
	Passed     bool           `json:"passed"`
	Skipped    string         `json:"skipped,omitempty"` // why it ended early
	Updated    []string       `json:"updated,omitempty"` // sections that were written anew
	Records    []runRecord    `json:"records,omitempty"`
	Seconds    float64        `json:"seconds"`
	Message    string         `json:"message,omitempty"` // FILE:LINE: what broke
	Failure    *scriptFailure `json:"failure,omitempty"`
	Repeated   bool           `json:"-"` // it is one of several
}

func (c *runCmd) Run(ctx context.Context, console *Console, cluster clusterFlag) error {
	if c.Words {
		return c.tellWords(console)
	}
	if err := c.check(console, cluster); err != nil {
		return err
	}
	perform := func(ctx context.Context, t task) *runResult { return c.one(ctx, console, string(cluster), t) }
	if c.Jobs > 1 {
		perform = func(ctx context.Context, t task) *runResult { return c.apart(ctx, console, string(cluster), t) }
	}
	report := &junit{}
	if c.JUnit != "" {
		var err error
		if report, err = openJUnit(console.Path(c.JUnit)); err != nil {
			return err
		}
	}
	failed := 0
	err := c.all(ctx, perform, func(result *runResult) error {
		if !result.Passed {
			failed++
		}
		result.Repeated = c.Repeat > 1
		report.results = append(report.results, result)
		return console.Result(result, result.print)
	})
	if c.JUnit != "" {
		err = errors.Join(err, report.write())
	}
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return c.sum(console, failed, report.results)
}

// sum says how all went together.
func (c *runCmd) sum(console *Console, failed int, results []*runResult) error {
	what := "scripts"
	if c.Repeat > 1 {
		what = "performances"
	}
	if failed > 0 {
		return failedf("%d of %d %s failed", failed, len(results), what)
	}
	if c.Repeat > 1 {
		shorter := func(a, b *runResult) int { return cmp.Compare(a.Seconds, b.Seconds) }
		console.Note("%d performances went well; they took %.1f s to %.1f s",
			len(results), slices.MinFunc(results, shorter).Seconds, slices.MaxFunc(results, shorter).Seconds)
	}
	return nil
}

// check looks at everything that is asked for before anything is run.
func (c *runCmd) check(console *Console, cluster clusterFlag) error {
	if len(c.Scripts) == 0 {
		return &Failure{Code: ExitUsage, Kind: "usage", Message: "no script was named", Hint: "consequorctl run --help has an example"}
	}
	if c.Repeat < 1 || c.Repeat > repeatMax || c.Jobs < 1 || c.Jobs > jobsMax {
		return usagef("want --repeat 1 to %d, --jobs 1 to %d; nothing was run", repeatMax, jobsMax)
	}
	if c.Update && (c.Repeat > 1 || c.Jobs > 1) {
		return usagef("--update is for one performance at a time: leave out --repeat and --jobs; nothing was run")
	}
	if c.Record != "" && (len(c.Scripts) > 1 || c.Jobs > 1) {
		return usagef("--record is for one script at a time: name one, and leave out --jobs; nothing was run")
	}
	if err := writable(console, "--record", c.Record); err != nil {
		return err
	}
	for _, path := range c.Scripts {
		if _, err := os.Stat(console.Path(path)); err != nil {
			return usagef("script %s: %v; nothing was run", path, err)
		}
	}
	if cluster != "" {
		if _, err := supervisor.Find(string(cluster)); err != nil {
			return err
		}
	}
	return nil
}

func (c *runCmd) tellWords(console *Console) error {
	words := allWords()
	if len(c.Scripts) > 0 {
		words = nil
		for _, name := range c.Scripts {
			doc, found := docOf(name)
			if !found {
				return noWord(name)
			}
			words = append(words, doc)
		}
	}
	return console.Result(struct {
		Words []wordDoc `json:"words"`
	}{words}, func(w io.Writer) { _ = tellWords(w, c.Scripts) }) // all are there
}

func (r *runResult) print(w io.Writer) {
	switch {
	case !r.Passed:
		fmt.Fprintf(w, "FAIL  %s  %.1fs\n", r.named(), r.Seconds)
		r.Failure.print(indented(w, "      "))
	case r.Skipped != "":
		fmt.Fprintf(w, "skip  %s  %.1fs  %s\n", r.named(), r.Seconds, inertLine(r.Skipped))
	default:
		fmt.Fprintf(w, "ok    %s  %.1fs\n", r.named(), r.Seconds)
	}
	if len(r.Updated) > 0 {
		fmt.Fprintf(w, "      written anew: %s\n", inertLine(strings.Join(r.Updated, ", ")))
	}
	for _, record := range r.Records {
		record.print(indented(w, "      "))
	}
}

// named names the performance.
func (r *runResult) named() string {
	if r.Repeated {
		return fmt.Sprintf("%s #%d", r.Script, r.Repetition)
	}
	return r.Script
}

// one plays one script once.
func (c *runCmd) one(ctx context.Context, console *Console, cluster string, t task) *runResult {
	started := time.Now()
	result := &runResult{Script: t.script, Repetition: t.repetition}
	failure, err := c.perform(ctx, console, t.script, cluster, result)
	result.Passed, result.Seconds = err == nil, time.Since(started).Seconds()
	if err != nil {
		result.Message, result.Failure = failure.sentence(), failure
	}
	return result
}

// perform returns, beside the error, what is to be told of it.
func (c *runCmd) perform(ctx context.Context, console *Console, path, cluster string, result *runResult) (*scriptFailure, error) {
	piece := &play{path: path, update: c.Update, records: records{file: c.Record, console: console}}
	var err error
	if piece.archive, err = txtar.ParseFile(console.Path(path)); err != nil {
		err = fmt.Errorf("%s: %w", path, err)
		return failureOf(err, piece), err
	}
	timed, cancel := context.WithTimeoutCause(ctx, c.Limit, fmt.Errorf("the script took longer than %v (--limit)", c.Limit))
	defer cancel()
	stage, err := newStage(cluster)
	if err != nil {
		return failureOf(err, piece), err
	}
	var log strings.Builder
	err = stage.perform(timed, console, piece, &log)
	var failure *scriptFailure
	if err != nil {
		failure = failureOf(err, piece)
		if timed.Err() != nil {
			failure.Got = because(timed) + "\n" + failure.Got
		}
		failure.Clusters = stage.look()
	}
	if err != nil || console.Verbose {
		fmt.Fprintln(console.Stderr, inertLines(log.String()))
	}
	result.Skipped, result.Updated, result.Records = piece.skipped, piece.updated, piece.records.done
	end := errors.Join(piece.save(console.Path(path)), stage.strike())
	if failure == nil && end != nil {
		failure = failureOf(end, piece)
	}
	return failure, errors.Join(err, end)
}

// because says why a script was cut off.
func because(ctx context.Context) string {
	if errors.Is(context.Cause(ctx), context.Canceled) {
		return "interrupted"
	}
	return context.Cause(ctx).Error()
}
