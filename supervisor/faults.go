package supervisor

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"consequor/topologies"
)

// FaultVerb is what can be done to links.
type FaultVerb string

// The verbs of ChangeLinks.
const (
	CutLinks   FaultVerb = "cut"
	DelayLinks FaultVerb = "delay"
	LoseLinks  FaultVerb = "loss"
	HealLinks  FaultVerb = "heal"
)

// Rest names all replicas that the other side does not.
const Rest = "rest"

// FaultRequest says what is to be wrong with the links between the replicas of A
// and those of B, beside what is wrong already. A and B hold names, coordinator
// or backup; one of them may be just Rest. To heal everything, both are empty.
type FaultRequest struct {
	Verb   FaultVerb     `json:"verb"`
	A      []string      `json:"a"`
	B      []string      `json:"b"`
	OneWay bool          `json:"one_way"` // only what A says to B
	Delay  time.Duration `json:"delay"`   // 0: no more
	Jitter time.Duration `json:"jitter"`  // at most Delay
	Loss   float64       `json:"loss"`    // 0 to 1; 0: no more
	Wait   time.Duration `json:"wait"`    // at most so long until it is in force everywhere; 0: waitFaults
}

// waitFaults is for requests that set no limit.
const waitFaults = 10 * time.Second

// FaultResult is the answer. It comes when the change is in force: every process
// that runs has confirmed it, a link that is cut both ways has no connection at
// either end, and one that was healed has it again. A process that is paused or
// down cannot confirm; it finds the change in force when it comes back.
type FaultResult struct {
	Verb      FaultVerb   `json:"verb"`
	A         []string    `json:"a"` // replicas, roles resolved
	B         []string    `json:"b"`
	Links     []LinkFault `json:"links"`      // whose faults changed, as they are now
	WaitedFor []string    `json:"waited_for"` // replicas that have confirmed
	Missing   []Silent    `json:"missing"`    // replicas that cannot just now
}

// ChangeLinks sets or heals link faults. It returns an error of kind KindTimeout
// when a process that runs has not confirmed in time; the change stands
// nevertheless, and that process is told again.
func (c *Client) ChangeLinks(ctx context.Context, r FaultRequest) (*FaultResult, error) {
	var result FaultResult
	if err := c.call(ctx, "POST", pathFault, r, &result); err != nil {
		return nil, err
	}
	return &result, nil
}

func (srv *server) onFault(w http.ResponseWriter, r *http.Request) {
	var request FaultRequest
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		fail(w, &Error{Kind: KindBadTarget, Message: "read the request: " + err.Error()})
		return
	}
	result, err := srv.s.changeLinks(r.Context(), request)
	if err != nil {
		fail(w, err)
		return
	}
	answer(w, result)
}

// changeLinks makes the change and waits until it is in force.
func (s *supervisor) changeLinks(ctx context.Context, r FaultRequest) (*FaultResult, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	a, b, err := s.sides(&r)
	if err != nil {
		return nil, err
	}
	number, changed, err := s.hub.changeLinks(&r, a, b)
	if err != nil {
		return nil, err
	}
	result := &FaultResult{Verb: r.Verb, A: s.hub.names(a), B: s.hub.names(b), Links: []LinkFault{}}
	for _, l := range changed {
		result.Links = append(result.Links, s.hub.namedFault(l))
	}
	if r.Wait <= 0 {
		r.Wait = waitFaults
	}
	ctx, cancel := context.WithTimeout(ctx, r.Wait)
	defer cancel()
	if result.WaitedFor, result.Missing, err = s.awaitInForce(ctx, number, r.Wait); err == nil && r.Verb == HealLinks {
		err = s.awaitReunited(ctx, changed, r.Wait)
	}
	if err != nil {
		return nil, err
	}
	if r.Verb == HealLinks { // somebody may have gone meanwhile
		result.WaitedFor, _, result.Missing, _ = s.hub.confirmations(number)
	}
	return result, nil
}

// check reports figures that make no sense.
func (r *FaultRequest) check() error {
	bad := func(hint, format string, args ...any) error {
		return &Error{Kind: KindBadTarget, Message: fmt.Sprintf(format, args...), Hint: hint}
	}
	switch {
	case r.Verb != CutLinks && r.Verb != DelayLinks && r.Verb != LoseLinks && r.Verb != HealLinks:
		return bad("", "there is no link fault %q", r.Verb)
	case r.Delay < 0 || r.Jitter < 0 || r.Delay > topologies.DelayMax:
		return bad("", "a delay of %v: want 0s to %v", r.Delay, topologies.DelayMax)
	case r.Jitter > r.Delay:
		return bad("the delay is drawn between the two ends", "a jitter of %v is more than the delay, %v", r.Jitter, r.Delay)
	case !(r.Loss >= 0 && r.Loss <= 1):
		return bad("", "a loss of %v: want 0%% to 100%%", topologies.Percent(r.Loss))
	}
	return nil
}

// apply is the fault l as r wants it.
func (r *FaultRequest) apply(l topologies.LinkFault) topologies.LinkFault {
	switch r.Verb {
	case CutLinks:
		l.Cut = true
	case DelayLinks:
		l.Delay, l.Jitter = r.Delay, r.Jitter
	case LoseLinks:
		l.Loss = r.Loss
	case HealLinks:
		l = topologies.LinkFault{From: l.From, To: l.To}
	}
	return l
}
