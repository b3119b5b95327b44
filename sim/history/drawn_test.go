package history

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"consequor/board"
)

// sloppy is a cluster that keeps its promises most of the time: three boards
// that hear of each other now and then, and sessions that are now and then
// heeded. What its clients see is right often, and wrong in many ways.
type sloppy struct {
	random *rand.Rand
	h      *History
	boards [3]board.Vector
	tokens [4]board.Vector
	free   [4]time.Duration // when the session may ask again
	all    []board.Article
	top    uint64 // of origin 0
	epoch  int    // index into h.Epochs
	care   int    // of 100, how often a rule is kept
}

func drawSloppy(random *rand.Rand) *History {
	s := &sloppy{random: random, h: &History{}, care: 30 + random.IntN(70)}
	promises := []Promise{Sequential, Sequential, Quorum, Quorum, ReadYourWrite, ReadYourWrite, Durable}
	mode := 0
	for e := range 1 + random.IntN(3) {
		promise := promises[random.IntN(len(promises))]
		epoch := Epoch{Number: uint64(e + 1), Mode: string(promise), Promise: promise}
		if mode++; e > 0 && random.IntN(3) == 0 { // the mode before goes on
			epoch.Mode, epoch.Promise, epoch.ModeEpoch = s.h.Epochs[e-1].Mode, s.h.Epochs[e-1].Promise, 1
		}
		s.h.Epochs = append(s.h.Epochs, epoch)
	}
	n := 8 + random.IntN(14)
	now := time.Duration(0)
	for i := range n {
		now += time.Duration(random.IntN(3))
		if s.epoch < len(s.h.Epochs)-1 && random.IntN(4) == 0 {
			s.epoch++
			s.merge()
		}
		s.operate(i, now)
		if to, from := random.IntN(3), random.IntN(3); random.IntN(3) == 0 {
			s.boards[to] = s.boards[to].Join(s.boards[from])
		}
	}
	slices.SortStableFunc(s.h.Ops, func(a, b Op) int { return compareTimes(a.Call, b.Call) })
	for i := range s.h.Ops {
		s.h.Ops[i].Number = i + 1
	}
	slices.SortFunc(s.all, func(a, b board.Article) int { return a.ID.Compare(b.ID) })
	s.h.Boards = []Board{{1, s.all}}
	return s.h
}

func (s *sloppy) keeps() bool { return s.random.IntN(100) < s.care }

// merge makes all boards equal, at a mode change.
func (s *sloppy) merge() {
	if !s.keeps() {
		return
	}
	whole := s.boards[0].Join(s.boards[1]).Join(s.boards[2])
	s.boards = [3]board.Vector{whole, whole, whole}
}

func (s *sloppy) operate(i int, now time.Duration) {
	random, at := s.random, s.random.IntN(3)
	op := Op{Session: random.IntN(4), Epoch: s.h.Epochs[s.epoch].Number, Replica: board.ReplicaID(at + 1), Outcome: OK}
	op.Call, op.Number = now, i+1
	if s.free[op.Session] > now && op.Session > 0 && random.IntN(5) > 0 { // else it is an old key, asked again
		op.Call = s.free[op.Session]
	}
	op.Return = op.Call + time.Duration(random.IntN(9))
	s.free[op.Session] = max(s.free[op.Session], op.Return)
	if s.keeps() {
		s.boards[at] = s.boards[at].Join(s.tokens[op.Session])
	}
	switch kind := random.IntN(8); {
	case kind < 4:
		s.post(&op, at)
	case kind < 7:
		s.read(&op, at)
	case len(s.all) > 0:
		op.Verb, op.Target = Choose, s.all[random.IntN(len(s.all))].ID
		op.Outcome, op.Kind = Refused, notFound
	default:
		return
	}
	s.h.Ops = append(s.h.Ops, op)
}

func (s *sloppy) post(op *Op, at int) {
	random := s.random
	a := board.Article{Title: "t"}
	if len(s.all) > 0 && random.IntN(2) == 0 {
		parent := s.all[random.IntN(len(s.all))].ID
		if s.keeps() {
			s.boards[at] = s.boards[at].With(parent)
		}
		a.Parent = parent
	}
	a.ID = board.ArticleID{Seq: 1 + s.boards[at].SeqMax(), Origin: op.Replica}
	if s.h.Epochs[s.epoch].Promise == Quorum && s.keeps() {
		a.ID.Seq = 1 + s.boards[0].Join(s.boards[1]).Join(s.boards[2]).SeqMax()
	}
	if s.h.Epochs[s.epoch].Promise == Sequential {
		if s.top++; s.keeps() {
			s.top = max(s.top, 1+s.boards[0].Join(s.boards[1]).Join(s.boards[2]).SeqMax())
		}
		a.ID = board.ArticleID{Seq: s.top}
		for r := range s.boards {
			if s.keeps() {
				s.boards[r] = s.boards[r].Join(s.boards[at])
			}
		}
	}
	a.Key = "k" + strconv.Itoa(op.Number)
	op.Verb, op.Key, op.Content, op.Parent, op.IDs = Post, a.Key, ContentOf(&a), a.Parent, []board.ArticleID{a.ID}
	if random.IntN(8) == 0 {
		op.Outcome, op.Return, op.IDs, op.Epoch = Unknown, 0, nil, 0
		if random.IntN(2) == 0 {
			return
		}
	}
	s.all = append(s.all, a)
	s.boards[at] = s.boards[at].With(a.ID)
	if s.h.Epochs[s.epoch].Promise != ReadYourWrite {
		for r := range s.boards {
			if s.keeps() {
				s.boards[r] = s.boards[r].Join(s.boards[at])
			}
		}
	}
	if op.Outcome == OK && s.keeps() {
		s.tokens[op.Session] = s.tokens[op.Session].With(a.ID)
	}
}

func (s *sloppy) read(op *Op, at int) {
	op.Verb, op.Fresh = Read, s.random.IntN(2) == 0
	v := &View{UpTo: s.boards[at]}
	if s.keeps() {
		v.UpTo = v.UpTo.Join(s.tokens[op.Session])
	}
	if !s.keeps() && s.random.IntN(3) == 0 { // the board of long ago, or of elsewhere
		v.UpTo = s.boards[s.random.IntN(3)].Meet(v.UpTo)
	}
	if s.random.IntN(6) == 0 && len(s.all) > 0 {
		v.Through = s.all[s.random.IntN(len(s.all))].ID
	}
	if s.random.IntN(6) == 0 && len(s.all) > 0 {
		v.After = s.all[s.random.IntN(len(s.all))].ID
	}
	if s.random.IntN(6) == 0 {
		v.Since = s.boards[s.random.IntN(3)]
	}
	v.Roots = s.random.IntN(4) == 0
	op.View = v
	if s.keeps() {
		s.tokens[op.Session] = s.tokens[op.Session].Join(v.UpTo.Through(highest(v.UpTo)))
	}
}
