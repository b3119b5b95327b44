package supervisor

import (
	"fmt"
	"slices"
	"strings"

	"consequor/board"
	"consequor/topologies"
)

// beginFaults sets the faults from the start, and tells of them. No process
// runs yet.
func (h *hub) beginFaults(seed uint64, links []topologies.LinkFault) {
	h.update(func() {
		h.faults = topologies.Faults{Number: 1, Seed: seed, Links: slices.Clone(links)}
		for _, kind := range []EventKind{EventCut, EventDelayed, EventLossy} {
			h.tellBeginning(kind)
		}
	})
}

// tellBeginning tells which links have one kind of fault from the start.
func (h *hub) tellBeginning(kind EventKind) {
	var ways [][2]string
	var names []string
	for _, l := range h.faults.Links {
		if kind == EventCut && l.Cut || kind == EventDelayed && l.Delay > 0 || kind == EventLossy && l.Loss > 0 {
			ways = append(ways, [2]string{h.replicaName(l.From), h.replicaName(l.To)})
			names = append(names, h.replicaName(l.From)+" -> "+h.replicaName(l.To))
		}
	}
	if len(ways) > 0 {
		h.linkEvent(kind, fmt.Sprintf("from the start, link %s: %s", brief(names), kind), ways)
	}
}

// changeLinks puts the wanted table in the place of the present one, and tells of
// it. It returns the table's number and the directions that changed.
func (h *hub) changeLinks(r *FaultRequest, a, b []board.ReplicaID) (number uint64, changed []topologies.LinkFault, err error) {
	h.update(func() {
		next := h.faults.Clone()
		for _, d := range h.directions(r, a, b) {
			if was, is := next.On(d.From, d.To), r.apply(d); is != was {
				changed = append(changed, is)
				next.Put(is)
			}
		}
		if len(next.Links) > topologies.LinkFaultsMax {
			err = &Error{Kind: KindBadTarget, Message: fmt.Sprintf("%d directions of links would have faults: the most is %d", len(next.Links), topologies.LinkFaultsMax)}
			return
		}
		if len(changed) > 0 {
			next.Number++
			h.faults = next
			h.tellFaults(r, h.linksText(a, b, r.OneWay), changed)
		}
		number = h.faults.Number
	})
	return number, changed, err
}

// directions are those that r is about, as they are now.
func (h *hub) directions(r *FaultRequest, a, b []board.ReplicaID) []topologies.LinkFault {
	if len(a) == 0 {
		return h.faults.Links
	}
	var list []topologies.LinkFault
	for _, from := range a {
		for _, to := range b {
			list = append(list, h.faults.On(from, to))
			if !r.OneWay {
				list = append(list, h.faults.On(to, from))
			}
		}
	}
	return list
}

// tellFaults tells of a change: of links that are whole now, and of all others,
// in one event each. It must be called within update.
func (h *hub) tellFaults(r *FaultRequest, links string, changed []topologies.LinkFault) {
	var whole, faulty [][2]string
	for _, l := range changed {
		way := [2]string{h.replicaName(l.From), h.replicaName(l.To)}
		if l.Whole() {
			whole = append(whole, way)
		} else {
			faulty = append(faulty, way)
		}
	}
	text := links + ": " + r.words()
	if len(whole) > 0 {
		h.linkEvent(EventHealed, text, whole)
	}
	if len(faulty) > 0 {
		h.linkEvent(faultEvents[r.Verb], text, faulty)
	}
}

var faultEvents = map[FaultVerb]EventKind{CutLinks: EventCut, DelayLinks: EventDelayed, LoseLinks: EventLossy}

// linkEvent must be called within update.
func (h *hub) linkEvent(kind EventKind, text string, links [][2]string) {
	h.event(kind, "", text)
	h.events[len(h.events)-1].Links = links
}

// words is what r does to links.
func (r *FaultRequest) words() string {
	l := r.apply(topologies.LinkFault{})
	switch {
	case r.Verb == HealLinks:
		return "healed"
	case r.Verb == CutLinks:
		return "cut"
	case l.Whole():
		return "no " + string(r.Verb) + " any more"
	}
	return l.Words()
}

// linksText names links: "link r1, r2 <-> r3", one way "link r1, r2 -> r3".
func (h *hub) linksText(a, b []board.ReplicaID, oneWay bool) string {
	if len(a) == 0 {
		return "all links"
	}
	arrow := " <-> "
	if oneWay {
		arrow = " -> "
	}
	return "link " + brief(h.namesOf(a)) + arrow + brief(h.namesOf(b))
}

// brief lists names, the last ones left out when there are many.
func brief(names []string) string {
	if len(names) > targetsShown {
		names = append(slices.Clone(names[:targetsShown-1]), "... "+names[len(names)-1])
	}
	return strings.Join(names, ", ")
}

func (h *hub) names(ids []board.ReplicaID) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.namesOf(ids)
}

func (h *hub) namesOf(ids []board.ReplicaID) []string {
	names := []string{}
	for _, id := range ids {
		names = append(names, h.replicaName(id))
	}
	return names
}

// cutLinks names the links that are cut; empty: none is.
func (h *hub) cutLinks() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var names []string
	for _, l := range h.faults.Links {
		if l.Cut {
			names = append(names, h.replicaName(l.From)+" -> "+h.replicaName(l.To))
		}
	}
	switch len(names) {
	case 0:
		return ""
	case 1:
		return names[0] + " is cut"
	}
	return brief(names) + " are cut"
}
