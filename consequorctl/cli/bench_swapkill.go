package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"consequor/replicad/api"
	"consequor/supervisor"
)

// benchSwapKill breaks mode changes on purpose. Under a load of posts it begins
// a change, sends SIGKILL to a process when the change comes to a step, brings
// back what died, and then looks: the board must work, in one mode or the other,
// the same on every replica, and with everything that was acknowledged. That is
// one cell of a table; by default all cells are tried:
//
//	             supervisor   r1 ...   down:r1 ...   plugin:r1 ...   new-plugin:r1 ...
//	prepare
//	seal
//	merge
//	activate
//
// The processes are
//
//	supervisor      its replicas die with it; the cluster is brought up again
//	r1              the restart policy starts it again at once
//	down:r1         stays down until the change has ended: killed by the verb
//	plugin:r1       the mode that runs; its replica starts it again
//	new-plugin:r1   the mode that is to run, in the process that waits for it
type benchSwapKill struct {
	Cells   []string      `help:"Which cells, each STEP:PROCESS (default: all)." placeholder:"CELL,..."`
	Rounds  int           `help:"How many times each. In each round a process lives a millisecond longer after the step has begun." default:"1"`
	Clients int           `help:"How many clients work at once." default:"8"`
	Modes   []string      `help:"The modes to go through in turn: built-in ones, or any that the topology file names (default: all that are built in)." placeholder:"MODE,..."`
	Timeout time.Duration `help:"How long one request may take." default:"10s"`
	recording
}

// cell is one kill: of a process, when the change comes to a step.
type cell struct {
	Step   string `json:"step"`
	Victim string `json:"victim"`
}

type cellResult struct {
	cell
	From  string `json:"from"`
	To    string `json:"to"`
	Ended string `json:"ended"` // what the change said of its end
	Mode  string `json:"mode"`  // afterwards
	Epoch uint64 `json:"epoch"`
}

type swapKillResult struct {
	Cells   []cellResult `json:"cells"`
	Clients int          `json:"clients"`
	Seconds float64      `json:"seconds"`
	Swapped int          `json:"swapped"` // cells that ended in the new mode
	loadResult
	*verdict
}

var (
	swapSteps   = []string{"prepare", "seal", "merge", "activate"}
	victimKinds = []string{"", "down:", "plugin:", "new-plugin:"} // before a replica's name
)

const (
	victimSupervisor = "supervisor"
	swapEndLimit     = 2 * time.Minute // above all limits of a change together
	upLimit          = 30 * time.Second
)

func (c *benchSwapKill) Run(ctx context.Context, console *Console, name clusterFlag) error {
	return c.recorded(ctx, console, name, func() error { return c.perform(ctx, console, name) })
}

func (c *benchSwapKill) perform(ctx context.Context, console *Console, name clusterFlag) error {
	if err := c.check(); err != nil {
		return err
	}
	cluster, err := name.find()
	if err != nil {
		return err
	}
	status, err := cluster.Status(ctx)
	if err != nil {
		return err
	}
	cells, err := c.choose(status)
	if err != nil {
		return err
	}
	requests, err := swapRequests(ctx, console, cluster, c.Modes)
	if err != nil {
		return err
	}
	if err := awaitStatus(ctx, cluster, "all replicas serve", whole); err != nil {
		return err
	}
	crowd, err := gather(ctx, console, name, "", c.Clients)
	if err != nil {
		return err
	}
	defer crowd.close()
	k := &swapKill{benchSwapKill: c, cluster: cluster, console: console, load: newSwapLoad(crowd, c.Timeout, sessionsBytes), requests: requests}
	result, err := k.run(ctx, cells)
	if err != nil {
		return err
	}
	return console.Result(result, result.print)
}

func (c *benchSwapKill) check() error {
	c.Modes = modesOrBuiltIn(c.Modes)
	switch {
	case len(c.Modes) < 2:
		return usagef("--modes: want two or more")
	case c.Rounds < 1 || c.Rounds > roundsMax:
		return usagef("--rounds %d: want 1 to %d", c.Rounds, roundsMax)
	case c.Clients < 1 || c.Clients > clientCountMax:
		return usagef("--clients %d: want 1 to %d", c.Clients, clientCountMax)
	case c.Timeout <= timeoutMargin:
		return usagef("--timeout %v: want more than %v", c.Timeout, timeoutMargin)
	}
	return nil
}

// choose makes cells of what the user named, or all there are.
func (c *benchSwapKill) choose(status *supervisor.ClusterStatus) ([]cell, error) {
	var all, chosen []cell
	for _, step := range swapSteps {
		if !status.Ephemeral { // its data would die with the supervisor
			all = append(all, cell{step, victimSupervisor})
		}
		for _, kind := range victimKinds {
			for _, r := range status.Replicas {
				all = append(all, cell{step, kind + r.Name})
			}
		}
	}
	if len(c.Cells) == 0 {
		return all, nil
	}
	for _, text := range c.Cells {
		step, victim, _ := strings.Cut(text, ":")
		if !slices.Contains(all, cell{step, victim}) {
			return nil, usagef("--cells: there is no %q; want STEP:PROCESS, STEP one of %s, PROCESS one of supervisor, r1, down:r1, plugin:r1, new-plugin:r1, ...",
				text, strings.Join(swapSteps, ", "))
		}
		chosen = append(chosen, cell{step, victim})
	}
	return chosen, nil
}

// swapKill is one run of it.
type swapKill struct {
	*benchSwapKill
	cluster *supervisor.Client
	console *Console
	load    *swapLoad
	done    []cellResult
	swapped int
	verdict *verdict // the last cell's, of everything so far

	requests map[string]supervisor.SwapRequest // by mode
}

func (k *swapKill) run(ctx context.Context, cells []cell) (*swapKillResult, error) {
	started := time.Now()
	for round := range k.Rounds {
		for _, c := range cells {
			if err := k.try(ctx, c, time.Duration(round)*time.Millisecond); err != nil {
				return nil, fmt.Errorf("cell %d, %s:%s, round %d: %w", len(k.done)+1, c.Step, c.Victim, round+1, err)
			}
			r := &k.done[len(k.done)-1]
			k.console.Note("%s: %s for %s: %s; mode %s, epoch %d", r.cell, r.From, r.To, r.Ended, r.Mode, r.Epoch)
		}
	}
	return &swapKillResult{k.done, k.Clients, time.Since(started).Seconds(), k.swapped, k.load.result, k.verdict}, nil
}

func (c cell) String() string { return c.Step + ":" + c.Victim }

// try makes one change with a kill in it, and looks at what is left.
func (k *swapKill) try(ctx context.Context, c cell, delay time.Duration) error {
	before, err := k.cluster.Status(ctx)
	if err != nil {
		return err
	}
	r := cellResult{cell: c, From: before.Mode, To: k.Modes[(slices.Index(k.Modes, before.Mode)+1)%len(k.Modes)]}
	k.load.start(ctx)
	err = k.changeAndKill(ctx, &r, before, delay)
	k.load.stop()
	if err == nil {
		err = k.look(ctx, &r)
	}
	k.done = append(k.done, r)
	return err
}

func (k *swapKill) changeAndKill(ctx context.Context, r *cellResult, before *supervisor.ClusterStatus, delay time.Duration) error {
	if err := k.load.recorder.awaitAcks(ctx, acksBeforeSwapMin); err != nil {
		return err
	}
	changing, cancel := context.WithTimeout(ctx, swapEndLimit)
	defer cancel()
	killed, killing := false, error(nil)
	_, err := k.cluster.Swap(changing, k.requests[r.To], func(p supervisor.SwapProgress) {
		if p.Step == r.Step && !killed {
			killed, killing = true, k.strike(changing, r.Victim, before, delay)
		}
	})
	if err := errors.Join(ctx.Err(), killing); err != nil {
		return err
	}
	if !killed {
		return fmt.Errorf("the change has ended before: %w", cmp.Or(err, errNone))
	}
	if r.Ended = "swapped"; err != nil {
		r.Ended = err.Error()
	}
	return k.recover(ctx, r.Victim, before)
}

// look checks what is left: every replica in the same mode and epoch, and on
// every board all that was ever acknowledged.
func (k *swapKill) look(ctx context.Context, r *cellResult) error {
	status, err := k.cluster.Status(ctx)
	if err != nil {
		return err
	}
	r.Mode, r.Epoch = status.Mode, status.Epoch
	if r.Mode != r.From && r.Mode != r.To || r.Ended == "swapped" && r.Mode != r.To {
		return failedf("the change from %s to %s ended %s, and the cluster is in mode %s", r.From, r.To, r.Ended, r.Mode)
	}
	boards, err := k.load.crowd.readBack(ctx)
	if err != nil {
		return err
	}
	for _, name := range k.load.crowd.members[0].replicas {
		m := &member{client: k.load.crowd.client, pen: k.load.crowd.pen, replicas: []string{name}}
		answer, err := m.send(ctx, readBackLimit, api.Request{Verb: api.Read, Count: 1})
		switch {
		case err != nil:
			return err
		case answer.Mode != status.Mode || answer.Epoch != status.Epoch:
			return failedf("%s is in mode %s, epoch %d, the cluster in mode %s, epoch %d", name, answer.Mode, answer.Epoch, status.Mode, status.Epoch)
		}
	}
	if k.verdict = judge(evidence{k.load.recorder.posts, boards}); !k.verdict.OK() {
		return failedf("%d violations: %s", len(k.verdict.Violations), k.verdict.Violations[0])
	}
	if broken := &k.load.result.Broken; broken.count() > 0 {
		return failedf("%d guarantees of a session were broken, the first: %s", broken.count(), broken.Told[0])
	}
	if r.Mode == r.To {
		k.swapped++
		highest, _ := k.load.recorder.seqs()
		k.load.recorder.raiseFloor(highest)
	}
	return nil
}

func (r *swapKillResult) print(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "STEP\tKILLED\tFROM\tTO\tMODE\tEPOCH\tTHE CHANGE ENDED")
	for _, c := range r.Cells {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%d\t%s\n", c.Step, c.Victim, c.From, c.To, c.Mode, c.Epoch, inertLine(c.Ended))
	}
	table.Flush()
	fmt.Fprintf(w, "%d kills, %d ended in the new mode, %d clients, %.1f s\n", len(r.Cells), r.Swapped, r.Clients, r.Seconds)
	fmt.Fprintf(w, "acknowledged %d, lost %d, doubled %d, ids changed %d, unknown %d, refused %d\n", r.Acknowledged, r.Lost, r.Doubled, r.Changed, r.Unknown, r.Refused)
	fmt.Fprintf(w, "sessions: read-your-writes broken %d, monotonic reads broken %d\n", r.Broken.ReadYourWrites, r.Broken.MonotonicReads)
}
