package cli

import (
	"strings"
	"testing"
)

// What a lossy run must have shown, and each way in which it has not.
func TestLossyJudge(t *testing.T) {
	good := func() *lossyResult {
		return &lossyResult{Posts: 2, Cut: 1, Articles: map[string]int{"r1": 2, "r2": 2}, SentAgain: 2, verdict: &verdict{Acknowledged: 2}}
	}
	if err := good().judge(); err != nil {
		t.Errorf("a good run: %v", err)
	}
	for says, spoil := range map[string]func(*lossyResult){
		"r2 has 3 articles of 2 posts":   func(r *lossyResult) { r.Articles["r2"] = 3 },
		"r1 has 0 articles of 2 posts":   func(r *lossyResult) { r.Articles["r1"] = 0 },
		"1 violations: twice":            func(r *lossyResult) { r.tell(&r.Doubled, "twice") },
		"1 of 2 posts were acknowledged": func(r *lossyResult) { r.Acknowledged = 1 },
		"1 were told another id":         func(r *lossyResult) { r.OtherIDs = 1 },
		"of 1 posts that were sent":      func(r *lossyResult) { r.SentAgain = 1 },
		"proves nothing":                 func(r *lossyResult) { r.Cut = 0 },
	} {
		r := good()
		spoil(r)
		if err := r.judge(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want %q", err, says)
		}
	}
}
