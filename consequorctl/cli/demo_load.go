package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"consequor/replicad/api"
)

// steady is a load of posts at an even pace: enough that a gap of a millisecond
// shows, and no more.
type steady struct {
	crowd    *crowd
	recorder *recorder
	homely   bool // each client posts at a replica of its own, where that one answers
	patience time.Duration
	run      string
	cancel   context.CancelFunc
	ended    chan struct{}

	mu    sync.Mutex
	posts []postEnd // in the order in which they ended
}

// postEnd is how a post of the load ended.
type postEnd struct {
	sent, at time.Time
	client   int
	home     string      // the replica that was asked first
	outcome  api.Outcome // empty: acknowledged
	id       string
	by       string // the replica that answered
}

const (
	steadyClients = 4
	steadyPace    = 4 * time.Millisecond // of one client
	steadyTimeout = 20 * time.Second     // of one post
	homelyTimeout = time.Second          // of one post that waits for its home
	steadySize    = 100                  // bytes of its body
)

// startLoad lets clients post until stop. Each posts at the replicas in asked
// for it, in turn; where nothing is asked, at all. Homely is for modes in which
// a post waits for the replica that was asked first (its home) when that one
// dies: clients have different homes then, so that those at the others go on.
func (s *story) startLoad(ctx context.Context, homely bool, asked ...[]string) (*steady, error) {
	crowd, err := gather(ctx, s.console, s.cluster, "", max(steadyClients, len(asked)))
	if err != nil {
		return nil, err
	}
	for i, replicas := range asked {
		crowd.members[i].replicas = replicas
	}
	l := &steady{crowd: crowd, recorder: newRecorder(), homely: homely, patience: steadyTimeout, run: rand.Text(), ended: make(chan struct{})}
	if homely {
		l.patience = homelyTimeout
	}
	load, cancel := context.WithCancel(ctx)
	l.cancel = cancel
	go func() {
		defer close(l.ended)
		crowd.each(func(i int, m *member) { l.client(load, ctx, i, m) })
	}()
	return l, nil
}

// client posts until load ends. A post under way is then not given up, unless
// the whole story is.
func (l *steady) client(load, ctx context.Context, number int, m *member) {
	pace := time.NewTicker(steadyPace)
	defer pace.Stop()
	for n := 1; ; n++ {
		select {
		case <-load.Done():
			return
		case <-pace.C:
			l.post(ctx, number, m, fmt.Sprintf("%s %d %d", l.run, number, n))
		}
	}
}

// post sends one post; its outcome counts, whatever it is.
func (l *steady) post(ctx context.Context, number int, m *member, title string) {
	if l.homely {
		m.turn = number
	}
	home, sent := m.replicas[m.turn%len(m.replicas)], time.Now()
	answer, err := m.send(ctx, l.patience, api.Request{Verb: api.Post, Author: "demo", Title: title, Body: strings.Repeat("x", steadySize)})
	l.note(postEnd{sent: sent, client: number, home: home}, answer, err)
	l.recorder.add(title, answer, err, sent)
}

func (l *steady) note(p postEnd, answer *api.Answer, err error) {
	var e *api.Error
	switch {
	case err == nil:
		p.id, p.by = answer.ID.String(), answer.Replica
	case errors.As(err, &e) && e.Outcome == api.Refused:
		p.outcome = api.Refused
	default:
		p.outcome = api.Unknown
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	p.at = time.Now()
	l.posts = append(l.posts, p)
}

// stop returns when no post is under way any more.
func (l *steady) stop() {
	l.cancel()
	<-l.ended
}

func (l *steady) close() {
	l.stop()
	l.crowd.close()
}

// list gives the posts that have ended and are as wanted.
func (l *steady) list(wanted func(postEnd) bool) []postEnd {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(l.posts), func(p postEnd) bool { return !wanted(p) })
}

// acks lists the acknowledgments from one time to another.
func (l *steady) acks(from, to time.Time) []postEnd {
	return l.list(func(p postEnd) bool { return p.outcome == "" && !p.at.Before(from) && !p.at.After(to) })
}

// lastBefore is the last acknowledgment before a time; ok is false if there is
// none.
func (l *steady) lastBefore(t time.Time) (last postEnd, ok bool) {
	for _, p := range l.acks(time.Time{}, t) {
		last, ok = p, true
	}
	return last, ok
}

// firstSentAfter waits for the first acknowledgment of a post that was sent
// after a time.
func (l *steady) firstSentAfter(ctx context.Context, t time.Time) (postEnd, error) {
	at, err := await(ctx, "an acknowledged post", l.recorder.firstAckOf(t))
	if err != nil {
		return postEnd{}, err
	}
	later := slices.DeleteFunc(l.acks(t, at), func(p postEnd) bool { return p.sent.Before(t) })
	return later[0], nil // a post is noted before the recorder tells of it
}

// silence is the longest time in which nobody was acknowledged anything.
func (l *steady) silence(from, to time.Time) time.Duration {
	longest, last := time.Duration(0), from
	for _, a := range l.acks(from, to) {
		longest, last = max(longest, a.at.Sub(last)), a.at
	}
	return max(longest, to.Sub(last))
}

// verdict judges the posts by all boards, once the load has stopped.
func (l *steady) verdict(ctx context.Context) (*verdict, error) {
	boards, err := l.crowd.readBack(ctx)
	if err != nil {
		return nil, err
	}
	return judge(evidence{l.recorder.posts, boards}), nil
}
