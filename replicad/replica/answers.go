package replica

import (
	"encoding/json"

	"consequor/topologies"
)

// The limits of answers to the supervisor's inquiries.
const (
	answersQueued = 16       // that wait to be written; beyond, one is dropped, and whoever asked times it out
	pieceSizeMax  = 64 << 10 // of one line: reports come in between
)

// The most that one entry of an answer takes as JSON, beside its texts.
const (
	linkSizeMax  = 256
	tracedSize   = 512 // and each of its requests, articles
	numberSize   = 21
	articleSize  = 64
	escapeFactor = 6 // what one byte of a text may become: backslash, u and four digits
)

// answer has an answer written, between two reports.
func (r *reporter) answer(a topologies.Answer) {
	select {
	case r.answers <- a:
	default:
	}
}

// speech is what is still to be written of an answer.
type speech struct {
	rest topologies.Answer
	left bool // there is something
}

// next takes the piece off that is to be written now.
func (s *speech) next() topologies.Answer {
	size := 0
	fits := func(entry int) bool {
		size += entry
		return size <= pieceSizeMax || size == entry
	}
	piece := topologies.Answer{ID: s.rest.ID, Error: s.rest.Error}
	n := 0
	for n < len(s.rest.Links) && fits(linkSizeMax) {
		n++
	}
	piece.Links, s.rest.Links = s.rest.Links[:n], s.rest.Links[n:]
	n = 0
	for n < len(s.rest.Trace) && fits(tracedSizeOf(&s.rest.Trace[n])) {
		n++
	}
	piece.Trace, s.rest.Trace = s.rest.Trace[:n], s.rest.Trace[n:]
	s.left = len(s.rest.Links)+len(s.rest.Trace) > 0
	piece.More = s.left
	return piece
}

// tracedSizeOf is no less than t takes as JSON. What is longer than a piece may
// be loses its text and body first.
func tracedSizeOf(t *topologies.Traced) int {
	size := func() int {
		lists := numberSize*len(t.Requests) + articleSize*len(t.Articles)
		return tracedSize + lists + escapeFactor*(len(t.Text)+len(t.Kind)+len(t.Key)) + 2*len(t.Body)
	}
	if size() > pieceSizeMax {
		t.Text, t.Body = brief(t.Text), nil
	}
	return size()
}

// write writes the next piece.
func (s *speech) write(encoder *json.Encoder) error {
	piece := s.next()
	return encoder.Encode(topologies.Line{Answer: &piece})
}
