package cli

import (
	"errors"
	"strings"
	"testing"
	"time"

	"consequor/replicad/api"
)

// A request that ends before its own deadline without an answer has failed,
// whatever it says; at its deadline it has only been late.
func TestSwapLoadCounts(t *testing.T) {
	l := newSwapLoad(&crowd{members: []*member{{}}}, 10*time.Second, 1)
	now := time.Now()
	refused := &api.Error{Outcome: api.Refused, Kind: api.KindEpochChanging, Message: "the mode is being changed"}
	for _, c := range []struct {
		err  error
		sent time.Time
	}{
		{nil, now}, {refused, now}, {errors.New("what"), now.Add(-9 * time.Second)}, {refused, now.Add(-10 * time.Second)}, {nil, now.Add(-11 * time.Second)},
	} {
		if l.count(0, c.err, c.sent) != (c.err == nil) {
			t.Errorf("%v: counted as otherwise", c.err)
		}
	}
	if r := l.result; r.Requests != 5 || r.Failed != 2 || r.TimedOut != 1 || !strings.Contains(r.Failures[0], "being changed") {
		t.Errorf("%+v", r)
	}
}

// What a run of changes must have shown, and each way in which it has not.
func TestSwapBenchJudge(t *testing.T) {
	good := func() *swapBenchResult { return &swapBenchResult{verdict: &verdict{}} }
	if err := good().judge(); err != nil {
		t.Errorf("a good run: %v", err)
	}
	for says, spoil := range map[string]func(*swapBenchResult){
		"1 violations: gone":                           func(r *swapBenchResult) { r.tell(&r.Lost, "gone") },
		"1 requests failed, the first: no coordinator": func(r *swapBenchResult) { r.Failed, r.Failures = 1, []string{"no coordinator"} },
		"1 guarantees of a session were broken":        func(r *swapBenchResult) { r.Broken.judge("own", "") },
	} {
		r := good()
		spoil(r)
		if err := r.judge(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want %q", err, says)
		}
	}
	late := good()
	if late.TimedOut = 1; late.judge() != nil {
		t.Errorf("beyond its own deadline: %v", late.judge())
	}
}

// What is above an epoch that was over is asked of posts that were sent later,
// and of no other.
func TestRecorderFloor(t *testing.T) {
	r := newRecorder()
	r.add("a", &api.Answer{ID: seq(5)}, nil, time.Now())
	before, floor := r.seqs()
	r.addAbove(floor, "on its way", &api.Answer{ID: at(3, 1)}, nil, time.Now())
	r.raiseFloor(before)
	_, floor = r.seqs()
	r.addAbove(floor, "after", &api.Answer{ID: at(5, 1)}, nil, time.Now())
	v := judge(evidence{Posts: r.posts})
	if v.Sunk != 1 || !strings.Contains(v.Violations[0], `"after" was given id 5.1`) {
		t.Errorf("%+v", v)
	}
}
