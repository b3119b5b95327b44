package host

import (
	"fmt"

	"consequor/board"
	"consequor/modes"
)

// pendingQueue is what waits for the plugin.
type pendingQueue struct {
	events []modes.Event
	size   int // bytes of messages and articles
	timers int // Timer events among them
}

// full reports whether requests and peers' messages must be turned away. What
// the replica itself causes (timers, self-sends, cancels) is always taken: it
// is bounded by what caused it.
func (q *pendingQueue) full() bool {
	return len(q.events) >= PendingCountMax || q.size >= PendingSizeMax
}

func (q *pendingQueue) push(e modes.Event) {
	q.events = append(q.events, e)
	q.size += eventSize(e)
	if _, ok := e.(modes.Timer); ok {
		q.timers++
	}
}

func eventSize(e modes.Event) int {
	switch e := e.(type) {
	case modes.Receive:
		size := len(e.Message)
		if e.Span != nil {
			for _, k := range e.Span.Keys {
				size += len(k.Key) + 16
			}
		}
		return size
	case modes.Request:
		return e.Article.Size() + len(e.Article.Key)
	}
	return 0
}

// take returns the next batch's events, about PendingSizeMax bytes at most.
func (q *pendingQueue) take() []modes.Event {
	n, size := 0, 0
	for n < len(q.events) && (n == 0 || size+eventSize(q.events[n]) <= PendingSizeMax) && n < PendingCountMax {
		size += eventSize(q.events[n])
		if _, ok := q.events[n].(modes.Timer); ok {
			q.timers--
		}
		n++
	}
	events := q.events[:n:n]
	q.events = q.events[n:]
	q.size -= size
	if len(q.events) == 0 {
		q.events = nil // the batch owns the array now
	}
	return events
}

// removeTimer takes back a Timer event that has not been delivered.
func (q *pendingQueue) removeTimer(name string) {
	if q.timers == 0 {
		return
	}
	for i, e := range q.events {
		if t, ok := e.(modes.Timer); ok && t.Name == name {
			q.events = append(q.events[:i:i], q.events[i+1:]...)
			q.timers--
			return
		}
	}
}

func (q *pendingQueue) dropAll() { *q = pendingQueue{} }

// Pump hands the next batch to the plugin, if it is idle and there is one.
func (h *Host) Pump() {
	if h.phase != phaseRunning || h.stepping {
		return
	}
	if h.Disk.Backlog() > BacklogSizeMax {
		h.sync(h.end) // Synced comes when it has drained
		return
	}
	events := h.nextEvents()
	if len(events) == 0 {
		return
	}
	h.batchNumber++
	h.stepping = true
	h.Plugin.Step(h.life, modes.Batch{Number: h.batchNumber, Now: h.now, Events: events})
}

// nextEvents returns the next batch's events: a piece of the past, or what has
// come meanwhile.
func (h *Host) nextEvents() []modes.Event {
	if len(h.urgent) > 0 {
		events := h.urgent[:1:1]
		h.urgent = h.urgent[1:]
		return events
	}
	for len(h.pending.events) > 0 {
		if events := h.prepare(h.pending.take()); len(events) > 0 {
			return events
		} // all of them were requests that have ended
	}
	return nil
}

// prepare makes events ready for the mode: requests that have ended meanwhile,
// or wait for the next epoch by now, are left out, and what the others name is looked up.
func (h *Host) prepare(events []modes.Event) []modes.Event {
	ready := events[:0]
	for _, e := range events {
		r, ok := e.(modes.Request)
		if !ok {
			ready = append(ready, e)
			continue
		}
		open := h.requests.byID[r.ID]
		if open == nil || open.delivered || h.keepsBack(open) {
			continue
		}
		open.delivered = true
		if !r.Target.IsZero() {
			_, onBoard, err := h.Disk.Get(r.Target)
			if err != nil {
				h.halt(fmt.Sprintf("look up article %s: %v", r.Target, err))
				return nil
			}
			r.OnBoard = onBoard
			e = r
		}
		ready = append(ready, e)
	}
	return ready
}

// recordPieces cuts the journal's records into Saved events.
func recordPieces(p Past) []modes.Event {
	var pieces []modes.Event
	piece := modes.Saved{First: p.First}
	size := 0
	for i, record := range p.Records {
		if size+len(record) > modes.PieceSizeMax && len(piece.Records) > 0 {
			pieces = append(pieces, piece)
			piece, size = modes.Saved{First: p.First + uint64(i)}, 0
		}
		piece.Records = append(piece.Records, record)
		size += len(record)
	}
	if len(piece.Records) > 0 {
		pieces = append(pieces, piece)
	}
	return pieces
}

// keyPieces cuts the board's keys into Keys events.
func keyPieces(keys []board.KeyedID) []modes.Event {
	const pieceLen = modes.PieceSizeMax / (board.KeyLenMax + 32)
	var pieces []modes.Event
	for len(keys) > 0 {
		n := min(len(keys), pieceLen)
		pieces = append(pieces, modes.Keys{Keys: keys[:n]})
		keys = keys[n:]
	}
	return pieces
}
