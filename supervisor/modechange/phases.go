package modechange

import (
	"fmt"
	"strings"

	"consequor/board"
	"consequor/mutants"
)

// advance goes on to the next phase if what is known allows, and reports
// whether it did.
func (c *Changer) advance() bool {
	// Nothing goes on while a record is on its way to the disk, and nobody is
	// told what it says (see waitsForDisk): Saved comes first.
	if c.saving != nil {
		return false
	}
	switch c.phase {
	case Prepare:
		return c.onPrepare()
	case Seal:
		return c.onSeal()
	case Merge:
		return c.onMerge()
	case Activate, CallOff:
		return c.onDecided()
	}
	return false
}

// onPrepare waits until the new mode is ready everywhere. So far nothing has
// happened to the old one.
func (c *Changer) onPrepare() bool {
	for i := range c.replicas {
		r := &c.replicas[i]
		switch {
		case c.speaks(r) && r.Error != "":
			c.finish(&End{Cause: NotPrepared, Why: r.Replica + ": " + r.Error})
			return true
		case r.Gone != "":
			c.finish(&End{Cause: ReplicaDown, Why: r.Replica + " " + r.Gone})
			return true
		}
	}
	if late := c.without(c.prepared); len(late) > 0 {
		if c.now >= c.until {
			c.finish(&End{Cause: NotPrepared, Why: fmt.Sprintf("after %v the new mode is not ready on %s", PrepareLimit, strings.Join(late, ", "))})
		}
		return c.now >= c.until
	}
	c.enter(Seal, SealLimit)
	c.save(Record{Epoch: c.record.Epoch, ModeEpoch: c.record.ModeEpoch, Changing: true})
	return true
}

// onSeal waits until nobody takes posts any more.
func (c *Changer) onSeal() bool {
	if why := c.broken("sealed", c.isSealed); why != "" {
		c.callOff(why)
		return true
	}
	if len(c.without(c.isSealed)) > 0 {
		return false
	}
	c.target, c.merging = c.join(), true
	c.enter(Merge, MergeLimit)
	return true
}

// onMerge waits until all boards are equal. A replica that has started anew
// must be sealed, and prepared, again; then its board counts anew as well.
//
// Mutant M40 does not wait: 1. in quorum, r1 and r2 have an acknowledged post
// that r3 lacks. 2. All are sealed, and sequential begins. 3. It spreads its log
// and nothing else, so r3 never gets that post, and halts at a reply to it.
func (c *Changer) onMerge() bool {
	if why := c.broken("merged", c.isMerged); why != "" {
		c.callOff(why)
		return true
	}
	c.merging = len(c.without(c.isSealed)) == 0
	if !c.merging {
		return false
	}
	if target := c.join(); !target.Equal(c.target) {
		c.target = target
		c.forget(OrderMerge)
		c.tell("all boards come up to %s, for a replica has started anew", c.target)
	}
	if len(c.without(c.isMerged)) > 0 && c.mutant != mutants.M40 || len(c.without(c.prepared)) > 0 {
		return false
	}
	c.enter(Activate, ActivateLimit)
	c.save(Record{Epoch: c.record.Epoch + 1, ModeEpoch: c.record.Epoch + 1})
	return true
}

// onDecided waits until all that are alive serve in the new epoch. Those that
// are gone will start in it.
func (c *Changer) onDecided() bool {
	missing := c.without(func(r *replica) bool { return r.Serves && r.Epoch == c.record.Epoch })
	awaited := c.without(func(r *replica) bool { return r.Gone != "" || r.Serves && r.Epoch == c.record.Epoch })
	if len(awaited) > 0 && c.now < c.until {
		return false
	}
	end := &End{Swapped: c.phase == Activate, Missing: missing}
	if !end.Swapped {
		end.Cause, end.Why = CalledOff, c.why
	}
	c.finish(end)
	return true
}

// broken says what makes it impossible to go on: a replica that cannot run the
// new mode, one that will not come back, or one that is late. A replica that is
// being started again is waited for.
func (c *Changer) broken(what string, done func(*replica) bool) string {
	for i := range c.replicas {
		r := &c.replicas[i]
		switch {
		case c.speaks(r) && r.Error != "":
			return r.Replica + ": " + r.Error
		case r.Gone != "":
			return r.Replica + " " + r.Gone
		}
	}
	if c.now < c.until {
		return ""
	}
	late := c.without(func(r *replica) bool { return done(r) && c.prepared(r) })
	return fmt.Sprintf("%s: not %s in time", strings.Join(late, ", "), what)
}

// callOff ends a change that may have sealed some replica: the old mode goes
// on, in an epoch of its own.
func (c *Changer) callOff(why string) {
	c.why, c.discard = why, c.attempt
	c.enter(CallOff, ActivateLimit)
	c.saveCalledOff()
}

// saveCalledOff has the end of the present epoch recorded. Mutant M39 leaves the
// number as it is: then messages, and seals, from before the abort count after
// it. A replica that was sealed stays so, as nothing follows the epoch that was
// to end, and posts wait there until their deadlines.
func (c *Changer) saveCalledOff() {
	next := c.record.Epoch + 1
	if c.mutant == mutants.M39 {
		next--
	}
	c.save(Record{Epoch: next, ModeEpoch: c.record.ModeEpoch})
}

// speaks reports whether r tells of the present change.
func (c *Changer) speaks(r *replica) bool { return r.Alive && r.Attempt == c.attempt }

func (c *Changer) prepared(r *replica) bool { return c.speaks(r) && r.Prepared }

// isSealed reports whether r is sealed in the epoch that is to end.
func (c *Changer) isSealed(r *replica) bool {
	return c.speaks(r) && r.Epoch == c.record.Epoch && r.Sealed != nil
}

func (c *Changer) isMerged(r *replica) bool {
	return c.isSealed(r) && r.Merged != nil && r.Merged.Equal(c.target)
}

// without lists the replicas that are not so.
func (c *Changer) without(is func(*replica) bool) []string {
	var names []string
	for i := range c.replicas {
		if r := &c.replicas[i]; !is(r) {
			names = append(names, r.Replica)
		}
	}
	return names
}

// join is what all sealed boards hold together.
func (c *Changer) join() board.Vector {
	var all board.Vector
	for i := range c.replicas {
		all = all.Join(*c.replicas[i].Sealed)
	}
	return all
}
