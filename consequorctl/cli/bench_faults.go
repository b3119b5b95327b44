package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"consequor/consequorctl/record"
	"consequor/sim/history"
	"consequor/supervisor"
)

// benchFaults asks whether a mode keeps its promises on real processes. Clients
// post, read and open articles, each in a session and at another replica every
// time, while faults that the mode must survive come and go: processes and
// plugins are killed and paused, links are cut, delayed and lose messages. Then
// everything is healed, each client asks a few things more, and the checkers
// judge what all of them were told.
//
//	round 1      round 2                    calm
//	├─ kill r2 ──┼─ cut r1 rest ──┬─ ... ───┼─ every client asks every replica
//	└─ restart ──┴─ heal          │         └─ record ends, verdict
//
// Of 2f+1 replicas at most f have a fault at one time. The seed decides which
// faults there are; what they meet depends on the machine.
type benchFaults struct {
	Faults  int           `help:"How many." default:"20"`
	Clients int           `help:"How many clients ask at once." default:"6"`
	Kinds   []string      `help:"Which to draw from: kill, pause, plugin, cut, one-way, delay, loss (default: all)." placeholder:"KIND,..."`
	Seed    uint64        `help:"Decides which faults there are (default: drawn, and shown)." placeholder:"N"`
	Timeout time.Duration `help:"How long one request may take." default:"5s"`
	recording
}

const (
	faultsMax     = 1000
	faultLastsMin = 40               // requests that end while a fault lasts
	faultLastsMax = 2 * time.Second  // or so long, if too few do
	calmTimeout   = 15 * time.Second // of a request when all is healed: longer than any may take
)

type faultsResult struct {
	Mode     string    `json:"mode"`
	Replicas int       `json:"replicas"`
	Seed     uint64    `json:"seed"`
	Seconds  float64   `json:"seconds"`
	Faults   []string  `json:"faults"`
	Record   string    `json:"record"` // the history's file; empty: it was not kept
	Load     askedSums `json:"load"`
	*checkResult
}

func (c *benchFaults) Run(ctx context.Context, console *Console, name clusterFlag) error {
	if err := c.check(console); err != nil {
		return err
	}
	cluster, err := name.find()
	if err != nil {
		return err
	}
	if err := awaitStatus(ctx, cluster, "all replicas serve", whole); err != nil {
		return err
	}
	c.Seed = cmp.Or(c.Seed, rand.Uint64())
	console.Note("--seed %d", c.Seed)
	file, remove, err := c.file(console)
	if err != nil {
		return err
	}
	b := &faultsBench{benchFaults: c, cluster: cluster, console: console, random: rand.New(rand.NewPCG(c.Seed, 0))}
	result, err := b.run(ctx, name, file)
	if err = errors.Join(err, remove()); err != nil {
		return err
	}
	result.Record = c.Record
	undone := console.Result(result, result.print)
	return besides(result.end(), undone)
}

func (c *benchFaults) check(console *Console) error {
	if c.Faults < 1 || c.Faults > faultsMax || c.Clients < 1 || c.Clients > clientCountMax || c.Timeout <= 0 {
		return usagef("want --faults 1 to %d, --clients 1 to %d, --timeout above 0", faultsMax, clientCountMax)
	}
	for _, kind := range c.Kinds {
		if !slices.Contains(faultKinds, kind) {
			return usagef("--kinds: there is no fault %q; there are %s", kind, strings.Join(faultKinds, ", "))
		}
	}
	return writable(console, "--record", c.Record)
}

// file is where the history goes, and how to remove it if nobody wants it.
func (c *benchFaults) file(console *Console) (string, func() error, error) {
	if c.Record != "" {
		return console.Path(c.Record), func() error { return nil }, nil
	}
	dir, err := os.MkdirTemp("", "cq")
	if err != nil {
		return "", nil, fmt.Errorf("make a folder for the history: %w", err)
	}
	return filepath.Join(dir, "history.jsonl"), func() error { return os.RemoveAll(dir) }, nil
}

// faultsBench is one run of it.
type faultsBench struct {
	*benchFaults
	cluster *supervisor.Client
	console *Console
	random  *rand.Rand
	load    *mixedLoad
	names   []string // of replicas
	bag     []string // kinds that are drawn next
	faults  []string // so far
}

func (b *faultsBench) run(ctx context.Context, name clusterFlag, file string) (*faultsResult, error) {
	started := time.Now()
	status, err := b.cluster.Status(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range status.Replicas {
		b.names = append(b.names, r.Name)
	}
	if _, err := beginRecord(ctx, b.console, name, file); err != nil {
		return nil, err
	}
	err = b.underLoad(ctx, name)
	recorded, endErr := endRecord(context.WithoutCancel(ctx), name)
	if endErr != nil && b.Record == "" { // where its history should go will be gone
		_, abandoned := record.Abandon(record.Folder(b.cluster.Home(), status))
		endErr = errors.Join(endErr, abandoned)
	}
	if err = errors.Join(err, endErr); err != nil {
		return nil, err
	}
	h := recorded.History
	verdicts, promises := history.Check(h, history.StepsDefault), history.CheckPromises(h, history.StepsDefault)
	result := &faultsResult{
		Mode: status.Mode, Replicas: len(status.Replicas), Seed: b.Seed, Seconds: time.Since(started).Seconds(),
		Faults: b.faults, Load: b.load.sums(), checkResult: checkOf(h, verdicts, promises),
	}
	result.History = b.Record
	return result, nil
}

// underLoad lets faults come and go, and asks a few things more when they are
// over.
func (b *faultsBench) underLoad(ctx context.Context, name clusterFlag) error {
	crowd, err := gather(ctx, b.console, name, "", b.Clients)
	if err != nil {
		return err
	}
	defer crowd.close()
	b.load = newMixedLoad(crowd, b.Seed, b.Timeout)
	b.load.start(ctx)
	for err == nil && len(b.faults) < b.Faults {
		err = b.round(ctx)
	}
	b.load.stop()
	err = errors.Join(err, b.heal(context.WithoutCancel(ctx)), ctx.Err())
	if err != nil {
		return err
	}
	return b.load.calm(ctx, calmTimeout)
}

// heal leaves the cluster whole, also when a round has failed half way.
func (b *faultsBench) heal(ctx context.Context) error {
	status, err := b.cluster.Status(ctx)
	if err != nil {
		return err
	}
	return errors.Join(b.healLinks(ctx), bringBack(ctx, b.cluster, status))
}

// bringBack resumes and restarts everybody who is paused or down in status.
func bringBack(ctx context.Context, cluster *supervisor.Client, status *supervisor.ClusterStatus) error {
	var errs []error
	for _, r := range status.Replicas {
		var err error
		switch r.State {
		case supervisor.StatePaused:
			_, err = cluster.Act(ctx, supervisor.Resume, r.Name, supervisor.ActOptions{})
		case supervisor.StateKilled, supervisor.StateStopped:
			_, err = cluster.Act(ctx, supervisor.Restart, r.Name, supervisor.ActOptions{})
		}
		errs = append(errs, err)
	}
	errs = append(errs, awaitStatus(ctx, cluster, "all replicas serve again", whole))
	return errors.Join(errs...)
}

func (r *faultsResult) end() error {
	switch history.KeptOutcome(r.Verdict) {
	case history.Held:
		return nil
	case history.Broken:
		return &Failure{Code: ExitFailed, Kind: "violated", Message: "a promise was broken: see above", Hint: r.hint()}
	}
	return &Failure{Code: ExitFailed, Kind: "undecided", Message: "it could not be judged: see above", Hint: r.hint()}
}

func (r *faultsResult) hint() string {
	if r.Record != "" {
		return "look at it: consequorctl check " + r.Record + " --report report.html"
	}
	return "keep the history: give it --record FILE"
}

func (r *faultsResult) print(w io.Writer) {
	fmt.Fprintf(w, "mode %s, %d replicas, %d faults in %.1f s, --seed %d\n", r.Mode, r.Replicas, len(r.Faults), r.Seconds, r.Seed)
	fmt.Fprintf(w, "%d requests: %d ok, %d refused, %d unknown\n", r.Load.OK+r.Load.Refused+r.Load.Unknown, r.Load.OK, r.Load.Refused, r.Load.Unknown)
	r.checkResult.print(w)
}
