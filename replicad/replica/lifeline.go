package replica

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"consequor/topologies"
)

// ordersQueued bounds the orders that wait to be carried out. They are taken as
// they come, but for the moments in which plugins are exchanged; beyond, the
// oldest goes: what still holds, the supervisor says again.
const ordersQueued = 16

var errSupervisorGone = errors.New("the supervisor is gone")

// holdLifeline passes the supervisor's words on and ends the process, at once
// and without ceremony, when the supervisor is gone or no longer to be
// understood: the plugin dies with it.
func holdLifeline(pipe io.Reader, goOn chan<- struct{}, orders chan topologies.Order) {
	fmt.Fprintf(os.Stderr, "replicad: %v\n", readLifeline(pipe, goOn, orders))
	os.Exit(ExitFailed)
}

// readLifeline reads the supervisor's words, Go and then orders, and never
// waits for those who take them. It returns why there will be no more.
func readLifeline(pipe io.Reader, goOn chan<- struct{}, orders chan topologies.Order) error {
	lines := bufio.NewScanner(pipe)
	lines.Buffer(nil, topologies.OrderSizeMax)
	said := false
	for lines.Scan() {
		if lines.Text()+"\n" == topologies.Go {
			if !said {
				said = true
				close(goOn)
			}
			continue
		}
		order, err := parseOrder(lines.Bytes())
		if err != nil {
			return err
		}
		enqueue(orders, *order)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read the supervisor's orders: %w", err)
	}
	return errSupervisorGone
}

// enqueue adds an item to a queue, if need be in the place of the oldest one.
// Nobody else adds any.
func enqueue[T any](queue chan T, item T) {
	for {
		select {
		case queue <- item:
			return
		default:
		}
		select {
		case <-queue:
		default:
		}
	}
}

// orderShownMax is how much of a line that is no order is repeated.
const orderShownMax = 100

// parseOrder reads one line. It is this very program that wrote it: whatever
// makes no sense is a fault.
func parseOrder(line []byte) (*topologies.Order, error) {
	var o topologies.Order
	err := json.Unmarshal(line, &o)
	if err == nil {
		err = validate(&o)
	}
	if err != nil {
		return nil, fmt.Errorf("understand the supervisor's order %.*q: %w", orderShownMax, line, err)
	}
	return &o, nil
}

func validate(o *topologies.Order) error {
	named := o.Mode.Name != ""
	switch o.Kind {
	case topologies.OrderDiscard:
		return nil
	case topologies.OrderFaults:
		if o.Faults == nil {
			return errors.New("it has no faults")
		}
		return nil
	case topologies.OrderInquire:
		if o.Inquiry == nil {
			return errors.New("it has no inquiry")
		}
		return nil
	case topologies.OrderSeal, topologies.OrderMerge:
		named = true // they are for the mode that runs
	case topologies.OrderPrepare:
	case topologies.OrderActivate:
		if o.ModeEpoch == 0 || o.ModeEpoch > o.Epoch {
			return fmt.Errorf("epoch %d of a mode that began with epoch %d", o.Epoch, o.ModeEpoch)
		}
	default:
		return fmt.Errorf("no order is called %q", o.Kind)
	}
	switch {
	case !named:
		return errors.New("it names no mode")
	case o.Epoch == 0:
		return errors.New("it names no epoch")
	}
	return nil
}
