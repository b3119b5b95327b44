package cli

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"rsc.io/script"

	"consequor/board"
	"consequor/replicad/api"
	"consequor/supervisor"
)

const (
	loadRateDefault = 200              // posts a second, of all clients: enough to be hit by any fault, and room for others
	loadCountMax    = 200_000          // posts of one load: they are all remembered. Then its clients end
	loadFirstLimit  = 10 * time.Second // until the first post is acknowledged
	loadJudgeLimit  = 15 * time.Second // until the boards must hold what was acknowledged
)

// loadFlagNames are the flags of load start.
var loadFlagNames = []string{"clients", "at", "rate", "size", "timeout", "cluster"}

// load is clients that post in the background of a script.
type load struct {
	name     clusterFlag
	crowd    *crowd
	recorder *recorder
	rate     int // posts a second; 0: as many as can be had
	timeout  time.Duration
	body     string
	run      string
	sent     atomic.Int64
	cancel   context.CancelFunc // no more posts
	giveUp   context.CancelFunc // of those under way, too
	loaded   chan struct{}      // closed when all clients have ended
}

// loads is the word load.
func (p *player) loads(s *script.State, args []string) (string, string, error) {
	if len(args) == 0 {
		return "", "", errWords
	}
	switch args[0] {
	case "start":
		return "", "", p.startLoad(s, args[1:])
	case "stop":
		if len(args) > 1 {
			return "", "", errWords
		}
		left := p.play.takeLoad()
		if left == nil {
			return "", "", errors.New("no load runs: load start starts one")
		}
		told, err := left.end(s.Context(), true)
		return told, "", err
	}
	return "", "", errWords
}

func (p *player) startLoad(s *script.State, args []string) error {
	var (
		clients, rate, size int
		at, cluster         string
	)
	flags := flag.NewFlagSet("load start", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.IntVar(&clients, "clients", 4, "")
	flags.IntVar(&rate, "rate", loadRateDefault, "")
	flags.IntVar(&size, "size", 100, "")
	timeout := flags.Duration("timeout", 10*time.Second, "") // for one post, all its tries
	flags.StringVar(&at, "at", "", "")
	flags.StringVar(&cluster, "cluster", "", "")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return cmp.Or(err, errWords)
	}
	if clients < 1 || clients > clientCountMax || rate < 0 || size < 1 || size > board.BodyLenMax || *timeout <= 0 {
		return fmt.Errorf("want --clients 1 to %d, --rate 0 or more, --size 1 to %d, --timeout above 0s", clientCountMax, board.BodyLenMax)
	}
	crowd, err := gather(s.Context(), p.console, clusterFlag(cluster), at, clients)
	if err != nil {
		return err
	}
	l := &load{name: clusterFlag(cluster), crowd: crowd, recorder: newRecorder(), rate: rate, timeout: *timeout, body: strings.Repeat("x", size), run: rand.Text()}
	if !p.play.keepLoad(l) {
		crowd.close()
		return errors.New("a load runs already: load stop ends it")
	}
	return l.start(s.Context())
}

// start lets the clients begin, and returns when the first post is acknowledged.
// Only end ends them: not the script's time.
func (l *load) start(ctx context.Context) error {
	calls, giveUp := context.WithCancel(context.Background())
	posting, cancel := context.WithCancel(calls)
	l.cancel, l.giveUp, l.loaded = cancel, giveUp, make(chan struct{})
	first := l.recorder.firstAckOf(time.Now())
	go func() {
		defer close(l.loaded)
		turns, stop := l.turns()
		defer stop()
		l.crowd.each(func(i int, m *member) { l.client(posting, calls, turns, i, m) })
	}()
	late := time.NewTimer(loadFirstLimit)
	defer late.Stop()
	select {
	case <-first:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-late.C:
		return &mismatch{want: "a first post that is acknowledged", got: fmt.Sprintf("none within %v", loadFirstLimit)}
	}
}

// turns paces all clients together: each takes one for each post.
func (l *load) turns() (turns <-chan time.Time, stop func()) {
	if l.rate == 0 {
		always := make(chan time.Time)
		close(always)
		return always, func() {}
	}
	ticker := time.NewTicker(max(1, time.Second/time.Duration(l.rate)))
	return ticker.C, ticker.Stop
}

// client posts until ctx ends. A post under way is given up only with calls: its
// outcome counts.
func (l *load) client(ctx, calls context.Context, turns <-chan time.Time, i int, m *member) {
	for l.sent.Add(1) <= loadCountMax {
		select {
		case <-turns:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			return
		}
		title := fmt.Sprintf("%s %d %d", l.run, i, m.turn)
		sent := time.Now()
		answer, err := m.send(calls, l.timeout, api.Request{Verb: api.Post, Author: "load", Title: title, Body: l.body})
		l.recorder.add(title, answer, err, sent)
	}
}

// end ends the clients, waits for what they have under way, and if asked judges
// what came of it.
func (l *load) end(ctx context.Context, judged bool) (told string, err error) {
	l.cancel()
	defer l.giveUp()
	if !judged {
		l.giveUp()
	}
	<-l.loaded
	defer l.crowd.close()
	if !judged {
		return "", nil
	}
	v, status, err := l.judge(ctx)
	if err != nil {
		return "", fmt.Errorf("judge the load: %w", err)
	}
	told = fmt.Sprintf("acknowledged %d, lost %d, doubled %d\n", v.Acknowledged, v.Lost, v.Doubled)
	if _, absent := servingOf(status); len(absent) > 0 {
		told += fmt.Sprintf("not asked, for they do not serve: %s\n", strings.Join(absent, ", "))
	}
	if !v.OK() && len(status.Faults) > 0 {
		told += fmt.Sprintf("links are at fault, and what they keep from a board is not lost (heal before load stop): %s\n", strings.Join(linkLines(status.Faults), ", "))
	}
	if !v.OK() {
		return told, &mismatch{want: "every acknowledged post on every board that serves, once", got: told + strings.Join(v.Violations, "\n")}
	}
	if v.Acknowledged == 0 {
		return told, &mismatch{want: "a load of which something is acknowledged", got: fmt.Sprintf("%d posts unknown, %d refused", v.Unknown, v.Refused)}
	}
	return told, nil
}

// judge reads the boards that serve. What is only late is looked for again: a
// post that nobody waits for any more may still come, and others than the load
// may post.
func (l *load) judge(ctx context.Context) (v *verdict, status *supervisor.ClusterStatus, err error) {
	deadline := time.Now().Add(loadJudgeLimit)
	for {
		boards, status, err := l.readBack(ctx)
		if err != nil {
			return nil, nil, err
		}
		v := judge(evidence{l.recorder.posts, boards})
		surelyBroken := v.Doubled+v.Changed+v.Undead+v.Sunk > 0
		if v.OK() || surelyBroken || time.Now().After(deadline) {
			return v, status, nil
		}
		if err := lookAgain(ctx); err != nil {
			return v, status, nil
		}
	}
}

func (l *load) readBack(ctx context.Context) (boards map[string][]copied, status *supervisor.ClusterStatus, err error) {
	cluster, err := l.name.find()
	if err != nil {
		return nil, nil, err
	}
	if status, err = cluster.Status(ctx); err != nil {
		return nil, nil, err
	}
	serving, _ := servingOf(status)
	if len(serving) == 0 {
		return nil, nil, errors.New("no replica serves")
	}
	boards = make(map[string][]copied)
	for _, name := range serving {
		if boards[name], err = l.crowd.readAll(ctx, name); err != nil {
			return nil, nil, fmt.Errorf("read back %s: %w", name, err)
		}
	}
	return boards, status, nil
}

// servingOf names the replicas that serve, and the others.
func servingOf(status *supervisor.ClusterStatus) (serving, absent []string) {
	for _, r := range status.Replicas {
		if r.State == supervisor.StateServing {
			serving = append(serving, r.Name)
		} else {
			absent = append(absent, r.Name)
		}
	}
	return slices.Clip(serving), absent
}

// lookAgain lets some time pass between two looks, unless ctx ends.
func lookAgain(ctx context.Context) error {
	timer := time.NewTimer(lookInterval)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
