package report

import (
	"regexp"
	"strings"

	"consequor/board"
	"consequor/sim/cluster"
	"consequor/sim/history"
)

// A real cluster has no trace, but what its supervisor has seen. liveEvents puts
// that into the words of a trace, so that it is drawn alike: a killed process is
// down until it is spawned again, a cut link until it is healed.
func liveEvents(h *history.History) []cluster.Event {
	l := live{leads: 0, links: map[way]string{}}
	for i := range h.Events {
		l.take(&h.Events[i])
	}
	return l.events
}

// live is what is known of a cluster while its events are gone through.
type live struct {
	events []cluster.Event
	leads  board.ReplicaID // 0: nobody
	links  map[way]string  // delays and losses in force; for lookup
}

type way struct{ from, to board.ReplicaID }

// liveKinds are the supervisor's words for what is drawn as it is.
var liveKinds = map[string]cluster.EventKind{
	"killed": cluster.Crashed, "died": cluster.Crashed, "failed": cluster.Failed, "stopped": cluster.Stopped,
	"spawned": cluster.Booted, "paused": cluster.Paused, "resumed": cluster.Resumed, "cut": cluster.Cut,
	"serving": cluster.PluginUp, // if it was its plugin that was missing
}

func (l *live) take(e *history.Event) {
	switch e.Kind {
	case "coordinator":
		l.elected(e)
	case "mode":
		l.add(e, e.Replica, cluster.Decided, e.Text)
	case "plugin":
		l.add(e, e.Replica, pluginKind(e.Text), e.Text)
	case "delayed", "lossy":
		l.endFault(e)
		l.links[way{e.Replica, e.Peer}] = e.Text
		l.add(e, e.Replica, cluster.Fault, e.Text)
	case "healed":
		l.endFault(e)
		l.add(e, e.Replica, cluster.Healed, e.Text)
	default:
		kind, known := liveKinds[e.Kind]
		if !known {
			kind = cluster.Noted
		}
		l.add(e, e.Replica, kind, e.Text)
	}
}

func (l *live) add(e *history.Event, at board.ReplicaID, kind cluster.EventKind, text string) {
	l.events = append(l.events, cluster.Event{At: e.At, Replica: at, Peer: e.Peer, Kind: kind, Text: text})
}

// endFault ends a delay or a loss of the event's link by its own words.
func (l *live) endFault(e *history.Event) {
	on := way{e.Replica, e.Peer}
	if text := l.links[on]; text != "" {
		l.add(e, e.Replica, cluster.FaultOver, text)
		delete(l.links, on)
	}
}

// pluginKind: a plugin that is paused is as good as none, until it goes on.
func pluginKind(text string) cluster.EventKind {
	switch {
	case strings.Contains(text, "(pause)"), strings.Contains(text, "has lost its plugin"):
		return cluster.PluginDown
	case strings.Contains(text, "(resume)"):
		return cluster.PluginUp
	}
	return cluster.Noted
}

var coordinates = regexp.MustCompile(`\bis (coordinator, term \d+)$`)

// elected: whoever has coordinated so far does so no more.
func (l *live) elected(e *history.Event) {
	found := coordinates.FindStringSubmatch(e.Text)
	was := l.leads
	l.leads = 0
	if found != nil {
		l.leads = e.Replica
	}
	if was != 0 && was != l.leads {
		l.add(e, was, cluster.Role, "no longer in office")
	}
	if l.leads != 0 {
		l.add(e, l.leads, cluster.Role, found[1])
	}
}
