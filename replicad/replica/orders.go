package replica

import (
	"context"
	"fmt"
	"sync"

	"consequor/topologies"
)

// duties carries out the supervisor's orders, each kind in its own time: a mode
// change that is slow holds up neither link faults nor answers.
//
//	lifeline ──> duties ── of a mode change ──> changer
//	               │────── link faults ───────> faulter
//	               └────── inquiries: answered at once, on the reports' pipe
type duties struct {
	changer changer
	faulter faulter
}

func newDuties(p *process) *duties {
	return &duties{changer{p: p, epoch: p.config.Epoch}, faulter{p: p, table: p.config.Faults}}
}

// run obeys until ctx ends.
func (d *duties) run(ctx context.Context, given <-chan topologies.Order) {
	changes, faults := make(chan topologies.Order, ordersQueued), make(chan topologies.Faults, 1)
	var carriers sync.WaitGroup
	defer carriers.Wait()
	carriers.Go(func() { d.changer.run(ctx, changes) })
	carriers.Go(func() { d.faulter.run(ctx, faults) })
	for {
		select {
		case order := <-given:
			switch order.Kind {
			case topologies.OrderFaults:
				enqueue(faults, *order.Faults) // only the newest counts
			case topologies.OrderInquire:
				d.changer.p.reporter.answer(d.changer.p.inquired(order.Inquiry))
			default:
				enqueue(changes, order)
			}
		case <-ctx.Done():
			return
		}
	}
}

// inquired answers a question of the supervisor's. It does not wait for
// anything: more orders may have come.
func (p *process) inquired(q *topologies.Inquiry) topologies.Answer {
	a := topologies.Answer{}
	switch q.Kind {
	case topologies.InquireLinks:
		a.Links = p.linkStates()
	case topologies.InquireTrace, topologies.InquireTold:
		a = p.traced(q)
	default:
		a.Error = fmt.Sprintf("it knows no inquiry %q", q.Kind)
	}
	a.ID = q.ID
	return a
}
