package sim

import (
	"math/rand/v2"
	"slices"
	"time"

	"consequor/sim/history"
)

// What a failure needs is most often little, and of one kind: the operations
// that prove it, and a fault or two. To try that first saves most of the runs
// that halving would take: where a part of every session is left out, all run
// differently.

// guesses lists parts of the plan that may do, the shortest first: all faults,
// with the writes of the sessions whose operations prove the failure, with all
// that these do, with all writes, and with all but reads.
func (s *shrinker) guesses() [][]int {
	inProof := s.sessionsOfProof()
	proofs := func(a *Action) bool { return slices.Contains(inProof, sessionOf(a)) }
	choices := []func(a *Action) bool{writes}
	if len(inProof) > 0 {
		choices = []func(a *Action) bool{
			func(a *Action) bool { return proofs(a) && writes(a) },
			proofs,
			func(a *Action) bool { return proofs(a) || writes(a) },
			writes,
		}
	}
	var guesses [][]int
	for _, choice := range choices {
		guess := s.those(func(a *Action) bool { return sessionOf(a) == 0 || choice(a) })
		if len(guess) < len(s.best.Plan.Actions) {
			guesses = append(guesses, guess)
		}
	}
	return guesses
}

// sessionsOfProof lists whose operations prove the failure.
func (s *shrinker) sessionsOfProof() []int {
	var sessions []int
	for _, op := range s.proof() {
		sessions = append(sessions, op.Session)
	}
	return sessions
}

// proof lists the operations that prove the failure; none, if it is that an
// assertion broke.
func (s *shrinker) proof() []*history.Op {
	var proof []*history.Op
	for _, v := range s.best.Verdicts {
		if v.Outcome != history.Violated || s.failure.Checker != "" && v.Checker != s.failure.Checker || s.best.History == nil {
			continue
		}
		for i := range s.best.History.Ops {
			if op := &s.best.History.Ops[i]; slices.Contains(v.Ops, op.Number) {
				proof = append(proof, op)
			}
		}
	}
	return proof
}

const (
	retellingsFirst = 50  // with other operations, before anything else is left out
	retellingsLast  = 250 // when no single action can be
	extraPosts      = 2   // that may come before those
	nearby          = 100 * time.Millisecond
	pairsOf         = 16 // actions, up to which it is tried to leave out two at once

	streamShrink = 1 << 34 // beyond those of a run
)

// retell looks for the same story with fewer operations: the faults that are
// left, and for each operation of the proof any one like it from the whole
// plan; where an assertion broke, two posts. Often those that are left need
// others only to come to be: a reply, what it replies to.
func (s *shrinker) retell(tries int) bool {
	proof := s.proof()
	if len(proof) == 0 {
		proof = []*history.Op{{Verb: history.Post}, {Verb: history.Post}}
	}
	faults := s.those(func(a *Action) bool { return sessionOf(a) == 0 })
	random := rand.New(rand.NewPCG(s.whole.Seed, streamShrink))
	for range 1 + extraPosts {
		if len(faults)+len(proof) >= len(s.best.Plan.Actions) {
			return false
		}
		var candidates [][]int
		for range tries {
			candidates = append(candidates, slices.Concat(faults, s.whole.likeAll(proof, random)))
		}
		if found, _ := s.first(candidates); found >= 0 {
			return true
		}
		proof = append(proof, &history.Op{Verb: history.Post})
	}
	return false
}

// likeAll draws for each operation an action that asks for the same, if there is
// one; half of them at about the same time.
func (p *Plan) likeAll(ops []*history.Op, random *rand.Rand) []int {
	var all []int
	apart := []time.Duration{0, nearby}[random.IntN(2)]
	for _, op := range ops {
		like := p.like(op, apart)
		if len(like) > 0 {
			all = append(all, like[random.IntN(len(like))])
		}
	}
	return all
}

// like lists the actions that ask for the same as an operation, so far apart from
// it at most; 0: however far. For a reply a post does, and for a choose a read:
// they ask for less.
func (p *Plan) like(op *history.Op, apart time.Duration) []int {
	verb := string(op.Verb)
	switch {
	case op.Verb.Writes():
		verb = string(history.Post)
	case op.Verb == history.Choose:
		verb = string(history.Read)
	}
	var like []int
	for i := range p.Actions {
		do, ok := p.Actions[i].do.(asking)
		if ok && do.fresh == op.Fresh && do.verb.String() == verb && (apart == 0 || (p.Actions[i].At-op.Call).Abs() <= apart) {
			like = append(like, p.Actions[i].Number)
		}
	}
	return like
}

// leavesOutPair leaves out two actions at once, where few are left.
func (s *shrinker) leavesOutPair() bool {
	numbers := s.numbers()
	if len(numbers) > pairsOf {
		return false
	}
	var candidates [][]int
	for i := range numbers {
		for j := range i {
			candidates = append(candidates, slices.Concat(numbers[:j], numbers[j+1:i], numbers[i+1:]))
		}
	}
	found, _ := s.first(candidates)
	return found >= 0
}

// groups lists actions that belong together: what each session does, then the
// faults of each kind.
func (s *shrinker) groups() [][]int {
	var groups [][]int
	add := func(belongs func(a *Action) bool) {
		if group := s.those(belongs); len(group) > 0 {
			groups = append(groups, group)
		}
	}
	for session := range s.best.Plan.sessions {
		add(func(a *Action) bool { return sessionOf(a) == session+1 })
	}
	for _, w := range faultWords {
		add(func(a *Action) bool { return sessionOf(a) == 0 && a.Fault == w.fault })
	}
	return groups
}

// leaveOut leaves out one group after the other, where it can be.
func (s *shrinker) leaveOut(groups [][]int) {
	for len(groups) > 0 {
		var candidates [][]int
		for _, group := range groups {
			candidates = append(candidates, slices.DeleteFunc(s.numbers(), func(n int) bool { return slices.Contains(group, n) }))
		}
		found, _ := s.first(candidates)
		if found < 0 {
			return
		}
		groups = groups[found+1:]
	}
}

func (s *shrinker) those(wanted func(a *Action) bool) []int {
	numbers := []int{}
	for i := range s.best.Plan.Actions {
		if a := &s.best.Plan.Actions[i]; wanted(a) {
			numbers = append(numbers, a.Number)
		}
	}
	return numbers
}

// sessionOf is whose operation an action is, from 1; 0: it is a fault.
func sessionOf(a *Action) int {
	switch do := a.do.(type) {
	case asking:
		return do.session + 1
	case reasking:
		return do.session + 1
	}
	return 0
}

func writes(a *Action) bool {
	do, ok := a.do.(asking)
	return ok && do.verb.Writes()
}
