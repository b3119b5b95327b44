package api

import (
	"context"
	"testing"
	"time"
)

// Scenario: a replica refuses a post at its deadline, a moment before the
// client's own. To try again would turn what is known into a doubt; but a
// doubt, a read, or a post with time left is worth another try.
func TestRefusedLate(t *testing.T) {
	refusal := &Error{Outcome: Refused, Kind: KindBehind}
	for name, c := range map[string]struct {
		errand errand
		left   time.Duration
		want   bool
	}{
		"refused late":           {errand{r: Request{Verb: Post}, verdict: refusal}, postAgainMin / 2, true},
		"with time left":         {errand{r: Request{Verb: Post}, verdict: refusal}, time.Hour, false},
		"not tried yet":          {errand{r: Request{Verb: Post}}, postAgainMin / 2, false},
		"in doubt":               {errand{r: Request{Verb: Post}, verdict: refusal, doubt: &Error{Outcome: Unknown}}, postAgainMin / 2, false},
		"a read, done or not":    {errand{r: Request{Verb: Read}, verdict: refusal}, postAgainMin / 2, false},
		"a reply, as any writer": {errand{r: Request{Verb: Reply}, verdict: refusal}, postAgainMin / 2, true},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), c.left)
		if got := c.errand.refusedLate(ctx); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		cancel()
	}
}
