package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"consequor/consequorctl/record"
)

// recordCmd writes down everything that is asked of a running cluster, for check
// to judge.
type recordCmd struct {
	Start  recordStartCmd  `cmd:"" help:"Begin: from now on every request and every fault is written down."`
	Stop   recordStopCmd   `cmd:"" help:"End: write the history, which check judges."`
	Status recordStatusCmd `cmd:"" help:"Tell whether the cluster is being recorded."`
}

// Help is shown by record --help.
func (*recordCmd) Help() string {
	return `While a cluster is recorded, every request of every consequorctl (commands, scripts, loads) is written
down before it is sent and when it has ended. At the end come what all boards hold, and what happened to
the cluster: kills, pauses, cut links, coordinators, modes.

    consequorctl record start run.jsonl
    consequorctl post 'hello'
    consequorctl kill coordinator
    consequorctl restart r1
    consequorctl record stop
    consequorctl check run.jsonl

To begin, every replica must serve; to end, those that serve must come to hold the same, so heal links that
are cut before. What is asked by others (the web page, grpcurl) is not written down:
check finds their articles on the boards, and can only say that nobody who was recorded has posted them.`
}

// recordLimit bounds the beginning and the end of a recording: boards are brought
// up to date and read.
const recordLimit = 2 * time.Minute

type recordStartCmd struct {
	File string `arg:"" optional:"" help:"Where the history goes (default: CLUSTER-TIME.jsonl in this folder)."`
}

type recordResult struct {
	Recording  bool    `json:"recording"`
	Cluster    string  `json:"cluster"`
	File       *string `json:"file"`
	Began      *string `json:"began"`
	Operations int     `json:"operations"` // asked for so far, tries of one key apart
}

func (c *recordStartCmd) Run(ctx context.Context, console *Console, name clusterFlag) error {
	if err := writable(console, "record start", c.File); err != nil {
		return err
	}
	if info, err := os.Stat(console.Path(c.File)); c.File != "" && err == nil && info.Size() > 0 {
		return &Failure{Code: ExitUsage, Kind: "usage", Message: "record start: " + c.File + " is there already; nothing was begun", Hint: "name another file, or remove it"}
	}
	h, err := beginRecord(ctx, console, name, c.File)
	if err != nil {
		return err
	}
	return console.Result(recordingOf(h, 0), func(w io.Writer) {
		fmt.Fprintf(w, "%s is being recorded; consequorctl record stop writes %s\n", h.Cluster, h.File)
	})
}

func beginRecord(ctx context.Context, console *Console, name clusterFlag, file string) (*record.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, recordLimit)
	defer cancel()
	cluster, err := name.find()
	if err != nil {
		return nil, err
	}
	if file == "" {
		file = cluster.Name() + "-" + time.Now().UTC().Format("20060102-150405") + ".jsonl"
	}
	h, err := record.Begin(ctx, cluster, console.Path(file))
	return h, recordFailure(err)
}

func endRecord(ctx context.Context, name clusterFlag) (*record.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, recordLimit)
	defer cancel()
	cluster, err := name.find()
	if err != nil {
		return nil, err
	}
	r, err := record.End(ctx, cluster)
	return r, recordFailure(err)
}

// recordFailure: a recording that cannot begin or end was not begun, or goes on.
func recordFailure(err error) error {
	var e *record.Error
	if errors.As(err, &e) {
		return &Failure{Code: ExitRefused, Kind: "not_recorded", Message: e.Message, Hint: e.Hint}
	}
	return err
}

func recordingOf(h *record.Header, operations int) recordResult {
	began := h.Began.Format(time.RFC3339Nano)
	return recordResult{true, h.Cluster, &h.File, &began, operations}
}

type recordStopCmd struct {
	Discard bool `help:"Write no history: what was recorded is forgotten."`
}

func (c *recordStopCmd) Run(ctx context.Context, console *Console, name clusterFlag) error {
	if c.Discard {
		return discardRecord(ctx, console, name)
	}
	r, err := endRecord(ctx, name)
	if err != nil {
		return err
	}
	return console.Result(r, func(w io.Writer) { printRecorded(w, r) })
}

func discardRecord(ctx context.Context, console *Console, name clusterFlag) error {
	cluster, err := name.find()
	if err != nil {
		return err
	}
	status, err := cluster.Status(ctx)
	if err != nil {
		return err
	}
	was, err := record.Abandon(record.Folder(cluster.Home(), status))
	switch {
	case err != nil:
		return err
	case !was:
		return recordFailure(&record.Error{Message: "cluster " + status.Cluster + " is not being recorded"})
	}
	return console.Result(recordResult{Cluster: status.Cluster}, func(w io.Writer) { fmt.Fprintln(w, "what was recorded is forgotten") })
}

func printRecorded(w io.Writer, r *record.Result) {
	fmt.Fprintf(w, "%s, %d of them without an end, %s, the boards of %s: %s\n",
		counted(r.Ops, "operation"), r.Unknown, counted(r.Events, "event"), strings.Join(r.Boards, ", "), r.File)
	for _, note := range r.Notes {
		fmt.Fprintf(w, "note: %s\n", inertLine(note))
	}
	fmt.Fprintf(w, "judge it: consequorctl check %s\n", r.File)
}

type recordStatusCmd struct{}

func (c *recordStatusCmd) Run(ctx context.Context, console *Console, name clusterFlag) error {
	cluster, err := name.find()
	if err != nil {
		return err
	}
	status, err := cluster.Status(ctx)
	if err != nil {
		return err
	}
	h, calls, err := record.Running(record.Folder(cluster.Home(), status))
	if err != nil {
		return err
	}
	result := recordResult{Cluster: status.Cluster}
	if h != nil {
		result = recordingOf(h, calls)
	}
	return console.Result(result, result.print)
}

func (r recordResult) print(w io.Writer) {
	if !r.Recording {
		fmt.Fprintf(w, "%s is not being recorded\n", r.Cluster)
		return
	}
	fmt.Fprintf(w, "%s is being recorded since %s: %s so far; consequorctl record stop writes %s\n",
		r.Cluster, toTheSecond(*r.Began), counted(r.Operations, "request"), *r.File)
}

// recording is the flag of those who put a load on a board.
type recording struct {
	Record string `help:"Write down every operation and every fault, as a history for check." placeholder:"FILE"`
}

// recorded runs a load that is written down, if it is to be. How the load ended
// counts, and then whether its history could be written.
func (f *recording) recorded(ctx context.Context, console *Console, name clusterFlag, load func() error) error {
	if f.Record == "" {
		return load()
	}
	if err := writable(console, "--record", f.Record); err != nil {
		return err
	}
	if _, err := beginRecord(ctx, console, name, f.Record); err != nil {
		return err
	}
	end := load()
	r, err := endRecord(context.WithoutCancel(ctx), name)
	if err != nil {
		return besides(end, err)
	}
	console.Note("recorded %s; judge it: consequorctl check %s", counted(r.Ops, "operation"), r.File)
	for _, note := range r.Notes {
		console.Note("note: %s", inertLine(note))
	}
	return end
}
