package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"rsc.io/script"

	"consequor/supervisor"
)

const (
	unknownWord = "unknown command" // package script's error for it, which has no name

	eventsShown   = 15              // of each cluster, the last ones
	lookLimit     = 5 * time.Second // for one cluster to say how it is
	gotLinesShown = 30              // of what was there instead
)

// scriptFailure is what is told of a script that failed.
type scriptFailure struct {
	At       string         `json:"at"`      // FILE:LINE, or FILE/SECTION:LINE
	Command  string         `json:"command"` // that line
	Want     string         `json:"want"`
	Got      string         `json:"got"`
	Via      string         `json:"via,omitempty"` // the line that played the section
	Clusters []clusterState `json:"clusters"`      // what they were doing
}

// clusterState is how a cluster was when a script failed.
type clusterState struct {
	Status *supervisor.ClusterStatus `json:"status"`
	Events []supervisor.Event        `json:"events"`
}

// failureOf finds out what a script's error is about. The innermost line is to
// blame: one of a section, not the sessions that played it.
func failureOf(err error, piece *play) *scriptFailure {
	f := &scriptFailure{Want: "no error", Got: err.Error()}
	var outer, blamed *script.CommandError
	for e := err; errors.As(e, &blamed); e = blamed.Err {
		outer = cmp.Or(outer, blamed)
	}
	if blamed == nil {
		blamed = misreadLine(err, piece)
	}
	if blamed == nil { // what is found at its end is about no line
		var unmet *mismatch
		f.At, f.Got = piece.path, strings.TrimPrefix(f.Got, piece.path+": ")
		if errors.As(err, &unmet) {
			f.Want, f.Got = unmet.want, unmet.got
		}
		return f
	}
	outer = cmp.Or(outer, blamed)
	f.At = place(blamed)
	f.Command = piece.lineAt(blamed)
	if outer != blamed && place(outer) != f.At {
		f.Via = place(outer) + ": " + piece.lineAt(outer)
	}
	f.Want, f.Got = expectationOf(blamed)
	return f
}

// misreadLine finds the line that could not be read, which package script tells
// in words only; nil: it is not about a line.
func misreadLine(err error, piece *play) *script.CommandError {
	told := regexp.MustCompile("^(" + regexp.QuoteMeta(piece.path) + "(?:/[^:\n]+)?):([0-9]+): ").FindStringSubmatch(err.Error())
	if told == nil {
		return nil
	}
	line, _ := strconv.Atoi(told[2]) // digits
	return &script.CommandError{File: told[1], Line: line, Err: errors.New(strings.TrimPrefix(err.Error(), told[0]))}
}

func place(e *script.CommandError) string { return fmt.Sprintf("%s:%d", e.File, e.Line) }

// lineAt is the line of the script as it is written.
func (p *play) lineAt(e *script.CommandError) string {
	text := []byte(nil)
	if name, inside := strings.CutPrefix(e.File, p.path+"/"); inside {
		text, _ = p.section(name)
	} else if p.archive != nil {
		text = p.archive.Comment
	}
	if lines := bytes.Split(text, []byte("\n")); e.Line >= 1 && e.Line <= len(lines) {
		return strings.TrimSpace(string(lines[e.Line-1]))
	}
	return strings.TrimSpace(e.Op + " " + strings.Join(e.Args, " "))
}

func expectationOf(e *script.CommandError) (want, got string) {
	var (
		unmet *mismatch
		exit  *badExit
	)
	switch err := e.Err; {
	case err.Error() == unknownWord:
		return "a word that scripts know", fmt.Sprintf("%q\nhint: help lists them", e.Op)
	case errors.Is(err, errWords):
		return strings.TrimSpace(e.Op + " " + grammarIn(e.Op)), "a line that does not fit\nhint: help " + e.Op
	case errors.Is(err, script.ErrUnexpectedSuccess):
		return "a failure", "exit status 0"
	case errors.As(err, &unmet) && unmet.why != nil && !errors.As(unmet.why, new(*brokenMeeting)):
		return unmet.want, unmet.why.Error() + "\n" + unmet.got
	case errors.As(err, &unmet):
		return unmet.want, unmet.got
	case errors.As(err, &exit):
		return "exit status 0", strings.TrimSpace(exit.Error() + "\n" + exit.stderr)
	default:
		return "no error", err.Error()
	}
}

func grammarIn(word string) string {
	doc, _ := docOf(word)
	return doc.Grammar
}

// look asks the script's clusters how they are.
func (s *stage) look() []clusterState {
	states := []clusterState{}
	clusters, _ := s.clusters() // there is a failure to be told already
	for _, cluster := range clusters {
		ctx, cancel := context.WithTimeout(context.Background(), lookLimit)
		if status, err := cluster.Status(ctx); err == nil {
			states = append(states, clusterState{status, lastEvents(ctx, cluster)})
		}
		cancel()
	}
	return states
}

func lastEvents(ctx context.Context, cluster *supervisor.Client) []supervisor.Event {
	events, err := cluster.KeptEvents(ctx)
	if err != nil || len(events) == 0 {
		return []supervisor.Event{} // there is a failure to be told already
	}
	return events[max(0, len(events)-eventsShown):]
}

// sentence tells the failure on one line.
func (f *scriptFailure) sentence() string {
	got, _, _ := strings.Cut(f.Got, "\n")
	if f.Command == "" {
		return f.At + ": " + got
	}
	return fmt.Sprintf("%s: %s: want %s, got %s", f.At, f.Command, f.Want, got)
}

func (f *scriptFailure) print(w io.Writer) {
	fmt.Fprintln(w, inertLine(strings.TrimSuffix(f.At+": "+f.Command, ": ")))
	fmt.Fprintf(w, "  want  %s\n", hanging(f.Want))
	fmt.Fprintf(w, "  got   %s\n", hanging(f.Got))
	if f.Via != "" {
		fmt.Fprintf(w, "  played by %s\n", inertLine(f.Via))
	}
	for _, c := range f.Clusters {
		printStatusHead(w, c.Status)
		printReplicas(w, c.Status.Replicas)
		for _, e := range c.Events {
			text, _, _ := strings.Cut(e.Text, "\n") // its log has the rest
			fmt.Fprintf(w, "%s  %s\n", e.Time.Local().Format("15:04:05.000"), inertLine(text))
		}
	}
}

// hanging indents all lines but the first, and leaves out the middle of many.
func hanging(text string) string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if more := len(lines) - gotLinesShown; more > 0 {
		left := fmt.Sprintf("... %s ...", counted(more, "line"))
		lines = append(append(lines[:gotLinesShown/2:gotLinesShown/2], left), lines[len(lines)-gotLinesShown/2:]...)
	}
	return inertLines(strings.Join(lines, "\n        "))
}

// indentWriter puts a margin before each line.
type indentWriter struct {
	to     io.Writer
	margin string
	inLine bool
}

func indented(w io.Writer, margin string) io.Writer { return &indentWriter{to: w, margin: margin} }

func (w *indentWriter) Write(b []byte) (int, error) {
	var out bytes.Buffer
	for _, line := range bytes.SplitAfter(b, []byte("\n")) {
		if len(line) == 0 {
			continue
		}
		if !w.inLine {
			out.WriteString(w.margin)
		}
		out.Write(line)
		w.inLine = line[len(line)-1] != '\n'
	}
	if _, err := w.to.Write(out.Bytes()); err != nil {
		return 0, err
	}
	return len(b), nil
}
