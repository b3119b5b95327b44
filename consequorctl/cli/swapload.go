package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"consequor/replicad/api"
)

// swapLoad is what goes on while the mode is changed: clients that post, and
// now and then read, each with a session and at another replica every time.
type swapLoad struct {
	crowd    *crowd
	recorder *recorder
	gaps     *gapMeter
	timeout  time.Duration
	body     string
	run      string

	starts int // times that start was called
	cancel context.CancelFunc
	loaded chan struct{} // closed when all clients have ended

	mu     sync.Mutex
	result loadResult
}

// loadResult is what the clients saw, beside their posts.
type loadResult struct {
	Requests int      `json:"requests"`
	TimedOut int      `json:"timed_out"` // not answered by the client's own deadline
	Failed   int      `json:"failed"`    // before it
	Failures []string `json:"failures"`  // the first of these
	Broken   breaches `json:"breaches"`
}

const (
	readEvery       = 4                      // requests of a client, between two reads
	failuresToldMax = 10                     // in words
	timeoutMargin   = 250 * time.Millisecond // before its deadline, a request may end for its sake
)

func newSwapLoad(crowd *crowd, timeout time.Duration, size int) *swapLoad {
	return &swapLoad{
		crowd: crowd, recorder: newRecorder(), gaps: newGapMeter(len(crowd.members), time.Now()), timeout: timeout,
		body: strings.Repeat("x", size), run: rand.Text(), result: loadResult{Failures: []string{}, Broken: breaches{Told: []string{}}},
	}
}

// start lets all clients begin, or begin again. stop ends them.
func (l *swapLoad) start(ctx context.Context) {
	l.starts++
	ctx, l.cancel = context.WithCancel(ctx)
	l.loaded = make(chan struct{})
	go func() {
		defer close(l.loaded)
		l.crowd.each(func(i int, m *member) { l.client(ctx, i, m) })
	}()
}

// stop returns when no request is under way any more: a post that was sent has
// an outcome that counts.
func (l *swapLoad) stop() {
	l.cancel()
	<-l.loaded
}

func (l *swapLoad) client(ctx context.Context, number int, m *member) {
	var w witness
	for n := 1; ctx.Err() == nil; n++ {
		switch {
		case n%readEvery != 0:
			l.post(ctx, number, n, m, &w)
		case n%sampleEvery == 0:
			if a := l.ask(ctx, number, m, w.sample()); a != nil {
				w.onSample(a)
			}
		default:
			if a := l.ask(ctx, number, m, api.Request{Verb: api.Read, Count: 1}); a != nil {
				w.onRead(a)
			}
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.result.Broken.add(&w.breaches)
}

func (l *swapLoad) post(ctx context.Context, number, n int, m *member, w *witness) {
	_, floor := l.recorder.seqs()
	r := api.Request{Verb: api.Post, Author: "bench", Title: fmt.Sprintf("%s %d %d %d", l.run, l.starts, number, n), Body: l.body}
	sent := time.Now()
	answer, err := m.send(context.WithoutCancel(ctx), l.timeout, r)
	l.recorder.addAbove(floor, r.Title, answer, err, sent)
	if l.count(number, err, sent) {
		w.onPosted(answer.ID)
	}
}

func (l *swapLoad) ask(ctx context.Context, number int, m *member, r api.Request) *api.Answer {
	sent := time.Now()
	answer, err := m.send(context.WithoutCancel(ctx), l.timeout, r)
	if !l.count(number, err, sent) {
		return nil
	}
	return answer
}

// count notes how a request ended, and reports whether it ended well.
func (l *swapLoad) count(number int, err error, sent time.Time) bool {
	now := time.Now()
	if err == nil {
		l.gaps.answered(number, now)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.result.Requests++
	switch {
	case err == nil:
	case now.Sub(sent) >= l.timeout-timeoutMargin:
		l.result.TimedOut++
	default:
		l.result.Failed++
		if len(l.result.Failures) < failuresToldMax {
			l.result.Failures = append(l.result.Failures, err.Error())
		}
	}
	return err == nil
}

// preload puts count articles on the board, from many clients at once.
func (l *swapLoad) preload(ctx context.Context, crowd *crowd, count int) error {
	errs := make([]error, len(crowd.members))
	crowd.each(func(i int, m *member) {
		for n := i; n < count && errs[i] == nil; n += len(crowd.members) {
			r := api.Request{Verb: api.Post, Author: "bench", Title: fmt.Sprintf("%s before %d", l.run, n), Body: l.body}
			sent := time.Now()
			answer, err := m.send(ctx, l.timeout, r)
			l.recorder.add(r.Title, answer, err, sent)
			errs[i] = err
		}
	})
	return errors.Join(errs...)
}
