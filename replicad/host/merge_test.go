package host_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/replicad/host"
)

// sealedApart returns a sealed cluster whose boards differ, each replica has
// three articles of its own, and what they hold together.
func sealedApart(t *testing.T, size int) (c *cluster, target board.Vector) {
	c = newCluster(t, size, func() modes.Mode {
		var self board.ReplicaID
		return &scripted{on: func(e modes.Event, out *modes.Effects) {
			switch e := e.(type) {
			case modes.Start:
				if self = e.Self; e.Incarnation > 1 {
					return
				}
				for seq := range uint64(3) {
					out.Store(board.Article{ID: board.ArticleID{Seq: seq + 1, Origin: self}, Title: self.String()})
				}
			case modes.Seal:
				out.Sealed(nil)
			}
		}}
	})
	c.settle()
	for _, n := range c.nodes {
		n.h.Seal()
		target = target.Join(n.h.Vector())
	}
	c.settle()
	return c, target
}

func mergeAll(c *cluster, target board.Vector) {
	for _, n := range c.nodes {
		n.h.Merge(target)
	}
}

// Sealed boards become equal, durably, and the modes hear nothing of it: they
// may even be down.
func TestMerge(t *testing.T) {
	c, target := sealedApart(t, 3)
	c.node(3).killPlugin()
	mergeAll(c, target)
	c.settle()
	for _, n := range c.nodes {
		if !n.merged.Equal(target) || !n.shown.Vector().Equal(target) || n.shown.Len() != 9 {
			t.Errorf("%s: merged %s, %d articles up to %s; want %s", n.id, n.merged, n.shown.Len(), n.shown.Vector(), target)
		}
		if m, ok := n.mode.(*scripted); ok && slices.ContainsFunc(m.seen, func(e modes.Event) bool { _, ok := e.(modes.Receive); return ok }) {
			t.Errorf("%s: the mode was told: %+v", n.id, m.seen)
		}
		n.crash()
		if !n.shown.Vector().Equal(target) {
			t.Errorf("%s: after a crash the board holds %s", n.id, n.shown.Vector())
		}
	}
}

// Merged waits for the disk, for articles that were stored as logged too; asked
// again, it is told again.
func TestMergedIsDurable(t *testing.T) {
	c, n, _ := solo(t, func(m *scripted, e modes.Event, out *modes.Effects) {
		switch e.(type) {
		case modes.Start:
			out.StoreLogged(board.Article{ID: board.ArticleID{Seq: 1}, Title: "logged"})
		case modes.Seal:
			out.Sealed(nil)
		}
	})
	c.settle()
	target := board.Vector{{Seq: 1}}
	if n.h.Merge(target); n.merged != nil {
		t.Error("merged an epoch that is not sealed")
	}
	n.h.Seal()
	n.h.Merge(target)
	if n.merged != nil {
		t.Error("merged before the disk has it")
	}
	c.settle()
	if !n.merged.Equal(target) {
		t.Errorf("merged %s, want %s", n.merged, target)
	}
	n.merged = nil
	if n.h.Merge(target); !n.merged.Equal(target) {
		t.Error("asked again, nothing was told")
	}
}

// Fills are lost, and one peer is silent: the others are asked, again and again.
func TestMergeUnderLoss(t *testing.T) {
	c, target := sealedApart(t, 4)
	c.node(2).cut[1] = true
	mergeAll(c, target)
	if c.settle(); c.node(1).merged != nil {
		t.Error("r1 has merged what r2 never sent")
	}
	c.advance(3 * host.PullEvery)
	for _, n := range c.nodes {
		if !n.merged.Equal(target) {
			t.Errorf("%s: merged %s, want %s", n.id, n.merged, target)
		}
	}
}

// What cannot be reached is asked for at a measured pace, and what is more than
// was asked for is told and not taken.
func TestMergeOutOfReach(t *testing.T) {
	c, target := sealedApart(t, 3)
	beyond := target.With(board.ArticleID{Seq: 7, Origin: 9})
	mergeAll(c, beyond)
	rounds := 0
	for c.once() {
		if rounds++; rounds > 100 {
			t.Fatal("the replicas go on asking each other without a pause")
		}
	}
	if at, ok := c.node(1).h.NextWake(); !ok || at > c.now+host.PullEvery {
		t.Errorf("the next wake is at %v, %t", at, ok)
	}
	c.node(1).h.Merge(target.Meet(board.Vector{{Seq: 3, Origin: 1}}))
	c.settle()
	if n := c.node(1); n.merged != nil || !slices.ContainsFunc(n.notes, func(s string) bool { return strings.Contains(s, "cannot merge") }) {
		t.Errorf("merged %s; notes %q", n.merged, n.notes)
	}
}

// A pull of another epoch, or before the seal, is not answered.
func TestPullNeedsTheSeal(t *testing.T) {
	c, target := sealedApart(t, 2)
	c.node(2).activate(calledOff)
	c.settle()
	c.node(1).h.Merge(target)
	c.advance(time.Second)
	if got := c.node(1).h.Vector(); got.Equal(target) {
		t.Error("r1 was filled from another epoch")
	}
	c.node(1).activate(calledOff)
	c.settle()
	c.node(1).h.Seal()
	c.node(1).h.Merge(target)
	c.advance(time.Second)
	if got := c.node(1).h.Vector(); got.Equal(target) {
		t.Error("r1 was filled by a replica that is not sealed")
	}
	c.node(2).h.Seal()
	c.advance(time.Second)
	if got := c.node(1).merged; !got.Equal(target) {
		t.Errorf("merged %s, want %s", got, target)
	}
}
