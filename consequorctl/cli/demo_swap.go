package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"consequor/modes/builtin"
	"consequor/supervisor"
)

// demoSwap changes the mode of a board at work until it is in the mode in which
// it began, through all that are built in.
type demoSwap struct{}

type demoSwapResult struct {
	demoResult
	Swaps    []demoSwapped `json:"swaps"`
	PauseMax float64       `json:"pause_max_ms"` // the longest that any client went without an answer
	loadResult
	*verdict
}

// demoSwapped is one change. The pause is a client's; the supervisor's own time
// is from its first order to take no more posts until the last replica serves in
// the new mode.
type demoSwapped struct {
	From  string  `json:"from"`
	To    string  `json:"to"`
	Epoch uint64  `json:"epoch"`
	Pause float64 `json:"pause_ms"`
	Own   float64 `json:"own_ms"`
}

const (
	swapClients = 4
	swapTimeout = 10 * time.Second // of one request
)

// Help is printed with --help.
func (demoSwap) Help() string {
	return `Nothing may be lost, doubled or renamed, and no request may fail. bench swap does the same many times over.

  consequorctl demo swap
  consequorctl demo swap --cluster three`
}

func (c *demoSwap) Run(ctx context.Context, console *Console, cluster clusterFlag) error {
	r := &demoSwapResult{demoResult: demoResult{Demo: "swap"}, Swaps: []demoSwapped{}, verdict: new(verdict)}
	return tell(ctx, console, cluster, &r.demoResult, r, r.print, func(ctx context.Context, s *story) error { return r.play(ctx, s) })
}

func (r *demoSwapResult) print(w io.Writer) {
	fmt.Fprintf(w, "%d mode changes, acknowledged %d, lost %d, doubled %d, longest pause %.1f ms\n", len(r.Swaps), r.Acknowledged, r.Lost, r.Doubled, r.PauseMax)
}

func (r *demoSwapResult) play(ctx context.Context, s *story) error {
	status, err := s.up(ctx, "three")
	if err != nil {
		return err
	}
	cluster, err := s.find()
	if err != nil {
		return err
	}
	crowd, err := gather(ctx, s.console, s.cluster, "", swapClients)
	if err != nil {
		return err
	}
	defer crowd.close()
	load := newSwapLoad(crowd, swapTimeout, steadySize)
	load.start(ctx)
	s.say("%d clients post and read now, as fast as they are answered, each at another replica every time (by hand, in another terminal: consequorctl bench --clients %d). "+
		"Nobody tells them of what comes.", swapClients, swapClients)
	err = r.changeAll(ctx, s, cluster, load, status.Mode)
	load.stop()
	if err != nil {
		return err
	}
	boards, err := crowd.readBack(ctx)
	if err != nil {
		return err
	}
	r.loadResult, r.verdict = load.result, judge(evidence{load.recorder.posts, boards})
	r.judge(s)
	return nil
}

// changeAll goes through the built-in modes and back to the one that runs.
func (r *demoSwapResult) changeAll(ctx context.Context, s *story, cluster *supervisor.Client, load *swapLoad, running string) error {
	var modes []string
	for _, m := range builtin.Modes() {
		if name := m.Description.Name; name != running {
			modes = append(modes, name)
		}
	}
	from := running
	for _, to := range append(modes, running) {
		if err := r.change(ctx, s, cluster, load, leg{from, to}); err != nil {
			return err
		}
		from = to
	}
	return nil
}

func (r *demoSwapResult) change(ctx context.Context, s *story, cluster *supervisor.Client, load *swapLoad, l leg) error {
	if err := load.recorder.awaitAcks(ctx, acksBeforeSwapMin); err != nil {
		return err
	}
	before, _ := load.recorder.seqs()
	load.gaps.begin()
	swapped := new(supervisor.SwapResult)
	if err := s.do(ctx, swapped, "mode", "swap", l.To); err != nil {
		return err
	}
	pause, err := load.gaps.end(ctx)
	if err != nil {
		return err
	}
	load.recorder.raiseFloor(before)
	seen := func(status *supervisor.ClusterStatus) bool { return whole(status) && status.Mode == l.To }
	if err := awaitStatus(ctx, cluster, "all replicas serve in mode "+l.To, seen); err != nil {
		return err
	}
	one := demoSwapped{l.From, l.To, swapped.Epoch, millis(pause), swapped.PauseMS}
	r.Swaps = append(r.Swaps, one)
	r.PauseMax = max(r.PauseMax, one.Pause)
	s.got("mode %s runs in epoch %d, after %s: posts waited %.1f ms, as the supervisor saw it", one.To, one.Epoch, one.From, one.Own)
	s.got("the longest that any client went without an answer: %.1f ms", one.Pause)
	return nil
}

// judge says what the clients saw of it.
func (r *demoSwapResult) judge(s *story) {
	var names []string
	for _, one := range r.Swaps {
		names = append(names, one.To)
	}
	broken := slices.Concat(r.Violations, r.Failures, r.Broken.Told)
	s.claim(r.OK() && r.Failed == 0 && r.TimedOut == 0 && r.Broken.count() == 0,
		fmt.Sprintf("The mode was %s, one after the other, in one board. %d requests were answered and none failed: a post that came during a change waited for the new mode. "+
			"%d posts were acknowledged, and each is on each of the boards, once, under the id that its client was told in the mode of that moment; no session missed what it had written or read.",
			strings.Join(names, ", then "), r.Requests, r.Acknowledged),
		fmt.Sprintf("%d requests failed, %d were late, %d violations, %d guarantees of sessions broken; the first: %s",
			r.Failed, r.TimedOut, len(r.Violations), r.Broken.count(), firstOf(broken)))
}
