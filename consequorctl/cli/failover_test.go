package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"consequor/replicad/api"
	"consequor/supervisor"
)

// A post that was sent before the kill and answered after it says nothing
// about the election; the first one sent afterwards does.
func TestRecorderSkipsWhatWasOnItsWay(t *testing.T) {
	r := newRecorder()
	kill := time.Now()
	acked := r.firstAckOf(kill)
	r.add("before", &api.Answer{ID: seq(1)}, nil, kill.Add(-time.Millisecond))
	r.add("refused", nil, &api.Error{Outcome: api.Refused}, kill)
	select {
	case <-acked:
		t.Fatal("told of a post that was sent before the kill, or refused")
	default:
	}
	r.add("after", &api.Answer{ID: seq(2)}, nil, kill)
	select {
	case at := <-acked:
		if at.Before(kill) {
			t.Errorf("acknowledged at %v, before the kill at %v", at, kill)
		}
	default:
		t.Fatal("not told of the first post after the kill")
	}
}

// Errors that prove nothing are unknown, however they look.
func TestRecorderOutcomes(t *testing.T) {
	r := newRecorder()
	for _, err := range []error{nil, &api.Error{Outcome: api.Refused}, &api.Error{Outcome: api.Unknown}, errors.New("what"), context.Canceled} {
		r.add("t", &api.Answer{ID: seq(1)}, err, time.Now())
	}
	var got []string
	for _, p := range r.posts {
		got = append(got, string(p.Outcome))
	}
	if want := ",refused,unknown,unknown,unknown"; strings.Join(got, ",") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ","), want)
	}
}

// Many clients add at once while one waits for a number of acknowledgments.
func TestRecorderConcurrently(t *testing.T) {
	const clients, each = 8, 100
	r := newRecorder()
	waited := r.wait(time.Now(), clients*each)
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			for n := range each {
				r.add(fmt.Sprint(i, n), &api.Answer{ID: seq(1)}, nil, time.Now())
			}
		})
	}
	wg.Wait()
	select {
	case <-waited:
	default:
		t.Error("all were added, and the one who waits was not told")
	}
	if len(r.posts) != clients*each || len(r.waiters) != 0 {
		t.Errorf("%d posts, %d waiters", len(r.posts), len(r.waiters))
	}
}

// When a run counts another coordinator as elected.
func TestElsewhere(t *testing.T) {
	status := func(coordinator string) *supervisor.ClusterStatus {
		if coordinator == "" {
			return &supervisor.ClusterStatus{}
		}
		return &supervisor.ClusterStatus{Coordinator: &coordinator}
	}
	for _, c := range []struct {
		name, target, before, now string
		hit                       []string
		want                      bool
	}{
		{"none yet", "coordinator", "r1", "", []string{"r1"}, false},
		{"status still shows the dead one", "coordinator", "r1", "r1", []string{"r1"}, false},
		{"another one", "coordinator", "r1", "r2", []string{"r1"}, true},
		{"a plugin may come back and win", "plugin:coordinator", "r1", "r1", []string{"r1"}, true},
		{"another replica was hit", "r3", "r1", "r1", []string{"r3"}, true},
		{"all were hit", "all", "r1", "r1", []string{"r1", "r2", "r3"}, true},
	} {
		f := &failover{benchFailover: &benchFailover{Target: c.target}}
		if got := f.elsewhere(status(c.before), status(c.now), c.hit); got != c.want {
			t.Errorf("%s: got %t", c.name, got)
		}
	}
}

func TestSummarize(t *testing.T) {
	s := summarize([]time.Duration{30 * time.Millisecond, 10 * time.Millisecond, 1500 * time.Microsecond})
	if s.Min != 1.5 || s.Median != 10 || s.Max != 30 || len(s.All) != 3 || s.All[0] != 30 {
		t.Errorf("got %+v", s)
	}
	if none := summarize(nil); none.All == nil || none.Max != 0 {
		t.Errorf("of nothing: %+v", none)
	}
}

// What a daemon may say of its start, and what it means when it says nothing.
func TestHear(t *testing.T) {
	for _, c := range []struct{ said, why string }{
		{`{"status":{"cluster":"three"}}`, ""},
		{`{"error":{"kind":"port_in_use","message":"m","hint":""},"code":3}`, ""},
		{``, "ended without a word"},
		{`{"sta`, "its supervisor's word"},
		{`{}`, "said neither"},
	} {
		word, err := hear(strings.NewReader(c.said))
		if c.why == "" {
			if err != nil || word.Status == nil && word.Error == nil {
				t.Errorf("%s: got %+v (%v)", c.said, word, err)
			}
		} else if err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%q: got %v, want %q", c.said, err, c.why)
		}
	}
}
