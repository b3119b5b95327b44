package api

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"consequor/board"
	pb "consequor/replicad/api/consequorpb"
)

// How an errand shares its time.
const (
	greetTime   = 500 * time.Millisecond // for a replica to greet a new pipe, when there are others
	readTryTime = 500 * time.Millisecond // of a read's first round; doubled each round
	postTryMin  = 500 * time.Millisecond // a post's try has a third of what is left, or this
	pauseMin    = 5 * time.Millisecond   // between rounds, doubled each time
	pauseMax    = 200 * time.Millisecond

	// A post that was refused is not tried again with less time than this: so
	// short a try ends before its answer is there, and then nobody knows.
	postAgainMin = 2 * answerMargin

	// A replica is told to end this much before the client gives up (at most
	// a quarter of the time), so that its word arrives: why it could not.
	answerMargin = 150 * time.Millisecond
)

// errand is one request on its way from replica to replica until it is done,
// surely not done, or out of time. See the package's documentation.
type errand struct {
	r     Request
	links []*link
	first int // of links, where each round begins

	keyName string // of a key that is ours to make; empty: the key stands
	made    bool   // the key is one that this errand made
	remade  bool   // and its second
	doubt   *Error // the first try whose outcome is unknown
	verdict *Error // the failure that tells most
	passes  bool   // something in this round will pass
	watch   *Watch // of the try that is under way; nil: nobody watches
}

func newErrand(r Request, links []*link, first int) *errand {
	e := &errand{r: r, links: links, first: first}
	switch {
	case !r.Verb.Writes():
	case r.Key == "":
		e.keyName = newKeyName()
	case r.Replica == "":
		e.startAtHome(board.ParseKey(r.Key).Home)
	}
	return e
}

// startAtHome begins at a key's home: where there are homes, nobody else can
// answer without it.
func (e *errand) startAtHome(home board.ReplicaID) {
	for i, l := range e.links {
		if l.id == home {
			e.first = i
		}
	}
}

// run goes from replica to replica and returns the answer and the place in
// links of the one that gave it.
func (e *errand) run(ctx context.Context) (*Answer, int, error) {
	for round := 0; ; round++ {
		e.passes = false
		for i := range e.links {
			if e.refusedLate(ctx) {
				return nil, e.first, e.end()
			}
			at := (e.first + i) % len(e.links)
			answer, failure := e.try(ctx, e.links[at], round)
			if failure == nil {
				return answer, at, nil
			}
			e.weigh(failure)
			if failure.remedy() == final || e.homeRefused(failure, e.links[at].id) || ctx.Err() != nil {
				return nil, at, e.end()
			}
		}
		if !e.again() || !pause(ctx, round) {
			return nil, e.first, e.end()
		}
	}
}

// refusedLate reports whether a post was refused, surely not done so far, with
// too little time left to try again.
func (e *errand) refusedLate(ctx context.Context) bool {
	if e.verdict == nil || e.doubt != nil || !e.r.Verb.Writes() {
		return false
	}
	deadline, _ := ctx.Deadline()
	return time.Until(deadline) < postAgainMin
}

// homeRefused reports whether failure is the last word on a post, as its home's
// that has no quorum: another replica could only ask that home. A key of ours
// can be replaced, so that the next replica is the home: what was refused is
// surely not done, and nothing else was sent.
func (e *errand) homeRefused(failure *Error, at board.ReplicaID) bool {
	switch failure.Kind {
	case KindNoQuorum, KindStopping, KindDiskFull:
	default:
		return false
	}
	if e.doubt != nil || !e.r.Verb.Writes() || board.ParseKey(e.r.Key).Home != at {
		return false
	}
	if e.made {
		e.keyName = newKeyName()
		return false
	}
	return failure.Kind == KindNoQuorum
}

// weigh keeps what a failed try has taught: the first doubt, and of all
// failures the one that tells most, the latest of equals. That the time ran
// out tells less than why the tries before it failed.
func (e *errand) weigh(failure *Error) {
	if failure.Outcome == Unknown && e.doubt == nil {
		e.doubt = failure
	}
	r := failure.remedy()
	e.passes = e.passes || r == later
	switch {
	case e.verdict == nil || r > e.verdict.remedy():
		e.verdict = failure
	case r == e.verdict.remedy() && failure.Kind != KindDeadline:
		e.verdict = failure
	}
}

// again reports whether another round may end otherwise.
func (e *errand) again() bool {
	nobody := e.verdict.remedy() == absent && len(e.links) > 1
	return e.passes || nobody || e.doubt != nil
}

// end is the error that the request ends with. After a doubt no refusal
// counts: it speaks of its own try only.
func (e *errand) end() *Error {
	failure := *e.verdict
	if e.doubt != nil && failure.Outcome == Refused {
		failure = *e.doubt
		failure.Message += "; then " + e.verdict.Message
	}
	failure.Key = e.r.Key
	if failure.Outcome == Unknown && e.r.Key != "" {
		failure.Hint = cmp.Or(failure.Hint, "it may have been done; send it again with the key "+e.r.Key+", it is never done twice")
	}
	return &failure
}

// try sends the request to one replica.
func (e *errand) try(ctx context.Context, l *link, round int) (*Answer, *Error) {
	deadline, _ := ctx.Deadline()
	tryTime := e.tryTime(time.Until(deadline), round)
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	for {
		pipe, err := l.pipe(ctx, e.greetTime(tryTime))
		if err != nil {
			return nil, l.absent(string(e.r.Verb), err)
		}
		answer, failure, err := e.call(ctx, l, pipe)
		if errors.Is(err, errUnsent) && ctx.Err() == nil {
			continue // the pipe had just ended; a new one opens, or says why not
		}
		if failure != nil && e.mayRemakeKey(failure) {
			continue
		}
		if answer != nil {
			pipe.raiseMark(answer.Token.Seen.SeqMax())
		}
		return answer, failure
	}
}

// mayRemakeKey reports whether a key that is too old can be replaced: it was
// made here, for this very try, from a mark that had become stale. Nothing was
// done with it then. The result has brought a new mark.
func (e *errand) mayRemakeKey(failure *Error) bool {
	if failure.Kind != KindKeyTooOld || !e.made || e.remade || e.doubt != nil {
		return false
	}
	e.remade, e.keyName = true, newKeyName()
	return true
}

// call sends the request down a pipe, and says what came of it; err is why no
// result came. Once it is sent, its key stands.
func (e *errand) call(ctx context.Context, l *link, pipe *clientPipe) (answer *Answer, failure *Error, err error) {
	if e.keyName != "" {
		e.r.Key = makeKey(e.keyName, e.r.Token, pipe.mark.Load(), l.id)
		e.made = true
	}
	if failure := e.sending(ctx, l); failure != nil {
		return nil, failure, nil
	}
	m := encodeRequest(&e.r)
	m.Replica = l.name
	deadline, _ := ctx.Deadline()
	left := time.Until(deadline)
	result, err := pipe.do(ctx, m, requestSize(m), left-min(left/4, answerMargin))
	if !errors.Is(err, errUnsent) && !errors.Is(err, errQueueFull) {
		e.keyName = ""
	}
	if err != nil {
		failure = e.broken(l, err)
	} else {
		answer, failure = e.read(l, result)
	}
	e.ended(l, failure)
	return answer, failure, err
}

// read turns a result into what it says.
func (e *errand) read(l *link, result *pb.Result) (*Answer, *Error) {
	if m := result.GetAnswer(); m != nil {
		answer, err := decodeAnswer(m)
		if err == nil {
			return answer, nil
		}
		return nil, &Error{Outcome: doubtful(e.r.Verb), Kind: KindInternal, Message: l.at(string(e.r.Verb)) + ": answer: " + err.Error()}
	}
	failure := decodeFailure(result.GetFailure())
	failure.Message = l.at(string(e.r.Verb)) + ": " + failure.Message
	return nil, failure
}

// broken says what it means that a call ended without a result.
func (e *errand) broken(l *link, err error) *Error {
	failure := &Error{Outcome: doubtful(e.r.Verb), Kind: KindConnection, Message: err.Error()}
	switch {
	case errors.Is(err, errUnsent):
		failure.Outcome, failure.Kind, failure.Message = Refused, KindNotConnected, "the replica does not read what it is sent"
	case errors.Is(err, errQueueFull):
		failure.Outcome, failure.Kind = Refused, KindOverloaded
	case errors.Is(err, context.DeadlineExceeded):
		failure.Kind, failure.Message = KindDeadline, "no answer in time"
	case errors.Is(err, context.Canceled):
		failure.Kind, failure.Message = KindCanceled, "given up before the answer came"
	}
	failure.Message = l.at(string(e.r.Verb)) + ": " + failure.Message
	return failure
}

// tryTime is how long one try may take of what is left: so short that a
// replica that is paused does not use up what others need, and longer in each
// round so that a slow cluster has its chance as well.
func (e *errand) tryTime(left time.Duration, round int) time.Duration {
	if len(e.links) == 1 {
		return left
	}
	share := max(left/3, postTryMin)
	if e.r.Verb == Read || e.r.Verb == Choose {
		share = readTryTime << min(round, 8)
	}
	return min(share, left)
}

func (e *errand) greetTime(tryTime time.Duration) time.Duration {
	if len(e.links) == 1 {
		return tryTime
	}
	return greetTime
}

// pause waits between rounds, a random part of a time that doubles; false: the
// time is over.
func pause(ctx context.Context, round int) bool {
	longest := min(pauseMin<<min(round, 8), pauseMax)
	timer := time.NewTimer(longest/2 + rand.N(longest/2))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
