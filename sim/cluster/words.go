package cluster

import (
	"fmt"
	"strings"

	"consequor/board"
	"consequor/modes"
	"consequor/replicad/host"
)

// words are what the trace says of a frame, at each end of its way alike; nil:
// there is no trace.
type words struct {
	number  uint64
	text    string
	routine bool
}

func (p *process) words(f *host.Frame) *words {
	if p.r.c.Trace == nil {
		return nil
	}
	text, routine := p.describe(f)
	return &words{p.r.c.frames, text, routine}
}

func (c *Cluster) tell(kind EventKind, at, peer board.ReplicaID, w *words) {
	if w != nil {
		c.Emit(Event{Replica: at, Kind: kind, Peer: peer, Message: w.number, Text: w.text, Routine: w.routine})
	}
}

// describe says what a frame brings. Whether a mode runs is said again and
// again, and a message without words is a heartbeat: that is routine.
func (p *process) describe(f *host.Frame) (text string, routine bool) {
	text = f.Describe(func(message []byte) string {
		if p.r.c.Describe == nil {
			return fmt.Sprintf("%d bytes", len(message))
		}
		return p.r.c.Describe(p.active.Mode, message)
	})
	if text == "" {
		return "heartbeat", true
	}
	return text, f.Kind.String() == "up"
}

// roleWords is "coordinator, term 3"; a mode without terms has only the role.
func roleWords(s modes.Status) string {
	if s.Term == 0 {
		return fmt.Sprint(s.Role)
	}
	return fmt.Sprintf("%s, term %d", s.Role, s.Term)
}

// String is the weather in words: "frames: 2.5 % lost; 1 % up to 30ms late".
func (w Weather) String() string {
	var parts []string
	add := func(perMille int, format string, args ...any) {
		if perMille > 0 {
			parts = append(parts, fmt.Sprintf("%g %% ", float64(perMille)/10)+fmt.Sprintf(format, args...))
		}
	}
	add(w.Loss, "lost")
	add(w.Double, "doubled")
	add(w.Late, "up to %s late", w.LateMax)
	add(w.CutSpans, "of spans' frames break the span off")
	if w.Delay > 0 {
		parts = append(parts, fmt.Sprintf("all %s slower", w.Delay))
	}
	if len(parts) == 0 {
		return "fair weather"
	}
	return "frames: " + strings.Join(parts, ", ")
}
