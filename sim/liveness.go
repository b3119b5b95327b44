package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/sim/cluster"
)

// livenessMax is how long an operation may take when nothing is in its way.
const livenessMax = 10 * time.Second

// livenessReplicas is how many replicas are asked at most, drawn by the seed:
// what all of a large cluster are asked for at once takes as many messages as
// replicas times replicas times operations.
const livenessReplicas = 12

// streamPlaces is the sequence that those are drawn from.
const streamPlaces = 1 << 34

// livenessVerbs are what each replica is asked for when all is healed. A fresh
// read comes first: it is not answered before the replica has caught up, and so
// the key that is then made for a post is not one of long ago. A key that is made
// at a replica that is far behind may rightly be forgotten on its way, and small
// limits make that near.
var livenessVerbs = []asking{
	{verb: modes.VerbRead, fresh: true},
	{verb: modes.VerbPost, key: keyMade},
	{verb: modes.VerbReply, key: keyMade},
	{verb: modes.VerbSync},
}

// liveness asks every replica that runs, or of a large cluster some, for one
// thing after another. A client tries again, at that replica, as long as it has
// time: what counts is that it is answered by then.
func (r *run) liveness() error {
	r.history.Healed = r.now()
	before := r.lookAtTerms()
	waiting := 0
	for i, replica := range r.livenessPlaces() {
		s := &session{run: r, number: r.plan.sessions + i + 1}
		r.sessions = append(r.sessions, s)
		waiting++
		r.probe(s, replica.ID, 0, func() { waiting-- })
	}
	limit := time.Duration(len(livenessVerbs)+1) * (livenessMax + time.Second)
	done, err := r.until(limit, func() bool { return waiting == 0 })
	if err != nil {
		return err
	}
	if !done {
		return fmt.Errorf("at %s: %d sessions were not answered within %s, not even with a refusal", r.now(), waiting, limit)
	}
	r.history.Terms = int(r.lookAtTerms() - before)
	return nil
}

// livenessPlaces are those that are asked, rising.
func (r *run) livenessPlaces() []*cluster.Replica {
	live := r.live()
	if len(live) <= livenessReplicas {
		return live
	}
	random := rand.New(rand.NewPCG(r.plan.Seed, streamPlaces))
	drawn := random.Perm(len(live))[:livenessReplicas]
	slices.Sort(drawn)
	places := make([]*cluster.Replica, livenessReplicas)
	for i, n := range drawn {
		places[i] = live[n]
	}
	return places
}

// probe asks for the i-th thing, and then for the rest.
func (r *run) probe(s *session, at board.ReplicaID, i int, done func()) {
	if i == len(livenessVerbs) {
		done()
		return
	}
	a := livenessVerbs[i]
	a.at, a.timeout = at, livenessMax
	if a.verb == modes.VerbReply {
		if len(s.known) == 0 { // its post has failed
			r.probe(s, at, i+1, done)
			return
		}
		a.target = s.known[0]
	}
	o := s.begin(a, rand.New(rand.NewPCG(r.plan.Seed, streamLiveness+uint64(len(r.history.Ops)))))
	o.limit = r.now() + livenessMax
	o.ended = func(*asked) { r.probe(s, at, i+1, done) }
	o.try(at)
}

// lookAtTerms notes the highest term of the newest epoch, and returns it.
func (r *run) lookAtTerms() uint64 {
	var epoch, term uint64
	for _, replica := range r.live() {
		e, t := replica.Level().Epoch, replica.Status().Term
		switch {
		case e > epoch:
			epoch, term = e, t
		case e == epoch:
			term = max(term, t)
		}
	}
	if term > r.terms[epoch] {
		r.terms[epoch] = term
	}
	return r.terms[epoch]
}
