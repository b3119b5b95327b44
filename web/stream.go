package web

import (
	"cmp"
	"net/http"
	"time"

	"consequor/board"
)

const (
	heartbeat  = 20 * time.Second // without it, nobody would notice a reader that is gone
	takeLimit  = 10 * time.Second // for a reader to take a message; then it is dropped
	reconnect  = "retry: 2000\n\n"
	streamBusy = "10" // seconds until one who was refused may try again
)

// onEvents is the stream of what comes at the visitor's replica:
//
//	event: articles    data: {"articles":[{"id":"17","parent":null}]}
//	event: away        data: {"away":true}       the replica does not answer
//
// A reader says with seen, a vector, what its page shows; when it comes back,
// its Last-Event-ID says so. At the end of Run all streams end.
func onEvents(v *visit) {
	_, at := v.visitor.choices()
	if at != "" && v.status != nil && v.status.Replica(at) == nil {
		at = ""
	}
	seen, err := board.ParseVector(cmp.Or(v.r.Header.Get("Last-Event-ID"), v.r.FormValue("seen"), "-"))
	if err != nil {
		http.Error(v.w, "seen: "+err.Error(), http.StatusBadRequest)
		return
	}
	stream, done := v.s.feeds.open(at, seen)
	if stream == nil {
		v.w.Header().Set("Retry-After", streamBusy)
		http.Error(v.w, "too many open streams", http.StatusServiceUnavailable)
		return
	}
	defer done()
	v.w.Header().Set("Content-Type", "text/event-stream")
	v.w.Header().Set("Cache-Control", "no-store")
	v.pour(stream)
}

// pour writes a stream's messages until the reader, the stream or the server
// ends.
func (v *visit) pour(stream *stream) {
	control := http.NewResponseController(v.w)
	if control.SetReadDeadline(time.Time{}) != nil { // that of the request would end the stream
		return
	}
	write := func(message []byte) error {
		if err := control.SetWriteDeadline(time.Now().Add(takeLimit)); err != nil {
			return err
		}
		if _, err := v.w.Write(message); err != nil {
			return err
		}
		return control.Flush()
	}
	if write([]byte(reconnect)) != nil {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		message, ok := []byte(":\n\n"), true
		select {
		case message, ok = <-stream.messages:
		case <-beat.C:
		case <-v.r.Context().Done():
			return
		}
		if !ok || write(message) != nil {
			return
		}
	}
}
