package history

import (
	"slices"
	"time"
)

// The bounds of C5, once nothing is in the way any more.
const (
	answerTimeMax = 10 * time.Second
	termsMax      = 3
)

// liveness holds every operation after the faults to end ok, and in time. One
// that asked a replica which was lost for good does not count.
func (c *check) liveness() *Verdict {
	for i := range c.h.Ops {
		op := &c.h.Ops[i]
		if !c.spend(1) {
			return nil
		}
		if op.Call < c.h.Healed || !c.askedLive(op) || c.rightlyNotFound(op) || c.gaveUp(op) {
			continue
		}
		since := seconds(c.h.Healed)
		switch {
		case op.Outcome == Unknown:
			return violated("liveness", []*Op{op}, "The %s of %s at %s, called at %s when nothing was in the way (since %s), was never answered: %s.",
				op.Verb, op.who(), op.answerer(), seconds(op.Call), since, orElse(op.Why, "no reason given"))
		case op.Outcome == Refused:
			return violated("liveness", []*Op{op}, "The %s of %s, called at %s when nothing was in the way (since %s), was refused by %s: %s.",
				op.Verb, op.who(), seconds(op.Call), since, op.answerer(), orElse(op.Kind, orElse(op.Why, "no reason given")))
		case op.Return-op.Call > answerTimeMax:
			return violated("liveness", []*Op{op}, "The %s of %s at %s, called at %s when nothing was in the way (since %s), took %s; %s is the limit.",
				op.Verb, op.who(), op.answerer(), seconds(op.Call), since, seconds(op.Return-op.Call), seconds(answerTimeMax))
		}
	}
	return nil
}

// askedLive reports whether all replicas that were asked are there at the end.
func (c *check) askedLive(op *Op) bool {
	live := map[int]bool{}
	for i := range c.h.Boards {
		live[int(c.h.Boards[i].Replica)] = true
	}
	for _, try := range op.Tries {
		if !live[int(try.Replica)] {
			return false
		}
	}
	return op.Replica == 0 || live[int(op.Replica)]
}

// internal is the kind of an answer that tells of a bug: nobody need wait for
// another one.
const internal = "internal"

// gaveUp reports whether a real client did not wait for as long as an answer may
// take: that it got none proves nothing.
func (c *check) gaveUp(op *Op) bool {
	if !c.h.Live || op.Outcome == OK || op.Kind == internal {
		return false
	}
	end := op.Return
	for _, try := range op.Tries {
		end = max(end, try.Return)
	}
	return end-op.Call < answerTimeMax
}

// livenessAsked reports whether anything was asked for, and answered, when
// nothing was in the way.
func (c *check) livenessAsked() bool {
	return c.h.Terms > 0 || c.h.Healed > 0 && slices.ContainsFunc(c.h.Ops, func(op Op) bool { return op.Call >= c.h.Healed && !c.gaveUp(&op) })
}

// rightlyNotFound reports whether the article that was asked for never was.
func (c *check) rightlyNotFound(op *Op) bool {
	if op.Outcome != Refused || op.Kind != notFound {
		return false
	}
	_, ok := c.x.exists(op.names())
	return !ok
}

// terms holds that the cluster settles on a coordinator.
func (c *check) terms() *Verdict {
	if c.h.Terms <= termsMax {
		return nil
	}
	return violated("terms", nil, "%d terms have passed since nothing was in the way any more (%s); %d are allowed.", c.h.Terms, seconds(c.h.Healed), termsMax)
}
