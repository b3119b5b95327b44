package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"consequor/board"
	"consequor/sim/history"
)

// op is an operation as the page shows it.
type op struct {
	N       int
	Session int             `json:",omitempty"`
	What    string          // "reply under 3"
	Replica board.ReplicaID // beside which its bar stands: that of its first try
	Call    int64
	Return  int64 // -1: nobody answered
	Outcome history.Outcome
	Answer  string `json:",omitempty"` // "17", "no_majority", "12 articles up to 17"
	More    string `json:",omitempty"` // what else is known, a line each
	Tries   []try  `json:",omitempty"` // if there were several
}

// try is one request of an operation.
type try struct {
	Replica board.ReplicaID
	Call    int64
	Return  int64 // -1: no answer
	Outcome history.Outcome
	Text    string `json:",omitempty"`
}

// addOps takes the operations of the events' window, and says how many are
// left out.
func (m *model) addOps(h *history.History) int {
	kept := make([]bool, len(h.Ops))
	from, n := m.from(), 0
	for i := len(h.Ops) - 1; i >= 0 && n < opsMax; i-- {
		o := &h.Ops[i]
		if micros(o.Call) >= from || micros(o.Return) >= from {
			kept[i] = true
			n++
		}
	}
	m.Ops = make([]op, 0, n)
	for i := range h.Ops {
		o := &h.Ops[i]
		if kept[i] || m.proves(o.Number) {
			m.Ops = append(m.Ops, opOf(o))
		}
	}
	return len(h.Ops) - len(m.Ops)
}

// from is when the window of events begins.
func (m *model) from() int64 {
	if m.Events.First > 0 {
		return m.Events.At[0]
	}
	return 0
}

func (m *model) proves(number int) bool {
	return slices.ContainsFunc(m.Summary.Proof, func(p proof) bool { return p.Number == number })
}

func opOf(o *history.Op) op {
	out := op{
		N:       o.Number,
		Session: o.Session,
		What:    whatOf(o),
		Replica: o.Replica,
		Call:    micros(o.Call),
		Return:  ended(o.Call, o.Return, o.Outcome),
		Outcome: o.Outcome,
		Answer:  clean(answerOf(o)),
		More:    clean(moreOf(o)),
	}
	if len(o.Tries) > 0 {
		out.Replica = o.Tries[0].Replica
	}
	for _, t := range o.Tries {
		if len(o.Tries) > 1 || t.Replica != o.Replica {
			out.Tries = append(out.Tries, try{t.Replica, micros(t.Call), ended(t.Call, t.Return, t.Outcome), t.Outcome, clean(t.Text)})
		}
	}
	return out
}

// ended is when an answer came; -1: none did.
func ended(call, end time.Duration, outcome history.Outcome) int64 {
	if end < call || end == 0 && outcome == history.Unknown {
		return -1
	}
	return micros(end)
}

// whatOf says what was asked for.
func whatOf(o *history.Op) string {
	what := string(o.Verb)
	switch o.Verb {
	case history.Reply:
		what = "reply under " + o.Parent.String()
	case history.Choose:
		what = "choose " + o.Target.String()
	}
	if o.Fresh {
		what = "fresh " + what
	}
	return what
}

// answerOf says what came back, shortly.
func answerOf(o *history.Op) string {
	switch {
	case o.Outcome == history.Refused:
		return o.Kind
	case o.Outcome == history.Unknown:
		return o.Why
	case o.View != nil && o.View.Thread == nil:
		return fmt.Sprintf("%s up to %s", count(o.View.Count, "article"), vectorText(o.View.UpTo))
	case o.View != nil:
		return count(len(o.View.Thread.Replies), "reply")
	}
	return joinIDs(o.IDs)
}

// moreOf says what else is known of an operation, a line each.
func moreOf(o *history.Op) string {
	var b strings.Builder
	add := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, text)
		}
	}
	if o.Epoch > 0 {
		add("epoch", fmt.Sprint(o.Epoch))
	}
	add("key", o.Key)
	if o.Outcome == history.Refused {
		add("why", o.Why)
	}
	if v := o.View; v != nil {
		add("up to", vectorText(v.UpTo))
		add("digest", fmt.Sprintf("%016x", uint64(v.Sum)))
		add("articles", joinIDs(v.Articles))
		if v.Thread != nil {
			add("article", v.Thread.Article.String())
			add("replies", joinIDs(v.Thread.Replies))
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func vectorText(v board.Vector) string {
	if len(v) == 0 {
		return "nothing"
	}
	return joinIDs(v)
}

// idsMax is how many ids are listed before the rest is only counted.
const idsMax = 200

func joinIDs(ids []board.ArticleID) string {
	var b strings.Builder
	for i, id := range ids {
		if i == idsMax {
			fmt.Fprintf(&b, " and %d more", len(ids)-i)
			break
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(id.String())
	}
	return b.String()
}

func count(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case noun == "reply":
		return fmt.Sprintf("%d replies", n)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
