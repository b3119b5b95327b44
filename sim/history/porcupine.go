package history

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"

	"consequor/board"
)

// Porcupine draws what can be put in one line, and shows how far it came where
// something cannot. What a mode promises decides what stands in one drawing:
//
//	sequential        posts and fresh reads of one life of the mode: one order for all
//	quorum            one article: its post, and each read with it or without it
//	read-your-write   one session: what it posted and what it was shown
//
// In the first two an operation has a place: that of its article in the final
// order, with room for reads between articles; or, of one article, before and
// behind its post. Whoever takes effect later stands no lower.

// The bounds of a drawing. Beyond them the earliest operations are left out.
const (
	drawnOpsMax      = 2000 // in one line
	drawnArticlesMax = 16   // of a quorum, the last ones
	drawnTimeMax     = 20 * time.Second
)

// inLine is an operation as it stands in one line.
type inLine struct {
	op    *Op
	line  int    // which one
	place int    // 0: it has none, but a view or an article
	text  string // what it was told
}

// effect is the state of one line.
type effect struct {
	place int
	seen  string // a vector's text: what a session has seen
}

// WritePorcupine writes a page that porcupine draws. linearizable is its own
// word on all that is drawn; drawn says how many operations that is.
func WritePorcupine(w io.Writer, h *History) (linearizable string, drawn int, err error) {
	c := newCheck(h, StepsDefault)
	if c.unfit != "" {
		return "", 0, fmt.Errorf("nothing can be drawn: %s", c.unfit)
	}
	d := drawingOf{check: c}
	d.orders()
	d.articles()
	d.sessions()
	result, info := porcupine.CheckOperationsVerbose(d.model(), d.operations(), drawnTimeMax)
	return string(result), len(d.all), porcupine.Visualize(d.model(), info, w)
}

// drawingOf gathers the lines of a history.
type drawingOf struct {
	*check
	all   []inLine
	lines int
	names []string // by line
}

func (d *drawingOf) add(name string, line []inLine) {
	if len(line) == 0 {
		return
	}
	slices.SortStableFunc(line, func(a, b inLine) int { return compareTimes(a.op.Call, b.op.Call) })
	for _, one := range line[max(0, len(line)-drawnOpsMax):] {
		one.line = d.lines
		d.all = append(d.all, one)
	}
	d.names = append(d.names, name)
	d.lines++
}

// orders are the lives of sequential modes.
func (d *drawingOf) orders() {
	for i, life := range d.sequentialPosts() {
		var line []inLine
		for _, p := range life.posts {
			line = append(line, inLine{op: p.op, place: p.place, text: d.idOf(p.op).String()})
		}
		for _, op := range life.reads {
			if op.fresh() {
				line = append(line, inLine{op: op, place: 2*d.x.rank(highest(op.View.UpTo)) + 1, text: "up to " + op.View.UpTo.String()})
			}
		}
		d.add(fmt.Sprintf("one order, %d", i+1), line)
	}
}

// articles are the last ones that quorums have acknowledged.
func (d *drawingOf) articles() {
	for _, ops := range d.livesOf(Quorum) {
		var posts []*Op
		for _, op := range ops {
			if op.Verb.Writes() {
				posts = append(posts, op)
			}
		}
		for _, post := range posts[max(0, len(posts)-drawnArticlesMax):] {
			id := post.IDs[0]
			line := []inLine{{op: post, place: 2, text: id.String()}}
			for _, op := range ops {
				switch {
				case !op.View.current():
				case op.View.UpTo.Has(id):
					line = append(line, inLine{op: op, place: 3, text: "with " + id.String()})
				default:
					line = append(line, inLine{op: op, place: 1, text: "without " + id.String()})
				}
			}
			d.add("article "+id.String(), line)
		}
	}
}

// sessions are those that read-your-write has answered.
func (d *drawingOf) sessions() {
	for _, s := range d.bySession() {
		var line []inLine
		for _, op := range s.byCall {
			if d.promised(op, ReadYourWrite) && (op.View.current() || len(op.IDs) > 0) {
				line = append(line, inLine{op: op, text: op.result()})
			}
		}
		d.add("session", line)
	}
}

func (d *drawingOf) operations() (all []porcupine.Operation) {
	var end time.Duration
	for i := range d.h.Ops {
		end = max(end, d.h.Ops[i].Call, d.h.Ops[i].Return)
	}
	clients := lanes{}
	for _, one := range d.all {
		o := porcupine.Operation{Input: one, Call: int64(one.op.Call), Return: int64(one.op.Return), Metadata: one.op.String()}
		if one.op.Outcome == Unknown {
			o.Return = int64(end) + 1
		}
		o.ClientId = clients.of(one.op.Session, o.Call, o.Return)
		all = append(all, o)
	}
	return all
}

// lanes are rows of a drawing: one of each session, and as many as are needed
// for operations of none, and for those that overlap.
type lanes struct {
	session []int
	busy    []int64 // until when
}

func (l *lanes) of(session int, call, end int64) int {
	for i := range l.busy {
		if l.session[i] == session && l.busy[i] < call {
			l.busy[i] = end
			return i
		}
	}
	l.session, l.busy = append(l.session, session), append(l.busy, end)
	return len(l.busy) - 1
}

func (d *drawingOf) model() porcupine.Model {
	return porcupine.Model{
		Partition: d.partition,
		Init:      func() any { return effect{} },
		Step: func(state, input, _ any) (bool, any) {
			one := input.(inLine)
			return d.step(state.(effect), &one)
		},
		DescribeOperation: func(input, _ any) string {
			one := input.(inLine)
			return fmt.Sprintf("%s %d at %s: %s", one.op.Verb, one.op.Number, one.op.answerer(), one.text)
		},
		DescribeState: func(state any) string {
			s := state.(effect)
			return cmp.Or(s.seen, fmt.Sprintf("place %d", s.place))
		},
		DescribeOperationMetadata: func(words any) string { return fmt.Sprint(words) },
	}
}

func (d *drawingOf) partition(all []porcupine.Operation) [][]porcupine.Operation {
	parts := make([][]porcupine.Operation, d.lines)
	for _, o := range all {
		line := o.Input.(inLine).line
		parts[line] = append(parts[line], o)
	}
	return parts
}

// step lets an operation take effect.
func (d *drawingOf) step(now effect, one *inLine) (bool, effect) {
	if one.place > 0 {
		return now.place <= one.place, effect{place: one.place}
	}
	seen, err := board.ParseVector(cmp.Or(now.seen, "-"))
	if err != nil {
		panic("history: a vector does not read back: " + err.Error())
	}
	if op := one.op; op.Verb.Writes() {
		for _, id := range op.IDs {
			seen = seen.With(id)
		}
		return true, effect{seen: seen.String()}
	}
	return one.op.View.UpTo.Covers(seen), effect{seen: seen.Join(d.x.seen(one.op.View)).String()}
}
