package sim

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"consequor/board"
	"consequor/sim/cluster"
)

const (
	traceColumnsMax = 12 // more replicas share one column
	traceColumnLen  = 6  // ">r12" and two blanks
	traceTimeLen    = 12
	traceWidth      = 120 // of a line, with up to 5 replicas
	traceTextMin    = 48  // what is left for the text, however many replicas there are

	traceColumnsMin = 80 // of a terminal: a narrower one breaks lines
	traceTextNarrow = 32 // what is left for the text there

	traceReceiversMax = 6 // of one message that are named
)

// TraceText writes a run's events for the eye: one to a line, a column for each
// replica. What happens stands in the column where it happens; the others show
// whether their process is up.
type TraceText struct {
	// All writes routine events too, and a line for each receiver of what is
	// sent to several at once.
	All bool

	// Columns is how wide the reader's terminal is: no line is longer, down to
	// 80. 0: none, a line has some 120.
	Columns int

	began    bool // the legend is written
	w        *bufio.Writer
	replicas int
	states   []byte // by replica: what its column shows while nothing happens there

	sent cluster.Event     // that is not written yet: the next one may say the same to another; none: no Kind
	to   []board.ReplicaID // to whom
}

// The states of a replica's column.
const (
	laneDown   = ' '
	laneUp     = '.'
	lanePaused = '|'
)

// markers say what happens, in the replica's column. Those in joins are
// followed by the other replica, those in asks by the operation's number.
var (
	joins = map[cluster.EventKind]string{
		cluster.Sent: ">", cluster.Arrived: "<", cluster.Lost: "x",
		cluster.Cut: "/", cluster.Healed: "\\", cluster.LinkUp: "+", cluster.LinkDown: "-",
	}
	asks = map[cluster.EventKind]string{cluster.Called: "?", cluster.Tried: "~", cluster.Returned: "="}

	markers = map[cluster.EventKind]string{
		cluster.Stepped: "s", cluster.Synced: "d", cluster.Stored: "a",
		cluster.Booted: "^", cluster.Crashed: "#", cluster.Failed: "##", cluster.Stopped: "_",
		cluster.Paused: "|", cluster.Resumed: "o", cluster.PluginUp: "p^", cluster.PluginDown: "p#",
		cluster.Role: "*", cluster.Noted: ":", cluster.Fault: "[", cluster.FaultOver: "]",
		cluster.Ordered: "!", cluster.Decided: "!!", cluster.Violation: "!!!",
	}
)

// traceLegend has three blanks between what it explains.
const traceLegend = `>r2 sent to r2   >> to several   <r1 arrived from r1   xr1 lost, from r1   a articles stored
?7 operation 7 called   ~7 tried again   =7 returned   * role   : note   ! supervisor's order   !! its decision
^ booted   # crashed   ## failed   _ stopped   | paused   o resumed   p^ plugin up   p# plugin dead   s batch   d fsync
/r2 cut to r2   \r2 healed   +r2 link up   -r2 link down   [ fault begins   ] ends   columns: . up, | paused, blank down
`

// NewTraceText is the text of a run with so many replicas.
func NewTraceText(w io.Writer, replicas int) *TraceText {
	t := &TraceText{w: bufio.NewWriter(w), replicas: replicas, states: make([]byte, replicas+1)}
	for i := range t.states {
		t.states[i] = laneDown
	}
	return t
}

// begin writes the legend and the columns' heads before anything else.
func (t *TraceText) begin() {
	if t.began {
		return
	}
	t.began = true
	t.w.WriteString(t.legend())
	heads := make([]string, t.columns())
	for i := range heads {
		heads[i] = board.ReplicaID(i + 1).String()
	}
	if t.collapsed() {
		heads = []string{"where", ""}
	}
	t.line("seconds", heads, "")
}

// legend fills lines, where there is a terminal to fill.
func (t *TraceText) legend() string {
	if t.Columns == 0 {
		return traceLegend
	}
	var b strings.Builder
	used := 0
	for _, one := range legendParts() {
		switch n := utf8.RuneCountInString(one); {
		case used > 0 && used+3+n > t.width():
			b.WriteString("\n" + one)
			used = n
		case used > 0:
			b.WriteString("   " + one)
			used += 3 + n
		default:
			b.WriteString(one)
			used = n
		}
	}
	return b.String() + "\n"
}

func legendParts() []string {
	return strings.Split(strings.ReplaceAll(strings.TrimSpace(traceLegend), "\n", "   "), "   ")
}

func (t *TraceText) width() int {
	if t.Columns == 0 {
		return traceWidth
	}
	return max(t.Columns, traceColumnsMin)
}

// Flush writes what is still held back.
func (t *TraceText) Flush() error {
	t.begin()
	t.writeSent()
	return t.w.Flush()
}

// collapsed: the replicas have no columns of their own, or the text no place.
func (t *TraceText) collapsed() bool {
	fit := traceColumnsMax
	if t.Columns > 0 {
		fit = min(fit, (t.width()-traceTimeLen-traceTextNarrow)/traceColumnLen)
	}
	return t.replicas > fit
}

// columns: where they collapse one shows the replica, the next what happens.
func (t *TraceText) columns() int {
	if t.collapsed() {
		return 2
	}
	return t.replicas
}

// Event writes one event.
func (t *TraceText) Event(e cluster.Event) {
	t.begin()
	switch {
	case t.All:
		t.write(e, marker(e))
	case e.Routine:
	case e.Kind == cluster.Sent && e.At == t.sent.At && e.Replica == t.sent.Replica && e.Text == t.sent.Text && t.sent.Kind != "" && !slices.Contains(t.to, e.Peer):
		t.to = append(t.to, e.Peer)
	default:
		t.writeSent()
		if e.Kind == cluster.Sent {
			t.sent, t.to = e, append(t.to[:0], e.Peer)
			return
		}
		t.write(e, marker(e))
	}
}

// writeSent writes what was sent last, with all to whom it was.
func (t *TraceText) writeSent() {
	e := t.sent
	t.sent.Kind = ""
	switch {
	case e.Kind == "":
	case len(t.to) == 1:
		t.write(e, marker(e))
	case len(t.to) == t.replicas-1:
		e.Text = "to all: " + e.Text
		t.write(e, ">>")
	case len(t.to) > traceReceiversMax:
		e.Text = fmt.Sprintf("to %d replicas: %s", len(t.to), e.Text)
		t.write(e, ">>")
	default:
		e.Text = fmt.Sprintf("to %s: %s", list(t.to), e.Text)
		t.write(e, ">>")
	}
}

func (t *TraceText) write(e cluster.Event, mark string) {
	t.follow(e)
	cells := make([]string, t.columns())
	switch {
	case t.collapsed():
		if e.Replica > 0 {
			cells[0] = e.Replica.String()
		}
		cells[1] = mark
	default:
		for i := range cells {
			cells[i] = string(t.states[i+1])
		}
		if i := int(e.Replica) - 1; i >= 0 && i < len(cells) {
			cells[i] = mark
		}
	}
	t.line(fmt.Sprintf("%.6f", e.At.Seconds()), cells, traceText(e))
}

// follow keeps what the replicas' columns show.
func (t *TraceText) follow(e cluster.Event) {
	if int(e.Replica) >= len(t.states) {
		return
	}
	switch e.Kind {
	case cluster.Booted, cluster.Resumed:
		t.states[e.Replica] = laneUp
	case cluster.Paused:
		t.states[e.Replica] = lanePaused
	case cluster.Crashed, cluster.Failed, cluster.Stopped:
		t.states[e.Replica] = laneDown
	}
}

func marker(e cluster.Event) string {
	if m, ok := joins[e.Kind]; ok {
		if e.Peer == 0 {
			return m
		}
		return m + e.Peer.String()
	}
	if m, ok := asks[e.Kind]; ok {
		return m + strconv.Itoa(e.Op)
	}
	return markers[e.Kind]
}

// traceText is what an event says. The kind is told in words where there is no
// column to show it, or nothing else to read.
func traceText(e cluster.Event) string {
	if e.Text == "" || e.Replica == 0 {
		return strings.TrimSuffix(string(e.Kind)+": "+e.Text, ": ")
	}
	return e.Text
}

func eventText(e cluster.Event) string {
	where := "nobody"
	if e.Replica > 0 {
		where = e.Replica.String()
	}
	return fmt.Sprintf("%.6f s, %s, %s: %s", e.At.Seconds(), where, e.Kind, e.Text)
}

func (t *TraceText) line(at string, cells []string, text string) {
	fmt.Fprintf(t.w, "%10s  ", at)
	for _, cell := range cells {
		fmt.Fprintf(t.w, "%-*s", traceColumnLen, cell)
	}
	most := t.width() - traceTimeLen - traceColumnLen*len(cells)
	if t.Columns == 0 {
		most = max(most, traceTextMin)
	}
	t.w.WriteString(shortened(text, most))
	t.w.WriteByte('\n')
}

// shortened cuts a text to so many characters, and leaves none in it that is
// not visible: a title may carry what would command a terminal.
func shortened(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) {
			return r
		}
		return '?'
	}, text)
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-3]) + "..."
}
