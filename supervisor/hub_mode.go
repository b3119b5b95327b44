package supervisor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"consequor/board"
	"consequor/replicad/api"
	"consequor/supervisor/modechange"
	"consequor/topologies"
)

// reports tells of every replica what a mode change must know, and returns a
// channel that is closed at the next change.
func (h *hub) reports() (list []modechange.Report, changed <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.rows {
		list = append(list, r.changeReport())
	}
	return list, h.changed
}

func (r *row) changeReport() modechange.Report {
	told := r.report.Change
	report := modechange.Report{
		Replica: r.replica.Name, Life: uint64(r.starts), Alive: r.alive, State: string(r.shown),
		Serves: r.shown == StateServing, Epoch: r.report.Epoch,
		Attempt: told.Attempt, Prepared: told.Prepared, Error: told.Error,
	}
	if r.holds() {
		report.Held = "the plugin of " + r.replica.Name + " is paused"
	}
	switch r.report.Step {
	case api.Started, api.Joined, api.CaughtUp:
		report.Listens = r.alive && !r.paused
	}
	switch r.shown {
	case StateKilled, StateStopped, StateFailed:
		why, _, _ := strings.Cut(cmp.Or(r.why, fmt.Sprintf("is %s: %s", r.shown, r.report.Fault)), "\n")
		report.Gone = strings.TrimSuffix(why, wordsHead)
	}
	report.Sealed = vectorOf(told.Sealed, &report)
	report.Merged = vectorOf(told.Merged, &report)
	return report
}

// hold tells that the plugin pid, which serves these replicas, was stopped by
// SIGSTOP; pid 0: that it goes on.
func (h *hub) hold(replicas []string, pid int) {
	h.each(replicas, func(r *row) { r.held = pid })
}

// holds reports whether the replica's plugin is the one that was paused. Another
// one is not.
func (r *row) holds() bool {
	return r.alive && !r.paused && r.held != 0 && r.held == r.report.PluginPID
}

// pluginPaused reports whether the plugin of the replica name was paused, alone.
func (h *hub) pluginPaused(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.row(name).holds()
}

// bringBack is what makes the replica name take part again.
func (h *hub) bringBack(name string) string {
	if h.pluginPaused(name) {
		return "let it go on with: consequorctl resume plugin:" + name
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return bringBack(name, h.row(name).shown)
}

// vectorOf reads what a report says of a board; empty: nothing. What cannot be
// read is an error of the report.
func vectorOf(text string, report *modechange.Report) *board.Vector {
	if text == "" {
		return nil
	}
	v, err := board.ParseVector(text)
	if err != nil {
		report.Error = cmp.Or(report.Error, "its report cannot be read: "+err.Error())
		return nil
	}
	return &v
}

// hang shows what a mode change waits for, and where. Nothing is told that is
// known already.
func (h *hub) hang(what string, replicas []string) {
	h.mu.Lock()
	same := true
	for _, r := range h.rows {
		same = same && r.hangs == hangsOn(r, what, replicas)
	}
	h.mu.Unlock()
	if same { // only the changer calls this: it still is
		return
	}
	h.update(func() {
		for _, r := range h.rows {
			r.hangs = hangsOn(r, what, replicas)
		}
	})
}

func hangsOn(r *row, what string, replicas []string) string {
	if slices.Contains(replicas, r.replica.Name) {
		return what
	}
	return ""
}

// decided tells which mode runs from now on, in which epoch.
func (h *hub) decided(mode topologies.Mode, epoch uint64) {
	h.update(func() { h.cluster.setMode(mode, epoch) })
}

func (s *ClusterStatus) setMode(mode topologies.Mode, epoch uint64) {
	s.Mode, s.Unsafe, s.Epoch, s.Options = mode.Name, mode.Unsafe, epoch, []ModeOption{}
	for _, o := range mode.Options {
		s.Options = append(s.Options, ModeOption(o))
	}
}
