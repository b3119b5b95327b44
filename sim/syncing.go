package sim

import (
	"consequor/board"
	"consequor/replicad/host"
	"consequor/sim/history"
)

// What a sync has brought about. It shows nothing, so no checker of histories
// could tell one that does nothing from one that does its work.

// boards is what all boards show now, by replica.
func (r *run) boards() []board.Vector {
	all := make([]board.Vector, r.plan.Replicas)
	for i, replica := range r.cluster.All() {
		all[i] = replica.Board().Vector()
	}
	return all
}

// takeSync records what a sync has led to. Of a sequential one it is a view of
// the board: like a fresh read it is behind no acknowledged post.
func (o *asked) takeSync(op *history.Op, at board.ReplicaID, a host.Answer) {
	r := o.session.run
	switch r.plan.promiseOf(a.Mode) {
	case history.Sequential:
		op.View = &history.View{UpTo: a.Board}
		op.View.Count, op.View.Sum = r.sums[at-1].upTo(r.cluster.Replica(at).Board(), a.Board)
	case history.Quorum, history.ReadYourWrite:
		o.checkMerged(at, a.Reached)
	}
}

// checkMerged asserts that a sync has merged the boards that it says it has
// reached: what the asked one had minted when it was asked is there, and what
// they had minted is here. Of others' articles a board may show some that its
// mode knows nothing of yet, while the rest of the span that brings them is on
// its way to the disk: they prove nothing.
func (o *asked) checkMerged(at board.ReplicaID, reached []board.ReplicaID) {
	c := o.session.run.cluster
	here := c.Replica(at).Board().Vector()
	for _, id := range reached {
		there := c.Replica(id)
		switch own, theirs := o.before[at-1].Seq(at), o.before[id-1].Seq(id); {
		case !there.Up(): // nobody knows what it showed last
		case here.Seq(id) < theirs:
			c.Fail(at, "a sync has reached %s, whose own articles went up to %d before, and this board holds %s", id, theirs, here)
		case there.Board().Vector().Seq(at) < own:
			c.Fail(at, "a sync has reached %s, whose board holds %s, and this one's own articles went up to %d before", id, there.Board().Vector(), own)
		}
	}
}
