package replica

import (
	"errors"
	"strings"
	"testing"

	"consequor/topologies"
)

const sealLine = `{"kind":"seal","attempt":1,"epoch":3,"mode":{"name":""},"target":null}`

// What comes on a lifeline, and how it ends: with the supervisor's death, or
// with the first line that makes no sense.
func TestLifeline(t *testing.T) {
	for _, c := range []struct {
		name, text string
		orders     int
		end        string
	}{
		{"the supervisor dies at once", "", 0, "the supervisor is gone"},
		{"go, twice, and an order", "go\ngo\n" + sealLine + "\n", 1, "the supervisor is gone"},
		{"an order cut short", "go\n" + sealLine[:20], 0, "unexpected end of JSON"},
		{"garbage", "go\nhello\n" + sealLine, 0, `understand the supervisor's order "hello"`},
		{"an order of no kind", `{"kind":"dance","epoch":1}`, 0, `no order is called "dance"`},
		{"activate no mode", `{"kind":"activate","epoch":4,"mode_epoch":4}`, 0, "it names no mode"},
		{"a mode that begins later than its epoch", `{"kind":"activate","epoch":4,"mode_epoch":5,"mode":{"name":"x"}}`, 0, "epoch 4 of a mode that began with epoch 5"},
		{"prepare no epoch", `{"kind":"prepare","mode":{"name":"x"}}`, 0, "it names no epoch"},
		{"a line without end", strings.Repeat("x", topologies.OrderSizeMax+1), 0, "token too long"},
	} {
		t.Run(c.name, func(t *testing.T) {
			goOn, orders := make(chan struct{}), make(chan topologies.Order, ordersQueued)
			err := readLifeline(strings.NewReader(c.text), goOn, orders)
			if err == nil || !strings.Contains(err.Error(), c.end) || len(err.Error()) > 2*orderShownMax+100 {
				t.Errorf("it ended with %v, want %q", err, c.end)
			}
			if len(orders) != c.orders {
				t.Errorf("%d orders, want %d", len(orders), c.orders)
			}
			select {
			case <-goOn:
			default:
				if strings.HasPrefix(c.text, topologies.Go) {
					t.Error("go was not passed on")
				}
			}
		})
	}
}

// Nobody takes the orders: the reader goes on, and it is the newest that wait.
func TestOrdersThatNobodyTakes(t *testing.T) {
	var text strings.Builder
	for range ordersQueued {
		text.WriteString(sealLine + "\n")
	}
	text.WriteString(`{"kind":"activate","epoch":4,"mode_epoch":4,"mode":{"name":"x"}}` + "\n")
	orders := make(chan topologies.Order, ordersQueued)
	if err := readLifeline(strings.NewReader(text.String()), make(chan struct{}), orders); !errors.Is(err, errSupervisorGone) {
		t.Fatal(err)
	}
	var last topologies.Order
	for range ordersQueued {
		last = <-orders
	}
	if last.Kind != topologies.OrderActivate || len(orders) > 0 {
		t.Errorf("the last one is %+v, and %d more wait", last, len(orders))
	}
}

// FuzzOrder reads lines that are no orders, and some that are.
func FuzzOrder(f *testing.F) {
	for _, line := range []string{sealLine, "", "{}", `{"kind":"merge","epoch":1,"target":[{"Seq":1,"Origin":2}]}`, `{"kind":"prepare","epoch":1,"mode":{"name":"x"}}`} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		o, err := parseOrder(line)
		if (o == nil) == (err == nil) {
			t.Fatalf("order %+v, error %v", o, err)
		}
		if o != nil && o.Kind != topologies.OrderDiscard && o.Epoch == 0 {
			t.Errorf("an order of no epoch: %+v", o)
		}
	})
}
