package report

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"consequor/board"
	"consequor/sim/history"
)

// summarise says what a reader wants to know first. An assertion that broke
// comes before a checker's word: what the clients saw follows from it.
func summarise(r *Report, h *history.History) summary {
	s := summary{Outcome: r.Verdicts.Outcome(), Failure: clean(r.Failure), Assert: -1}
	first := r.Verdicts.First()
	if first != nil {
		s.Heading = "Violated: " + first.Checker
		if first.Property != "" {
			s.Heading += ", " + first.Property
		}
		s.Sentence = clean(first.Sentence)
		for _, n := range first.Ops {
			s.Proof = append(s.Proof, proof{n, clean(opLine(opNumbered(h, n)))})
		}
	}
	switch {
	case r.Failure != "":
		s.Outcome, s.Heading = history.Violated, "Something that must never happen has happened"
		s.Sentence = strings.TrimSpace(s.Failure + "\n" + s.Sentence)
	case first != nil:
	case s.Outcome == history.Holds:
		s.Heading, s.Sentence = "Every promise held", held(r, h)
	case s.Outcome == history.Undecided:
		s.Heading, s.Sentence = "Not decided", "A checker ran out of steps: it has found neither a proof nor a violation."
	default:
		s.Heading, s.Sentence = "Not judged", "No checker has judged this run."
	}
	return s
}

func held(r *Report, h *history.History) string {
	var names []string
	for _, v := range r.Verdicts {
		if v.Outcome == history.Holds {
			names = append(names, v.Checker)
		}
	}
	return fmt.Sprintf("%s, judged by %s.", count(len(h.Ops), "operation"), strings.Join(names, ", "))
}

// opLine is an operation in one line: "session 2: post at r1, ok 8".
func opLine(o *history.Op) string {
	if o.Verb == "" {
		return "not in the history"
	}
	var b strings.Builder
	if o.Session > 0 {
		fmt.Fprintf(&b, "session %d: ", o.Session)
	}
	fmt.Fprintf(&b, "%s at %s", whatOf(o), tried(o))
	fmt.Fprintf(&b, ", %s %s", o.Outcome, answerOf(o))
	return strings.TrimSpace(b.String())
}

// tried lists the replicas that were asked, in order, each run of them once.
func tried(o *history.Op) string {
	names := []string{o.Replica.String()}
	if len(o.Tries) > 0 {
		names = nil
		for _, t := range o.Tries {
			names = append(names, t.Replica.String())
		}
	}
	return strings.Join(slices.Compact(names), ", ")
}

var replicaName = regexp.MustCompile(`\br(\d{1,9})\b`)

// lanesOf picks the replicas that are shown at first: all of a few, else those
// of the verdict, else those that were asked most.
func lanesOf(m *model, h *history.History) []board.ReplicaID {
	lanes := []board.ReplicaID{}
	if m.Replicas <= lanesMax {
		for r := range m.Replicas {
			lanes = append(lanes, board.ReplicaID(r+1))
		}
		return lanes
	}
	add := func(r board.ReplicaID) {
		if r >= 1 && int(r) <= m.Replicas && len(lanes) < lanesMax && !slices.Contains(lanes, r) {
			lanes = append(lanes, r)
		}
	}
	for _, p := range m.Summary.Proof {
		o := opNumbered(h, p.Number)
		add(o.Replica)
		for _, t := range o.Tries {
			add(t.Replica)
		}
	}
	for _, name := range replicaName.FindAllStringSubmatch(m.Summary.Sentence, -1) {
		add(replicaNumber(name[1]))
	}
	for _, p := range m.Roles {
		if p.Leads && p.From <= m.Until { // whoever coordinated belongs to the story
			add(p.Replica)
		}
	}
	if len(lanes) == 0 {
		for _, r := range busiest(h, m.Replicas) {
			add(r)
		}
	}
	slices.Sort(lanes)
	return lanes
}

// replicaNumber reads the digits of a replica's name; 0: that is none.
func replicaNumber(digits string) board.ReplicaID {
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil {
		return 0
	}
	return board.ReplicaID(n)
}

// busiest lists replicas by how many operations they were asked for.
func busiest(h *history.History, n int) []board.ReplicaID {
	asked := make([]int, n+1)
	for i := range h.Ops {
		asked[h.Ops[i].Replica]++
	}
	all := make([]board.ReplicaID, n)
	for i := range all {
		all[i] = board.ReplicaID(i + 1)
	}
	slices.SortStableFunc(all, func(a, b board.ReplicaID) int { return cmp.Compare(asked[b], asked[a]) })
	return all
}
