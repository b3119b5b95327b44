package web

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"consequor/supervisor"
)

// clusterPage is the living cluster.
type clusterPage struct {
	View *clusterView
}

// clusterView is what of the page is alive. It is the same for all who may
// control, and for all who may not.
type clusterView struct {
	Supervised bool
	Control    bool
	Down       string // why nothing newer is known; empty: this is how it is

	Mode, Options, Offices string
	Epoch                  uint64
	Change                 string // what a mode change that is under way waits for

	Ring     *ring
	Rows     []replicaRow
	Links    []linkRow
	Modes    []string // that the cluster can be changed to; of a page that is loaded alone
	AllLinks bool     // Links has all of them; else those with a fault
	Silent   string   // who has not told how its links are
	Events   []eventRow
}

type replicaRow struct {
	Name, State, Role, Term, Why string
	Articles, Behind             uint64
	PID, Plugin                  string
	Restarts                     int
	Addr                         string
	Verbs                        []string // that apply now
	PluginVerb                   bool     // its plugin can be killed
}

type linkRow struct {
	From, To    string
	Class       string // for the drawing
	Fault       string // in words; empty: none
	Cut         bool
	Connected   string
	Rate        string // per second; empty: not known
	Lost, Total string
}

type eventRow struct {
	Seq   uint64
	Time  string // for machines
	When  string
	Gap   string // since the event before
	Kind  string
	Class string
	Text  string
}

// onCluster shows the cluster.
func onCluster(v *visit) {
	f := v.factsNow()
	p := &clusterPage{View: viewOf(f, v.s.config.Source.Control() != nil, v.mayControl())}
	if v.status != nil && p.View.Control && v.s.config.Modes != nil {
		ctx, cancel := context.WithTimeout(v.ctx, linksTimeout)
		defer cancel()
		p.View.Modes = v.s.config.Modes.Names(ctx, v.status)
	}
	v.show("cluster", "Cluster", p, nil)
}

// onClusterEvents is the stream of what the cluster's page shows:
//
//	event: cluster    data: {"html":"..."}
//
// The page takes from it whatever is not as it was.
func onClusterEvents(v *visit) {
	stream, done := v.s.watches.open(v.mayControl())
	if stream == nil {
		v.w.Header().Set("Retry-After", streamBusy)
		http.Error(v.w, "too many open streams", http.StatusServiceUnavailable)
		return
	}
	defer done()
	v.w.Header().Set("Content-Type", "text/event-stream")
	v.w.Header().Set("Cache-Control", "no-store")
	v.pour(stream)
}

// renderCluster makes the message of a stream; nil: it could not be made.
func (s *Server) renderCluster(f *facts, control bool) []byte {
	var out bytes.Buffer
	view := viewOf(f, s.config.Source.Control() != nil, control)
	if err := s.pages.templates["cluster"].ExecuteTemplate(&out, "live", view); err != nil {
		s.config.Log.Error("draw the cluster", "err", err)
		return nil
	}
	return encodeEvent("cluster", "", map[string]string{"html": out.String()})
}

func viewOf(f *facts, supervised, control bool) *clusterView {
	view := &clusterView{Supervised: supervised, Control: control, Events: eventRows(f.events)}
	if f.err != nil {
		view.Down = f.err.Error()
	}
	s := f.status
	if s == nil {
		return view
	}
	view.Mode, view.Epoch = s.Mode, s.Epoch
	var options []string
	for _, o := range s.Options {
		options = append(options, o.Name+"="+o.Value)
	}
	view.Options = strings.Join(options, ", ")
	view.Offices = offices(s)
	for i := range s.Replicas {
		r := &s.Replicas[i]
		view.Rows = append(view.Rows, replicaRowOf(r))
		if r.Change != "" && view.Change == "" {
			view.Change = r.Name + " waits for step " + r.Change
		}
	}
	view.Ring, view.Links, view.AllLinks = drawRing(f), linkRows(f, false), f.links != nil
	if f.links != nil {
		var silent []string
		for _, m := range f.links.missing {
			silent = append(silent, m.Replica+" ("+m.Why+")")
		}
		view.Silent = strings.Join(silent, ", ")
	}
	return view
}

// offices names who coordinates, but for modes that know no such office.
func offices(s *supervisor.ClusterStatus) string {
	if slices.ContainsFunc(s.Replicas, func(r supervisor.ReplicaStatus) bool { return r.Role == "peer" }) {
		return ""
	}
	name := func(n *string) string {
		if n == nil {
			return "none"
		}
		return *n
	}
	return "coordinator " + name(s.Coordinator) + ", backup " + name(s.Backup)
}

func replicaRowOf(r *supervisor.ReplicaStatus) replicaRow {
	row := replicaRow{Name: r.Name, State: string(r.State), Role: cmp.Or(r.Role, "-"), Term: "-", Articles: r.Articles, Behind: r.Behind,
		PID: numberOrNone(r.PID), Plugin: numberOrNone(r.PluginPID), Restarts: r.Restarts, Addr: r.ClientAddr, PluginVerb: r.PluginPID != 0}
	if r.Term > 0 {
		row.Term = fmt.Sprint(r.Term)
	}
	row.Why, _, _ = strings.Cut(r.Why, "\n")
	if row.Why = cut(row.Why, 160); row.Why != "" && (r.State == supervisor.StateServing || r.State == supervisor.StateStarting) {
		row.Why = "waits for " + row.Why
	}
	switch r.State {
	case supervisor.StatePaused:
		row.Verbs = []string{"resume", "kill"}
	case supervisor.StateServing, supervisor.StateStarting:
		row.Verbs = []string{"kill", "pause", "stop", "restart"}
	default:
		row.Verbs = []string{"restart"}
	}
	return row
}

func numberOrNone(n int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

// linkRows are the directions of links: all whose state is known, else those
// that have a fault. To draw them, of those that are not known as well.
func linkRows(f *facts, draw bool) []linkRow {
	var rows []linkRow
	if f.links != nil {
		for i := range f.links.list {
			rows = append(rows, linkRowOf(f, &f.links.list[i]))
		}
		return rows
	}
	faults := make(map[direction]*supervisor.LinkFault)
	for i := range f.status.Faults {
		l := &f.status.Faults[i]
		faults[direction{l.From, l.To}] = l
	}
	for _, from := range f.status.Replicas {
		for _, to := range f.status.Replicas {
			l := faults[direction{from.Name, to.Name}]
			switch {
			case from.Name == to.Name:
			case l != nil:
				rows = append(rows, linkRowOf(f, &supervisor.Link{LinkFault: *l, Up: true}))
			case draw:
				rows = append(rows, linkRow{From: from.Name, To: to.Name, Class: "unknown"})
			}
		}
	}
	return rows
}

// linkRowOf takes the faults from the status, which is told of them first.
func linkRowOf(f *facts, l *supervisor.Link) linkRow {
	row := linkRow{From: l.From, To: l.To, Class: "up", Connected: "yes", Lost: countOrUnknown(l.Lost), Total: countOrUnknown(l.Received)}
	fault := supervisor.LinkFault{From: l.From, To: l.To}
	for _, wanted := range f.status.Faults {
		if wanted.From == l.From && wanted.To == l.To {
			fault = wanted
		}
	}
	if !l.Up {
		row.Class, row.Connected = "down", "no"
	}
	if !fault.Whole() {
		row.Class, row.Fault, row.Cut = "faulty", fault.Words(), fault.Cut
	}
	if fault.Cut {
		row.Class = "cut"
	}
	if f.links != nil {
		if rate, ok := f.links.rates[direction{l.From, l.To}]; ok {
			row.Rate = fmt.Sprintf("%.0f", rate)
		}
	}
	return row
}

func countOrUnknown(n *uint64) string {
	if n == nil {
		return "?"
	}
	return fmt.Sprint(*n)
}

func (l *linkRow) title() string {
	text := l.From + " to " + l.To
	if l.Rate != "" {
		text += ": " + l.Rate + " messages per second"
	}
	if l.Fault != "" {
		text += ", " + l.Fault
	}
	return text
}

// kindClasses give events the colour of what they mean.
var kindClasses = map[supervisor.EventKind]string{
	supervisor.EventDied: "bad", supervisor.EventFailed: "bad", supervisor.EventKilled: "bad", supervisor.EventCut: "bad",
	supervisor.EventPaused: "bad", supervisor.EventServing: "good", supervisor.EventReady: "good", supervisor.EventHealed: "good",
	supervisor.EventCoordinator: "turn", supervisor.EventMode: "turn",
}

// eventRows are the timeline, the newest first.
func eventRows(events []supervisor.Event) []eventRow {
	var rows []eventRow
	for i := len(events) - 1; i >= 0; i-- {
		e := &events[i]
		row := eventRow{Seq: e.Seq, Time: e.Time.UTC().Format(time.RFC3339Nano), When: e.Time.UTC().Format("15:04:05.000"),
			Kind: kindWord(e), Class: kindClasses[e.Kind], Text: cut(e.Text, 400)}
		if i > 0 {
			row.Gap = gapWords(e.Time.Sub(events[i-1].Time))
		}
		rows = append(rows, row)
	}
	return rows
}

// kindWord tells the two turns of a failover apart.
func kindWord(e *supervisor.Event) string {
	switch {
	case e.Kind == supervisor.EventMode:
		return "swap"
	case e.Kind != supervisor.EventCoordinator:
		return string(e.Kind)
	case strings.HasPrefix(e.Text, "no coordinator"):
		return "vacant"
	}
	return "elected"
}

func gapWords(d time.Duration) string {
	switch {
	case d < 0 || d >= time.Minute:
		return ""
	case d < time.Second:
		return fmt.Sprintf("+%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("+%.1f s", d.Seconds())
}
