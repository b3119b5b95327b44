package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"consequor/supervisor/modechange"
	"consequor/topologies"
)

// SwapRequest asks for a mode change.
type SwapRequest struct {
	Mode topologies.Mode `json:"mode"`
}

// SwapProgress is one line of what a mode change does. The last line has a
// result or an error.
type SwapProgress struct {
	Step    string      `json:"step,omitempty"` // prepare, seal, merge, activate, call off
	Text    string      `json:"text"`
	Decided bool        `json:"decided,omitempty"` // the new mode is sure to come
	Result  *SwapResult `json:"result,omitempty"`
	Error   *Error      `json:"error,omitempty"`
}

// SwapResult is how a mode change went that came about, as CLI.md has it.
type SwapResult struct {
	Mode    string     `json:"mode"`
	Epoch   uint64     `json:"epoch"`
	From    string     `json:"from"`     // the mode before
	Steps   []SwapStep `json:"steps"`    // in their order
	PauseMS float64    `json:"pause_ms"` // from the first seal until the last replica served again
	Missing []string   `json:"missing"`  // replicas that do not serve in Epoch yet; they will as soon as they can
}

// SwapStep is how long a step took.
type SwapStep struct {
	Step string  `json:"step"`
	MS   float64 `json:"ms"`
}

func stepsOf(took []modechange.Took) []SwapStep {
	steps := []SwapStep{}
	for _, t := range took {
		steps = append(steps, SwapStep{string(t.Phase), milliseconds(t.Time)})
	}
	return steps
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// swap is one mode change that someone asked for. The changer tells it what
// happens; whoever asked reads that at leisure.
type swap struct {
	mode  topologies.Mode
	from  string
	begun chan error // one: nil, or why it is refused

	mu      sync.Mutex
	lines   []SwapProgress
	changed chan struct{} // closed and made anew with each line
}

// swapLinesMax bounds what is kept of one change; more can be told only when
// replicas start anew again and again, and then the last line still is.
const swapLinesMax = 256

func newSwap(mode topologies.Mode) *swap {
	return &swap{mode: mode, begun: make(chan error, 1), changed: make(chan struct{})}
}

func (w *swap) tell(p SwapProgress) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if last := p.Result != nil || p.Error != nil; !last && len(w.lines) >= swapLinesMax {
		return
	}
	w.lines = append(w.lines, p)
	close(w.changed)
	w.changed = make(chan struct{})
}

// after returns the lines from number n on, and a channel that is closed when
// there are more.
func (w *swap) after(n int) ([]SwapProgress, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lines[n:len(w.lines):len(w.lines)], w.changed
}

// onSwap begins a mode change and tells how it goes. It goes on when nobody
// listens any more.
func (srv *server) onSwap(w http.ResponseWriter, r *http.Request) {
	var request SwapRequest
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		fail(w, &Error{Kind: KindBadTarget, Message: "read the request: " + err.Error()})
		return
	}
	if !topologies.ValidName(request.Mode.Name) {
		fail(w, &Error{Kind: KindBadTarget, Message: fmt.Sprintf("%q is no mode's name", request.Mode.Name), Hint: "see: consequorctl mode list"})
		return
	}
	change := newSwap(request.Mode)
	if err := srv.s.changer.begin(change); err != nil {
		fail(w, err)
		return
	}
	lines, told := newLineWriter(w), 0
	for {
		more, changed := change.after(told)
		for _, p := range more {
			if lines.write(p) != nil || p.Result != nil || p.Error != nil {
				return
			}
		}
		told += len(more)
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}

// errSwapEnded ends the stream of a change behind its last line.
var errSwapEnded = errors.New("the mode change has ended")

// Swap changes the mode and calls f (if not nil) with each step. When ctx ends,
// or the supervisor goes, before the last word was heard, the change goes on
// all the same, or is called off when the cluster is brought up again. An error
// of any other kind says that the mode was surely not changed.
func (c *Client) Swap(ctx context.Context, r SwapRequest, f func(SwapProgress)) (*SwapResult, error) {
	var last SwapProgress
	err := stream(ctx, c, "POST", pathSwap, r, func(p *SwapProgress) error {
		last = *p
		if p.Result != nil || p.Error != nil {
			return errSwapEnded
		}
		if f != nil {
			f(*p)
		}
		return nil
	})
	switch {
	case !errors.Is(err, errSwapEnded):
		return nil, err
	case last.Error != nil:
		return nil, last.Error
	}
	return last.Result, nil
}
