package history

import "consequor/board"

// epochs answers what an epoch promised, and which epochs one life of a mode
// spans: its generation. A change that was called off begins an epoch, and no
// generation.
type epochs struct {
	promise    map[uint64]Promise
	generation map[uint64]int // from 1
}

func newEpochs(h *History) *epochs {
	e := &epochs{map[uint64]Promise{}, map[uint64]int{}}
	generation := 0
	for i, epoch := range h.Epochs {
		if i == 0 || !goesOn(&h.Epochs[i-1], &epoch) {
			generation++
		}
		e.promise[epoch.Number], e.generation[epoch.Number] = epoch.Promise, generation
	}
	return e
}

func goesOn(before, epoch *Epoch) bool {
	if epoch.ModeEpoch != 0 {
		return epoch.ModeEpoch < epoch.Number
	}
	return before.Mode == epoch.Mode
}

// promised reports whether the operation was answered ok by an epoch that
// makes one of these promises.
func (c *check) promised(op *Op, wanted ...Promise) bool {
	if op.Outcome != OK {
		return false
	}
	promise := c.epochs.promise[op.Epoch]
	for _, p := range wanted {
		if p == promise {
			return true
		}
	}
	return false
}

// strict is what promises more than durability.
var strict = []Promise{Sequential, Quorum, ReadYourWrite}

// current reports whether a view shows the board as it was when it was asked
// for. A page after an article goes on with a list and keeps to the vector
// that the list began with, so it owes nothing to what came meanwhile.
func (v *View) current() bool { return v != nil && v.After.IsZero() }

// seen is what a session that was shown the view has seen of the board: a view
// that stops at an article promises nothing of what lies above. Where it stops
// an origin may have no article; its last one below is meant.
func (x *index) seen(v *View) board.Vector {
	if v.Through.IsZero() {
		return v.UpTo
	}
	var seen board.Vector
	for _, last := range v.UpTo.Through(v.Through) {
		if o := x.origins[last.Origin]; o != nil {
			if n := o.upTo(last.Seq); n > 0 {
				seen = append(seen, x.articles[o.at[n-1]].ID)
			}
		}
	}
	return seen
}

// shows is what the answer proves to be on the board: the article that was
// added, or the whole vector of a view.
func (op *Op) shows() board.Vector {
	switch {
	case op.Outcome != OK:
		return nil
	case op.View != nil:
		return op.View.UpTo
	case op.Verb.Writes() && len(op.IDs) > 0:
		return board.Vector{op.IDs[0]}
	}
	return nil
}

func (c *check) olderEpochsSequential() *Verdict { return c.olderEpochs(Sequential) }
func (c *check) olderEpochsQuorum() *Verdict     { return c.olderEpochs(Quorum) }
func (c *check) olderEpochsSessions() *Verdict   { return c.olderEpochs(ReadYourWrite) }

// olderEpochs holds views to what a mode change promises: all boards are equal
// when the new mode begins, so whatever an earlier one had acknowledged or
// shown is on every board from the first moment on.
func (c *check) olderEpochs(promise Promise) *Verdict {
	base := c.shownBefore()
	for i := range c.h.Ops {
		op := &c.h.Ops[i]
		if !c.promised(op, promise) || !op.View.current() {
			continue
		}
		generation := c.epochs.generation[op.Epoch]
		if !c.spend(1 + len(base[generation])) {
			return nil
		}
		lacking, ok := lacks(op.View.UpTo, base[generation])
		if !ok {
			continue
		}
		witness := c.firstToShow(lacking, func(w *Op) bool { return c.epochs.generation[w.Epoch] < generation })
		return violated("older epochs", []*Op{witness, op},
			"Article %s, %s in epoch %d, is not in what %s showed %s in epoch %d: %s.",
			lacking, witness.showed(), witness.Epoch, op.answerer(), op.who(), op.Epoch, op.View)
	}
	return nil
}

// shownBefore is, by generation, all that the ones before it have shown.
func (c *check) shownBefore() []board.Vector {
	shown := make([]board.Vector, len(c.h.Epochs)+2)
	for i := range c.h.Ops {
		op := &c.h.Ops[i]
		if generation := c.epochs.generation[op.Epoch]; generation > 0 && c.spend(1+len(c.x.vector)) {
			shown[generation] = shown[generation].Join(op.shows())
		}
	}
	before := make([]board.Vector, len(shown))
	for g := 1; g < len(shown); g++ {
		before[g] = before[g-1].Join(shown[g-1])
	}
	return before
}

// lacks returns the first article of wanted that v does not hold.
func lacks(v, wanted board.Vector) (board.ArticleID, bool) {
	for _, id := range wanted {
		if !v.Has(id) {
			return id, true
		}
	}
	return board.ArticleID{}, false
}

// firstToShow is the operation that returned first of those that show the
// article.
func (c *check) firstToShow(id board.ArticleID, wanted func(*Op) bool) *Op {
	var first *Op
	for i := range c.h.Ops {
		op := &c.h.Ops[i]
		if op.Outcome == OK && op.shows().Has(id) && wanted(op) && (first == nil || op.Return < first.Return) {
			first = op
		}
	}
	return first
}

// showed is how the article came to be known, in a sentence.
func (op *Op) showed() string {
	how := "shown"
	switch v := op.View; {
	case op.Verb.Writes():
		how = "acknowledged"
	case v != nil && (v.Thread != nil || v.Roots || !v.After.IsZero() || len(v.Since) > 0): // a part; the whole is owed all the same
		how = "promised"
	}
	return how + " to " + op.who() + " by " + op.answerer() + " at " + seconds(op.Return)
}

// epochOrder holds ids to rise from epoch to epoch. The article of a key that
// was first sent after an answer of a generation had come cannot be older than
// that generation, though it may be as old as its first try.
func (c *check) epochOrder() *Verdict {
	began := c.generationsSeen()
	top := c.tops()
	for i := range c.h.Ops {
		op := &c.h.Ops[i]
		if !op.Verb.Writes() || len(op.IDs) == 0 || !c.promised(op, strict...) {
			continue
		}
		g := c.epochs.generation[op.Epoch]
		for ; g > 0 && (began[g] == nil || began[g].Return >= op.Call); g-- {
			if !c.spend(1) {
				return nil
			}
		}
		if old := top[g]; old != nil && op.IDs[0].Seq <= highest(old.shows()).Seq {
			return violated("epoch order", []*Op{old, began[g], op},
				"Article %s was posted by %s in epoch %d, and its id is not above %s, %s in epoch %d.",
				op.IDs[0], op.who(), op.Epoch, highest(old.shows()), old.showed(), old.Epoch)
		}
	}
	return nil
}

// generationsSeen is, by generation, the first answer of it or of a later one.
func (c *check) generationsSeen() []*Op {
	began := make([]*Op, len(c.h.Epochs)+2)
	for i := range c.h.Ops {
		op := &c.h.Ops[i]
		g := c.epochs.generation[op.Epoch]
		if op.Outcome == OK && g > 0 && c.spend(1) && (began[g] == nil || op.Return < began[g].Return) {
			began[g] = op
		}
	}
	for g := len(began) - 2; g > 0; g-- {
		if later := began[g+1]; later != nil && (began[g] == nil || later.Return < began[g].Return) {
			began[g] = later
		}
	}
	return began
}

// tops is, by generation, the operation that showed the highest id of all
// earlier ones.
func (c *check) tops() []*Op {
	tops := make([]*Op, len(c.h.Epochs)+2)
	raise := func(g int, op *Op) {
		if tops[g] == nil || highest(op.shows()).Compare(highest(tops[g].shows())) > 0 {
			tops[g] = op
		}
	}
	for i := range c.h.Ops {
		op := &c.h.Ops[i]
		if g := c.epochs.generation[op.Epoch]; g > 0 && len(op.shows()) > 0 && c.spend(1) {
			raise(g+1, op)
		}
	}
	for g := 1; g < len(tops); g++ {
		if tops[g-1] != nil {
			raise(g, tops[g-1])
		}
	}
	return tops
}
