package cli

import (
	"context"
	"errors"
	"sync"
	"time"

	"consequor/replicad/api"
)

// recorder writes down how each post of a load ended, and tells when a post
// is acknowledged that somebody waits for. Safe for concurrent use.
type recorder struct {
	mu      sync.Mutex
	posts   []posted
	waiters []ackWaiter
	highest uint64 // seq acknowledged
	floor   uint64 // the highest seq acknowledged before the last change of epochs began
}

// ackWaiter waits for the count-th acknowledged post of those that were first
// sent at from or later.
type ackWaiter struct {
	from  time.Time
	count int
	at    chan time.Time // when it came
}

func newRecorder() *recorder { return new(recorder) }

func (r *recorder) add(title string, answer *api.Answer, err error, sent time.Time) {
	r.addAbove(0, title, answer, err, sent)
}

// addAbove is add for a post whose id must be above what floor was when it was
// first sent.
func (r *recorder) addAbove(floor uint64, title string, answer *api.Answer, err error, sent time.Time) {
	now := time.Now()
	p := posted{Title: title, Above: floor}
	var e *api.Error
	switch {
	case err == nil:
		p.ID = answer.ID
	case errors.As(err, &e) && e.Outcome == api.Refused:
		p.Outcome = api.Refused
	default:
		p.Outcome = api.Unknown // whatever else went wrong proves nothing
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.posts = append(r.posts, p)
	if err == nil {
		r.highest = max(r.highest, p.ID.Seq)
		r.ackedLocked(sent, now)
	}
}

// seqs gives the highest seq acknowledged so far, and the floor of posts that
// are sent now.
func (r *recorder) seqs() (highest, floor uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.highest, r.floor
}

// raiseFloor: an epoch has begun in which every new id is above seq.
func (r *recorder) raiseFloor(seq uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.floor = max(r.floor, seq)
}

func (r *recorder) ackedLocked(sent, now time.Time) {
	left := r.waiters[:0]
	for _, w := range r.waiters {
		if !sent.Before(w.from) {
			w.count--
		}
		if w.count == 0 {
			w.at <- now
			continue
		}
		left = append(left, w)
	}
	r.waiters = left
}

func (r *recorder) wait(from time.Time, count int) <-chan time.Time {
	w := ackWaiter{from, count, make(chan time.Time, 1)}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiters = append(r.waiters, w)
	return w.at
}

// firstAckOf gives the time of the first acknowledgment of a post that was
// first sent at from or later.
func (r *recorder) firstAckOf(from time.Time) <-chan time.Time { return r.wait(from, 1) }

// awaitAcks waits until count more posts were acknowledged.
func (r *recorder) awaitAcks(ctx context.Context, count int) error {
	_, err := await(ctx, "acknowledged posts", r.wait(time.Now(), count))
	return err
}
