package history

// Verdict is what one checker says of a history.
type Verdict struct {
	Checker  string // "C0"
	Outcome  VerdictOutcome
	Property string // that is violated: "durability"
	Sentence string // plain, with numbers, ids and replicas
	Ops      []int  // numbers of the two to five operations that prove it
	LongFork int    // C3: pairs of concurrent reads that each hold a post the other lacks
}

// VerdictOutcome is how a check ended.
type VerdictOutcome string

// The ends of a check.
const (
	Holds      VerdictOutcome = "ok"
	Violated   VerdictOutcome = "violated"
	Undecided  VerdictOutcome = "unknown" // out of time: neither
	NotChecked VerdictOutcome = "not checked"
)

// Verdicts are those of all checkers, in order.
type Verdicts []Verdict

// Outcome is the worst: violated, then unknown.
func (v Verdicts) Outcome() VerdictOutcome {
	worst := NotChecked
	for _, one := range v {
		switch {
		case one.Outcome == Violated:
			return Violated
		case one.Outcome == Undecided:
			worst = Undecided
		case one.Outcome == Holds && worst == NotChecked:
			worst = Holds
		}
	}
	return worst
}

// First is the first violation; nil: there is none.
func (v Verdicts) First() *Verdict {
	for i := range v {
		if v[i].Outcome == Violated {
			return &v[i]
		}
	}
	return nil
}
