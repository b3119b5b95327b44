package supervisor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"consequor/board"
	"consequor/topologies"
)

// faultsAgain is after how long a process that has not confirmed the link faults
// is told of them again: an order may be lost.
const faultsAgain = 500 * time.Millisecond

// keepFaults tells every process of the link faults that are wanted, and again
// until it has confirmed them. The table is a level: who was paused or down
// meanwhile is told of the newest one alone. It returns when the end has begun.
func (s *supervisor) keepFaults() {
	told := make(map[string]telling)
	again := time.NewTimer(time.Hour)
	defer again.Stop()
	for {
		late, table, changed := s.hub.unconfirmed()
		for _, r := range late {
			if t := told[r.replica]; t.number == table.Number && t.life == r.life && time.Since(t.at) < faultsAgain {
				continue
			}
			told[r.replica] = telling{table.Number, r.life, time.Now()}
			s.order(r.replica, topologies.Order{Kind: topologies.OrderFaults, Faults: &table})
		}
		again.Stop()
		if len(late) > 0 {
			again.Reset(faultsAgain)
		}
		select {
		case <-changed:
		case <-again.C:
		case <-s.closing:
			return
		}
	}
}

// telling is what a replica's process was told last, and when.
type telling struct {
	number uint64
	life   int
	at     time.Time
}

// lateOne is a replica that could confirm the table, but has not.
type lateOne struct {
	replica string
	life    int
}

func (h *hub) unconfirmed() (late []lateOne, table topologies.Faults, changed <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.rows {
		if r.report.Faults < h.faults.Number && r.deafness() == "" {
			late = append(late, lateOne{r.replica.Name, r.starts})
		}
	}
	return late, h.faults, h.changed
}

// confirmations tells who has the table number, or a newer one, in force, who
// has yet to say so, and who cannot: a process that does not run, or is paused.
// A dead one begins its next life with the table that is wanted then.
func (h *hub) confirmations(number uint64) (done, late []string, missing []Silent, changed <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	done, missing = []string{}, []Silent{}
	for _, r := range h.rows {
		switch why := r.deafness(); {
		case r.alive && r.report.Faults >= number && !r.paused:
			done = append(done, r.replica.Name)
		case r.alive && why == string(StateStarting), why == "":
			late = append(late, r.replica.Name)
		default:
			missing = append(missing, Silent{r.replica.Name, why})
		}
	}
	return done, late, missing, h.changed
}

// awaitInForce returns when all that can have confirmed the table number.
func (s *supervisor) awaitInForce(ctx context.Context, number uint64, limit time.Duration) (done []string, missing []Silent, err error) {
	for {
		done, late, missing, changed := s.hub.confirmations(number)
		if len(late) == 0 {
			return done, missing, nil
		}
		select {
		case <-changed:
		case <-s.closing:
			return nil, nil, errStopping()
		case <-ctx.Done():
			return nil, nil, &Error{Kind: KindTimeout, Hint: "see what goes through with: consequorctl faults",
				Message: fmt.Sprintf("not in force everywhere after %v: no word from %s, which is told again until it confirms", limit, strings.Join(late, ", "))}
		}
	}
}

// awaitReunited returns when the two ends of each of these links are connected
// again, as far as both processes can be asked.
func (s *supervisor) awaitReunited(ctx context.Context, links []topologies.LinkFault, limit time.Duration) error {
	for {
		_, _, changed := s.hub.status() // before asking: what changes then is seen
		apart := s.apart(ctx, links)
		if len(apart) == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-s.closing:
			return errStopping()
		case <-ctx.Done():
			return &Error{Kind: KindTimeout, Hint: "see what goes through with: consequorctl faults --all",
				Message: fmt.Sprintf("healed, but not connected again after %v: %s", limit, brief(apart))}
		}
	}
}

// apart names the links that one of their ends does not see connected. An end
// that gives no answer is asked again: unless it is paused or down.
func (s *supervisor) apart(ctx context.Context, links []topologies.LinkFault) (apart []string) {
	if len(links) == 0 {
		return nil
	}
	ends, _ := s.ends(ctx)
	table := s.hub.faultTable()
	for _, l := range links {
		if s.severed(&table, l.From, l.To) || s.deaf(l.From) || s.deaf(l.To) {
			continue
		}
		if ends[pair{l.From, l.To}].Up && ends[pair{l.To, l.From}].Up {
			continue
		}
		name := fmt.Sprintf("%s - %s", s.hub.replicaName(min(l.From, l.To)), s.hub.replicaName(max(l.From, l.To)))
		if !slices.Contains(apart, name) {
			apart = append(apart, name)
		}
	}
	return apart
}

// severed reports whether a link is (again) cut in both directions.
func (s *supervisor) severed(t *topologies.Faults, a, b board.ReplicaID) bool {
	return t.On(a, b).Cut && t.On(b, a).Cut
}

// deaf reports whether a replica's process can be asked nothing.
func (s *supervisor) deaf(id board.ReplicaID) bool {
	_, why, _ := s.hub.listens(s.hub.replicaName(id))
	return why != ""
}
