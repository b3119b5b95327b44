package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"consequor/topologies"
)

// TraceResult is what replicas have written down, and who gave no answer.
type TraceResult struct {
	Events  []topologies.Traced `json:"events"` // of each replica in its own order
	Missing []Silent            `json:"missing"`
}

// traceRequest begins a trace, or ends it.
type traceRequest struct {
	Begin bool          `json:"begin"`
	Trace uint64        `json:"trace"` // which: a number that nobody else has
	For   time.Duration `json:"for"`   // at most so long, though nobody ends it
}

// traceLine is a part of a TraceResult. The last one is Done.
type traceLine struct {
	Events  []topologies.Traced `json:"events,omitempty"`
	Missing []Silent            `json:"missing,omitempty"`
	Done    bool                `json:"done,omitempty"`
}

// TraceBegin has all replicas write down what happens, at most for d. The trace
// is a number that nobody else has; a replica that writes for another one is
// missing. The result has no events.
func (c *Client) TraceBegin(ctx context.Context, trace uint64, d time.Duration) (*TraceResult, error) {
	return c.trace(ctx, traceRequest{Begin: true, Trace: trace, For: d})
}

// TraceEnd returns what all replicas have written down since this trace began,
// and ends that.
func (c *Client) TraceEnd(ctx context.Context, trace uint64) (*TraceResult, error) {
	return c.trace(ctx, traceRequest{Trace: trace})
}

var errTraceEnded = errors.New("that was the last line")

func (c *Client) trace(ctx context.Context, r traceRequest) (*TraceResult, error) {
	result := &TraceResult{Events: []topologies.Traced{}, Missing: []Silent{}}
	err := stream(ctx, c, "POST", pathTrace, r, func(l *traceLine) error {
		result.Events = append(result.Events, l.Events...)
		result.Missing = append(result.Missing, l.Missing...)
		if l.Done {
			return errTraceEnded
		}
		return nil
	})
	if !errors.Is(err, errTraceEnded) {
		return nil, err
	}
	return result, nil
}

func (srv *server) onTrace(w http.ResponseWriter, r *http.Request) {
	var request traceRequest
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		fail(w, &Error{Kind: KindBadTarget, Message: "read the request: " + err.Error()})
		return
	}
	about := topologies.Inquiry{Kind: topologies.InquireTold, Trace: request.Trace}
	if request.Begin {
		about = topologies.Inquiry{Kind: topologies.InquireTrace, Trace: request.Trace, For: request.For}
	}
	lines := newLineWriter(w)
	var broken error
	missing := srv.s.askAll(r.Context(), about, func(_ *process, answers []topologies.Answer) {
		for _, a := range answers {
			if broken == nil && len(a.Trace) > 0 {
				broken = lines.write(traceLine{Events: a.Trace})
			}
		}
	})
	if broken == nil {
		lines.write(traceLine{Missing: missing, Done: true}) // an error here is the reader's end
	}
}
