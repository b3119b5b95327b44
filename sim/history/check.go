package history

// StepsDefault is enough for any history of some 100,000 operations.
const StepsDefault = 100_000_000

// Check judges a history by all checkers. A checker that has not come to an
// end after so many steps says unknown; the count, unlike a time, makes a
// verdict repeatable.
func Check(h *History, steps int) Verdicts {
	c := newCheck(h, steps)
	verdicts := make(Verdicts, 0, len(checkers))
	for _, one := range checkers {
		verdicts = append(verdicts, c.run(one, steps))
	}
	return verdicts
}

func newCheck(h *History, steps int) *check {
	c := &check{h: h, left: steps}
	switch err := h.Validate(); {
	case err != nil:
		c.unfit = "The history makes no sense: " + err.Error() + "."
	case len(h.Boards) == 0:
		c.unfit = "No replica was alive at the end, so there is no board to compare with."
	default:
		c.x, c.epochs = newIndex(h), newEpochs(h)
	}
	return c
}

// CheckAnswers judges a history that broke off, by what no end could have made
// good: one id was acknowledged for two posts, or one post under two ids. nil:
// nothing of the kind.
func CheckAnswers(h *History) *Verdict {
	c := &check{h: h, left: StepsDefault}
	v := c.answeredKeys()
	if v != nil {
		v.Checker, v.Outcome = "C0", Violated
	}
	return v
}

// check is the work on one history.
type check struct {
	h      *History
	x      *index
	epochs *epochs
	unfit  string // why nothing can be said
	left   int    // steps of the present checker
	forks  int    // long forks that C3 has counted
}

// checker is one letter-and-number of SEMANTICS: when it applies, and its parts
// in the order in which they look. Each part returns the first violation that
// it finds, or nil.
type checker struct {
	name    string
	applies func(h *History) bool
	parts   []func(c *check) *Verdict
}

var checkers = []checker{
	{"C0", always, []func(*check) *Verdict{
		(*check).acknowledged, (*check).outcomes, (*check).keys, (*check).contents, (*check).nobodys,
		(*check).equalBoards, (*check).threads, (*check).views, (*check).fromTheFuture, (*check).closedViews,
	}},
	{"C1", hasFreshReads, []func(*check) *Verdict{(*check).freshReads}},
	{"C2", promises(Sequential), []func(*check) *Verdict{
		(*check).prefixes, (*check).sessionOrder, (*check).realTimeOrder, (*check).denseIDs, (*check).olderEpochsSequential,
		(*check).deniedSequential,
	}},
	{"C3", promises(Quorum), []func(*check) *Verdict{
		(*check).quorumReads, (*check).idsRise, (*check).olderEpochsQuorum, (*check).deniedQuorum, (*check).longForks,
	}},
	{"C4", promises(Sequential, Quorum, ReadYourWrite), []func(*check) *Verdict{
		(*check).sessions, (*check).seenThenNotFound, (*check).writesFollowReads, (*check).monotonicWrites,
		(*check).regularReads, (*check).deniedSessions, (*check).olderEpochsSessions, (*check).epochOrder,
	}},
	{"C5", func(h *History) bool { return h.Healed > 0 }, []func(*check) *Verdict{(*check).liveness, (*check).terms}},
}

func always(*History) bool { return true }

// promises selects histories with an epoch that makes one of these promises.
func promises(wanted ...Promise) func(h *History) bool {
	return func(h *History) bool {
		for _, e := range h.Epochs {
			for _, p := range wanted {
				if e.Promise == p {
					return true
				}
			}
		}
		return false
	}
}

// run makes one checker's verdict.
func (c *check) run(one checker, steps int) Verdict {
	c.left, c.forks = steps, 0
	switch {
	case !one.applies(c.h):
		return Verdict{Checker: one.name, Outcome: NotChecked}
	case c.unfit != "":
		return Verdict{Checker: one.name, Outcome: Undecided, Sentence: c.unfit}
	case !c.spend(c.x.cost):
		return Verdict{Checker: one.name, Outcome: Undecided, Sentence: outOfSteps}
	}
	for _, part := range one.parts {
		found := part(c)
		if found != nil {
			found.Checker, found.Outcome, found.LongFork = one.name, Violated, c.forks
			return *found
		}
		if c.left < 0 {
			return Verdict{Checker: one.name, Outcome: Undecided, Sentence: outOfSteps}
		}
	}
	return Verdict{Checker: one.name, Outcome: Holds, LongFork: c.forks}
}

const outOfSteps = "The history is too long for the steps that were allowed."

// spend takes steps off what is left, and says whether there was enough. A
// checker that runs out just returns: run sees it.
func (c *check) spend(steps int) bool {
	c.left -= steps
	return c.left >= 0
}
