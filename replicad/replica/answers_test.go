package replica

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"consequor/board"
	"consequor/replicad/api"
	"consequor/topologies"
)

// An answer of many entries comes in short lines, complete and in order; the
// last line alone says that there is no more.
func TestAnswersAreCut(t *testing.T) {
	a := topologies.Answer{ID: 7}
	for n := range 3000 {
		a.Trace = append(a.Trace, topologies.Traced{Request: uint64(n), Body: bytes.Repeat([]byte{'x'}, n%300), Text: strings.Repeat("\x01", n%50)})
		a.Links = append(a.Links, topologies.LinkState{Self: 1, Peer: board.ReplicaID(n), Sent: 1 << 63, SentBytes: 1 << 63, Received: 1 << 63, Lost: 1 << 63, Discarded: 1 << 63, Late: 1 << 63})
	}
	s := speech{rest: a, left: true}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	traced, links, lines := 0, 0, 0
	for s.left {
		text.Reset()
		if err := s.write(encoder); err != nil {
			t.Fatal(err)
		}
		lines++
		var line topologies.Line
		if err := json.Unmarshal(text.Bytes(), &line); err != nil || line.Answer.ID != 7 || line.Answer.More != s.left {
			t.Fatalf("line %d: %v, %+v", lines, err, line.Answer)
		}
		if text.Len() > pieceSizeMax+1024 {
			t.Errorf("line %d has %d bytes", lines, text.Len())
		}
		for _, e := range line.Answer.Trace {
			if e.Request != uint64(traced) {
				t.Fatalf("entry %d came as number %d", e.Request, traced)
			}
			traced++
		}
		links += len(line.Answer.Links)
	}
	if traced != 3000 || links != 3000 || lines < 10 {
		t.Errorf("%d traced, %d links in %d lines", traced, links, lines)
	}
}

// An entry that is longer than any line may be loses its texts, not the line.
func TestAnEntryThatIsTooLong(t *testing.T) {
	s := speech{rest: topologies.Answer{Trace: []topologies.Traced{{Body: make([]byte, 1<<20), Text: strings.Repeat("x", 1<<20)}}}, left: true}
	if piece := s.next(); s.left || len(piece.Trace) != 1 || len(piece.Trace[0].Body) > 0 || len(piece.Trace[0].Text) > 2*briefMax {
		t.Errorf("left %v, %d entries", s.left, len(piece.Trace))
	}
}

// While a long answer is written, reports come in between; an answer too many is
// dropped, and never held up whoever gives it.
func TestReportsBetweenAnswers(t *testing.T) {
	p := &process{config: topologies.Process{Hosts: []board.ReplicaID{1}, Replicas: []topologies.Replica{{ID: 1, Name: "r1"}}}}
	r := newReporter(p)
	long := topologies.Answer{ID: 1, Links: make([]topologies.LinkState, 100*pieceSizeMax/linkSizeMax)}
	for range answersQueued + 10 {
		r.answer(long)
	}
	read, write := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.run(ctx, write) }()
	decoder := json.NewDecoder(read)
	next := func() (line struct {
		api.Status
		topologies.Line
	}) {
		if err := decoder.Decode(&line); err != nil {
			t.Fatal(err)
		}
		return line
	}
	for next().Answer == nil {
	}
	r.update("r1", func(s *api.Status) { s.Term = 42 })
	pieces := 0
	for line := next(); line.Answer != nil; line = next() {
		pieces++
	}
	if pieces > 100 {
		t.Errorf("a report waited for %d pieces", pieces)
	}
	cancel()
	go io.Copy(io.Discard, read)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
