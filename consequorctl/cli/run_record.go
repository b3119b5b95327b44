package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"consequor/sim/history"
	"consequor/supervisor"
)

// A play that is recorded: each cluster that the script starts with up -d, from
// then until down or the script's end.

// records are the recordings of a play.
type records struct {
	file    string      // of the first one; the next ones have a number; empty: nothing is recorded
	console *Console    // file is a path of its user's
	running []string    // clusters
	done    []runRecord // in the order in which they ended
	began   int
}

// runRecord is how a recording of a script ended.
type runRecord struct {
	Cluster    string   `json:"cluster"`
	File       string   `json:"file"`
	Operations int      `json:"operations"`
	Verdict    string   `json:"verdict"` // held, broken, unknown
	Notes      []string `json:"notes"`   // what the history cannot say
}

// nextFile is where the next history goes: run.jsonl, run-2.jsonl, ...
func (r *records) nextFile() string {
	r.began++
	if r.began == 1 {
		return r.file
	}
	end := filepath.Ext(r.file)
	return fmt.Sprintf("%s-%d%s", strings.TrimSuffix(r.file, end), r.began, end)
}

// beginRecords begins to record the clusters that run and are not recorded yet.
func (p *play) beginRecords(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.records.file == "" {
		return nil
	}
	names, err := p.runningClusters()
	if err != nil {
		return err
	}
	for _, name := range names {
		if slices.Contains(p.records.running, name) {
			continue
		}
		if _, err := beginRecord(ctx, p.records.console, clusterFlag(name), p.records.nextFile()); err != nil {
			return fmt.Errorf("--record: %w", err)
		}
		p.records.running = append(p.records.running, name)
	}
	return nil
}

func (p *play) runningClusters() (names []string, err error) {
	if p.cluster != "" {
		return []string{p.cluster}, nil
	}
	homes, err := supervisor.Homes()
	for _, h := range homes {
		if h.Running {
			names = append(names, h.Name)
		}
	}
	return names, err
}

// endRecords ends the recording of a cluster, or of all, and says what was
// broken.
func (p *play) endRecords(ctx context.Context, only string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	p.records.running = slices.DeleteFunc(p.records.running, func(name string) bool {
		if only != "" && name != only {
			return false
		}
		errs = append(errs, p.endRecord(ctx, name))
		return true
	})
	return errors.Join(errs...)
}

func (p *play) endRecord(ctx context.Context, name string) error {
	r, err := endRecord(ctx, clusterFlag(name))
	if err != nil {
		return fmt.Errorf("--record: %w", err)
	}
	promises := history.CheckPromises(r.History, history.StepsDefault)
	done := runRecord{Cluster: name, File: r.File, Operations: r.Ops, Verdict: string(promises.Outcome()), Notes: r.Notes}
	p.records.done = append(p.records.done, done)
	for _, k := range promises {
		if k.Outcome == history.Broken {
			got := k.Sentence
			for _, n := range k.Ops {
				got += "\n" + r.History.Ops[n-1].String()
			}
			return &mismatch{want: fmt.Sprintf("%s: %s", k.Promise, k.Words), got: got + "\nhint: consequorctl check " + r.File}
		}
	}
	return nil
}

// nothingRecorded: a script that was to be recorded, and gave no occasion.
func (p *play) nothingRecorded() error {
	if p.records.file == "" || p.records.began > 0 {
		return nil
	}
	return fmt.Errorf("%s: --record: nothing was recorded: the script starts no cluster with up -d", p.path)
}

func (r runRecord) print(w io.Writer) {
	fmt.Fprintf(w, "recorded %s of cluster %s in %s: %s\n", counted(r.Operations, "operation"), r.Cluster, inertLine(r.File), r.Verdict)
	for _, note := range r.Notes {
		fmt.Fprintf(w, "note: %s\n", inertLine(note))
	}
}

// recorded carries out a command between what a recording does before and after
// it.
func (p *player) recorded(ctx context.Context, args []string, perform func() performed) performed {
	if args[0] == "down" {
		if err := p.play.endRecords(ctx, flagIn(args, "cluster")); err != nil {
			return performed{code: ExitFailed, stderr: err.Error() + "\n"}
		}
	}
	done := perform()
	if args[0] == "up" && done.code == ExitOK {
		if err := p.play.beginRecords(ctx); err != nil {
			done.code, done.stderr = ExitFailed, done.stderr+err.Error()+"\n"
		}
	}
	return done
}

// flagIn is a flag's value on a line; empty: it is not there.
func flagIn(args []string, flag string) string {
	for i, arg := range args {
		if value, found := strings.CutPrefix(arg, "--"+flag+"="); found {
			return value
		}
		if arg == "--"+flag && i+1 < len(args) {
			return args[i+1]
		}
	}
	return ""
}
