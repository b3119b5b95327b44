package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"consequor/topologies"
)

// The table's measures, in characters.
const (
	traceWidth      = 120 // of a line, where there is no terminal
	traceWidthMin   = 80  // of a terminal: a narrower one breaks lines
	traceTimeLen    = 11
	traceCellMin    = 5
	traceTextMin    = 40 // with less, all replicas share one column
	traceMarkLen    = 2
	traceColumnsMax = 9
)

const traceLegend = `? asked   = answered   > sent to   >> to several   < arrived from   s mode's step   d on disk   a on the board   * on the way to the answer`

// traceTable draws events: one to a line, a column for each replica.
type traceTable struct {
	out      io.Writer
	w        *way
	width    int
	cell     int
	replicas []string // none: they share a column
	all      bool
}

// drawTable draws what belongs to the request, or all.
func (w *way) drawTable(out io.Writer, columns int, all bool) {
	t := &traceTable{out: out, w: w, width: traceWidth, cell: traceCellMin, all: all}
	if columns > 0 {
		t.width = max(columns, traceWidthMin)
	}
	for _, r := range w.names.status.Replicas {
		t.replicas = append(t.replicas, r.Name)
		t.cell = max(t.cell, len(r.Name)+2)
	}
	if len(t.replicas) > traceColumnsMax || t.textLen() < traceTextMin {
		t.replicas = nil
	}
	t.draw()
}

func (t *traceTable) textLen() int {
	return t.width - traceTimeLen - traceMarkLen - t.cell*max(len(t.replicas), 2)
}

func (t *traceTable) draw() {
	legend := traceLegend
	if t.all {
		legend += "   b batch given   w written   : note"
	}
	fmt.Fprintln(t.out, legend)
	heads := t.replicas
	if heads == nil {
		heads = []string{"where", ""}
	}
	t.line("ms", heads, "", "")
	hidden := 0
	done := make([]bool, len(t.w.events))
	for i := range t.w.events {
		switch e := &t.w.events[i]; {
		case done[i] || e.At < t.w.since || e.At > t.w.last:
		case !t.w.shows(e, t.all) || !t.all && t.told(e):
			if !e.Ours {
				hidden++
			}
		default:
			t.event(i, done)
		}
	}
	if hidden > 0 {
		fmt.Fprintf(t.out, "left out: %s of routine or of other requests; --routine shows them\n", counted(hidden, "event"))
	}
}

// told: a batch is told with the step that answers it, and what is written when
// it is on disk. Of a step that leads to nothing nothing is to be told.
func (t *traceTable) told(e *tracedEvent) bool {
	switch e.What {
	case topologies.TracedGiven:
		return e.mate >= 0
	case topologies.TracedStepped:
		return e.Traced.Text == topologies.TracedNothing && !e.OnWay
	}
	return e.What == topologies.TracedSaved
}

// event draws an event, with others that say the same to others.
func (t *traceTable) event(i int, done []bool) {
	e := &t.w.events[i]
	mark, text, way := e.marker(), t.text(e), e.OnWay
	if e.What == topologies.TracedSent {
		to := []string{e.Peer}
		for j := i + 1; j < len(t.w.events) && t.w.events[j].MS-e.MS < traceTogether; j++ {
			if same := &t.w.events[j]; t.says(same, e) && !slices.Contains(to, same.Peer) {
				to, done[j], way = append(to, same.Peer), true, way || same.OnWay
			}
		}
		if len(to) > 1 {
			mark, text = ">>", "to "+strings.Join(to, ", ")+": "+text
		}
	}
	cells := make([]string, len(t.replicas))
	for k, name := range t.replicas {
		cells[k] = "."
		if name == e.Replica {
			cells[k] = mark
		}
	}
	if t.replicas == nil {
		cells = []string{e.Replica, mark}
	}
	star := ""
	if way {
		star = "*"
	}
	t.line(fmt.Sprintf("%.3f", e.MS), cells, star, text)
}

// traceTogether is how far apart, in milliseconds, may lie what is drawn as one.
const traceTogether = 0.5

func (t *traceTable) says(a, b *tracedEvent) bool {
	return a.What == b.What && a.Replica == b.Replica && a.Text == b.Text && a.mate >= 0 == (b.mate >= 0) && t.w.shows(a, t.all)
}

func (t *traceTable) text(e *tracedEvent) string {
	switch {
	case e.What == topologies.TracedStepped && e.mate >= 0 && !t.all:
		given := &t.w.events[e.mate]
		return given.Text + ": " + e.Text + tookWords(e.MS-given.MS)
	case e.What == topologies.TracedSynced && e.mate >= 0:
		return t.synced(e)
	case e.What == topologies.TracedSent && e.mate < 0:
		return e.Text + " (had not arrived in the end)"
	case e.What == topologies.TracedArrived && e.mate >= 0:
		return e.Text + tookWords(e.MS-t.w.events[e.mate].MS)
	}
	return e.Text
}

// synced tells what got to the disk, and how long that took.
func (t *traceTable) synced(e *tracedEvent) string {
	records, size, articles := 0, 0, ""
	first := e.mate
	for i := e.mate; i >= 0; i-- {
		saved := &t.w.events[i]
		if saved.What != topologies.TracedSaved || saved.Replica != e.Replica || saved.mate < 0 || &t.w.events[saved.mate] != e {
			continue
		}
		first = i
		size += saved.Size
		if len(saved.Articles) > 0 {
			articles = saved.Text
		} else {
			records++
		}
	}
	var parts []string
	if articles != "" {
		parts = append(parts, "article "+articles)
	}
	if records > 0 {
		parts = append(parts, counted(records, "record"))
	}
	return fmt.Sprintf("on disk: %s, %d bytes%s", strings.Join(parts, ", "), size, tookWords(e.MS-t.w.events[first].MS))
}

func (t *traceTable) line(at string, cells []string, star, text string) {
	var b strings.Builder
	fmt.Fprintf(&b, "%*s  ", traceTimeLen-2, at)
	for _, c := range cells {
		fmt.Fprintf(&b, "%-*s", t.cell, c)
	}
	fmt.Fprintf(&b, "%-*s%s", traceMarkLen, star, cut(inertLine(text), t.textLen()))
	fmt.Fprintln(t.out, strings.TrimRight(b.String(), " "))
}
