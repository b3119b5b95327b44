package report

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"consequor/board"
	"consequor/sim/cluster"
	"consequor/sim/history"
)

// span is something that lasts: a shade of the diagram.
type span struct {
	Kind    string          // "down", "paused", "plugin", "cut", "link", "fault"
	Replica board.ReplicaID `json:",omitempty"` // 0: the whole cluster's
	Peer    board.ReplicaID `json:",omitempty"` // the link's other end
	From    int64
	To      int64 // -1: to the end of the run
	Text    string
}

// role is what a replica is for a while, in its mode's words.
type role struct {
	Replica board.ReplicaID
	From    int64
	To      int64 // -1: to the end of the run
	Text    string
	Term    uint64 `json:",omitempty"`
	Leads   bool   `json:",omitempty"`
}

// begins and ends say which events open a span, and which close spans of which
// kinds. A process that dies takes its pause with it.
var begins = map[cluster.EventKind]string{
	cluster.Crashed: "down", cluster.Stopped: "down", cluster.Failed: "down",
	cluster.Paused: "paused", cluster.PluginDown: "plugin",
	cluster.Cut: "cut", cluster.LinkDown: "link", cluster.Fault: "fault",
}

var ends = map[cluster.EventKind][]string{
	cluster.Booted:  {"down", "paused"},
	cluster.Resumed: {"paused"},
	cluster.Crashed: {"paused", "plugin"}, cluster.Stopped: {"paused", "plugin"}, cluster.Failed: {"paused", "plugin"},
	cluster.PluginUp: {"plugin"},
	cluster.Healed:   {"cut"}, cluster.LinkUp: {"link"}, cluster.FaultOver: {"fault"},
}

// spanner collects spans; open holds the indices of those that still last.
type spanner struct {
	all  []span
	open []int
}

// spansOf finds what lasts, by its first moment.
func spansOf(events []cluster.Event) []span {
	s := spanner{all: []span{}}
	for i := range events {
		e := &events[i]
		for _, kind := range ends[e.Kind] {
			s.end(kind, e)
		}
		if kind, ok := begins[e.Kind]; ok && !s.isDown(kind, e) {
			s.begin(kind, e)
		}
	}
	return s.rest()
}

// isDown reports whether a replica that goes down is down already: one that
// has crashed and then fails is down once.
func (s *spanner) isDown(kind string, e *cluster.Event) bool {
	return kind == "down" && slices.ContainsFunc(s.open, func(i int) bool {
		return s.all[i].Kind == kind && s.all[i].Replica == e.Replica
	})
}

func (s *spanner) begin(kind string, e *cluster.Event) {
	text := clean(e.Text)
	if kind != "fault" {
		text = strings.TrimSpace(string(e.Kind) + " " + text)
	}
	s.open = append(s.open, len(s.all))
	s.all = append(s.all, span{kind, e.Replica, e.Peer, micros(e.At), -1, text})
}

// end closes the oldest open span that the event ends: cuts of one link are
// counted, and each is healed on its own. Faults end by their words.
func (s *spanner) end(kind string, e *cluster.Event) {
	at := slices.IndexFunc(s.open, func(i int) bool {
		o := &s.all[i]
		if kind == "fault" {
			return o.Kind == kind && o.Replica == e.Replica && related(o.Text, clean(e.Text))
		}
		return o.Kind == kind && o.Replica == e.Replica && o.Peer == e.Peer
	})
	switch {
	case at >= 0:
		s.all[s.open[at]].To = micros(e.At)
		s.open = slices.Delete(s.open, at, at+1)
	case kind == "fault" && e.Replica == 0:
		s.endFaults(e.At)
	}
}

// endFaults closes all faults: what is over is none of them, but "all faults".
func (s *spanner) endFaults(at time.Duration) {
	s.open = slices.DeleteFunc(s.open, func(i int) bool {
		o := &s.all[i]
		if o.Kind == "fault" {
			o.To = min(o.From+micros(lasts(o.Text)), micros(at))
		}
		return o.Kind == "fault"
	})
}

// related reports whether what is over is what began: "r3 is cut off" ends "r3
// is cut off for 400 ms", and "is paused" ends "r2: is paused".
func related(began, over string) bool {
	return strings.HasPrefix(began, over) || strings.HasSuffix(began, over) || strings.HasPrefix(over, began)
}

// rest closes what is open. A fault that nothing ends lasts as long as its
// words say, or is a moment; a process that nothing boots stays down.
func (s *spanner) rest() []span {
	for _, i := range s.open {
		if o := &s.all[i]; o.Kind == "fault" {
			o.To = o.From + micros(lasts(o.Text))
		}
	}
	return s.all
}

var forSoLong = regexp.MustCompile(`\bfor ([\d.]+) ?(ns|us|µs|ms|s|m)\b`)

// lasts reads "for 400 ms" in a text; 0: it says nothing.
func lasts(text string) time.Duration {
	found := forSoLong.FindStringSubmatch(text)
	if found == nil {
		return 0
	}
	d, err := time.ParseDuration(found[1] + found[2])
	if err != nil {
		return 0
	}
	return d
}

var inTerm = regexp.MustCompile(`\bterm (\d{1,19})\b`)

// rolesOf finds what each replica was, and until when. A replica that is down
// is nothing.
func rolesOf(events []cluster.Event) []role {
	all := []role{}
	last := map[board.ReplicaID]int{}
	for i := range events {
		e := &events[i]
		gone := slices.Contains(ends[e.Kind], "plugin") && e.Kind != cluster.PluginUp || e.Kind == cluster.PluginDown
		if at, ok := last[e.Replica]; ok && (gone || e.Kind == cluster.Role) {
			all[at].To = micros(e.At)
			delete(last, e.Replica)
		}
		if e.Kind == cluster.Role {
			last[e.Replica] = len(all)
			all = append(all, roleOf(e))
		}
	}
	return all
}

// roleOf reads what a Role event says: a role and, where the mode has one, a
// term.
func roleOf(e *cluster.Event) role {
	text := strings.TrimSuffix(clean(e.Text), ", term 0") // its mode has no terms
	r := role{Replica: e.Replica, From: micros(e.At), To: -1, Text: text}
	if found := inTerm.FindStringSubmatch(e.Text); found != nil {
		r.Term, _ = strconv.ParseUint(found[1], 10, 64)
	}
	for _, word := range []string{"coordinator", "primary", "leader"} {
		r.Leads = r.Leads || strings.HasPrefix(e.Text, word)
	}
	return r
}

// epochsOf finds when each epoch began: with the supervisor's decision if that
// was traced, else with the first operation that it answered.
func epochsOf(h *history.History, events []cluster.Event) []epoch {
	first := map[uint64]time.Duration{}
	for i := range h.Ops {
		o := &h.Ops[i]
		if at, ok := first[o.Epoch]; o.Outcome == history.OK && (!ok || o.Return < at) {
			first[o.Epoch] = o.Return
		}
	}
	for i := range events {
		e := &events[i]
		if n, ok := activated(e); ok {
			first[n] = min(e.At, orNever(first, n))
		}
	}
	all := []epoch{}
	for i, e := range h.Epochs {
		at, known := first[e.Number]
		switch {
		case i == 0:
			at = 0
		case !known:
			continue // nobody has seen anything of it
		}
		all = append(all, epoch{e.Number, e.Mode, micros(at)})
	}
	return all
}

func orNever(first map[uint64]time.Duration, epoch uint64) time.Duration {
	if at, ok := first[epoch]; ok {
		return at
	}
	return 1<<63 - 1
}

var activates = regexp.MustCompile(`\bepoch (\d{1,19}) in mode\b|\bactivate epoch (\d{1,19})\b`)

// activated reads which epoch begins in what the supervisor has put on record.
func activated(e *cluster.Event) (epoch uint64, ok bool) {
	if e.Kind != cluster.Decided {
		return 0, false
	}
	found := activates.FindStringSubmatch(e.Text)
	if found == nil {
		return 0, false
	}
	epoch, err := strconv.ParseUint(found[1]+found[2], 10, 64)
	return epoch, err == nil
}
