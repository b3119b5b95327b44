package history

import (
	"fmt"
	"strings"
	"time"

	"consequor/board"
)

// String is the operation in words:
//
//	post 7 by session 2 at r3, called 1.203 s, returned 1.311 s: ok 17
func (op *Op) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s %d", map[bool]string{true: "fresh "}[op.Fresh], op.Verb, op.Number)
	switch {
	case op.Verb == Reply:
		fmt.Fprintf(&b, " to %s", op.Parent)
	case op.Verb == Choose:
		fmt.Fprintf(&b, " of %s", op.Target)
	}
	fmt.Fprintf(&b, " by %s", op.who())
	if at := op.where(); at != "" {
		b.WriteString(" at " + at)
	}
	fmt.Fprintf(&b, ", called %s, ", seconds(op.Call))
	if op.Outcome == Unknown {
		b.WriteString("never answered: unknown")
	} else {
		fmt.Fprintf(&b, "returned %s: %s", seconds(op.Return), op.result())
	}
	if len(op.Tries) > 1 {
		fmt.Fprintf(&b, ", in %d tries", len(op.Tries))
	}
	return b.String()
}

// who is whose operation it is.
func (op *Op) who() string {
	if op.Session == 0 {
		return "a client without session"
	}
	return fmt.Sprintf("session %d", op.Session)
}

// where is the replica that answered, else the last that was asked.
func (op *Op) where() string {
	r := op.Replica
	if r == 0 && len(op.Tries) > 0 {
		r = op.Tries[len(op.Tries)-1].Replica
	}
	if r == 0 {
		return ""
	}
	return r.String()
}

// answerer is the replica that answered, in a sentence.
func (op *Op) answerer() string {
	if at := op.where(); at != "" {
		return at
	}
	return "a replica"
}

func (op *Op) result() string {
	switch {
	case op.Outcome == Refused:
		return strings.TrimSpace("refused " + op.Kind)
	case op.Verb.Writes():
		return "ok " + listIDs(op.IDs)
	case op.View != nil:
		return "ok, " + op.View.String()
	}
	return string(op.Outcome)
}

// String is the view in words: "16 articles up to 16, beyond 9".
func (v *View) String() string {
	if len(v.UpTo) == 0 {
		return "an empty board"
	}
	text := fmt.Sprintf("%s up to %s", articles(v.Count), v.UpTo)
	if v.Roots {
		text = strings.Replace(text, "article", "root", 1)
	}
	if len(v.Since) > 0 {
		text += ", beyond " + v.Since.String()
	}
	if !v.After.IsZero() {
		text += ", after " + v.After.String()
	}
	if !v.Through.IsZero() {
		text += ", through " + v.Through.String()
	}
	return text
}

func listIDs(ids []board.ArticleID) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	return strings.Join(texts, " and ")
}

// articles is "1 article", "16 articles", "no article".
func articles(n int) string {
	switch n {
	case 0:
		return "no article"
	case 1:
		return "1 article"
	}
	return fmt.Sprintf("%d articles", n)
}

func seconds(t time.Duration) string { return fmt.Sprintf("%.3f s", t.Seconds()) }

// violated makes a verdict; check.run names the checker.
func violated(property string, ops []*Op, format string, args ...any) *Verdict {
	v := &Verdict{Property: property, Sentence: fmt.Sprintf(format, args...)}
	for _, op := range ops {
		if op != nil {
			v.Ops = append(v.Ops, op.Number)
		}
	}
	return v
}
