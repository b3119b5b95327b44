package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"consequor/replicad/api"
	"consequor/supervisor"
	"consequor/topologies"
)

// traceResult is the result of trace.
type traceResult struct {
	Answer  json.RawMessage     `json:"answer"` // of the request, as its own command has it
	Request tracedRequest       `json:"request"`
	Events  []tracedEvent       `json:"events"`
	Hops    []tracedHop         `json:"hops"`
	Missing []supervisor.Silent `json:"missing"` // replicas that told nothing, and why
}

func (t *traceCmd) tell(console *Console, w *way, answer []byte) error {
	result := w.result(t.Routine)
	result.Answer = bytes.TrimSpace(answer)
	if console.JSON {
		return console.encode(result)
	}
	return console.Result(result, func(out io.Writer) { t.draw(out, console, w) })
}

// tellFailed tells the way of a request that did not end well; with --json as a
// part of its error.
func (t *traceCmd) tellFailed(console *Console, w *way, failure error) error {
	f := *describe(failure)
	if console.JSON {
		result := w.result(t.Routine)
		f.Trace = &result
		return &f
	}
	if err := console.Result(nil, func(out io.Writer) { t.draw(out, console, w) }); err != nil {
		return err
	}
	return failure
}

func (t *traceCmd) draw(out io.Writer, console *Console, w *way) {
	if !console.Quiet {
		fmt.Fprintln(out)
	}
	w.tellStory(out)
	if console.Quiet || len(w.events) == 0 {
		return
	}
	fmt.Fprintln(out)
	w.drawTable(out, console.Columns, t.Routine)
}

// tracedRequest is the request that was traced.
type tracedRequest struct {
	Verb    string   `json:"verb"`
	Replica string   `json:"replica"` // that answered, or was tried last
	Key     string   `json:"key,omitempty"`
	Tried   []string `json:"tried"` // in order
	MS      float64  `json:"ms"`    // until the answer was there
	AskedMS *float64 `json:"asked_ms"`
	DoneMS  *float64 `json:"answered_ms"` // when the replica answered; null: it did not tell
	Others  int      `json:"others"`      // requests that were under way meanwhile
	Unseen  int      `json:"unseen"`      // events that replicas had no room for
	Shared  bool     `json:"one_clock"`   // all times are by one clock that does not jump
}

// tracedHop is a message from replica to replica that belongs to the request.
type tracedHop struct {
	From      string   `json:"from"`
	To        string   `json:"to"`
	What      string   `json:"what"`
	SentMS    *float64 `json:"sent_ms"`    // null: nobody told
	ArrivedMS *float64 `json:"arrived_ms"` // null: it did not arrive, or nobody told
	OnWay     bool     `json:"on_way"`
}

// hops lists the messages, by when they were sent.
func (w *way) hops() []tracedHop {
	hops := []tracedHop{}
	for i := range w.events {
		e := &w.events[i]
		switch {
		case !w.shows(e, false):
		case e.What == topologies.TracedSent:
			h := tracedHop{From: e.Replica, To: e.Peer, What: e.Text, SentMS: &e.MS, OnWay: e.OnWay}
			if e.mate >= 0 {
				arrival := &w.events[e.mate]
				h.ArrivedMS, h.OnWay = &arrival.MS, arrival.OnWay
			}
			hops = append(hops, h)
		case e.What == topologies.TracedArrived && e.mate < 0:
			hops = append(hops, tracedHop{From: e.Peer, To: e.Replica, What: e.Text, ArrivedMS: &e.MS, OnWay: e.OnWay})
		}
	}
	return hops
}

// shows reports whether an event is told: what is ours, or all.
func (w *way) shows(e *tracedEvent, all bool) bool {
	if e.At < w.since || e.At > w.last {
		return false
	}
	return all || e.Ours || e.OnWay
}

// result is the way for machines.
func (w *way) result(all bool) traceResult {
	r := traceResult{Events: []tracedEvent{}, Hops: w.hops(), Missing: api.OrEmpty(w.record.missing)}
	_, shared := topologies.MachineTime()
	r.Request = tracedRequest{
		Verb: string(w.record.verb), Replica: w.try.replica, Key: w.try.key, MS: msOf(w.until - w.since),
		Others: w.others, Unseen: w.unseen, Shared: shared, Tried: []string{},
	}
	for _, t := range w.record.tries {
		r.Request.Tried = append(r.Request.Tried, t.replica)
	}
	if w.asked >= 0 {
		r.Request.AskedMS = &w.events[w.asked].MS
	}
	if w.reply >= 0 {
		r.Request.DoneMS = &w.events[w.reply].MS
	}
	for i := range w.events {
		if e := &w.events[i]; w.shows(e, all) {
			r.Events = append(r.Events, *e)
		}
	}
	return r
}
