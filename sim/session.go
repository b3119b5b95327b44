package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"consequor/board"
	"consequor/mutants"
	"consequor/sim/cluster"
)

// The bounds of what a session keeps in mind.
const (
	knownMax = 64 // articles that it may reply to
	oldMax   = 16 // keys that it may ask for again
	wantsMax = 3  // operations that wait until it is free
	newsMax  = 8  // articles that people talk about
)

// session is one client: one thing after another, and a token that goes along
// from replica to replica.
type session struct {
	run    *run
	number int
	token  board.Token
	at     board.ReplicaID // that answered last
	busy   bool

	wants   []func()          // as soon as it is free
	known   []board.ArticleID // that it has been shown, or has posted
	old     []*asked          // its posts with a key
	listing *listing          // that goes on
	since   board.Token       // of the last answer that it follows the board from
}

// listing is where a list of pages goes on.
type listing struct {
	after board.ArticleID
	upTo  board.Vector
	epoch uint64
}

// tokenFor is what goes along with a request to a replica.
func (s *session) tokenFor(at board.ReplicaID) board.Token {
	if s.run.plan.Mutant == mutants.M24 && s.at != 0 && s.at != at {
		return board.Token{}
	}
	return s.token
}

// join adds what an answer showed to what the session has seen.
func (s *session) join(t board.Token, at board.ReplicaID) {
	s.at = at
	if s.run.plan.Mutant == mutants.M25 {
		s.token = t
		return
	}
	joined, err := s.token.Join(t)
	if err != nil {
		s.run.cluster.Fail(at, "the answer to session %d: %v", s.number, err)
		return
	}
	s.token = joined
}

func (s *session) knows(id board.ArticleID) {
	s.known = append(s.known, id)
	if len(s.known) > knownMax {
		s.known = s.known[1:]
	}
}

func (s *session) keeps(o *asked) {
	s.old = append(s.old, o)
	if len(s.old) > oldMax {
		s.old = s.old[1:]
	}
}

// hears notes what was just acknowledged: people talk, and who is told of an
// article asks for it though the session has never seen it.
func (r *run) hears(id board.ArticleID) {
	r.news = append(r.news, id)
	if len(r.news) > newsMax {
		r.news = r.news[1:]
	}
}

// anyKnown draws an article that the session knows of; now and then one that
// others have posted, or that perhaps nobody has, as an origin's seqs have holes.
func (s *session) anyKnown(random *rand.Rand) board.ArticleID {
	if len(s.known) > 0 && random.IntN(8) > 0 {
		return s.known[random.IntN(len(s.known))]
	}
	if news := s.run.news; len(news) > 0 && random.IntN(2) == 0 {
		return news[random.IntN(len(news))]
	}
	return board.ArticleID{
		Seq:    1 + random.Uint64N(s.token.Seen.SeqMax()+4),
		Origin: board.ReplicaID(random.IntN(s.run.plan.Replicas + 1)),
	}
}

func (a asking) do(r *run, action *Action) {
	s := r.sessions[a.session]
	if s.busy {
		s.later(func() { a.do(r, action) })
		return
	}
	if a.hops {
		a.at = r.reachable(a.at)
	}
	if a.at != r.plan.homeOf(a.session) {
		r.coverage.Faults[Hops]++
	}
	s.begin(a, r.random(action)).try(a.at)
}

// reachable is the replica that a client comes to who wants that one, and tries
// the next if nobody is there.
func (r *run) reachable(at board.ReplicaID) board.ReplicaID {
	for range r.plan.Replicas {
		if r.cluster.Replica(at).Up() {
			break
		}
		at = at%board.ReplicaID(r.plan.Replicas) + 1
	}
	return at
}

// later does something when the session is free. Who has more to ask for than
// that forgets it.
func (s *session) later(do func()) {
	if len(s.wants) < wantsMax {
		s.wants = append(s.wants, do)
	}
}

// free lets the session go on with what it has wanted meanwhile.
func (s *session) free() {
	s.busy = false
	if len(s.wants) == 0 {
		return
	}
	next := s.wants[0]
	s.wants = s.wants[1:]
	s.run.after(0, func() {
		if s.run.now() < s.run.plan.end {
			next()
		}
	})
}

// do asks again for a key that was given an answer, or none, some time ago.
func (a reasking) do(r *run, action *Action) {
	s := r.sessions[a.session]
	if s.busy || len(s.old) == 0 {
		return
	}
	random := r.random(action)
	o := s.old[random.IntN(len(s.old))]
	s.busy = true
	o.random, o.left, o.timeout = random, 1+random.IntN(3), a.timeout
	o.reopen()
	r.emit(cluster.Event{Replica: a.at, Kind: cluster.Tried, Op: o.number}, "session %d asks for its key again at %s", s.number, a.at)
	o.try(a.at)
}

// makeKey is the key that a client's library makes: the mark comes with the
// replica's first word to it.
func (s *session) makeKey(name string, at board.ReplicaID) string {
	mark := s.token.Seen.SeqMax()
	if replica := s.run.cluster.Replica(at); replica.Up() {
		mark = max(mark, replica.Board().Vector().SeqMax())
	}
	return board.MakeKey(name, mark, at).Text
}

func titleOf(op int) string { return fmt.Sprintf("op %d", op) }

// pauseBetween is how long a client waits before it tries again.
func pauseBetween(random *rand.Rand) time.Duration {
	return drawTime(random, 5*time.Millisecond, 200*time.Millisecond)
}
