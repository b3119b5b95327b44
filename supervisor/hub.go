package supervisor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"consequor/modes"
	"consequor/replicad/api"
	"consequor/topologies"
)

// eventsKept bounds the events that a late or slow reader can still have.
const eventsKept = 1024

// hub is what is known of the cluster. Processes tell it what happens; status
// and events are read from it. Each change wakes all readers, who then take
// what they have not seen: a reader has no queue of its own that could fill.
type hub struct {
	mu      sync.Mutex
	cluster ClusterStatus // without its replicas
	rows    []*row
	events  []Event // the last eventsKept, by rising Seq
	seq     uint64
	faults  topologies.Faults // of links, as they are wanted; replaced, never changed
	serving bool              // all replicas did, at the last change
	office  uint64            // the epoch of the last coordinator that was told of
	changed chan struct{}     // closed and made anew at each change
	closed  bool              // there will be no further change
}

// row is what is known of one replica.
type row struct {
	replica    topologies.Replica
	alive      bool
	paused     bool
	held       int // pid of the plugin that was paused, alone; 0: none was
	pid        int
	starts     int
	report     api.Status // the last one; of a dead replica, what lasts of it
	down       State      // while not alive
	why        string     // while not alive
	shown      State      // at the last change
	since      time.Time  // when shown changed
	officeFrom term       // see lose
	entered    bool       // its epoch has begun, its new plugin is still to be reported
	hangs      string     // what a mode change waits for here; empty: nothing
}

// term orders offices across mode changes: each epoch counts its terms anew.
type term struct{ epoch, number uint64 }

func (t term) less(u term) bool {
	return t.epoch < u.epoch || t.epoch == u.epoch && t.number < u.number
}

func termOf(s *api.Status) term { return term{s.Epoch, s.Term} }

func newHub(cluster ClusterStatus, replicas []topologies.Replica) *hub {
	h := &hub{cluster: cluster, changed: make(chan struct{})}
	for _, r := range replicas {
		h.rows = append(h.rows, &row{replica: r, down: StateStarting, shown: StateStarting, since: now()})
	}
	return h
}

func now() time.Time { return time.Now().UTC() }

func (r *row) state() State {
	switch {
	case !r.alive:
		return r.down
	case r.paused:
		return StatePaused
	case r.report.Step == api.CaughtUp:
		return StateServing
	case r.report.Step == api.Failed:
		return StateFailed
	}
	return StateStarting
}

// update changes something and tells all readers.
func (h *hub) update(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
	h.settle()
	close(h.changed)
	h.changed = make(chan struct{})
}

// settle draws the conclusions from a change: states, coordinator, readiness.
func (h *hub) settle() {
	serving := true
	for _, r := range h.rows {
		if s := r.state(); s != r.shown {
			r.shown, r.since = s, now()
		}
		serving = serving && r.shown == StateServing
	}
	coordinator, backup := h.elected()
	if was := h.cluster.Coordinator; !equal(was, coordinator) {
		h.cluster.Coordinator = coordinator
		h.tellCoordinator(coordinator)
	}
	h.cluster.Backup = backup
	if serving && !h.serving {
		h.event(EventReady, "", fmt.Sprintf("all %d replicas serve", len(h.rows)))
	}
	h.serving = serving
}

// tellCoordinator tells who coordinates now; nil: nobody. An office ends with its
// epoch, and the next mode may have none: that it is empty then is no news.
func (h *hub) tellCoordinator(coordinator *string) {
	begun := slices.ContainsFunc(h.rows, func(r *row) bool { return r.report.Epoch > h.office })
	switch newest := h.newestTerm(); {
	case coordinator != nil:
		h.office = newest.epoch
		h.event(EventCoordinator, "", fmt.Sprintf("%s is coordinator, term %d", *coordinator, newest.number))
	case !begun:
		h.event(EventCoordinator, "", "no coordinator is known")
	}
}

func equal(a, b *string) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// event must be called within update.
func (h *hub) event(kind EventKind, replica, text string) {
	h.seq++
	if len(h.events) == eventsKept {
		h.events = slices.Delete(h.events, 0, 1)
	}
	h.events = append(h.events, Event{Seq: h.seq, Time: now(), Kind: kind, Replica: replica, Text: text})
}

// newestTerm is the highest one that a serving replica has reported, but for
// those that a link fault keeps from hearing of the coordinator that most
// follow: such a one may be a candidate in ever new terms, and depose nobody.
func (h *hub) newestTerm() term {
	var newest term
	followed := h.followed()
	for _, r := range h.rows {
		if t := termOf(&r.report); r.shown == StateServing && newest.less(t) && !h.cutFrom(r, followed) {
			newest = t
		}
	}
	return newest
}

// followed is the coordinator that more than half of all replicas name in one
// term, itself included; nil: there is none.
func (h *hub) followed() *row {
	for _, c := range h.rows {
		if c.shown != StateServing || c.report.Coordinator != c.replica.Name {
			continue
		}
		followers := 0
		for _, r := range h.rows {
			if r.shown == StateServing && r.report.Coordinator == c.replica.Name && termOf(&r.report) == termOf(&c.report) {
				followers++
			}
		}
		if 2*followers > len(h.rows) {
			return c
		}
	}
	return nil
}

// cutFrom reports whether what c says does not come through to r, or the other
// way round.
func (h *hub) cutFrom(r, c *row) bool {
	return c != nil && (h.faults.On(c.replica.ID, r.replica.ID).Cut || h.faults.On(r.replica.ID, c.replica.ID).Cut)
}

// elected tells who coordinates, and who is backup, as those say who serve and
// know the newest term. Either must serve itself. The coordinator's own word
// on its backup goes before that of others.
func (h *hub) elected() (coordinator, backup *string) {
	newest := h.newestTerm()
	for _, r := range h.rows {
		if r.shown != StateServing || termOf(&r.report) != newest {
			continue
		}
		if c := h.holder(r.report.Coordinator); c != nil && !newest.less(c.officeFrom) {
			coordinator = &c.replica.Name
		}
		own := r.report.Coordinator == r.replica.Name
		if b := h.holder(r.report.Backup); b != nil && (backup == nil || own) {
			backup = &b.replica.Name
		}
	}
	if equal(coordinator, backup) {
		backup = nil // its word is older than the election
	}
	return coordinator, backup
}

// holder returns the row of a replica that can hold an office: one that serves.
func (h *hub) holder(name string) *row {
	if r := h.row(name); r != nil && r.shown == StateServing {
		return r
	}
	return nil
}

func (h *hub) row(name string) *row {
	for _, r := range h.rows {
		if r.replica.Name == name {
			return r
		}
	}
	return nil
}

// lose notes that a replica's state machine has died. Should it come back
// before the others have noticed, they would still name it coordinator of a
// term in which it no longer is: from now on only higher terms count.
func (h *hub) lose(lost *row) {
	for _, r := range h.rows {
		after := term{r.report.Epoch, r.report.Term + 1}
		if r.report.Coordinator == lost.replica.Name && r.report.Term > 0 && lost.officeFrom.less(after) {
			lost.officeFrom = after
		}
	}
}

// note tells of something that concerns no state.
func (h *hub) note(kind EventKind, replica, text string) {
	h.update(func() { h.event(kind, replica, text) })
}

// spawned tells that the process of these replicas runs.
func (h *hub) spawned(replicas []string, pid int) {
	h.each(replicas, func(r *row) {
		r.alive, r.paused, r.pid, r.why = true, false, pid, ""
		r.starts++
		h.event(EventSpawned, r.replica.Name, fmt.Sprintf("%s is spawned, pid %d", r.replica.Name, pid))
	})
}

// died tells that the process of these replicas is gone, and in which state
// that leaves them.
func (h *hub) died(replicas []string, kind EventKind, down State, why string) {
	h.each(replicas, func(r *row) {
		h.lose(r)
		r.alive, r.paused, r.held, r.pid, r.down, r.why = false, false, 0, 0, down, why
		old := r.report
		r.report = api.Status{Name: old.Name, Articles: old.Articles, Vector: old.Vector, ModeSHA256: old.ModeSHA256,
			PluginRestarts: old.PluginRestarts}
		h.event(kind, r.replica.Name, r.replica.Name+" "+why)
	})
}

// setPaused tells that a process was stopped by SIGSTOP, or goes on, its plugins
// with it.
func (h *hub) setPaused(replicas []string, paused bool) {
	kind, text := EventResumed, " is resumed"
	if paused {
		kind, text = EventPaused, " is paused"
	}
	h.each(replicas, func(r *row) {
		r.paused, r.held = paused, 0
		h.event(kind, r.replica.Name, r.replica.Name+text)
	})
}

func (h *hub) each(replicas []string, f func(*row)) {
	h.update(func() {
		for _, name := range replicas {
			f(h.row(name))
		}
	})
}

// reported takes a replica's word on itself.
func (h *hub) reported(s api.Status) {
	h.update(func() {
		r := h.row(s.Name)
		before := r.report
		if before.PluginPID != 0 && s.PluginPID != before.PluginPID && s.Epoch == before.Epoch && !r.entered {
			h.lose(r)
			h.event(EventPlugin, s.Name, fmt.Sprintf("%s has lost its plugin, pid %d", s.Name, before.PluginPID)+because(s.PluginEnded))
		}
		r.report = s
		begun := before.Epoch != 0 && s.Epoch > before.Epoch
		r.entered = (begun || r.entered) && s.Step == api.Started
		if begun {
			h.event(EventMode, s.Name, fmt.Sprintf("%s begins epoch %d in mode %s", s.Name, s.Epoch, s.Mode))
		}
		if s.Step != before.Step && !(begun && s.Step == api.Started) {
			h.stepped(before.Step, s)
		}
		if s.DiskFull != before.DiskFull {
			h.event(EventNote, s.Name, diskWord(s))
		}
	})
}

func diskWord(s api.Status) string {
	if s.DiskFull {
		return "the disk of " + s.Name + " is full: it refuses posts until there is room"
	}
	return "the disk of " + s.Name + " has room again"
}

// because is a cause, if one is known, behind what it has caused: its first
// line, for an event is one.
func because(why string) string {
	if why == "" {
		return ""
	}
	why, _, _ = strings.Cut(why, "\n")
	return ": " + why
}

func (h *hub) stepped(before api.Step, s api.Status) {
	switch s.Step {
	case api.Started:
		if before == api.Joined || before == api.CaughtUp {
			h.event(EventPlugin, s.Name, s.Name+" waits for its plugin")
			return
		}
		h.event(EventStarted, s.Name, s.Name+" has started: disk open, mode running, listening")
	case api.Joined:
		h.event(EventJoined, s.Name, s.Name+" has joined its peers")
	case api.CaughtUp:
		h.event(EventServing, s.Name, s.Name+" has caught up and serves")
	case api.Failed:
		h.event(EventFailed, s.Name, s.Name+" has failed: "+s.Fault)
	}
}

// status returns what is known, and a channel that is closed at the next
// change. Closed tells that there will be none.
func (h *hub) status() (status *ClusterStatus, closed bool, changed <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.cluster
	s.Replicas = make([]ReplicaStatus, len(h.rows))
	for i, r := range h.rows {
		s.Replicas[i] = r.status()
	}
	s.Faults = []LinkFault{}
	for _, l := range h.faults.Links {
		s.Faults = append(s.Faults, h.namedFault(l))
	}
	s.countBehind()
	s.unseat()
	return &s, h.closed, h.changed
}

// unseat takes an office from the row of a paused replica once another one holds
// it: what it said last was from before.
func (s *ClusterStatus) unseat() {
	for i := range s.Replicas {
		r := &s.Replicas[i]
		lost := func(office modes.Role, holder *string) bool {
			return r.Role == string(office) && holder != nil && *holder != r.Name
		}
		if r.State == StatePaused && (lost(modes.RoleCoordinator, s.Coordinator) || lost(modes.RoleBackup, s.Backup)) {
			r.Role = ""
		}
	}
}

// countBehind says of each replica how many articles it lacks, at least, of the
// longest board that is served. What it says of itself may be from before it
// died, or all that it could hear of.
func (s *ClusterStatus) countBehind() {
	var longest uint64
	for _, r := range s.Replicas {
		if r.State == StateServing {
			longest = max(longest, r.Articles)
		}
	}
	for i := range s.Replicas {
		if r := &s.Replicas[i]; longest > r.Articles {
			r.Behind = max(r.Behind, longest-r.Articles)
		}
	}
}

func (r *row) status() ReplicaStatus {
	s := ReplicaStatus{
		Name: r.replica.Name, State: r.shown, Role: r.report.Role, Term: r.report.Term,
		Articles: r.report.Articles, Vector: r.report.Vector, Behind: r.report.Behind,
		PID: r.pid, PluginPID: r.report.PluginPID, Restarts: max(0, r.starts-1), PluginRestarts: r.report.PluginRestarts,
		PluginEnded: r.report.PluginEnded,
		ClientAddr:  r.replica.Client, PeerAddr: r.replica.Peer, Process: r.replica.Process, ModeSHA256: r.report.ModeSHA256,
		Step: string(r.report.Step), Why: r.why, Since: r.since,
	}
	if r.alive {
		s.Why = cmp.Or(r.report.Fault, r.report.WaitsFor())
	}
	if r.hangs != "" {
		s.Change = r.hangs
		s.Why = cmp.Or(s.Why, "the mode change: "+r.hangs)
	}
	return s
}

// eventsAfter returns the events after number seq. Lost tells that some of
// them are no longer kept.
func (h *hub) eventsAfter(seq uint64) (events []Event, lost, closed bool, changed <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i, _ := slices.BinarySearchFunc(h.events, seq+1, func(e Event, seq uint64) int { return int(int64(e.Seq - seq)) })
	lost = len(h.events) > 0 && h.events[0].Seq > seq+1
	return slices.Clone(h.events[i:]), lost, h.closed, h.changed
}

// close ends all readers once they have seen everything.
func (h *hub) close() {
	h.update(func() { h.closed = true })
}
