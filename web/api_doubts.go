package web

import (
	"errors"
	"net/http"
	"slices"
	"sync"

	"consequor/replicad/api"
)

// doubtsMax bounds the keys that are remembered as unknown; beyond, the oldest
// is forgotten, as all are when the server ends. A refusal then tells of its own
// try alone.
const doubtsMax = 10_000

// doubts are the keys of which some try may have been done. Once there is one, a
// refusal of a later try must not say "surely not done".
type doubts struct {
	mu       sync.Mutex
	inFlight map[string]int // tries that have no answer yet
	doubted  map[string]struct{}
	order    []string // of doubted, the oldest first
}

func newDoubts() *doubts {
	return &doubts{inFlight: make(map[string]int), doubted: make(map[string]struct{})}
}

// begin is told before a key is sent. A key that is not made yet nobody else can
// know: it is not followed.
func (d *doubts) begin(key string) {
	if key == "" {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inFlight[key]++
}

// end is told how that try ended, and returns how it ends for its caller.
func (d *doubts) end(key string, err error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var e *api.Error
	unknown := errors.As(err, &e) && e.Outcome == api.Unknown
	if key == "" {
		if unknown {
			d.doubt(e.Key) // it is told, and may come back
		}
		return err
	}
	if d.inFlight[key]--; d.inFlight[key] == 0 {
		delete(d.inFlight, key)
	}
	others := d.inFlight[key] > 0
	switch _, before := d.doubted[key]; {
	case unknown || err == nil && others:
		d.doubt(key)
	case err == nil:
		d.settle(key)
	case before || others:
		return doubtful(problemOf(err), key)
	}
	return err
}

// doubtful is what a refusal comes to when another try of its key may have been
// done.
func doubtful(last *problem, key string) *problem {
	return &problem{code: http.StatusGatewayTimeout, Kind: "unknown", Outcome: api.Unknown, Key: key,
		Message: "unknown: another try may have been done; the last one: " + last.Message,
		Hint:    againHint}
}

func (d *doubts) doubt(key string) {
	if _, ok := d.doubted[key]; ok || key == "" {
		return
	}
	if len(d.order) == doubtsMax {
		delete(d.doubted, d.order[0])
		d.order = d.order[1:]
	}
	d.doubted[key] = struct{}{}
	d.order = append(d.order, key)
}

func (d *doubts) settle(key string) {
	if _, ok := d.doubted[key]; !ok {
		return
	}
	delete(d.doubted, key)
	d.order = slices.Delete(d.order, slices.Index(d.order, key), slices.Index(d.order, key)+1)
}
