package modechange

import (
	"time"

	"consequor/mutants"
)

// instruct gives each replica the orders that it lacks, and again those that
// have shown no effect.
func (c *Changer) instruct(out *Output) {
	if c.waitsForDisk() {
		return
	}
	for i := range c.replicas {
		r := &c.replicas[i]
		if !r.Listens {
			continue
		}
		for _, kind := range c.lacks(r) {
			if at, given := r.given[kind]; given && c.now < at+RepeatAfter {
				continue
			}
			r.given[kind] = c.now
			out.Orders = append(out.Orders, c.order(r, kind))
		}
	}
}

// waitsForDisk reports whether nobody may be told anything, because a record is
// on its way to the disk. Mutant M41 gives the orders at once:
//
//  1. All are merged. "Epoch 2, the new mode" is to be saved, and r1 hears of it.
//  2. r1 begins epoch 2 with an empty journal; the supervisor dies, and what it
//     had to save is not on disk: it still says "changing epoch 1".
//  3. The next one calls that off: "epoch 2, the old mode". r1 is in epoch 2
//     already and keeps its journal, which has nothing of the old mode: of what
//     it had voted for, acknowledged or minted there it knows nothing.
//
// Or earlier: r1 is sealed before "changing" is on disk, the supervisor dies, and
// the next one knows of no change. Nobody ends the sealed epoch, and at r1 posts
// wait for the next one.
func (c *Changer) waitsForDisk() bool { return c.saving != nil && c.mutant != mutants.M41 }

// lacks lists what r must still be told, by what it reports.
func (c *Changer) lacks(r *replica) []Kind {
	var kinds []Kind
	switch c.phase {
	case Prepare, Seal, Merge:
		if !c.prepared(r) {
			kinds = append(kinds, OrderPrepare)
		}
		if c.phase == Prepare {
			break
		}
		if !c.isSealed(r) {
			kinds = append(kinds, OrderSeal)
		}
		if c.phase == Merge && c.merging && !c.isMerged(r) {
			kinds = append(kinds, OrderMerge)
		}
	case Idle, Activate, CallOff:
		if c.discards(r) {
			kinds = append(kinds, OrderDiscard)
		}
		if r.Epoch < c.record.Epoch {
			kinds = append(kinds, OrderActivate)
		}
	}
	return kinds
}

// discards reports whether r has something ready for a change that came to
// nothing. It is told so once in each life, and again only while it says that
// it still has it.
func (c *Changer) discards(r *replica) bool {
	_, given := r.given[OrderDiscard]
	return c.discard != 0 && r.Attempt == c.discard && (r.Prepared || !given)
}

func (c *Changer) order(r *replica, kind Kind) Order {
	o := Order{To: r.Replica, Kind: kind, Attempt: c.attempt, Epoch: c.record.Epoch}
	switch kind {
	case OrderPrepare:
		o.Epoch++
	case OrderSeal:
		if c.sealed == nil {
			at := c.now
			c.sealed = &at
		}
	case OrderMerge:
		o.Target = c.target
	case OrderActivate:
		o.ModeEpoch = c.record.ModeEpoch
	}
	return o
}

// forget lets all replicas be told again.
func (c *Changer) forget(kind Kind) {
	for i := range c.replicas {
		delete(c.replicas[i].given, kind)
	}
}

// Wake is when Step is to be called even if nothing has changed: at the limit
// of a phase, or to repeat an order. False: there is no such time.
func (c *Changer) Wake() (time.Duration, bool) {
	at := never
	if c.saving != nil {
		at = c.saveAt
	} else if c.phase != Idle {
		at = c.until
	}
	for i := range c.replicas {
		r := &c.replicas[i]
		if c.waitsForDisk() || !r.Listens {
			continue
		}
		for _, kind := range c.lacks(r) {
			at = min(at, r.given[kind]+RepeatAfter)
		}
	}
	return at, at != never
}

// Waits lists the replicas that the present phase hangs on.
func (c *Changer) Waits() []string {
	switch c.phase {
	case Prepare:
		return c.without(c.prepared)
	case Seal:
		return c.without(c.isSealed)
	case Merge:
		return c.without(c.isMerged)
	case Activate, CallOff:
		return c.without(func(r *replica) bool { return r.Serves && r.Epoch == c.record.Epoch })
	}
	return nil
}
